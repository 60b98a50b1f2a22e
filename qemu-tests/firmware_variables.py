# SPDX-License-Identifier: GPL-3.0-or-later
"""The file in which OVMF keeps its variables: adding some before a start, reading them after the
end. Formats: EDK2's Guid/VariableFormat.h (authenticated variables), UEFI 2.10 section 3.1.3."""

import struct
import uuid

GLOBAL = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")

# A firmware volume's header, then the store's: GUID, size, format, state
FIRST = 0x48 + 28
START, ADDED = 0x55AA, 0x3F
HEADER = struct.Struct("<HBBIQ16sIII16s")
ATTRIBUTES = 7  # non-volatile, for boot services and run time
ACTIVE = 1


def _variables(data):
    """(name, header's fields, offset of the value) of all; at the end the free offset."""
    at = FIRST
    while data[at:at + 2] == START.to_bytes(2, "little"):
        fields = HEADER.unpack_from(data, at)
        name_at = at + HEADER.size
        name = data[name_at:name_at + fields[7]].decode("utf-16-le").rstrip("\0")
        yield name, fields, name_at + fields[7]
        at = (name_at + fields[7] + fields[8] + 3) & ~3
    yield None, None, at


def read_all(path) -> dict:
    """Name to value, of those that count."""
    data = path.read_bytes()
    return {name: data[at:at + fields[8]] for name, fields, at in _variables(data)
            if name and fields[1] == ADDED}


def read(path) -> dict:
    """The global ones of them."""
    data = path.read_bytes()
    return {name: data[at:at + fields[8]] for name, fields, at in _variables(data)
            if name and fields[1] == ADDED and fields[9] == GLOBAL.bytes_le}


def add(path, variables: dict) -> None:
    data = bytearray(path.read_bytes())
    for name, value in variables.items():
        *_, (_, _, at) = _variables(data)
        text = name.encode("utf-16-le") + b"\0\0"
        data[at:at + HEADER.size + len(text) + len(value)] = HEADER.pack(
            START, ADDED, 0, ATTRIBUTES, 0, bytes(16), 0, len(text), len(value),
            GLOBAL.bytes_le) + text + value
    path.write_bytes(data)


def boot_option(name: str, path: bytes) -> bytes:
    return struct.pack("<IH", ACTIVE, len(path)) + name.encode("utf-16-le") + b"\0\0" + path


def network_path(mac: bytes) -> bytes:
    """MAC(…)/IPv4(DHCP)/End."""
    address = struct.pack("<BBH32sB", 3, 11, 37, mac, 1)
    ipv4 = struct.pack("<BBH23s", 3, 12, 27, b"")
    return address + ipv4 + bytes.fromhex("7fff0400")


def boot_order(variables: dict) -> list:
    """The names of the entries, in order."""
    order = struct.iter_unpack("<H", variables["BootOrder"])
    return [variables[f"Boot{number:04X}"][6:].decode("utf-16-le", "replace").split("\0")[0]
            for number, in order]
