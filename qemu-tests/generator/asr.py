# SPDX-License-Identifier: GPL-3.0-or-later
"""AsrSif: the ASR writer's description of the source disks (FORMAT.md section 4.1).

The MBR form follows a complete real document. The GPT form is known to nobody here: its three
spellings are INVENTED, to keep the reader honest that has to understand it by shape.
"""

from dataclasses import dataclass
from xml.sax.saxutils import quoteattr

from .disk import Disk, Partition


@dataclass
class Spelling:
    """An invented way to write GPT disks: names of elements and attributes."""
    disk: str
    disk_id: str
    partition: str
    type: str
    id: str
    attributes: str
    name: str
    offset: str
    length: str
    upper: bool
    hexadecimal: bool


SPELLINGS = {
    1: Spelling("GptDisk", "DiskId", "GptPartition", "PartitionType", "PartitionId",
                "GptAttributes", "PartitionName", "PartitionOffset", "PartitionLength",
                False, True),
    2: Spelling("DiskGpt", "GptDiskGuid", "PartitionGpt", "TypeGuid", "UniqueGuid", "AttributeBits",
                "Label", "StartingOffset", "ByteLength", True, False),
    3: Spelling("Disk", "Guid", "Entry", "T", "U", "Attr", "EntryName", "Offset", "Length", False,
                True),
}


# How FixedVolumes calls file systems
FS_NAMES = {"fat32": "FAT32", "ntfs": "NTFS", "raw": "RAW"}

def _element(name: str, attributes: dict, children="") -> str:
    text = "".join(f" {key}={quoteattr(str(value))}" for key, value in attributes.items())
    return f"<{name}{text}>{children}</{name}>" if children else f"<{name}{text}/>"


def _flag(partition: Partition) -> int:
    """Bit 0 the Windows volume, bit 1 the system volume; 6 in the one real document."""
    return {"windows": 1, "system": 6, "esp": 6}.get(partition.role, 0)


def _critical(partition: Partition) -> int:
    return int(partition.role != "data")


def _any_critical(disk: Disk) -> int:
    return int(any(map(_critical, disk.partitions)))


def _mount_points(partition: Partition):
    names = ["\\DosDevices\\" + partition.letter] if partition.letter else []
    if partition.filesystem:
        names.append("\\??\\Volume{%s}" % partition.volume_guid)
    return names


def _points(names) -> str:
    return "".join(_element("VolumeMountPoint", {"SymbolicName": name}) for name in names)


def _geometry(disk: Disk) -> dict:
    return {"BytesPerSector": disk.sector_size, "SectorsPerTrack": 63, "TracksPerCylinder": 255,
            "NumCylinders": disk.sectors // (63 * 255), "MediaType": 12, "DiskSize": disk.size,
            "IsExcluded": 0, "IsShared": 0}


def _mbr_index(slot: int) -> int:
    """Windows counts four entries for each extended boot record."""
    return slot - 1 if slot <= 4 else 4 * (slot - 4)


def _mbr_disk(disk: Disk, number: int) -> str:
    children = ""
    for p in disk.partitions:
        names = _mount_points(p)
        children += _element("MbrPartition", {
            "PartitionIndex": _mbr_index(p.slot), "PartitionFlag": _flag(p), "BootFlag": int(p.active),
            "PartitionType": hex(p.type), "FileSystemType": "0x0", "NumSymbolicNames": len(names),
            "PartitionOffset": disk.offset(p), "PartitionLength": disk.length(p), "IsCritical": _critical(p),
        }, _points(names))
    return _element("MbrDisk", {
        "NumPartitions": len(disk.partitions), "PartitionTableSize": 4, "BusKey": 1,
        "DeviceNumber": number, "IsCritical": _any_critical(disk), "MbrSignature": f"0x{disk.signature:x}",
        **_geometry(disk)}, children)


def _gpt_disk(disk: Disk, number: int, how: Spelling) -> str:
    def braces(guid):
        text = "{%s}" % guid
        return text.upper() if how.upper else text

    children = ""
    for p in disk.partitions:
        names = _mount_points(p)
        bits = f"0x{p.attributes:016x}" if how.hexadecimal else p.attributes
        children += _element(how.partition, {
            "PartitionIndex": p.slot - 1, "PartitionFlag": _flag(p), how.type: braces(p.type),
            how.id: braces(p.guid), how.attributes: bits, how.name: p.name,
            "FileSystemType": "0x0", "NumSymbolicNames": len(names),
            how.offset: disk.offset(p), how.length: disk.length(p), "IsCritical": _critical(p),
        }, _points(names))
    return _element(how.disk, {
        "NumPartitions": len(disk.partitions), "BusKey": 1, "DeviceNumber": number,
        "IsCritical": _any_critical(disk),
        how.disk_id: braces(disk.guid), **_geometry(disk)}, children)


def asr_sif(disk: Disk, machine: str, spelling: int, more=()) -> str:
    """The document as one line of text; `more`: further disks of the machine."""
    disks = [disk, *more]
    gpt = disk.style == "gpt"
    windows7 = not gpt and not disk.by_role("winre")
    body = "".join(_gpt_disk(d, n, SPELLINGS[spelling]) if d.style == "gpt" else _mbr_disk(d, n)
                   for n, d in enumerate(disks))
    gpt_disks = sum(d.style == "gpt" for d in disks)
    volumes = [p for d in disks for p in d.partitions if p.filesystem]
    fixed = "".join(_element("VolumeName", {
        "VolumeGuid": "\\??\\Volume{%s}" % p.volume_guid,
        "DosPath": "\\DosDevices\\" + p.letter if p.letter else "",
        "FsName": FS_NAMES[p.filesystem], "Label": p.label,
        "ClusterSize": "0x400" if p.filesystem == "fat32" else "0x1000"}) for p in volumes)
    return _element("AsrSif", {}, "".join([
        _element("Version", {"AsrVersion": "2.0"}),
        _element("System", {
            "MachineName": machine, "Platform": "x86" if windows7 else "amd64",
            "FirmwareType": 2 if gpt else 1, "OSVersion": "6.1" if windows7 else "10.0",
            "BootWinDirectory": "C:\\Windows", "BootSysDirectory": "C:\\Windows\\system32",
            "AutoExtend": 1, "SKU": "0x10100"}),
        _element("DiskBuses", {"NumBusType": 1}, _element("BusType", {"Key": 1, "Type": 11})),
        _element("Disks", {"NumMbrDisks": len(disks) - gpt_disks,
                            "NumGptDisks": gpt_disks}, body),
        _element("AsrVhd", {"NumDisks": 0}),
        _element("FixedVolumes", {"NumVolumeNames": len(volumes)}, fixed),
        _element("RemovableMedia", {"NumRemMedia": 0}),
        _element("AsrLdm", {"NumPacks": 0}),
    ]))
