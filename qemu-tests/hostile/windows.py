# SPDX-License-Identifier: GPL-3.0-or-later
"""Sound volumes whose Windows cannot start: damaged registry hives and boot stores. An answer file that
does not say forecast = ignore restores nothing then. The disk is a loop device of a made-up machine
(fake_machine.py), since an answer file names disks by what they are. And templates without which a
restore for other firmware cannot be."""

import struct

import bmr
import fake_machine
import scenario
from generator.hive import Key, write
from scenario import MIB

from .bench import Case

PIECE = 64 << 10
BASE = 4096  # bytes of a hive before its first bin
SOFTWARE, SYSTEM = ("windows", "Config\\SOFTWARE"), ("windows", "Config\\SYSTEM")
TEMPLATE = ("windows", "config\\BCD-Template")
STORE, RECOVERY_STORE = ("esp", "Microsoft\\Boot\\BCD"), ("esp", "Microsoft\\Recovery\\BCD")


def find_hive(bench, role: str, name: str) -> int:
    """Where in the volume the hive begins that has this end of a name in its head."""
    for offset, length in bench.partition(role)["allocated"]:
        for at in range(offset, offset + length, PIECE):
            try:
                piece = bench.volume_bytes(role, at, min(PIECE, offset + length - at))
            except ValueError:  # a block of zeros
                continue
            for start in range(0, len(piece) - 128, 512):
                if piece[start:start + 4] == b"regf" and \
                        piece[start + 48:start + 112].decode("utf-16-le", "replace").rstrip("\0").endswith(name):
                    return at + start
    raise ValueError(f"no hive '{name}'")


class Hive:
    """Bytes of a hive of one bin (github.com/msuhanov/regf; restore/hives/hive-format.h)."""

    def __init__(self, data: bytes):
        self.data = bytearray(data)
        self.root = self.number(0x24)
        self.list = self.of(self.root, 0x1C)
        self.key = self.of(self.list, 4)  # the first below the root
        self.leaf = self.key
        while not self.of(self.leaf, 0x24):
            self.leaf = self.of(self.of(self.leaf, 0x1C), 4)
        self.values = self.of(self.leaf, 0x28)
        self.value = self.of(self.values, 0)
        self.security = self.of(self.root, 0x2C)

    def number(self, at: int) -> int:
        return struct.unpack_from("<I", self.data, at)[0]

    def of(self, cell: int, field: int) -> int:
        return self.number(BASE + cell + 4 + field)

    def put(self, at: int, form: str, value) -> None:
        struct.pack_into(form, self.data, at, value)

    def seal(self) -> None:
        value = 0
        for word in struct.unpack_from("<127I", self.data):
            value ^= word
        self.put(508, "<I", value or 1)


def place_of(bench, which) -> int:
    """Looked for once."""
    known = bench.__dict__.setdefault("hives", {})
    if which not in known:
        known[which] = find_hive(bench, *which)
    return known[which]


def on_machine(bench) -> None:
    loops = fake_machine.Loops()
    bench.on_undo(loops.close)
    disk = fake_machine.Disk("sda", loops.attach(bench.target), "T1")
    bench.prefix = fake_machine.Machine(bench.folder / "machine", [disk]).prefix()
    bench.on_undo(lambda: setattr(bench, "prefix", ()))
    answers = scenario.answer_file(str(bench.share), "serial:T1").replace("credentials = file:openbmr.cred\r\n", "")
    bench.add(bench.folder / "openbmr.ini", answers.encode())


def stopped(damage, *words) -> Case:
    def both(bench):
        damage(bench)
        on_machine(bench)
    return Case(both, words, statuses=(bmr.REFUSED,), command=lambda bench: ["auto", bench.folder / "openbmr.ini"])


def software(form: str, value, *words, at=None, cell=None, seal=True) -> Case:
    """`at`: place in the hive SOFTWARE; or `cell`: name of one of Hive's, and place in it."""
    def damage(bench):
        where = place_of(bench, SOFTWARE)
        hive = Hive(bench.volume_bytes("windows", where, 2 * BASE))
        hive.put(at if cell is None else BASE + getattr(hive, cell[0]) + 4 + cell[1], form, value)
        if seal:
            hive.seal()
        bench.volume("windows", where, bytes(hive.data))
    return stopped(damage, "hive SOFTWARE", *words)


def store(content, *words) -> Case:
    """The boot store of the EFI system partition begins so."""
    return stopped(lambda bench: bench.volume("esp", place_of(bench, STORE), content), "boot store", *words)


def template(offset: int, content: bytes, *words) -> Case:
    return Case(lambda bench: bench.volume("windows", place_of(bench, TEMPLATE) + offset, content),
                ("cannot be restored for BIOS", "'boot files for BIOS'", *words), ("--firmware", "convert"))


