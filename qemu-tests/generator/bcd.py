# SPDX-License-Identifier: GPL-3.0-or-later
"""Boot configuration stores and the SYSTEM hive with the ids of a generated disk.

Source: FORMAT.md section 5; object and element numbers from the public BCD documentation.
"""

import struct
import uuid
from dataclasses import dataclass

from .disk import Disk, Partition
from .hive import (REG_BINARY, REG_DWORD, REG_MULTI_SZ, REG_QWORD, REG_SZ, Key, write)

BOOTMGR = "{9dea862c-5cdd-4e70-acc1-f32b344d4795}"
FWBOOTMGR = "{a5a30fa2-3d06-4e9f-b5f4-a01df9d1fcba}"
MEMDIAG = "{b2721d73-1db4-4c62-bf78-c548a880142d}"
GLOBAL_SETTINGS = "{7ea2e1ac-2e61-4728-aaa3-896d9d0a9f0e}"
LOADER_SETTINGS = "{6efb52bf-1766-41db-a6b3-0ee5eff72bd7}"

OTHER_OBJECT = "{0b0cd0e0-0000-11f0-8000-806e6f6e6963}"

TYPE_BOOTMGR, TYPE_FWBOOTMGR, TYPE_LOADER = 0x10100002, 0x10100001, 0x10200003
TYPE_RESUME, TYPE_MEMDIAG, TYPE_DEVICE, TYPE_INHERIT = (0x10200004, 0x10200005, 0x30000000,
                                                        0x20100000)

DEVICE, OSDEVICE, RAMDISK_SDI = "11000001", "21000001", "31000003"

DEVICE_PARTITION = 6


@dataclass
class Ids:
    """The objects of one machine."""
    windows: str
    resume: str
    recovery: str
    virtual: str
    ramdisk: uuid.UUID


def new_ids(seed) -> Ids:
    return Ids(*("{%s}" % seed.guid_v1(f"bcd {name}") for name in ("windows", "resume",
                                                                    "recovery", "virtual")),
               seed.guid_v1("bcd ramdisk"))


def partition_device(disk: Disk, partition: Partition) -> bytes:
    """The 72 bytes from offset 0x10 of a device element (FORMAT.md section 5)."""
    if disk.style == "gpt":
        where, style, which = partition.guid.bytes_le, 0, disk.guid.bytes_le
    else:
        where = struct.pack("<QQ", disk.offset(partition), 0)
        style, which = 1, struct.pack("<I12x", disk.signature)
    return struct.pack("<IIII16sII16s16x", DEVICE_PARTITION, 0, 0x48, 0, where, 0, style, which)


def device_element(disk: Disk, partition: Partition) -> bytes:
    """The whole element, 88 bytes."""
    return bytes(16) + partition_device(disk, partition)


def _file(device: bytes, path: str) -> bytes:
    """A device and the path of a file on it."""
    name = (path + "\0").encode("utf-16-le")
    return struct.pack("<III", 1, 12 + len(device) + len(name), 5) + device + name


def _device(kind: int, flags: int, content: bytes) -> bytes:
    return struct.pack("<IIII", kind, flags, 16 + len(content), 0) + content


def ramdisk_element(disk: Disk, partition: Partition, options: uuid.UUID, path: str) -> bytes:
    """A file on a partition taken as a RAM disk: the partition's device lies nested inside, at
    0x44. Layout as in real stores of Windows 10 that have a recovery partition."""
    ramdisk = struct.pack("<I20x", 3) + _file(partition_device(disk, partition), path)
    return options.bytes_le + _device(0, 1, ramdisk)


def virtual_disk_element(disk: Disk, partition: Partition, path: str) -> bytes:
    """Windows in a VHD: a virtual disk out of a file on a partition, with the volume on it that
    holds the element's path (12000002). After public descriptions of bcdedit's work."""
    file = _device(0, 0, struct.pack("<I", 5) + _file(partition_device(disk, partition), path))
    virtual = _device(0, 0, struct.pack("<I20x", 6) + file)
    return bytes(16) + _device(8, 0, struct.pack("<IIIH", 0, 0x12000002, 0x1E, 0) + virtual)


