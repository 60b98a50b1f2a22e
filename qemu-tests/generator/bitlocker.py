# SPDX-License-Identifier: GPL-3.0-or-later
"""BitLocker volumes out of plain ones, as Windows 7 and later write them: for tests of who reads
them. cryptsetup is the judge of what this writes.

Source of the facts: the format's public descriptions by the libbde and cryptsetup projects. All
integers are little-endian. The metadata lies where the plain volume has zeros, since Windows has
files of its own there that a reader shows as zeros.
"""

import hashlib
import os
import struct
import uuid
import zlib

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM

SIGNATURE = b"-FVE-FS-"
ENCRYPTED = uuid.UUID("4967d63b-2e29-4ad8-8399-f6a339e3d001").bytes_le
VOLUME = uuid.UUID("b17b17b1-0001-4000-8000-000000000001")
PROTECTORS = {"clear": 0x0000, "startup": 0x0200, "recovery": 0x0800, "password": 0x2000}
METHODS = {"cbc-128": (0x8002, 16), "cbc-256": (0x8003, 32), "xts-128": (0x8004, 32),
           "xts-256": (0x8005, 64)}

AREA = 65536  # of one copy of the metadata
HEADER_SECTORS = 16
ROUNDS = 0x100000
TIME = struct.pack("<Q", 132753000000000000)

RECOVERY_KEY = "235818-357951-253979-013365-241120-245575-342914-591910"


def _secret(name: str, size: int) -> bytes:
    """The same each time."""
    return hashlib.shake_256(name.encode()).digest(size)


def _entry(kind: int, value: int, data: bytes) -> bytes:
    return struct.pack("<HHHH", 8 + len(data), kind, value, 1) + data


def _key(data: bytes, method: int = 0x2000) -> bytes:
    return _entry(0, 1, struct.pack("<I", method) + data)


def _sealed(kind: int, name: str, with_key: bytes, data: bytes) -> bytes:
    nonce = TIME + _secret(name, 4)
    sealed = AESCCM(with_key, tag_length=16).encrypt(nonce, data, None)
    return _entry(kind, 5, nonce + sealed[-16:] + sealed[:-16])


def _stretched(start: bytes, salt: bytes) -> bytes:
    last = bytes(32)
    for count in range(ROUNDS):
        last = hashlib.sha256(last + start + salt + struct.pack("<Q", count)).digest()
    return last


def protector_id(kind: str) -> uuid.UUID:
    return uuid.UUID(bytes_le=_secret(f"id of {kind}", 16))


def _start_of(kind: str, text: str) -> bytes:
    """What a person knows, before it is stretched."""
    if kind == "recovery":
        numbers = [int(group) // 11 for group in text.split("-")]
        return hashlib.sha256(struct.pack("<8H", *numbers)).digest()
    return hashlib.sha256(hashlib.sha256(text.encode("utf-16-le")).digest()).digest()


def _protector(kind: str, text: str, master: bytes) -> bytes:
    salt = _secret(f"salt of {kind}", 16)
    if kind in ("clear", "startup"):
        key = _secret(f"key of {kind}", 32)
        way = _key(key) if kind == "clear" else b""
    else:
        key = _stretched(_start_of(kind, text), salt)
        stretch = _sealed(0, f"master in {kind}", key, _key(key))
        way = _entry(0, 3, struct.pack("<I", 0x1000) + salt + stretch)
    head = protector_id(kind).bytes_le + TIME + struct.pack("<HH", 0, PROTECTORS[kind])
    return _entry(2, 8, head + way + _sealed(0, f"seal of {kind}", key, _key(master, 0x2003)))


def startup_file() -> bytes:
    """The file that Windows saves on a stick, *.bek."""
    data = _entry(6, 9, protector_id("startup").bytes_le + TIME + _key(_secret("key of startup", 32)))
    size = 48 + len(data)
    return struct.pack("<IIII", size, 1, 48, size) + VOLUME.bytes_le + struct.pack("<IIQ", 1, 0, 0) + data


def _places(plain, size: int) -> list:
    """Three places of zeros, each for metadata and, behind it, the first sectors."""
    found, need = [], AREA * 2
    for part in (1, 2, 3):
        offset = size * part // 4 // AREA * AREA
        while plain[offset:offset + need] != bytes(need) or offset in found:
            offset += AREA
        found.append(offset)
    return found


def _metadata(method: str, size: int, sector: int, places: list, header: int, entries: bytes) -> bytes:
    number = METHODS[method][0]
    length = 48 + len(entries)
    body = struct.pack("<IIII", length, 1, 48, length) + VOLUME.bytes_le + \
        struct.pack("<IHH", 9, number, 0) + TIME + entries
    total = (64 + len(body) + 15) // 16 * 16
    block = SIGNATURE + struct.pack("<HHHHQIIQQQQ", total // 16, 2, 4, 4, size, 0,
                                    HEADER_SECTORS * 512 // sector, *places, header) + body
    block = block.ljust(total, b"\0")
    return (block + struct.pack("<HHI", 8, 2, zlib.crc32(block))).ljust(AREA, b"\0")


class _Sectors:
    """Encrypts whole sectors by their position on the volume."""

    def __init__(self, method: str, key: bytes, sector: int):
        self.sector = sector
        self.xts = method.startswith("xts")
        self.cipher = algorithms.AES(key)
        self.block = None if self.xts else Cipher(self.cipher, modes.ECB()).encryptor()

    def encrypt(self, data: bytes, offset: int) -> bytes:
        out = []
        for at in range(0, len(data), self.sector):
            if self.xts:
                mode = modes.XTS(struct.pack("<QQ", (offset + at) // self.sector, 0))
            else:
                mode = modes.CBC(self.block.update(struct.pack("<QQ", offset + at, 0)))
            out.append(Cipher(self.cipher, mode).encryptor().update(data[at:at + self.sector]))
        return b"".join(out)


def encrypt(source, target, method: str, protectors: dict, sector: int) -> None:
    """`protectors`: kind -> password or recovery key; of the others nothing is needed. `sector` is
    what the plain volume's boot sector says."""
    plain = source.read_bytes() if hasattr(source, "read_bytes") else source
    size, key = len(plain), _secret("volume", METHODS[method][1])
    master = _secret("master", 32)
    entries = b"".join(_protector(kind, text, master) for kind, text in protectors.items()) + \
        _sealed(3, "volume", master, _key(key, METHODS[method][0]))
    places = _places(plain, size)
    header = places[0] + AREA
    sectors = _Sectors(method, key, sector)
    metadata = _metadata(method, size, sector, places, header, entries)
    with open(target, "wb") as file:
        step = 1 << 20
        for offset in range(0, size, step):
            file.write(sectors.encrypt(plain[offset:offset + step], offset))
        for place in places:
            file.seek(place)
            file.write(metadata)
        file.seek(header)
        file.write(sectors.encrypt(plain[:HEADER_SECTORS * 512], header))
        boot = b"\xeb\x58\x90" + SIGNATURE + struct.pack("<HBH", sector, 8, 0)
        boot = boot.ljust(160, b"\0") + ENCRYPTED + struct.pack("<QQQ", *places)
        file.seek(0)
        file.write(boot.ljust(510, b"\0") + b"\x55\xaa")
        os.truncate(target, size)