def hive_of(*keys) -> bytes:
    root = Key("NewStoreRoot")
    for key in keys:
        root.key(key)
    return write(root, minor=3, file_name="BCD")


WINDOWS = {
    "a hive that is none": software("4s", b"XXXX", "not a registry hive", at=0),
    "a hive of version 2": software("<I", 2, "hive of version 2", at=0x14),
    "a hive that is a log": software("<I", 6, "file of type 6", at=0x1C),
    "a hive of more bins than bytes": software("<I", MIB, "bytes of bins in a file of", at=0x28),
    "a hive without a bin": software("4s", b"XXXX", "no bin at", at=BASE),
    "a hive with a bin of a MiB": software("<I", MIB, "bin at", "are left", at=BASE + 8),
    "a hive with a cell of a MiB": software("<i", -MIB, "cell at", "in a bin that has", at=BASE + 32),
    "a hive whose root is nowhere": software("<I", 0x28, "no cell at", "where a key should be", at=0x24),
    "a hive whose root is no key": software("2s", b"XX", "no key", cell=("root", 0)),
    "a hive with a name that is too long": software("<H", 0x7000, "key's name beyond its cell", cell=("key", 0x48)),
    "a hive with a key of other parents": software("<I", 0x20, "key with another parent", cell=("key", 0x10)),
    "a hive with too many keys": software("<I", 9, "wrong number of keys", cell=("root", 0x14)),
    "a hive with a circle of keys": software("<I", 0xA0, "is in use twice or part of a cycle", cell=("list", 4)),
    "a hive without a list of keys": software("2s", b"XX", "no list of keys", cell=("list", 0)),
    "a hive with a list that is too long": software("<H", 999, "list of keys beyond its cell", cell=("list", 2)),
    "a hive without descriptors": software("2s", b"XX", "no security descriptor", cell=("security", 0)),
    "a hive with a descriptor too long": software("<I", MIB, "descriptor beyond its cell", cell=("security", 16)),
    "a hive with a broken ring": software("<I", 0x28, "ring of descriptors broken", cell=("security", 8)),
    "a hive with too many values": software("<I", 999, "list of values beyond its cell", cell=("leaf", 0x24)),
    "a hive with a value that is none": software("2s", b"XX", "no value", cell=("value", 0)),
    "a hive with a value's name too long": software("<H", 0x7000, "value's name beyond its cell", cell=("value", 2)),
    "a hive with a value's data too long": software("<I", 0x3000, "data beyond their cell", cell=("value", 4)),
    "a boot store that is none": store(b"XXXX", "not a registry hive", "0xc000000f"),
    "a boot store without objects": store(hive_of("Nothing"), "a hive without 'Objects' is not a BCD store"),
    "a boot store of nothing": store(hive_of("Objects"), "has no entry that starts Windows"),
    "a template that is none": template(0, b"XXXX", "not a registry hive"),
    "a template without a bin": template(BASE, b"XXXX", "no bin at"),
    "a template without objects": template(0, hive_of("Nothing"), "a hive without 'Objects' is not a boot store"),
}


# -- what a restore by hand goes on with -----------------------------------------------------------

# Which hive, where it is damaged, what is said of it
LEFT = (
    (SYSTEM, BASE, "fix-up 'SYSTEM hive' was left, what it looks after stays as in the backup: "
                   "'Windows/System32/config/SYSTEM': no bin at 0x0"),
    (STORE, 0, "\\EFI\\Microsoft\\Boot\\BCD stays as in the backup: 'EFI/Microsoft/Boot/BCD': not a registry hive"),
    (RECOVERY_STORE, BASE, "\\EFI\\Microsoft\\Recovery\\BCD stays as in the backup: "
                           "'EFI/Microsoft/Recovery/BCD': no bin at 0x0"),
)


def damage_all(bench) -> None:
    for which, offset, _ in LEFT:
        bench.volume(which[0], place_of(bench, which) + offset, b"XXXX")


def faults_of(bench, result) -> list:
    """Each is warned of, in a line of its own, and is on the disk as in the backup."""
    faults = [] if result.status == bmr.DONE else [str(result)]
    warnings = [line.strip() for line in result.output.splitlines() if line.startswith("  WARNING: ")]
    if sorted(warnings) != sorted(f"WARNING: {text}" for _, _, text in LEFT):
        faults.append(f"warned of {warnings}")
    with open(bench.target, "rb") as disk:
        for which, _, _ in LEFT:
            where = place_of(bench, which)
            disk.seek(bench.partition(which[0])["offset"] + where)
            if disk.read(2 * BASE) != bench.volume_bytes(which[0], where, 2 * BASE):
                faults.append(f"{which} was changed")
    return faults