def disk_element(disk: Disk) -> bytes:
    """A whole disk."""
    style, which = (0, disk.guid.bytes_le) if disk.style == "gpt" else (
        1, struct.pack("<I12x", disk.signature))
    return bytes(16) + _device(0, 0, struct.pack("<II16s", 0, style, which))


BOOT_ELEMENT = bytes(16) + _device(5, 0, bytes(56))
LOCATE_ELEMENT = bytes(16) + _device(8, 0, struct.pack("<IIIH", 0, 0x12000002, 0, 0))


def _add_object(root: Key, guid: str, kind: int, elements) -> None:
    """`elements`: (number, value type, value); integers are eight binary bytes in a store."""
    place = root.key("Objects\\" + guid)
    place.key("Description").put("Type", REG_DWORD, kind)
    place.key("Elements")
    for number, value_type, value in elements:
        place.key("Elements\\" + number).put("Element", value_type, value)


def _binary(value: int, length: int = 8) -> bytes:
    return value.to_bytes(length, "little")


def _manager_elements(disk: Disk, system: Partition, ids: Ids, uefi: bool):
    elements = [
        (DEVICE, REG_BINARY, device_element(disk, system)),
        ("12000004", REG_SZ, "Windows Boot Manager"),
        ("12000005", REG_SZ, "en-US"),
        ("14000006", REG_MULTI_SZ, [GLOBAL_SETTINGS]),
        ("23000003", REG_SZ, ids.windows),
        ("23000006", REG_SZ, ids.resume),
        ("24000001", REG_MULTI_SZ, [ids.windows]),
        ("24000010", REG_MULTI_SZ, [MEMDIAG]),
        ("25000004", REG_BINARY, _binary(30)),
    ]
    if uefi:
        elements.append(("12000002", REG_SZ, "\\EFI\\Microsoft\\Boot\\bootmgfw.efi"))
    return elements


def _loader_elements(disk: Disk, windows: Partition, ids: Ids, uefi: bool):
    kind = "efi" if uefi else "exe"
    elements = [
        (DEVICE, REG_BINARY, device_element(disk, windows)),
        ("12000002", REG_SZ, f"\\Windows\\system32\\winload.{kind}"),
        ("12000004", REG_SZ, "Windows Server"),
        ("12000005", REG_SZ, "en-US"),
        ("16000009", REG_BINARY, b"\1"),
        (OSDEVICE, REG_BINARY, device_element(disk, windows)),
        ("22000002", REG_SZ, "\\Windows"),
        ("23000003", REG_SZ, ids.resume),
        ("25000020", REG_BINARY, _binary(0)),
    ]
    if disk.by_role("winre"):
        elements.append(("14000008", REG_MULTI_SZ, [ids.recovery]))
    return elements


def _add_recovery(root: Key, disk: Disk, ids: Ids, uefi: bool) -> None:
    partition = disk.by_role("winre")
    image = ramdisk_element(disk, partition, ids.ramdisk, "\\Recovery\\WindowsRE\\Winre.wim")
    _add_object(root, ids.recovery, TYPE_LOADER, [
        (DEVICE, REG_BINARY, image),
        ("12000002", REG_SZ, f"\\windows\\system32\\winload.{'efi' if uefi else 'exe'}"),
        ("12000004", REG_SZ, "Windows Recovery Environment"),
        (OSDEVICE, REG_BINARY, image),
        ("22000002", REG_SZ, "\\windows"),
        ("46000010", REG_BINARY, b"\1"),
    ])
    _add_object(root, "{%s}" % ids.ramdisk, TYPE_DEVICE, [
        ("12000004", REG_SZ, "Windows Recovery"),
        (RAMDISK_SDI, REG_BINARY, device_element(disk, partition)),
        ("32000004", REG_SZ, "\\Recovery\\WindowsRE\\boot.sdi"),
    ])


def firmware_variable(disk: Disk, system: Partition) -> bytes:
    """The copy of the firmware's boot entry that Windows keeps with its boot manager: a header,
    a description, a device path. Shape of a real store's."""
    path = (struct.pack("<BBHIQQ16sBB", 4, 1, 42, system.slot, system.first_lba, system.sectors,
                        system.guid.bytes_le, 2, 2)
            + struct.pack("<BBH", 4, 4, 4 + 70) + "\\EFI\\Microsoft\\Boot\\bootmgfw.efi\0".encode("utf-16-le")[:70]
            + struct.pack("<BBH", 0x7F, 0xFF, 4))
    text = "Windows Boot Manager\0".encode("utf-16-le")
    return (struct.pack("<III", 1, 20 + len(text) + len(path), 0) + b"WINDOWS\0" + text + path)


