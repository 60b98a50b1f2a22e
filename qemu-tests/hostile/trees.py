# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged trees: what is missing, of another name, a link, twice, endless. And files that a share
or a disk is opened with: credentials, keys, journals."""

import os
import struct

from generator.crc32c import crc32c

from .bench import Case

MIB = 1 << 20


def source(path):
    """Restores from another place, without a version."""
    return lambda bench: ["restore", "--from", path(bench), "--disk", bench.target, "--confirm", "erase"]


def without(role: str):
    return lambda bench: bench.away(bench.image(role))


def emptied(role: str):
    return lambda bench: bench.truncate(bench.image(role), 0)


def cut(role: str, size: int):
    return lambda bench: bench.truncate(bench.image(role), size)


def instead(role: str, make):
    """`make(path)` puts something in the image's place."""
    def damage(bench):
        path = bench.image(role)
        bench.away(path)
        make(path)
    return damage


def twice(bench):
    path = bench.image("windows")
    copy = path.with_name("Copy of " + path.name)
    os.link(path, copy)
    bench.on_undo(copy.unlink)


def other_machine(bench):
    """The same set in the folder of another machine."""
    folder = bench.set.parent.with_name("SRV02")
    folder.mkdir()
    bench.on_undo(folder.rmdir)
    other = folder / bench.set.name
    other.mkdir()
    bench.on_undo(other.rmdir)
    for path in bench.set.iterdir():
        link = other / path.name
        os.link(path, link)
        bench.on_undo(link.unlink)


def deep(bench):
    """The backup below 80 folders."""
    top = bench.share / "d"
    path = top.joinpath(*["d"] * 80)
    path.mkdir(parents=True)
    tree = bench.share / "WindowsImageBackup"
    tree.rename(path / tree.name)

    def restore():
        (path / tree.name).rename(tree)
        for folder in (path, *path.parents):
            if folder == bench.share:
                break
            folder.rmdir()
    bench.on_undo(restore)


def many_images(bench):
    """1,100 names of images in the set's folder."""
    content = bench.add(bench.set / "image 0.vhdx", b"x" * 70000)
    for number in range(1, 1100):
        link = bench.set / f"image {number}.vhdx"
        os.link(content, link)
        bench.on_undo(link.unlink)


def swap(bench):
    """Two images have each other's name."""
    first, second = bench.image("windows"), bench.image("winre")
    kept = first.with_suffix(".kept")

    def exchange():
        first.rename(kept)
        second.rename(first)
        kept.rename(second)
    exchange()
    bench.on_undo(exchange)


def folder_empty(bench):
    (bench.folder / "empty").mkdir()
    bench.on_undo((bench.folder / "empty").rmdir)


def plain_file(content: bytes):
    return lambda bench: bench.add(bench.folder / "file.bin", content)


