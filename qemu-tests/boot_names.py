# SPDX-License-Identifier: GPL-3.0-or-later
"""Which partitions the files of a restored Windows name: boot stores, MountedDevices, ReAgent.xml.

Hives are read by hivexml. Device elements are looked through for anything that has the shape of a
partition's device, at any place: this decoder shares nothing with the program's.
"""

import base64
import re
import struct
import subprocess
import uuid
import xml.etree.ElementTree

from generator import fat

PARTITION_HEAD = struct.pack("<IIII", 6, 0, 0x48, 0)


def gpt_name(disk: uuid.UUID, partition: uuid.UUID):
    return ("gpt", str(disk), str(partition))


def mbr_name(signature: int, offset: int):
    return ("mbr", f"{signature:08x}", offset)


def _name(device: bytes):
    """The 56 bytes behind the head."""
    where, _, style, disk = struct.unpack_from("<16sII16s", device)
    if style == 0:
        return gpt_name(uuid.UUID(bytes_le=disk), uuid.UUID(bytes_le=where))
    return mbr_name(int.from_bytes(disk[:4], "little"), int.from_bytes(where[:8], "little"))


def element_names(element: bytes) -> list:
    """All partitions that a device element names."""
    return [_name(element[match.end():])
            for match in re.finditer(re.escape(PARTITION_HEAD), element)]


def hive_values(data: bytes, work) -> dict:
    """Path and value name to bytes, of all binary values."""
    path = work / "hive"
    path.write_bytes(data)
    text = subprocess.run(["hivexml", path], check=True, capture_output=True).stdout
    values = {}

    def walk(node, name):
        for value in node.findall("value"):
            if value.get("encoding") == "base64":
                values[f"{name}/{value.get('key')}"] = base64.b64decode(value.get("value") or value.text or "")
        for child in node.findall("node"):
            walk(child, f"{name}/{child.get('name')}")

    walk(xml.etree.ElementTree.fromstring(text).find("node"), "")
    return values


def store_names(data: bytes, work) -> dict:
    """Object and element of a boot store to the partitions that it names."""
    found = {}
    for path, value in hive_values(data, work).items():
        match = re.fullmatch(r"/Objects/(.*)/Elements/(.1......)/Element", path)
        names = element_names(value) if match else []
        if names:
            found[match.groups()] = names
    return found


HARD_DRIVE = struct.pack("<BBH", 4, 1, 42)


def firmware_copy(data: bytes, work):
    """What the boot manager's copy of the firmware's entry says of its partition: slot, first
    sector, sectors, id."""
    values = hive_values(data, work)
    value = next(v for path, v in values.items() if path.endswith("/Description/FirmwareVariable"))
    slot, first, count, partition = struct.unpack_from("<IQQ16s", value, value.index(HARD_DRIVE) + 4)
    return slot, first, count, str(uuid.UUID(bytes_le=partition))


def mounted_names(data: bytes, work) -> dict:
    """Drive letters and volumes of a SYSTEM hive to partitions: on GPT disks by id alone."""
    found = {}
    for path, value in hive_values(data, work).items():
        if not path.startswith("/MountedDevices/"):
            continue
        name = path.removeprefix("/MountedDevices/")
        if value.startswith(b"DMIO:ID:"):
            found[name] = ("gpt", str(uuid.UUID(bytes_le=value[8:24])))
        elif len(value) == 12:
            found[name] = mbr_name(*struct.unpack("<IQ", value))
    return found


def reagent_name(data: bytes):
    """Where the recovery environment lies: disk, and start in bytes."""
    location = xml.etree.ElementTree.fromstring(data.decode()).find("WinreLocation")
    guid, offset = location.get("guid").strip("{}"), int(location.get("offset"))
    if uuid.UUID(guid).int:
        return ("gpt", guid, offset)
    return mbr_name(int(location.get("id")), offset)


def read_files(volume, filesystem: str, names) -> dict:
    """Those of the files of a volume that exist."""
    if filesystem == "fat32":
        every = {name.lower(): data for name, data in fat.read_all(volume).items()}
        return {name: every[name.lower()] for name in names if name.lower() in every}
    found = {}
    for name in names:
        result = subprocess.run(["ntfscat", "-f", volume, name], capture_output=True, check=False)
        if result.returncode == 0:
            found[name] = result.stdout
    return found
