# SPDX-License-Identifier: GPL-3.0-or-later
"""A writer of registry hives (regf) for tests: a tree of keys in, a clean hive file out.

Source: the published descriptions of the format (msuhanov/regf, "Windows registry file format
specification"). Only what a file at rest holds: no logs, no volatile keys, one security
descriptor shared by all keys.
"""

import struct
from dataclasses import dataclass, field

# Value types
REG_SZ, REG_EXPAND_SZ, REG_BINARY, REG_DWORD, REG_MULTI_SZ, REG_QWORD = 1, 2, 3, 4, 7, 11

NONE = 0xFFFFFFFF
BIN_HEADER = 32
BIN_UNIT = 4096

# A leaf of sub-keys longer than this is split under an index root; Windows does it at about
# a thousand, fewer makes the case testable
LEAF_LIMIT = 500

# Since minor version 4 a value longer than this is stored in segments of this size
BIG_DATA_SEGMENT = 16344

KEY_ROOT, KEY_NO_DELETE, KEY_COMPRESSED_NAME = 0x04, 0x08, 0x20

# 2020-01-01 00:00 UTC in units of 100 ns since 1601
TIMESTAMP = 132223104000000000


@dataclass
class Key:
    """`values`: (name, type, bytes); the default value has the name ""."""
    name: str
    values: list = field(default_factory=list)
    keys: list = field(default_factory=list)

    def key(self, path: str) -> "Key":
        """The key at this path below, made where it does not exist."""
        first, _, rest = path.partition("\\")
        found = next((k for k in self.keys if k.name.upper() == first.upper()), None)
        if found is None:
            found = Key(first)
            self.keys.append(found)
        return found.key(rest) if rest else found

    def put(self, name: str, kind: int, value) -> "Key":
        self.values.append((name, kind, encode(kind, value)))
        return self


def encode(kind: int, value) -> bytes:
    """The bytes of a value: text, number, list of texts or bytes according to the type."""
    if kind in (REG_SZ, REG_EXPAND_SZ):
        return (value + "\0").encode("utf-16-le")
    if kind == REG_MULTI_SZ:
        return ("".join(text + "\0" for text in value) + "\0").encode("utf-16-le")
    if kind == REG_DWORD:
        return struct.pack("<I", value)
    if kind == REG_QWORD:
        return struct.pack("<Q", value)
    return bytes(value)


def _name(text: str):
    """Names of Latin-1 letters are stored one byte each, others as UTF-16."""
    try:
        return text.encode("latin-1"), True
    except UnicodeEncodeError:
        return text.encode("utf-16-le"), False


def _hash(text: str) -> int:
    value = 0
    for unit in text.upper():
        value = (value * 37 + ord(unit)) & 0xFFFFFFFF
    return value


def _security() -> bytes:
    """Self-relative descriptor: owner and group Administrators, full access for them and for
    the local system."""
    def sid(*parts):
        return struct.pack("<BB", 1, len(parts)) + (5).to_bytes(6, "big") + struct.pack(
            f"<{len(parts)}I", *parts)

    administrators, system = sid(32, 544), sid(18)
    entries = b""
    for who in (administrators, system):
        entries += struct.pack("<BBHI", 0, 2, 8 + len(who), 0xF003F) + who
    acl = struct.pack("<BBHHH", 2, 0, 8 + len(entries), 2, 0) + entries
    owner = 20
    group = owner + len(administrators)
    dacl = group + len(administrators)
    control = 0x8004
    return (struct.pack("<BBHIIII", 1, 0, control, owner, group, 0, dacl)
            + administrators + administrators + acl)


