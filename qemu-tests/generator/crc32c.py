# SPDX-License-Identifier: GPL-3.0-or-later
"""CRC-32C (Castagnoli, polynomial 0x1EDC6F41 reflected), what VHDX protects its metadata with."""

POLYNOMIAL = 0x82F63B78


def _make_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ POLYNOMIAL if value & 1 else value >> 1
        table.append(value)
    return table


_TABLE = _make_table()


def crc32c(data: bytes) -> int:
    table = _TABLE
    crc = 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF
