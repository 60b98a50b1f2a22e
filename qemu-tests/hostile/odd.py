# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups that look odd and are whole: each must restore to the same disk."""

from .documents import COMPONENTS, SPECS
from .tables import Gpt


def encoded(document: str, encoding: str, change=lambda text: text):
    """The document in another encoding, `change` made to its text."""
    def make(bench):
        path = bench.document(document)
        text = path.read_bytes().decode("utf-16-le").rstrip("\0")
        bench.away(path)
        path.write_bytes(change(text).encode(encoding))
    return make


def more_xml(text: str) -> str:
    """Elements, attributes and comments that nobody knows."""
    return text.replace("<FileSpecs>", "<!-- a note --><Later Version='9'><Inner/></Later><FileSpecs New=''>")


def renamed(change):
    """All files of the set have names in other letters."""
    def make(bench):
        for path in list(bench.set.iterdir()):
            new = path.with_name(change(path.name))
            path.rename(new)
            bench.on_undo(lambda path=path, new=new: new.rename(path))
    return make


def among_others(bench):
    """Files and folders that do not belong to a backup lie beside its own."""
    for name, content in (("Thumbs.db", b"\xd0\xcf\x11\xe0"), ("notes.xml", b"<notes/>"),
                          ("broken.xml", b"<notes"), ("desktop.ini", b"[.ShellClassInfo]\r\n"),
                          ("big.iso", b"x" * (5 << 20))):
        bench.add(bench.set / name, content)
    folder = bench.set / "New folder"
    folder.mkdir()
    bench.on_undo(folder.rmdir)


def no_backup_gpt(bench):
    """The image's disk grew after it was written: its backup table is not at the end."""
    gpt = Gpt(bench)
    gpt.disk.write(gpt.primary["other"] * 512, bytes(92))


def no_primary_gpt(bench):
    Gpt(bench).disk.write(512, bytes(92))


def other_backup_gpt(bench):
    """Both tables are sound, and the primary one is the newer."""
    gpt = Gpt(bench)
    gpt.put({**gpt.backup, "disk": bytes(range(16))}, gpt.primary["other"])


def garbage_behind_images(bench):
    """Files grew by a piece that no table knows."""
    for role in ("esp", "windows", "winre"):
        path = bench.image(role)
        bench.poke(path, path.stat().st_size, b"\xa5" * 70000)


def no_catalog(bench):
    for name in ("Catalog", "Logs", "MediaId"):
        bench.away(bench.set.parent / name)


# What is odd
ODD = {
    "documents in UTF-8": encoded(SPECS, "utf-8"),
    "documents in UTF-8 with a mark": encoded(COMPONENTS, "utf-8-sig"),
    "documents in UTF-16 with a mark": encoded(SPECS, "utf-16"),
    "elements that nobody knows": encoded(SPECS, "utf-16-le", more_xml),
    "names in capitals": renamed(str.upper),
    "names in small letters": renamed(str.lower),
    "other files beside the images": among_others,
    "no backup of the GPT": no_backup_gpt,
    "no primary GPT": no_primary_gpt,
    "another table as backup": other_backup_gpt,
    "garbage behind the images": garbage_behind_images,
    "no catalog and no log": no_catalog,
}
