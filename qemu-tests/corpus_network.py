# SPDX-License-Identifier: GPL-3.0-or-later
"""Seeds of the parsers of what servers send."""

import struct

from corpus_store import put


def put_web() -> None:
    for name, text in {
            "whole": "HTTP/1.0 200 OK\r\nServer: x\r\nContent-Length: 5\r\n\r\nhello",
            "until-end": "HTTP/1.1 200 OK\n\nhello", "short": "HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nhello",
            "missing": "HTTP/1.1 404 Not Found\r\n\r\n", "moved": "HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n",
            "long": "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
            "address": "http://h:8080/a?b", "address-6": "http://[2001:db8::1]:81/x", "password": "http://u:p@h/"}.items():
        put("net:http", name, text.encode())


def frame(to_client, command, flags=0, status=0, protocol=0xfe) -> bytes:
    head = struct.pack("<4sHHIHHIIQQQ16s", bytes([protocol]) + b"SMB", 64, 1, status, command, 1,
                       flags | to_client, 0, 1, 0, 1, bytes(16))
    return bytes([to_client]) + struct.pack(">I", len(head)) + head


def put_frames() -> None:
    login = [frame(0, 0), frame(1, 0), frame(0, 1), frame(1, 1, status=0xc0000016), frame(0, 1),
             frame(1, 1, flags=8)]
    clear = [frame(0, 3, flags=8), frame(1, 3, flags=8), frame(0, 8)]
    refused = [frame(1, command, flags=8, status=0xc0000022) for command in (1, 3, 5, 8)]
    hidden = [frame(0, 0, protocol=0xfd), frame(1, 0, protocol=0xfd)]
    for name, frames in {"login": login, "clear": login + clear, "encrypted": login + hidden,
                         "early": hidden, "refused": login + refused, "tree-first": clear, "smb1": [frame(0, 0, protocol=0xff)],
                         "downgrade": login + hidden + clear}.items():
        for required in (0, 1):
            put("net:smb-frames", f"{name}-{required}", bytes([required]) + b"".join(frames))


def put_boot_urls() -> None:
    """Answers of DHCPv6 (RFC 8415, section 8) with a boot file (RFC 5970), and what stands there."""
    def packet(*options) -> bytes:
        return b"\7\1\2\3" + b"".join(struct.pack(">HH", code, len(data)) + data for code, data in options)

    urls = {"whole": "tftp://[fd09::1]/boot/x.efi", "full": "tftp://[1:2:3:4:5:6:7:8]/x", "gap-first": "tftp://[::ABCD:1]/x",
            "gap-last": "tftp://[2001:db8::]/x", "two-gaps": "tftp://[1::2::3]/x", "short": "tftp://[1:2:3]/x",
            "full-gap": "tftp://[1:2:3:4:5:6:7:8::]/x", "digits": "tftp://[12345::]/x", "lone-colon": "tftp://[:1::]/x",
            "many": "tftp://[1:2:3:4:5:6:7:8:9]/x", "open-end": "tftp://[::1:]/x", "no-path": "tftp://[::1]/",
            "long-path": "tftp://[::1]/" + "x" * 600, "host": "tftp://boot.example/x", "http": "http://[::1]/x"}
    for name, url in urls.items():
        put("efi:boot-url", name, url.encode())
    for name, options in {"packet": ((2, b"\0\3abc"), (59, urls["whole"].encode())), "packet-none": ((2, b"\0\3abc"),),
                          "packet-empty": ((59, b""),), "packet-long": ((59, b"x" * 600),)}.items():
        put("efi:boot-url", name, packet(*options))
    put("efi:boot-url", "packet-cut", packet((59, urls["whole"].encode()))[:-3])


def put_negotiations() -> None:
    """First answers of servers: three dialects, one that refuses, one of SMB 1."""
    logins = bytes.fromhex("601806092a864886f712010202060a2b06010401823702020a")
    time = (1795190400 + 11644473600) * 10**7

    def answer(dialect, contexts=b"", count=0, status=0):
        head = struct.pack("<4sHHIHHI", b"\xfeSMB", 64, 1, status, 0, 1, 1) + bytes(44)
        body = struct.pack("<HHHH16sIIIIQQHHI", 65, 3, dialect, count, bytes(16), 0x7f, 1 << 20, 1 << 20,
                           1 << 20, time, 0, 128, len(logins), 160)
        return (head + body + logins).ljust(160, b"\0") + contexts

    cipher = struct.pack("<HHIHH", 2, 4, 0, 1, 2) + bytes(4)
    preauth = struct.pack("<HHIHHH", 1, 38, 0, 1, 32, 1) + bytes(34)
    for name, data in {"smb2": answer(0x210), "smb3": answer(0x302), "smb311": answer(0x311, preauth + cipher, 2),
                       "refused": answer(0, status=0xc00000bb), "smb1": b"\xffSMBr" + bytes(64)}.items():
        put("net:smb-negotiate", name, data)


def put_previous() -> None:
    """What smbclient 4.17.12 prints of a folder."""
    times = "".join(f"{kind}_time:    Tue Sep  1 12:00:00 2026 UTC\n"
                    for kind in ("create", "access", "write", "change"))
    head = f"altname: BNS0Y2~2\n{times}attributes: D (10)\n"
    names = ("@GMT-2026.09.01-12.00.00", "@GMT-2026.08.31-12.00.00")
    put("net:smb-previous", "none", head.encode())
    put("net:smb-previous", "two", (head + "".join(f"{name}\n{times}size: 0\n" for name in names)).encode())
    put("net:smb-previous", "failed", b"NT_STATUS_ACCESS_DENIED getting alt name for \\\n")
