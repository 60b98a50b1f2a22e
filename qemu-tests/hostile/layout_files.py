# SPDX-License-Identifier: GPL-3.0-or-later
"""Damaged files for `--layout`: what `bmr plan --json` prints, edited wrongly by hand."""

import json

from .bench import Case


def printed(bench) -> dict:
    """The layout without the notes of where its values come from."""
    partitions = [{"slot": p["slot"], "offset": p["offset"], "length": p["length"], "type": p["type"],
                   "id": p["guid"], "image": p["image"] and p["image"].rpartition("/")[2]}
                  for p in bench.facts["partitions"]]
    return {"style": "gpt", "disk_id": bench.facts["disk_guid"], "disk_size": bench.facts["disk_size"],
            "sector_size": bench.facts["sector_size"], "partitions": partitions}


def given(bench, text) -> None:
    bench.add(bench.folder / "layout.json", text if isinstance(text, bytes) else text.encode())


def changed(change, *words) -> Case:
    """`change(disk, partitions)` edits the layout in place."""
    def damage(bench):
        disk = printed(bench)
        change(disk, disk["partitions"])
        given(bench, json.dumps({"after": disk}))
    return Case(damage, words, command=command)


def text(content, *words) -> Case:
    return Case(lambda bench: given(bench, content), ("layout.json", *words), command=command)


def command(bench) -> list:
    return ["restore", "--from", bench.share, "--disk", bench.target, "--confirm", "erase",
            "--layout", bench.folder / "layout.json"]


def put(number: int, key: str, value):
    return lambda disk, partitions: partitions[number].__setitem__(key, value)


def take(number: int, key: str):
    return lambda disk, partitions: partitions[number].pop(key)


def put_disk(key: str, value):
    return lambda disk, partitions: disk.__setitem__(key, value)


LAYOUTS = {
    "an empty file": text("", "line"),
    "no JSON": text("{after", "line"),
    "a list": text("[]", "must be an object"),
    "something behind the end": text("{} {}", "end of file expected"),
    "a key twice": text('{"after": 1, "after": 2}', "duplicate"),
    "no UTF-8": text(b'{"after": "\xff"}', "unable to decode byte 0xff"),
    "no layout in it": text('{"after": {}}', "needs style and partitions"),
    "an unknown key": changed(put_disk("flavour", 1), "not a key that a layout has"),
    "an unknown key of a partition": changed(put(0, "color", 1), "partitions[0]",
        "not a key that a layout has"),
    "an unknown style": changed(put_disk("style", "apm"), 'must be "gpt" or "mbr"'),
    "no partitions": changed(put_disk("partitions", []), "must be a list of 1 to"),
    "a GPT without id": changed(lambda disk, _: disk.pop("disk_id"), "a GPT needs disk_id"),
    "an MBR without signature": changed(put_disk("style", "mbr"), "an MBR needs mbr_signature"),
    "an id that is none": changed(put_disk("disk_id", "1234"), "disk_id", "must be a GUID"),
    "a partition that is no object": changed(lambda _, partitions: partitions.append(5), "partitions[4]",
        "must be an object"),
    "a partition without length": changed(take(1, "length"), "needs an offset and a length above 0"),
    "an offset that is a text": changed(put(1, "offset", "1 MiB"), "offset", "must be a number"),
    "a negative length": changed(put(1, "length", -1), "length", "must be a number"),
    "slot 0": changed(put(1, "slot", 0), "slots count from 1"),
    "attributes that are a number": changed(put(1, "attributes", 1), "hexadecimal digits"),
    "an image that is a number": changed(put(0, "image", 1), "partitions[0].image"),
    "an image that is not there": changed(put(0, "image", "other.vhdx"), "is not an image of the set"),
    "a name that is a number": changed(put(0, "name", 7), "name", "must be a text"),
    "an image that is longer": changed(put(2, "length", 4096), "to resize it, say so in source_length"),
    "partitions that overlap": changed(put(1, "offset", 1 << 20), "overlap"),
    "a partition in the table": changed(put(0, "offset", 512),
        "starts at byte 512, the table before it ends"),
    "a partition of half sectors": changed(put(1, "offset", 105906177), "is not made of whole sectors"),
    "slot 200": changed(put(1, "slot", 200), "slot: must be a number from 0 to"),
    "an id twice": changed(lambda _, partitions: partitions[1].__setitem__("id", partitions[0]["id"]),
        "same id"),
    "an id of zeros": changed(put(1, "id", "0" * 8 + "-0000-0000-0000-" + "0" * 12), "id is zero"),
    "a type of zeros": changed(put(1, "type", "0" * 8 + "-0000-0000-0000-" + "0" * 12), "type is zero"),
    "a disk id of zeros": changed(put_disk("disk_id", "0" * 8 + "-0000-0000-0000-" + "0" * 12),
        "disk id is zero"),
    "a long name": changed(put(1, "name", "n" * 37), "UTF-16 units, at most"),
    "sectors of 1000 bytes": changed(put_disk("sector_size", 1000),
        "sector_size is 1000, must be 512 or 4096"),
    "16 MiB of blanks": text(b" " * (17 << 20), "bytes, a layout has at most"),
}