class Writer:
    """Cells are handed out in ascending order, then filled; offsets count from the first bin."""

    def __init__(self, minor: int):
        self.minor = minor
        self.cells = []
        self.bins = []
        self.at = 0
        self.end = 0

    def allocate(self, length: int) -> int:
        """A cell for `length` bytes; opens a new bin where the current one is too short."""
        need = (length + 4 + 7) & ~7
        if self.at + need > self.end:
            self._close_bin()
            size = -(-(BIN_HEADER + need) // BIN_UNIT) * BIN_UNIT
            self.bins.append((self.end, size))
            self.at = self.end + BIN_HEADER
            self.end += size
        offset = self.at
        self.at += need
        self.cells.append([offset, need, b""])
        return offset

    def store(self, data: bytes) -> int:
        offset = self.allocate(len(data))
        self.cells[-1][2] = data
        return offset

    def fill(self, offset: int, data: bytes) -> None:
        next(c for c in reversed(self.cells) if c[0] == offset)[2] = data

    def _close_bin(self) -> None:
        if self.at < self.end:
            self.cells.append([self.at, self.at - self.end, b""])
            self.at = self.end

    def bytes(self) -> bytes:
        self._close_bin()
        image = bytearray(self.end)
        for offset, size in self.bins:
            struct.pack_into("<4sIIQQI", image, offset, b"hbin", offset, size, 0,
                             TIMESTAMP if offset == 0 else 0, 0)
        for offset, size, data in self.cells:
            # used cells have a negative size, the rest of a bin is one free cell
            struct.pack_into("<i", image, offset, -size)
            image[offset + 4:offset + 4 + len(data)] = data
        return bytes(image)


def _store_data(writer: Writer, data: bytes) -> int:
    if len(data) <= BIG_DATA_SEGMENT or writer.minor < 4:
        return writer.store(data)
    parts = [writer.store(data[at:at + BIG_DATA_SEGMENT])
             for at in range(0, len(data), BIG_DATA_SEGMENT)]
    table = writer.store(struct.pack(f"<{len(parts)}I", *parts))
    return writer.store(struct.pack("<2sHII", b"db", len(parts), table, 0))


def _store_value(writer: Writer, name: str, kind: int, data: bytes) -> int:
    raw, compressed = _name(name)
    size = len(data)
    if size <= 4:
        place = int.from_bytes(data.ljust(4, b"\0"), "little")
        size |= 0x80000000
    else:
        place = _store_data(writer, data)
    return writer.store(struct.pack("<2sHIIIHH", b"vk", len(raw), size, place, kind,
                                    1 if compressed else 0, 0) + raw)


def _store_leaf(writer: Writer, children) -> int:
    """lf with the first four letters as hint in old hives, lh with a hash since 1.5."""
    data = struct.pack("<2sH", b"lh" if writer.minor >= 5 else b"lf", len(children))
    for name, offset in children:
        if writer.minor >= 5:
            hint = struct.pack("<I", _hash(name))
        else:
            hint = name.encode("latin-1", "replace")[:4].ljust(4, b"\0")
        data += struct.pack("<I", offset) + hint
    return writer.store(data)


def _store_index(writer: Writer, children) -> int:
    if not children:
        return NONE
    leaves = [_store_leaf(writer, children[at:at + LEAF_LIMIT])
              for at in range(0, len(children), LEAF_LIMIT)]
    if len(leaves) == 1:
        return leaves[0]
    return writer.store(struct.pack(f"<2sH{len(leaves)}I", b"ri", len(leaves), *leaves))


def _store_key(writer: Writer, key: Key, parent: int, security: int, root: bool) -> int:
    raw, compressed = _name(key.name)
    own = writer.allocate(76 + len(raw))
    values = [_store_value(writer, *value) for value in key.values]
    values_list = writer.store(struct.pack(f"<{len(values)}I", *values)) if values else NONE
    ordered = sorted(key.keys, key=lambda k: k.name.upper())
    children = [(k.name, _store_key(writer, k, own, security, False)) for k in ordered]
    flags = ((KEY_ROOT | KEY_NO_DELETE if root else 0)
             | (KEY_COMPRESSED_NAME if compressed else 0))
    widest_name = max((2 * len(k.name) for k in key.keys), default=0)
    widest_value = max((2 * len(v[0]) for v in key.values), default=0)
    widest_data = max((len(v[2]) for v in key.values), default=0)
    writer.fill(own, struct.pack(
        "<2sHQIIIIIIIIIIIIIIIHH", b"nk", flags, TIMESTAMP, 0, parent, len(children), 0,
        _store_index(writer, children), NONE, len(values), values_list, security, NONE,
        widest_name, 0, widest_value, widest_data, 0, len(raw), 0) + raw)
    return own


def _count(key: Key) -> int:
    return 1 + sum(_count(child) for child in key.keys)


def write(root: Key, minor: int = 5, file_name: str = "") -> bytes:
    """The bytes of a clean hive, version 1.`minor` (3 for a BCD store, 5 for SYSTEM)."""
    writer = Writer(minor)
    descriptor = _security()
    # The root key must be the first cell that is looked for; its place is in the header.
    security = writer.allocate(20 + len(descriptor))
    writer.fill(security, struct.pack("<2sHIIII", b"sk", 0, security, security, _count(root),
                                      len(descriptor)) + descriptor)
    root_cell = _store_key(writer, root, NONE, security, True)
    bins = writer.bytes()
    base = bytearray(struct.pack("<4sIIQIIIIIII", b"regf", 1, 1, TIMESTAMP, 1, minor, 0, 1,
                                 root_cell, len(bins), 1))
    # the last 31 letters of the file's path, as Windows leaves them
    base += file_name[-31:].encode("utf-16-le").ljust(64, b"\0")
    base = base.ljust(508, b"\0")
    checksum = 0
    for word in struct.unpack("<127I", base):
        checksum ^= word
    checksum = {0: 1, 0xFFFFFFFF: 0xFFFFFFFE}.get(checksum, checksum)
    return (bytes(base) + struct.pack("<I", checksum)).ljust(4096, b"\0") + bins