def boot_store(disk: Disk, ids: Ids, other=None) -> bytes:
    """The BCD of a machine: in \\EFI\\Microsoft\\Boot of a GPT disk, in \\Boot of an MBR disk.
    `other`: the disk that Windows is on, if it is another."""
    uefi = disk.style == "gpt"
    system = disk.by_role("esp" if uefi else "system")
    home = other or disk
    windows = home.by_role("windows")
    root = Key("NewStoreRoot")
    root.key("Description").put("KeyName", REG_SZ, "BCD00000000")
    root.key("Description").put("System", REG_DWORD, 1)
    _add_object(root, BOOTMGR, TYPE_BOOTMGR, _manager_elements(disk, system, ids, uefi))
    if uefi:
        root.key("Objects\\" + BOOTMGR + "\\Description").put(
            "FirmwareVariable", REG_BINARY, firmware_variable(disk, system))
        _add_object(root, FWBOOTMGR, TYPE_FWBOOTMGR, [
            ("24000001", REG_MULTI_SZ, [BOOTMGR]), ("25000004", REG_BINARY, _binary(1))])
    _add_object(root, ids.windows, TYPE_LOADER, _loader_elements(home, windows, ids, uefi))
    _add_object(root, ids.resume, TYPE_RESUME, [
        (DEVICE, REG_BINARY, device_element(home, windows)),
        ("12000004", REG_SZ, "Windows Resume Application"),
        ("22000002", REG_SZ, "\\hiberfil.sys")])
    _add_object(root, MEMDIAG, TYPE_MEMDIAG, [
        (DEVICE, REG_BINARY, device_element(disk, system)),
        ("12000004", REG_SZ, "Windows Memory Diagnostic")])
    _add_object(root, GLOBAL_SETTINGS, TYPE_INHERIT, [])
    image = virtual_disk_element(home, windows, "\\vhd\\lab.vhdx")
    _add_object(root, ids.virtual, TYPE_LOADER, [
        (DEVICE, REG_BINARY, image),
        ("12000002", REG_SZ, f"\\windows\\system32\\winload.{'efi' if uefi else 'exe'}"),
        ("12000004", REG_SZ, "Lab in a VHD"), (OSDEVICE, REG_BINARY, image),
        ("22000002", REG_SZ, "\\windows")])
    if disk.by_role("winre"):
        _add_recovery(root, disk, ids, uefi)
    path = "\\EFI\\Microsoft\\Boot\\BCD" if uefi else "\\Boot\\BCD"
    return write(root, minor=3, file_name="\\Device\\HarddiskVolume1" + path)


def recovery_store(disk: Disk, ids: Ids) -> bytes:
    """\\EFI\\Microsoft\\Recovery\\BCD: the boot manager and the recovery environment."""
    root = Key("NewStoreRoot")
    root.key("Description").put("KeyName", REG_SZ, "BCD00000000")
    _add_object(root, BOOTMGR, TYPE_BOOTMGR, [
        (DEVICE, REG_BINARY, device_element(disk, disk.by_role("esp"))),
        ("12000004", REG_SZ, "Windows Boot Manager"), ("23000003", REG_SZ, ids.recovery)])
    _add_recovery(root, disk, ids, True)
    return write(root, minor=3, file_name="\\EFI\\Microsoft\\Recovery\\BCD")


def template() -> bytes:
    """BCD-Template: settings that entries inherit from, and a boot manager without a device.
    Which objects a real one has is not published; those of real stores that bcdboot made."""
    root = Key("NewStoreRoot")
    root.key("Description").put("KeyName", REG_SZ, "BCD-Template")
    _add_object(root, BOOTMGR, TYPE_BOOTMGR, [("12000004", REG_SZ, "Windows Boot Manager"),
                                              ("25000004", REG_BINARY, _binary(30))])
    for guid in (GLOBAL_SETTINGS, LOADER_SETTINGS, "{1afa9c49-16ab-4a5c-901b-212802da9460}"):
        _add_object(root, guid, TYPE_INHERIT, [])
    return write(root, minor=3, file_name="\\SystemRoot\\config\\BCD-Template")