TREES = {
    "no such folder": Case(lambda bench: None,
        ("No such file",), command=source(lambda bench: bench.folder / "nowhere")),
    "an empty folder": Case(folder_empty,
        ("no backup in 1 folders with 0 files",), command=source(lambda bench: bench.folder / "empty")),
    "an empty file": Case(plain_file(b""),
        ("file.bin",), command=source(lambda bench: bench.folder / "file.bin"), alone=False),
    "a file of zeros": Case(plain_file(bytes(MIB)),
        ("not a disk image: neither VHDX nor VHD",), command=source(lambda bench: bench.folder / "file.bin")),
    "a device": Case(lambda bench: None, ("/dev/null",), command=source(lambda bench: "/dev/null")),
    "no image of C:": Case(without("windows"), ("BackupSpecs.xml lists volume C:",), alone=False),
    "no image of the recovery": Case(without("winre"), ("BackupSpecs.xml lists volume {",)),
    "no EFI system partition": Case(without("esp"),
        ("critical volume", "is not in the backup"), alone=False),
    "an empty image": Case(emptied("windows"), ("volume C:", "0 bytes")),
    "an image cut in its headers": Case(cut("windows", 100000), ("volume C:", "ends before its VHDX")),
    "an image cut in its last block": Case(cut("windows", 60 << 20),
        ("VHDX block", "beyond the end of the file"), alone=False),
    "an image that is a folder": Case(instead("windows", lambda path: path.mkdir()), ("C:",), alone=False),
    "an image that is a dead link": Case(instead("windows", lambda path: path.symlink_to("nowhere")),
        ("C:",), alone=False),
    "an image that is a looped link": Case(instead("windows", lambda path: path.symlink_to(path.name)),
        ("C:",), alone=False),
    "an image that is a pipe": Case(instead("windows", os.mkfifo), ("C:",), alone=False),
    "an image of zeros": Case(instead("windows", lambda path: path.write_bytes(bytes(MIB))),
        ("does not start with 'vhdxfile'",)),
    "an image of text": Case(instead("windows", lambda path: path.write_bytes(b"hello\r\n" * 10000)),
        ("volume C:", "vhdxfile"), alone=False),
    "two images of one volume": Case(twice, ("copy of",)),
    "images of each other's names": Case(swap, ("holds",)),
    "two versions of one time": Case(other_machine, ("two versions", "give the folder of one of them")),
    "below 80 folders": Case(deep,
        ("no backup", "more lie below 64 others"), command=source(lambda bench: bench.share)),
    "1,100 images": Case(many_images, ("no backup", "with more than 1024 images")),
    "a version that is none": Case(lambda bench: None, ("version 'yesterday': write latest",),
        ("--version", "yesterday")),
    "a version that is not there": Case(lambda bench: None, ("no version '2001-01-01T00:00Z'",),
        ("--version", "2001-01-01T00:00Z")),
    "a machine that is not there": Case(lambda bench: None,
        ("no backup of machine 'SRV09'; there are: 'SRV01'",), ("--machine", "SRV09")),
    "a volume that is not there": Case(lambda bench: None, ("Q:",), ("--volumes", "Q:")),
    "a target among the images": Case(lambda bench: None,
        ("lies among the backup's files",), command=lambda bench: [
        "restore", "--from", bench.share, "--disk", bench.image("winre"), "--confirm", "erase"]),
    "a target that is a folder": Case(lambda bench: None, ("not an image file",), command=lambda bench: [
        "restore", "--from", bench.share, "--disk", bench.folder, "--confirm", "erase"]),
}


# -- credentials, keys --------------------------------------------------------------------------

def credentials(content, *words) -> Case:
    """A share that nobody serves: the file is read first."""
    return Case(lambda bench: bench.add(bench.folder / "share.cred", content), words, command=lambda bench: [
        "restore", "--from", "smb://127.0.0.1:9/backups", "--disk", bench.target, "--confirm", "erase",
        "--credentials", bench.folder / "share.cred"])


def keys(content, *words) -> Case:
    """For a source that is a disk."""
    def damage(bench):
        bench.add(bench.folder / "disk.keys", content)
        bench.add(bench.folder / "file.bin", bytes(MIB))
    return Case(damage, words, command=lambda bench: [
        "restore", "--from", bench.folder / "file.bin", "--disk", bench.target, "--confirm", "erase",
        "--unlock", bench.folder / "disk.keys"])


def location(url: str, *words) -> Case:
    return Case(lambda bench: None, words, statuses=(1, 2), command=lambda bench: [
        "restore", "--from", url, "--disk", bench.target, "--confirm", "erase"])


