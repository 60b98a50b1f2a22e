# SPDX-License-Identifier: GPL-3.0-or-later
"""Source disks as Windows lays them out (FORMAT.md section 4.4), shrunk to test size."""

import uuid
from dataclasses import dataclass

from .disk import BASIC, ESP, MSR, NO_LETTER, REQUIRED, WINRE, Disk, Partition

MIB = 1 << 20


@dataclass
class Profile:
    """How much is in a generated machine. Sizes in MiB unless they say otherwise."""
    disk: int
    windows: int
    winre: int
    small_files: int
    big_files: tuple
    pagefile: int
    shadow: int
    fragmented: int = 0  # files that grew in turns


PROFILES = {
    "small": Profile(disk=1280, windows=320, winre=48, small_files=2200, big_files=(3, 5, 9, 14),
                     pagefile=24, shadow=7),
    "large": Profile(disk=8192, windows=4096, winre=450, small_files=20000,
                     big_files=(16, 64, 200, 350, 500), pagefile=512, shadow=128,
                     fragmented=12),
}

# C: of a shrunk or upgraded machine seldom ends on a round number
ODD_SECTORS = 7


def _esp_mib(sector_size: int) -> int:
    """Windows makes 100 MiB, and more with 4096-byte sectors: FAT32 needs 65,525 clusters."""
    return 100 if sector_size == 512 else 300


def _gpt(slot, role, first_lba, sectors, kind, seed, **more) -> Partition:
    guid = seed.guid(f"partition {role}")
    return Partition(slot, role, first_lba, sectors, kind, guid, volume_guid=guid, **more)


def uefi_gpt(seed, sector_size: int, profile: Profile, variant: str) -> Disk:
    """`win10`: ESP, MSR, C:, a gap, WinRE at the end (2004 and later).
    `server2019`: WinRE first, then ESP, MSR, C: (up to 1909, Server 2016 and 2019)."""
    unit = MIB // sector_size
    disk = Disk("gpt", sector_size, profile.disk * unit, guid=seed.guid("disk"))
    windows = profile.windows * unit + ODD_SECTORS
    names = {"esp": "EFI system partition", "msr": "Microsoft reserved partition",
             "windows": "Basic data partition"}
    winre_first = variant == "server2019"
    at = unit
    if winre_first:
        names["winre"] = "Basic data partition"
        disk.partitions.append(_winre(1, at, profile, unit, seed, names["winre"]))
        at += profile.winre * unit
    slot = len(disk.partitions) + 1
    esp = _esp_mib(sector_size) * unit
    disk.partitions += [
        _gpt(slot, "esp", at, esp, ESP, seed, name=names["esp"], attributes=NO_LETTER,
             filesystem="fat32"),
        _gpt(slot + 1, "msr", at + esp, 16 * unit, MSR, seed, name=names["msr"],
             attributes=NO_LETTER),
        _gpt(slot + 2, "windows", at + esp + 16 * unit, windows, BASIC, seed,
             name=names["windows"], filesystem="ntfs", letter="C:"),
    ]
    if not winre_first:
        last = (profile.disk - 1 - profile.winre) * unit
        disk.partitions.append(_winre(4, last, profile, unit, seed, ""))
    return disk


def _winre(slot, first_lba, profile, unit, seed, name) -> Partition:
    return _gpt(slot, "winre", first_lba, profile.winre * unit, WINRE, seed, name=name,
                attributes=NO_LETTER | REQUIRED, filesystem="ntfs", label="Recovery")


def add_data(disk: Disk, seed, tib: int) -> None:
    """One more volume behind all others, so large that its image is a disk of `tib` TiB: the
    image's reserved partition and tables take 17 MiB of them."""
    unit = MIB // disk.sector_size
    first = disk.sectors
    sectors = (tib << 40) // disk.sector_size - 17 * unit
    disk.partitions.append(_gpt(len(disk.partitions) + 1, "data", first, sectors, BASIC, seed,
                                name="Basic data partition", filesystem="raw", letter="D:"))
    disk.sectors = first + sectors + unit


def signature_guid(signature: int, offset: int) -> uuid.UUID:
    """A volume of an MBR disk as Windows 8 and later name it: the disk's signature, then the
    volume's byte offset as eight little-endian bytes (FORMAT.md section 2)."""
    return uuid.UUID(f"{signature:08x}00000000{offset.to_bytes(8, 'little').hex()}")


def bios_mbr(seed, profile: Profile, windows7: bool) -> Disk:
    """System Reserved, active, and C:; since Windows 8 a recovery partition of type 27 too."""
    unit = MIB // 512
    disk = Disk("mbr", 512, profile.disk * unit, signature=seed.signature("disk"))
    at = unit + 100 * unit
    disk.partitions = [
        Partition(1, "system", unit, 100 * unit, 0x07, active=True, filesystem="ntfs",
                  label="System Reserved"),
        Partition(2, "windows", at, profile.windows * unit + ODD_SECTORS, 0x07,
                  filesystem="ntfs", letter="C:"),
    ]
    if not windows7:
        last = (profile.disk - 1 - profile.winre) * unit
        disk.partitions.append(Partition(3, "winre", last, profile.winre * unit, 0x27,
                                         filesystem="ntfs", label="Recovery"))
    for partition in disk.partitions:
        partition.volume_guid = (seed.guid_v1(f"volume {partition.role}") if windows7 else
                                 signature_guid(disk.signature, disk.offset(partition)))
    return disk
