# SPDX-License-Identifier: GPL-3.0-or-later
"""The sets of damaged and of odd but valid images: `make_backup.py --damaged OUT`.

OUT/damaged/NN-rule.vhd[x] with damaged.json: each breaks one rule and must be refused.
OUT/valid/NN-kind.vhd[x] with valid.json: each must be read, and the hash of the disk is given.
"""

import hashlib
import json
import pathlib

from . import damaged_vhd, damaged_vhdx, odd, vhd, vhdx
from .content import Content
from .seeded import Seed

MIB = 1 << 20


def _make_damaged(folder: pathlib.Path, seed) -> list:
    listing = []
    number = 0
    for kind, rules, kin in (("vhd", damaged_vhd.RULES, damaged_vhd.KIN),
                             ("vhdx", damaged_vhdx.RULES, damaged_vhdx.KIN)):
        for rule, damage, words, options in rules:
            number += 1
            path = folder / f"{number:02d}-{rule}.{kind}"
            damage(good_image(path, kind, seed, options))
            listing.append({"file": path.name, "rule": f"{kind}: {rule}", "words": list(words),
                            "text_group": kin.get(rule, rule)})
    return listing


def good_image(path, kind: str, seed, options: dict):
    if kind == "vhd":
        content = odd.small_disk(seed, vhd.disk_size(16 * MIB))
        return vhd.write(path, content, vhd.Options(**{"block_size": MIB, **options}), seed)
    content = odd.small_disk(seed)
    return vhdx.write(path, content, vhdx.Options(**{"block_size": MIB, **options}), seed)


def _make_valid(folder: pathlib.Path, seed) -> list:
    listing = []
    for number, (name, make, judge) in enumerate(odd.KINDS, start=1):
        path = folder / f"{number:02d}-{name}"
        image, content = make(path, seed)
        listing.append({"file": path.name, "size": content.size, "judge": judge,
                        "sha256": content.sha256(image.absent)})
    return listing


def make_sets(out, seed_number: int) -> tuple:
    """Both sets below `out`; returns how many images are in each."""
    seed = Seed(seed_number)
    counts = []
    for name, make in (("damaged", _make_damaged), ("valid", _make_valid)):
        folder = pathlib.Path(out) / name
        folder.mkdir(parents=True)
        listing = make(folder, seed)
        counts.append(len(listing))
        with open(folder / f"{name}.json", "w", encoding="utf-8") as file:
            json.dump(listing, file, indent=1)
    return tuple(counts)


# A disk of the format's own limit in a file of about 20 MiB: 32 MiB blocks, two of them present
HUGE_SIZE = 64 << 40
HUGE_BLOCK = 32 * MIB
HUGE_PLACES = (0, HUGE_SIZE - MIB)


def make_huge(path, seed_number: int) -> dict:
    """A VHDX that claims 64 TiB and holds no file system. Returns what is where."""
    seed = Seed(seed_number)
    content = Content(HUGE_SIZE)
    pieces = []
    for offset in HUGE_PLACES:
        data = seed.bytes(f"huge {offset}", 65536)
        content.add_bytes(offset, data)
        pieces.append({"offset": offset, "length": len(data),
                       "sha256": hashlib.sha256(data).hexdigest()})
    options = vhdx.Options(block_size=HUGE_BLOCK)
    image = vhdx.write(path, content, options, seed)
    return {"size": HUGE_SIZE, "block_size": HUGE_BLOCK, "file_size": image.file_size,
            "pieces": pieces}
