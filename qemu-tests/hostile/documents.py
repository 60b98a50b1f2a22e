# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged documents of a set: XML as such, BackupSpecs.xml, the ASR writer's, and AsrSif, which
stands escaped in an attribute of the components' document (FORMAT.md sections 3 and 4)."""

import html

from .bench import Case

SPECS, COMPONENTS, WRITER = "BackupSpecs.xml", "_Components.xml", "_Writerbe000cbe-11fe-4426-9c58-531aa6355fc4.xml"


def change(document, *pairs):
    """Each pair: what stands there, what stands there then, as in XML that is not escaped."""
    def damage(bench):
        def rewritten(text):
            for old, new in pairs:
                before = text
                for form in (str, html.escape, lambda part: html.escape(part, quote=False)):
                    text = text.replace(form(old), form(new)) if text == before else text
                if text == before:
                    raise ValueError(f"no {old} in {document}")
            return text
        bench.rewrite(bench.document(document), rewritten)
    return damage


def asrsif(*pairs, words):
    return Case(change(COMPONENTS, *pairs), words)


def whole(document, content: bytes):
    """The document's bytes are these."""
    def damage(bench):
        path = bench.document(document)
        bench.away(path)
        path.write_bytes(content)
    return damage


def cut(document, share: float):
    def damage(bench):
        path = bench.document(document)
        bench.truncate(path, int(path.stat().st_size * share) // 2 * 2)
    return damage


def utf16(text: str) -> bytes:
    return text.encode("utf-16-le")


def specs(body: str) -> bytes:
    return utf16(f"<BackupSpecs><FileSpecs>{body}</FileSpecs></BackupSpecs>")


def other_guid(bench):
    guid = bench.partition("windows")["guid"]
    change(SPECS, (guid, "00000000" + guid[8:]))(bench)


def no_critical(bench):
    guid = bench.partition("esp")["guid"]
    change(WRITER, (f'componentName="Volume{{{guid}}}"', f'componentName="Volume{{00000000{guid[8:]}}}"'))(bench)


MANY = 70000

DOCUMENTS = {
    "half a document": Case(cut(SPECS, 0.5), ("BackupSpecs.xml", "not XML: unclosed token")),
    "an empty document": Case(whole(SPECS, utf16("<BackupSpecs>")),
        ("BackupSpecs.xml", "no element found")),
    "tags crossed": Case(whole(SPECS, utf16("<BackupSpecs><a></BackupSpecs></a>")), ("mismatched tag",)),
    "neither UTF-8 nor UTF-16": Case(whole(SPECS, b"<BackupSpecs>\xff\xfe\xfd\xfc</BackupSpecs>"),
        ("neither UTF-16LE nor UTF-8",)),
    "half a surrogate": Case(whole(SPECS, utf16("<BackupSpecs a='") + b"\x00\xd8" + utf16("'/>")),
        ("BackupSpecs.xml", "surrogate")),
    "a NUL in the midst": Case(whole(SPECS, utf16("<BackupSpecs>\0</BackupSpecs>")), ("BackupSpecs.xml",)),
    "a document type": Case(whole(SPECS,
        utf16("<!DOCTYPE a [<!ENTITY b 'c'>]><BackupSpecs>&b;</BackupSpecs>")), ("has a DTD",)),
    "an unknown entity": Case(whole(SPECS, utf16("<BackupSpecs>&who;</BackupSpecs>")),
        ("undefined entity",)),
    "ten thousand levels": Case(whole(SPECS,
        utf16("<BackupSpecs>" + "<a>" * 10000 + "</a>" * 10000 + "</BackupSpecs>")), ("levels",)),
    "an attribute of two MiB": Case(whole(SPECS, utf16(f"<BackupSpecs a='{'x' * (2 << 20)}'/>")),
        ("attribute of", "limit")),
    "a thousand attributes": Case(whole(SPECS,
        utf16("<BackupSpecs " + " ".join(f"a{n}=''" for n in range(1000)) + "/>")), ("attributes in an element",)),
    "an attribute twice": Case(whole(SPECS, utf16("<BackupSpecs a='' a=''/>")), ("duplicate attribute",)),
    "something behind the end": Case(whole(SPECS, utf16("<BackupSpecs/><a/>")),
        ("junk after document element",)),
    "a namespace without end": Case(whole(SPECS, utf16("<BackupSpecs><![CDATA[x</BackupSpecs>")),
        ("unclosed CDATA section",)),
    "a reference beyond Unicode": Case(whole(SPECS, utf16("<BackupSpecs>&#x110000;</BackupSpecs>")),
        ("reference to invalid character number",)),
    "a declaration in the midst": Case(whole(SPECS,
        utf16("<BackupSpecs><?xml version='1.0'?></BackupSpecs>")), ("XML or text declaration not at start",)),
    "1,100 volumes": Case(whole(SPECS, specs("<Volume Name='a'/>" * 1100)), ("1100 volumes, limit",)),
    "an unlisted volume": Case(other_guid, ("BackupSpecs.xml lists volume", "its image is missing")),
    "a critical volume that is not there": Case(no_critical, ("critical volume", "is not in the backup")),
    "some files only": Case(change(SPECS, ('FileName="*"', 'FileName="a.txt"')), ("partial",)),
    "an excluded file": Case(change(SPECS, ('IsInclude="true"', 'IsInclude="false"')), ("partial",)),
    "the first folder only": Case(change(SPECS, ('IsRecursive="true"', 'IsRecursive="false"')),
        ("partial",)),
    "70,000 groups of files": Case(whole(WRITER, utf16(
        "<WRITER_METADATA><IDENTIFICATION writerId='be000cbe-11fe-4426-9c58-531aa6355fc4'/><BACKUP_LOCATIONS>"
        + "<FILE_GROUP/>" * MANY + "</BACKUP_LOCATIONS></WRITER_METADATA>")), ("file groups, limit",)),
    "AsrSif without end": asrsif(("</AsrSif>", ""), words=("AsrSif begins, but does not end",)),
    "AsrSif that is no XML": asrsif(("<Disks ", "<Disks <"), words=("_Components.xml", "not well-formed")),
    "an offset that is no number": asrsif(("PartitionOffset=\"1048576\"", "PartitionOffset=\"here\""),
        words=("PartitionOffset 'here' is not a number",)),
    "a length that is no number": asrsif(("PartitionLength=\"104857600\"", "PartitionLength=\"-1\""),
        words=("PartitionLength '-1' is not a number",)),
    "a size that is no number": asrsif(("DiskSize=\"1342177280\"", "DiskSize=\"1 GB\""),
        words=("DiskSize '1 GB' is not a number",)),
    "attributes that are no number": asrsif(("GptAttributes=\"0x0000000000000000\"",
        "GptAttributes=\"none\""), words=("GptAttributes 'none' is not a number",)),
    "an index that is no number": asrsif(("PartitionIndex=\"2\"", "PartitionIndex=\"two\""),
        words=("PartitionIndex 'two' is not a number",)),
    "a partition beyond every disk": asrsif(("PartitionOffset=\"1290797056\"",
        "PartitionOffset=\"18446744073709551104\""), words=("is beyond every disk",)),
    "a partition beyond its disk": asrsif(("PartitionOffset=\"1290797056\"",
        "PartitionOffset=\"2290797056\""), words=("partition ends at byte", "its disk at")),
    "a partition of slot 5000": asrsif(("PartitionIndex=\"3\"", "PartitionIndex=\"4999\""),
        words=("partition with index 5000",)),
    "sectors of 520 bytes": asrsif(("BytesPerSector=\"512\"", "BytesPerSector=\"520\""),
        words=("disk with sectors of 520 bytes",)),
    "a disk of 16 EiB": asrsif(("DiskSize=\"1342177280\"", "DiskSize=\"18446744073709551104\""),
        words=("which no disk has",)),
    "2,000 partitions": asrsif(("</GptDisk>",
        "".join(f"<P PartitionOffset=\"{n}\" PartitionLength=\"1\"/>" for n in range(2000)) + "</GptDisk>"), words=("partitions, limit",)),
    "5,000 disks": asrsif(("</Disks>", "<D/>" * 5000 + "</Disks>"), words=("disks, limit",)),
    "70,000 volumes": asrsif(("</FixedVolumes>", "<V/>" * MANY + "</FixedVolumes>"),
        words=("volumes, limit",)),
    "another length": asrsif(("PartitionLength=\"335547904\"", "PartitionLength=\"335546880\""),
        words=("contradict", "length")),
    "partitions that overlap": asrsif(("PartitionOffset=\"105906176\"", "PartitionOffset=\"105381888\""),
        words=("overlap",)),
    "two partitions of one slot": asrsif(("PartitionIndex=\"1\"", "PartitionIndex=\"0\""), words=("slot",)),
    "another disk id": Case(lambda bench: change(COMPONENTS, (bench.facts["disk_guid"],
        "0" * 8 + bench.facts["disk_guid"][8:]))(bench), ("contradict", "disk")),
    "another firmware": asrsif(("FirmwareType=\"2\"", "FirmwareType=\"1\""),
        words=("no image holds the boot manager",)),
}
