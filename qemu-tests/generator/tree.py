# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a generated Windows machine: made in a mounted volume, noted in a manifest.

The manifest holds what was meant to be written, hashed in memory and never read back from the
volume, so that comparing it with a restored volume also judges ntfs-3g.
"""

import hashlib
import os

from . import ntfs

# Letters of several scripts, a name outside the basic plane, and one that only differs in
# its accent's form (composed and decomposed): all of them valid NTFS names.
UNICODE_NAMES = ("Grüße aus Köln.txt", "документ.docx", "日本語のファイル.txt", "قائمة.txt",
                 "emoji-\U0001F4BE.bin", "caf\u00e9.txt", "cafe\u0301.txt",
                 "a" * 200 + ".long")

WORDS = ("backup", "restore", "volume", "server", "cluster", "system", "policy", "driver",
         "service", "update", "registry", "network", "printer", "account", "profile")


class Tree:
    """A folder that is filled, and the list of what was put there."""

    def __init__(self, folder: str, seed):
        self.folder = folder
        self.seed = seed
        self.entries = []

    def _path(self, name: str) -> str:
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def file(self, name: str, data: bytes, streams=None, **facts) -> None:
        """A file, with named streams where given; `facts` are noted as they are."""
        path = self._path(name)
        with open(path, "wb") as file:
            file.write(data)
        entry = {"path": name, "type": "file", "size": len(data), "sha256": _hash(data), **facts}
        for stream, content in (streams or {}).items():
            with open(f"{path}:{stream}", "wb") as file:
                file.write(content)
            entry.setdefault("streams", {})[stream] = {"size": len(content),
                                                       "sha256": _hash(content)}
        self.entries.append(entry)

    def sparse(self, name: str, size: int, pieces) -> None:
        """A file with holes; `pieces`: (offset, bytes) in ascending order."""
        digest, at = hashlib.sha256(), 0
        with open(self._path(name), "wb") as file:
            for offset, data in pieces:
                file.seek(offset)
                file.write(data)
                digest.update(bytes(offset - at) + data)
                at = offset + len(data)
            file.truncate(size)
        digest.update(bytes(size - at))
        self.entries.append({"path": name, "type": "file", "size": size, "sparse": True,
                             "sha256": digest.hexdigest()})

    def hard_link(self, name: str, target: str) -> None:
        os.link(os.path.join(self.folder, target), self._path(name))
        original = next(e for e in self.entries if e["path"] == target)
        self.entries.append({**original, "path": name, "hard_link_of": target})

    def junction(self, name: str, target: str) -> None:
        path = self._path(name)
        ntfs.make_junction(path, target)
        self.entries.append({"path": name, "type": "junction", "target": target,
                             "reparse": ntfs.reparse_data(path).hex()})

    def symlink(self, name: str, target: str) -> None:
        path = self._path(name)
        ntfs.make_symlink(path, target)
        self.entries.append({"path": name, "type": "symlink", "target": target,
                             "reparse": ntfs.reparse_data(path).hex()})

    def text(self, label: str, length: int) -> bytes:
        """Text that compresses well."""
        choose = self.seed.random(label)
        words = " ".join(choose.choices(WORDS, k=300)) + "\r\n"
        return (words * (length // len(words) + 1)).encode()[:length]


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def executable(seed, label: str, length: int) -> bytes:
    """Something that starts like a program and is none."""
    return b"MZ" + seed.bytes(label, length - 2)


def _add_many(tree: Tree, count: int) -> None:
    """Thousands of small files: many of them short enough to live in their MFT record."""
    sizes = tree.seed.random("small files")
    for number in range(count):
        group = number // 110
        length = int(sizes.paretovariate(0.9) * 150) % 30000
        tree.file(f"Program Files/Vendor {group:03d}/component {number:05d}.dll",
                  tree.seed.bytes(f"small {number}", length))


def _add_special(tree: Tree, factor: int) -> None:
    """What a copy by files easily loses: streams, links, holes, compression, names."""
    tree.file("Users/admin/Downloads/setup.exe", executable(tree.seed, "setup", 300000),
              {"Zone.Identifier": b"[ZoneTransfer]\r\nZoneId=3\r\n",
               "large stream": tree.seed.bytes("large stream", 200000)})
    for number, name in enumerate(UNICODE_NAMES):
        tree.file("Users/Jörg/Dokumente/" + name, tree.text(f"unicode {number}", 500 * number))
    tree.file("Windows/WinSxS/amd64_component/linked.dll", executable(tree.seed, "linked", 70000))
    tree.hard_link("Windows/System32/linked.dll", "Windows/WinSxS/amd64_component/linked.dll")
    tree.hard_link("Windows/SysWOW64/linked.dll", "Windows/WinSxS/amd64_component/linked.dll")
    tree.junction("Documents and Settings", "C:\\Users")
    tree.symlink("Users/Public/link to win.ini", "..\\..\\Windows\\win.ini")
    tree.file("Windows/win.ini", b"; for 16-bit app support\r\n[fonts]\r\n")
    compressed = tree._path("Windows/Installer/compressed/x")
    ntfs.set_compressed(os.path.dirname(compressed))
    for number in range(12):
        tree.file(f"Windows/Installer/compressed/log {number}.txt",
                  tree.text(f"log {number}", factor * 40000 * (number + 1)), compressed=True)
    tree.file("Windows/Installer/compressed/random.bin", tree.seed.bytes("random", 150000),
              compressed=True)
    tree.sparse("Users/Public/sparse.vmdk", 64 << 20,
                [(5 << 20, tree.seed.bytes("sparse 1", 70000)),
                 ((40 << 20) + 1234, tree.seed.bytes("sparse 2", 5000))])
    tree.file("Users/Public/empty.txt", b"")


def fill_windows(folder: str, seed, profile, files: dict, whole: bool) -> list:
    """A C: drive. `files`: path to bytes of what must be real (hives, loaders). Where not
    `whole`, only those: what a system state backup holds. Returns the manifest."""
    tree = Tree(folder, seed)
    for name, data in files.items():
        tree.file(name, data)
    if not whole:
        return tree.entries
    for name, mib in (("pagefile.sys", profile.pagefile),
                      ("System Volume Information/{3808876b-c176-4e48-b7ae-04046e6cc752}",
                       profile.shadow)):
        # Its blocks will be missing in the image: the content is not part of the manifest.
        with open(tree._path(name), "wb") as file:
            for number in range(mib):
                file.write(seed.bytes(f"{name} {number}", 1 << 20))
    _add_special(tree, 1 + profile.small_files // 10000)
    for number, mib in enumerate(profile.big_files):
        _add_big(tree, f"Windows/Big/data {number}.bin", number, mib)
    _add_fragmented(tree, profile.fragmented)
    _add_many(tree, profile.small_files)
    return tree.entries


def _add_big(tree: Tree, name: str, number: int, mib: int) -> None:
    digest = hashlib.sha256()
    with open(tree._path(name), "wb") as file:
        for part in range(mib):
            data = tree.seed.bytes(f"big {number} {part}", 1 << 20)
            digest.update(data)
            file.write(data)
    tree.entries.append({"path": name, "type": "file", "size": mib << 20,
                         "sha256": digest.hexdigest()})


def _add_fragmented(tree: Tree, count: int) -> None:
    """Logs and databases that grow in turns for years: each lies in hundreds of pieces."""
    names = [f"Windows/System32/LogFiles/log {number}.etl" for number in range(count)]
    digests = [hashlib.sha256() for _ in names]
    sizes = [0] * count
    choose = tree.seed.random("fragmented")
    for turn in range(300 if count else 0):
        for number, name in enumerate(names):
            data = tree.seed.bytes(f"fragment {number} {turn}", 4096 * choose.randint(1, 24))
            with open(tree._path(name), "ab") as file:
                file.write(data)
            digests[number].update(data)
            sizes[number] += len(data)
    for number, name in enumerate(names):
        tree.entries.append({"path": name, "type": "file", "size": sizes[number],
                             "sha256": digests[number].hexdigest()})


# Files whose blocks a backup leaves out although $Bitmap marks them used (FORMAT.md section 2)
ABSENT_FILES = ("/pagefile.sys",
                "/System Volume Information/{3808876b-c176-4e48-b7ae-04046e6cc752}")


def fill_simple(folder: str, seed, files: dict) -> list:
    """A small volume (System Reserved, recovery) that holds just these files."""
    tree = Tree(folder, seed)
    for name, data in files.items():
        tree.file(name, data)
    return tree.entries