NO_GUID = "{00000000-0000-0000-0000-000000000000}"


def reagent(disk: Disk, ids: Ids) -> bytes:
    """ReAgent.xml of a Windows 10 whose recovery environment is on. Elements and attributes as
    in files that administrators published."""
    partition = disk.by_role("winre")
    gpt = disk.style == "gpt"
    number, guid = (0, "{%s}" % disk.guid) if gpt else (disk.signature, NO_GUID)
    empty = f'id="0" offset="0" guid="{NO_GUID}"'
    return f"""<?xml version='1.0' encoding='utf-8'?>

<WindowsRE version="2.0">
  <WinreBCD id="{ids.recovery}"/>
  <WinreLocation path="\\Recovery\\WindowsRE" id="{number}" offset="{disk.offset(partition)}" guid="{guid}"/>
  <ImageLocation path="" {empty}/>
  <PBRImageLocation path="" {empty} index="0"/>
  <InstallState state="1"/>
  <OsBuildVersion path="17763.1.amd64fre.rs5_release.180914-1434"/>
  <WinREStaged state="0"/>
</WindowsRE>
""".replace("\n", "\r\n").encode()


def mounted_device(disk: Disk, partition: Partition) -> bytes:
    """A value of MountedDevices (FORMAT.md section 5)."""
    if disk.style == "gpt":
        return b"DMIO:ID:" + partition.guid.bytes_le
    return struct.pack("<IQ", disk.signature, disk.offset(partition))


# What the loader brings
BOOT_DRIVERS = ("disk", "partmgr", "volmgr", "storahci", "stornvme")


def empty_hive(name: str) -> bytes:
    """A hive with nothing in it, for those whose content nobody asks for."""
    return write(Key("ROOT"), minor=5, file_name=f"emRoot\\System32\\Config\\{name}")


def system_hive(disk: Disk, machine: str) -> bytes:
    """A minimal SYSTEM hive: what tells the drive letters, the control set and the name."""
    root = Key("ROOT")
    mounted = root.key("MountedDevices")
    for partition in disk.partitions:
        if partition.role == "msr":
            continue
        value = mounted_device(disk, partition)
        if partition.letter:
            mounted.put(f"\\DosDevices\\{partition.letter}", REG_BINARY, value)
        mounted.put("\\??\\Volume{%s}" % partition.volume_guid, REG_BINARY, value)
    select = root.key("Select")
    for name, number in (("Current", 1), ("Default", 1), ("Failed", 0), ("LastKnownGood", 1)):
        select.put(name, REG_DWORD, number)
    control = root.key("ControlSet001\\Control")
    control.key("ComputerName\\ComputerName").put("ComputerName", REG_SZ, machine)
    control.key("Session Manager").put("PagingFiles", REG_MULTI_SZ, ["?:\\pagefile.sys"])
    control.put("FirmwareBootDevice", REG_SZ, "multi(0)disk(0)rdisk(0)partition(1)")
    services = root.key("ControlSet001\\Services")
    for name, start in (*((name, 0) for name in BOOT_DRIVERS), ("LSI_SAS", 3)):
        services.key(name).put("Start", REG_DWORD, start).put("Type", REG_DWORD, 1)
    # what Windows writes for drivers that it did not need when it was installed
    services.key("LSI_SAS\\StartOverride").put("0", REG_DWORD, 3)
    root.key("Setup").put("InstallTime", REG_QWORD, 132223104000000000)
    return write(root, minor=5, file_name="emRoot\\System32\\Config\\SYSTEM")


def software_hive() -> bytes:
    """A minimal SOFTWARE hive: which Windows it was."""
    root = Key("ROOT")
    version = root.key("Microsoft\\Windows NT\\CurrentVersion")
    version.put("ProductName", REG_SZ, "Windows Server 2019 Standard")
    version.put("CurrentBuild", REG_SZ, "17763")
    return write(root, minor=5, file_name="emRoot\\System32\\Config\\SOFTWARE")