KEYS = {
    "no user": credentials(b"password = x\n", "no user name: add a line"),
    "no password": credentials(b"username = x\n", "no password: add a line"),
    "an unknown key": credentials(b"username = x\npasswort = y\n",
        "unknown key, known are username, password and domain"),
    "a key twice": credentials(b"username = x\nusername = y\n", "'username' is there twice"),
    "a line that is none": credentials(b"hello\n", "no '=', expected a line like"),
    "two domains": credentials(b"username = A\\x\ndomain = B\npassword = y\n",
        "before the user name disagree"),
    "a user name of a domain alone": credentials(b"username = A\\\npassword = y\n", "is not a user name"),
    "a user name of a thousand letters": credentials(b"username = " + b"x" * 1000 + b"\npassword = y\n",
        "at most"),
    "a file of pictures": credentials(b"\xff\xd8\xff\xe0" * 10, "neither UTF-8 nor UTF-16"),
    "a file of a MiB": credentials(b"#" * MIB, "not a credentials file"),
    "a mistyped recovery key": keys(b"235818-357951-253979-013366-241120-245575-342914-591910\n",
        "group 4 of the recovery key is mistyped"),
    "no key in it": keys(b"hello\n", "no key in it"),
    "a picture": keys(b"\xff\xd8\xff\xe0" * 10, "neither a startup key nor text"),
    "a file of keys that is too long": keys(b"#" * MIB, "no file of keys"),
    "a share without a name": location("smb://nas", "the share is missing"),
    "a share with an escape cut off": location("smb://nas/a%2", "without two digits of a code"),
    "a share with a control character": location("smb://nas/a%07b", "has a control character"),
    "a share that leads upwards": location("smb://nas/a/../b", "cannot be a part of a path"),
    "a password in the address": location("smb://me:secret@nas/a",
        "a password does not belong into the address"),
    "a port that is no number": location("smb://nas:http/a", "the port is not a number"),
    "port 70000": location("smb://nas:70000/a", "port '70000'"),
    "a host without ']'": location("smb://[::1/a", "'[' without ']'"),
    "something behind ']'": location("smb://[::1]x/a", "after ']' only ':'"),
    "a user without a name": location("smb://@nas/a", "the user name before '@' is empty"),
    "a host with a blank": location("smb://na%20s/a", "is not a name or address of a host"),
    "a share that is not UTF-8": location("smb://nas/%ff", "is not UTF-8"),
}


# -- journals -------------------------------------------------------------------------------------

SLOT, FIRST_SLOT = 64 << 10, 20480


def journal(sealed=True, **change) -> bytes:
    """A journal of one range, as restore/engine/journal.c describes it; `change`: a field's value."""
    fields = {"magic": b"openBMRj", "length": 3584 + 16, "format": 2, "state": 1, "sequence": 5, "images": 1,
              "ranges": 1, "words": 0, "offset": MIB, "bytes": MIB, **change}
    data = bytearray(3584 + 16)
    struct.pack_into("<8sIIIIQ", data, 0, fields["magic"], 0, fields["length"], fields["format"],
                     fields["state"], fields["sequence"])
    struct.pack_into("<II", data, 144, fields["images"], fields["ranges"])
    struct.pack_into("<I", data, 168, fields["words"])
    struct.pack_into("<QQ", data, 3584, fields["offset"], fields["bytes"])
    struct.pack_into("<I", data, 8, crc32c(bytes(data)) if sealed else 7)
    return bytes(data)


def resumed(content: bytes, *words) -> Case:
    """Both slots hold this."""
    def damage(bench):
        for slot in range(2):
            bench.poke(bench.target, FIRST_SLOT + slot * SLOT, content)
    return Case(damage, words, command=lambda bench: ["resume", "--from", bench.share, "--disk", bench.target])


JOURNALS = {
    "no journal": resumed(bytes(4096), "it has no journal"),
    "a checksum that is wrong": resumed(journal(sealed=False), "its checksum is wrong"),
    "no length": resumed(journal(length=0), "0 bytes in a slot of"),
    "a later format": resumed(journal(format=9), "format 9, this version knows"),
    "an unknown state": resumed(journal(state=77), "state 77, must be"),
    "a thousand images": resumed(journal(images=1000), "1000 images, at most"),
    "more ranges than there are": resumed(journal(ranges=5), "5 ranges in"),
    "a MiB of words": resumed(journal(words=MIB), "bytes of words, at most"),
    "an empty range": resumed(journal(bytes=0), "is empty or out of order"),
    "another disk's": resumed(journal(), "it was begun on another disk"),
}
