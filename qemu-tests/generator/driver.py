# SPDX-License-Identifier: GPL-3.0-or-later
"""Packages of storage drivers for tests: an INF as makers of virtual hardware write them, and a
file with the headers of a driver."""

import struct

AMD64 = 0x8664


def inf(service: str, ids, extra: str = "") -> bytes:
    """UTF-16 with CR LF, as most are. `extra`: more sections."""
    models = "\n".join(f"%Device% = install, {i}" for i in ids)
    text = f"""; {service}
[Version]
Signature="$WINDOWS NT$"
Class=SCSIAdapter
ClassGUID={{4D36E97B-E325-11CE-BFC1-08002BE10318}}
Provider=%Maker%
CatalogFile={service}.cat

[SourceDisksFiles]
{service}.sys = 1,,

[Manufacturer]
%Maker% = Models,NTamd64

[Models.NTamd64]
{models}

[install]
CopyFiles = driver_files

[install.Services]
AddService = {service}, 0x00000002, the_service, the_events ; boots

[the_service]
DisplayName    = %Device%
ServiceType    = %KERNEL_DRIVER%
StartType      = %BOOT_START%
ErrorControl   = %ERROR_NORMAL%
ServiceBinary  = %12%\\{service}.sys
LoadOrderGroup = SCSI miniport
AddReg         = interface

[interface]
HKR, "Parameters\\PnpInterface", "5", %DWORD%, 0x00000001
HKR, "Parameters", "BusType", 0x00010001, 0x0000000A

[driver_files]
{service}.sys,,,2

{extra}
[Strings]
Maker = "Maker of tests"
Device = "Controller; of tests"
KERNEL_DRIVER = 1
BOOT_START = 0
ERROR_NORMAL = 1
DWORD = 0x00010001
"""
    return b"\xff\xfe" + text.replace("\n", "\r\n").encode("utf-16-le")


def sys_file(seed, name: str, signed: bool = True, machine: int = AMD64) -> bytes:
    """PE headers with or without a certificate table, then random content."""
    data = bytearray(seed.bytes(name, 30000))
    data[:1024] = bytes(1024)
    data[:2] = b"MZ"
    struct.pack_into("<I", data, 0x3c, 0x80)
    struct.pack_into("<4sHHIIIHH", data, 0x80, b"PE\0\0", machine, 1, 0, 0, 0, 240, 0x22)
    struct.pack_into("<H", data, 0x98, 0x20b)
    if signed:
        struct.pack_into("<II", data, 0x98 + 112 + 4 * 8, 28000, 2000)
    return bytes(data)
