# SPDX-License-Identifier: GPL-3.0-or-later
"""The XML documents and small files of a backup set (FORMAT.md sections 1, 3 and 4.2)."""

import os
from xml.sax.saxutils import quoteattr

from .asr import asr_sif
from .disk import Disk

ASR_WRITER = "be000cbe-11fe-4426-9c58-531aa6355fc4"

# Other writers that every set names: id, friendly name, components
OTHER_WRITERS = (
    ("afbab4a2-367d-4d15-a586-71dbb18f8485", "Registry Writer", ("Registry",)),
    ("542da469-d3e1-473c-9f4f-7847f01fc64f", "COM+ REGDB Writer", ("COM+ REGDB",)),
    ("a6ad56c2-b509-4e6c-bb19-49d8f43532f0", "WMI Writer", ("WMI",)),
    ("e8132975-6f93-4464-a53e-1050253ae220", "System Writer",
     ("System Files", "Win32 Services Files")),
)


# What the documents of a system state list, in the spelling of a real Windows Server 2012: folder,
# file, whether all below it belongs to it
CATALOG_FOLDER = "C:\\Windows\\system32\\CatRoot\\{F750E6C3-38EE-11D1-85E5-00C04FC295EE}"
LISTED_FILES = {
    "Registry": [("C:\\Windows\\system32\\config", name, False)
                 for name in ("default", "SAM", "SECURITY", "software", "system")],
    "COM+ REGDB": [("%SystemRoot%\\Registration", "*", True)],
    "WMI": [("C:\\Windows\\system32\\wbem\\repository", "*.*", True)],
    "System Files": [("%systemroot%\\winsxs", "*.*", True), (CATALOG_FOLDER, "*", True),
                     ("c:\\windows\\fonts", "app857.fon", False)],
}


def _file_lists(component: str) -> str:
    return "".join(_tag("FILE_LIST", {"path": path, "filespec": name,
                                      **({"recursive": "yes"} if recursive else {}),
                                      "filespecBackupType": 3855})
                   for path, name, recursive in LISTED_FILES.get(component, ()))


def utf16(text: str) -> bytes:
    """As the backup engine writes every document: no byte order mark, one NUL at the end."""
    return (text + "\0").encode("utf-16-le")


def _tag(name: str, attributes: dict, end: str = "/>") -> str:
    """Attributes with raw line ends inside, as Windows leaves them."""
    return "<" + name + "".join(
        f" {key}=" + quoteattr(str(value)).replace("&#13;", "\r").replace("&#10;", "\n")
        for key, value in attributes.items()) + end


def backup_specs(disk: Disk, partial: bool) -> str:
    """BackupSpecs.xml; the EFI system partition has no Volume element."""
    volumes = ""
    for p in disk.partitions:
        if p.filesystem not in ("ntfs", "raw"):
            continue
        name = "\\\\?\\Volume{%s}\\" % p.volume_guid
        root = p.letter + "\\" if p.letter else name
        paths = [root]
        if partial and p.role == "windows":
            paths = [root + "Windows\\System32\\config\\", root + "Windows\\System32\\drivers\\"]
        specs = "".join(_tag("FileSpec", {"FilePath": path, "FileName": "*",
                                          "IsRecursive": "true", "IsInclude": "true"}, " />")
                        for path in paths)
        volumes += _tag("Volume", {"Name": name, "AccessPath": p.letter,
                                   "OriginalAccessPath": p.letter, "Label": p.label,
                                   "OriginalLabel": p.label}, " >") + specs + "</Volume>"
    state = "true" if partial else "false"
    return (f"<BackupSpecs><FileSpecs>{volumes}</FileSpecs>"
            f"<SystemState IsPresent=\"{state}\" /><AllCritical IsPresent=\"false\" />"
            "</BackupSpecs>")


def components(disk: Disk, machine: str, seed, spelling: int, more=()) -> str:
    """The Backup Components Document; AsrSif escaped in an attribute, none if `spelling` is 0."""
    text = _tag("BACKUP_COMPONENTS", {
        "xmlns": "x-schema:#VssComponentMetadata", "version": "1.2",
        "bootableSystemStateBackup": "yes", "selectComponents": "yes", "backupType": "full",
        "partialFileSupport": "no", "snapshotSetId": seed.guid("snapshot set")}, ">")
    for guid, _, names in OTHER_WRITERS:
        text += _tag("WRITER_COMPONENTS", {"instanceId": seed.guid(f"instance {guid}"),
                                           "writerId": guid, "backupSchema": 0}, ">")
        text += "".join(_tag("COMPONENT", {"componentName": name, "componentType": "filegroup"})
                        for name in names) + "</WRITER_COMPONENTS>"
    if spelling:
        text += _tag("WRITER_COMPONENTS", {"instanceId": seed.guid("instance asr"),
                                           "writerId": ASR_WRITER, "backupSchema": 0}, ">")
        text += _tag("COMPONENT", {"logicalPath": "ASR", "componentName": "ASR",
                                   "componentType": "filegroup"}, ">")
        text += _tag("BACKUP_METADATA", {"xmlns": "",
                                         "metadata": asr_sif(disk, machine, spelling,
                                                             more)})
        text += "</COMPONENT></WRITER_COMPONENTS>"
    return text + "</BACKUP_COMPONENTS>"


