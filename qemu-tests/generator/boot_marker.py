# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the boot sector of a generated BIOS machine's active partition in the place of
Windows' own code: it says on the first serial port that it was reached as a BIOS machine's boot
sector is, with the first hard disk in DL and the active entry of the table at DS:SI, and then what its own
HiddenSectors say, in hexadecimal: real boot code reads the rest of itself from there."""

MESSAGE = "openbmr-marker: boot sector reached"

# Behind NTFS's parameters; the sector's first instruction jumps there
CODE_OFFSET = 0x54
LOADED = 0x7C00

_CODE = bytes.fromhex(
    "fa"          # cli: SeaBIOS' timer would mix the rest of its own words in
    "803c80"      # cmp byte [si], 0x80
    "7535"        # jne halt
    "80fa80"      # cmp dl, 0x80
    "7530"        # jne halt
    "31c0"        # xor ax, ax
    "8ed8"        # mov ds, ax
    "baf803"      # mov dx, 0x3f8
    "be927c"      # mov si, text
    "ac"          # next: lodsb
    "84c0"        # test al, al
    "7403"        # jz number
    "ee"          # out dx, al
    "ebf8"        # jmp next
    "668b1e1c7c"  # number: mov ebx, [0x7c1c]
    "b90800"      # mov cx, 8
    "66c1c304"    # digit: rol ebx, 4
    "88d8"        # mov al, bl
    "240f"        # and al, 15
    "0430"        # add al, '0'
    "3c39"        # cmp al, '9'
    "7602"        # jbe put
    "0427"        # add al, 'a' - '9' - 1
    "ee"          # put: out dx, al
    "e2ed"        # loop digit
    "b00a"        # mov al, 10
    "ee"          # out dx, al
    "f4"          # halt: hlt
    "ebfd")       # jmp halt
assert LOADED + CODE_OFFSET + len(_CODE) == 0x7C92  # text


def message(hidden: int) -> str:
    """What it says where its boot sector has this number of HiddenSectors."""
    return f"{MESSAGE}, HiddenSectors 0x{hidden:08x}"


def put(volume) -> None:
    """Into both boot sectors of an NTFS volume in a file."""
    code = _CODE + f"{MESSAGE}, HiddenSectors 0x".encode() + b"\0"
    with open(volume, "r+b") as file:
        last = file.seek(-512, 2)
        for sector in (0, last):
            file.seek(sector)
            head = file.read(512)
            assert head[:3] == b"\xeb\x52\x90" and head[510:] == b"\x55\xaa", head
            file.seek(sector + CODE_OFFSET)
            file.write(code)
        # where Windows' code goes on, with the name of the file that it starts
        file.seek(512)
        file.write(b"\7\0" + "BOOTMGR".encode("utf-16-le"))
