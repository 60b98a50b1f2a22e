# SPDX-License-Identifier: GPL-3.0-or-later
"""What stands in the boot sector of a generated BIOS machine's active partition in the place of
Windows' own code: it says on the first serial port that it was reached as a BIOS machine's boot
sector is, with the first hard disk in DL and the active entry of the table at DS:SI."""

MESSAGE = "openbmr-marker: boot sector reached"

# Behind NTFS's parameters; the sector's first instruction jumps there
CODE_OFFSET = 0x54
LOADED = 0x7C00

_CODE = bytes.fromhex(
    "803c80"  # cmp byte [si], 0x80
    "7517"    # jne halt
    "80fa80"  # cmp dl, 0x80
    "7512"    # jne halt
    "31c0"    # xor ax, ax
    "8ed8"    # mov ds, ax
    "be737c"  # mov si, text
    "ac"      # next: lodsb
    "84c0"    # test al, al
    "7406"    # jz halt
    "baf803"  # mov dx, 0x3f8
    "ee"      # out dx, al
    "ebf5"    # jmp next
    "f4"      # halt: hlt
    "ebfd")   # jmp halt
assert LOADED + CODE_OFFSET + len(_CODE) == 0x7C73  # text


def put(volume) -> None:
    """Into both boot sectors of an NTFS volume in a file."""
    code = _CODE + MESSAGE.encode() + b"\r\n\0"
    with open(volume, "r+b") as file:
        last = file.seek(-512, 2)
        for sector in (0, last):
            file.seek(sector)
            head = file.read(512)
            assert head[:3] == b"\xeb\x52\x90" and head[510:] == b"\x55\xaa", head
            file.seek(sector + CODE_OFFSET)
            file.write(code)