_GROUP = {"restoreMetadata": "no", "notifyOnBackupComplete": "no", "selectable": "no",
          "selectableForRestore": "no", "componentFlags": 0}


def _writer_document(guid: str, name: str, seed, groups: str) -> str:
    return (_tag("WRITER_METADATA", {"xmlns": "x-schema:#VssWriterMetadataInfo",
                                     "version": "1.2"}, ">")
            + _tag("IDENTIFICATION", {
                "writerId": guid, "instanceId": seed.guid(f"instance {guid}"),
                "friendlyName": name, "usage": "BOOTABLE_SYSTEM_STATE", "dataSource": "OTHER",
                "majorVersion": 0, "minorVersion": 0})
            + _tag("RESTORE_METHOD", {"method": "RESTORE_IF_CAN_BE_REPLACED",
                                      "writerRestore": "never", "rebootRequired": "yes"})
            + f"<BACKUP_LOCATIONS>{groups}</BACKUP_LOCATIONS></WRITER_METADATA>")


def _group(path: str, name: str, caption: str, files: str = "") -> str:
    attributes = {"logicalPath": path, "componentName": name, "caption": caption, **_GROUP}
    if not files:
        return _tag("FILE_GROUP", attributes)
    return _tag("FILE_GROUP", attributes, ">") + files + "</FILE_GROUP>"


def asr_writer(disk: Disk, seed) -> str:
    """The ASR writer's document of a German machine: the caption around the signature or GUID
    is localised, only the number in it means something."""
    groups = _group("ASR", "ASR", "ASR")
    for p in disk.partitions:
        if p.filesystem:
            where = p.letter or "\\??\\Volume{%s}" % p.volume_guid
            groups += _group("Volumes", "Volume{%s}" % p.volume_guid,
                             f"Wählen Sie dieses Volume ({where}) aus, wenn es kritisch ist.\r\n"
                             "Kritische Volumes muss ASR wiederherstellen.\r\n")
    gpt = disk.style == "gpt"
    what = "{%s}" % disk.guid if gpt else f"0x{disk.signature:x}"
    groups += _group("Disks", "harddisk0", "Wählen Sie diese Option, um den Datenträger Nr. 0 "
                     f"(mit der Signatur {what}) in die ASR-Wiederherstellung einzuschließen.")
    system = disk.by_role("esp" if gpt else "system")
    folder = "\\EFI\\Microsoft\\Boot" if gpt else "\\Boot"
    groups += _group("BCD", "BCD", "Dies ist der Pfad zum BCD-Startspeicher.\r\n",
                     _tag("FILE_LIST", {
                         "path": "\\\\?\\Volume{%s}%s" % (system.volume_guid, folder),
                         "filespec": "*.*", "recursive": "yes", "filespecBackupType": 3855}))
    return _writer_document(ASR_WRITER, "ASR Writer", seed, groups)


def set_documents(disk: Disk, machine: str, seed, spelling: int, partial: bool) -> dict:
    """File name to text of all XML files of one set."""
    prefix = str(seed.guid("backup set"))
    documents = {
        "BackupSpecs.xml": backup_specs(disk, partial),
        # sets that are no whole system have no AsrSif (FORMAT.md section 4.1)
        f"{prefix}_Components.xml": components(disk, machine, seed, 0 if partial else spelling),
        f"{prefix}_AdditionalFilesc3b9f3c7-5e52-4d5e-8b20-19adc95a34c7.xml":
            "<AdditionalFiles/>",
        f"{prefix}_RegistryExcludes.xml":
            "<RegistryExcludes><Exclude Key=\"HKLM\\SYSTEM\\ControlSet001\\Control\\Session "
            "Manager\\PendingFileRenameOperations\" /></RegistryExcludes>",
    }
    if not partial:
        documents[f"{prefix}_Writer{ASR_WRITER}.xml"] = asr_writer(disk, seed)
    for guid, name, names in OTHER_WRITERS:
        groups = "".join(_group("", component, component, _file_lists(component) if partial else "")
                         for component in names)
        documents[f"{prefix}_Writer{guid}.xml"] = _writer_document(guid, name, seed, groups)
    return documents


def write_catalog(machine_folder: str, seed, windows7: bool) -> None:
    """What lies beside the `Backup …` folders: not needed for a restore, there all the same."""
    files = {"MediaId": seed.guid("media").bytes_le,
             "Catalog/GlobalCatalog": b"cblg" + seed.bytes("catalog", 7436),
             "Catalog/BackupGlobalCatalog": b"cblg" + seed.bytes("backup catalog", 5694)}
    if windows7:
        files["SPPMetadataCache/{%s}" % seed.guid("backup set")] = seed.bytes("spp", 57848)
    else:
        files["Logs/Backup_Error-31-08-2026_21-00-00.log"] = b"\xff\xfe"
    for name, data in files.items():
        path = os.path.join(machine_folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
