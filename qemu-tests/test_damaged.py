# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input: every damaged image is refused by a text of its own, every odd one is read; and
what the commands answer to sets, shares, disks and answer files that are not right."""

import hashlib
import json
import os
import re
import shutil

import pytest

import bmr
import scenario
import smbd
import summary

LEAST_DAMAGED = 25


# -- single images ----------------------------------------------------------------------------

def listing(backup, kind: str):
    folder = backup("damaged").folder / kind
    return folder, json.loads((folder / f"{kind}.json").read_text())


def without_object(text: str) -> str:
    return re.sub(r"'[^']*'", "", text)


def without_numbers(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+|\d+", "N", text)


def test_every_damaged_image_is_refused_by_its_own_text(backup):
    folder, entries = listing(backup, "damaged")
    assert len(entries) >= LEAST_DAMAGED
    faults, texts = [], {}
    for entry in entries:
        path = folder / entry["file"]
        result = bmr.run("image", "info", path)
        text = result.errors.strip()
        if result.status != bmr.FAILED:
            faults.append(f"{entry['file']}: exit status {result.status}: {text}")
        if not text.startswith(f"bmr image: '{path}'"):
            faults.append(f"{entry['file']}: the text does not name the file: {text}")
        missing = [word for word in entry["words"] if word.lower() not in text.lower()]
        if missing:
            faults.append(f"{entry['file']}: no {missing} in: {text}")
        texts.setdefault(without_object(text), {}).setdefault(entry["text_group"], entry["file"])
    faults += [f"one text for {sorted(groups.values())}: {text}"
               for text, groups in texts.items() if len(groups) > 1]
    assert not faults, "\n".join(faults)
    assert len(set(map(without_numbers, texts))) >= LEAST_DAMAGED


def test_every_odd_image_is_read(backup, work):
    folder, entries = listing(backup, "valid")
    faults = []
    for entry in entries:
        raw = work / "raw"
        result = bmr.run("image", "extract", folder / entry["file"], raw)
        if result.status != bmr.DONE:
            faults.append(f"{entry['file']}: {result}")
        elif (raw.stat().st_size, sparse_hash(raw)) != (entry["size"], entry["sha256"]):
            faults.append(f"{entry['file']}: the disk differs")
        raw.unlink(missing_ok=True)
    summary.add("odd inputs restored", len(entries), len(faults))
    assert not faults, "\n".join(faults)


def sparse_hash(path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while data := file.read(4 << 20):
            digest.update(data)
    return digest.hexdigest()


# -- a source that holds no backup ------------------------------------------------------------

def nothing_written(source, disk, status, *words, options=()):
    """Refused with this exit status and these words; the disk is not made, or as it was."""
    before = scenario.fingerprint(disk) if disk.exists() else None
    result = bmr.restore(source, disk, *options)
    text = result.output + result.errors
    assert result.status == status, result
    for word in words:
        assert word.lower() in text.lower(), f"'{word}' is not in: {text}"
    assert (scenario.fingerprint(disk) if disk.exists() else None) == before
    return text


def test_a_folder_without_a_backup(work):
    (work / "share" / "photos").mkdir(parents=True)
    (work / "share" / "photos" / "a.jpg").write_bytes(b"no image of a disk")
    nothing_written(work / "share", work / "disk.img", bmr.FAILED, "no backup", str(work / "share"))


def test_a_folder_that_does_not_exist(work):
    nothing_written(work / "nowhere", work / "disk.img", bmr.FAILED, str(work / "nowhere"))


@pytest.mark.needs("root", "smbd")
@pytest.mark.parametrize("what,words", (
    ("password", ("login refused", smbd.USER)), ("user", ("login refused", "nobody-here")),
    ("share", ("no share 'nothing'", "backups")), ("folder", ("no folder 'not/there'",)),
    ("port", ("no connection to port",)), ("host", ("no-such-host.invalid",))))
def test_a_share_that_cannot_be_read(samba, work, what, words):
    urls = {"user": samba.url("backups", user="nobody-here"), "share": samba.url("nothing"),
            "folder": samba.url("backups", "not/there"),
            "port": samba.url("backups", port=smbd.free_port()),
            "host": samba.url("backups", host="no-such-host.invalid")}
    user = "nobody-here" if what == "user" else smbd.USER
    password = "wrong" if what == "password" else smbd.PASSWORD
    credentials = samba.write_credentials("tried.cred", user, password)
    text = nothing_written(urls.get(what, samba.url("backups")), work / "disk.img", bmr.FAILED,
                           *words, options=("--credentials", credentials))
    assert smbd.PASSWORD not in text


# -- a set that is not right ------------------------------------------------------------------

@pytest.fixture
def broken(backup, work):
    """A copy of the set "uefi" to break."""
    original = backup("uefi")
    shutil.copytree(original.share, work / "share", copy_function=scenario.copy_sparse)
    shutil.copy(original.folder / "source.json", work)
    return scenario.BackupSet(work)


def rewrite(path, change) -> None:
    """Change the text of a document, which is UTF-16LE without BOM."""
    text = path.read_bytes().decode("utf-16-le")
    changed = change(text)
    assert changed != text, f"{path.name} does not hold what was to be changed"
    path.write_bytes(changed.encode("utf-16-le"))


def document(broken_set, name: str):
    return next((broken_set.folder / broken_set.facts["set"]).glob(name))


def cut(backup_set):
    image = backup_set.images()["windows"]
    os.truncate(image, image.stat().st_size // 2)
    return (image.name, "beyond")


def lose_an_image(backup_set):
    image = backup_set.images()["windows"]
    image.unlink()
    return (image.stem, "missing")


def lose_the_esp(backup_set):
    backup_set.images()["esp"].unlink()
    return (backup_set.partition("esp")["guid"], "is not in the backup")


def damage_headers(backup_set):
    image = backup_set.images()["windows"]
    with open(image, "r+b") as file:
        for offset in (64 << 10, 128 << 10):
            file.seek(offset + 100)
            file.write(b"rot")
    return (image.name, "headers")


def overwrite_half(backup_set):
    """A later run was cut off: its image of C: is there, begun, with the old documents."""
    image = backup_set.images()["windows"]
    with open(image, "r+b") as file:
        file.truncate(4 << 20)
        file.truncate(image.stat().st_size)
    return (image.name,)


def two_images_of_one_volume(backup_set):
    image = backup_set.images()["windows"]
    scenario.copy_sparse(image, image.with_name("copy of " + image.name))
    return ("copy of", )


def another_disk_in_the_documents(backup_set):
    guid = backup_set.facts["disk_guid"]
    other = "0" * 8 + guid[8:]
    rewrite(document(backup_set, "*_Components.xml"),
            lambda text: re.sub(guid, other, text, flags=re.I))
    return ("contradict", guid, other)


def another_place_in_the_documents(backup_set):
    windows = backup_set.partition("windows")
    rewrite(document(backup_set, "*_Components.xml"),
            lambda text: text.replace(str(windows["length"]), str(windows["length"] - 4096)))
    return ("length", str(windows["length"]), str(windows["length"] - 4096))


BROKEN = (cut, lose_an_image, lose_the_esp, damage_headers, overwrite_half,
          two_images_of_one_volume, another_disk_in_the_documents, another_place_in_the_documents)


@pytest.mark.parametrize("break_it", BROKEN, ids=lambda function: function.__name__)
def test_a_broken_set(broken, work, break_it):
    """Left alone it is not chosen; named by its time it is refused by the plan."""
    words = break_it(broken)
    nothing_written(broken.share, work / "disk.img", bmr.FAILED, "no version is whole", *words)
    nothing_written(broken.share, work / "disk.img", bmr.REFUSED, *words,
                    options=("--version", broken.facts["time"]))


def test_a_system_state_backup(backup, work):
    source = backup("partial")
    nothing_written(source.share, work / "disk.img", bmr.FAILED, "partial")
    nothing_written(source.share, work / "disk.img", bmr.REFUSED, "partial",
                    options=("--version", source.facts["time"]))


# -- a disk that is not right -----------------------------------------------------------------

def minimum_size(facts: dict) -> int:
    """The end of the last partition and a backup GPT behind it."""
    last = max(p["offset"] + p["length"] for p in facts["partitions"])
    sector = facts["sector_size"]
    return last + (128 * 128 // sector + 1) * sector


@pytest.mark.parametrize("name", ("uefi", "uefi-4096"))
def test_a_disk_one_sector_too_small_is_told_the_exact_minimum(backup, work, name):
    source = backup(name)
    sector, minimum = source.facts["sector_size"], minimum_size(source.facts)
    size = ("--sector-size", sector, "--no-shrink")
    small = scenario.blank_disk(work / "small.img", minimum - sector)
    nothing_written(source.share, small, bmr.REFUSED, "too small", str(minimum), options=size)
    enough = scenario.blank_disk(work / "enough.img", minimum)
    result = bmr.run("plan", "--from", source.share, "--disk", enough, *size)
    assert result.status == bmr.DONE, result


def test_an_image_of_the_backup_itself_is_no_target(broken):
    image = broken.images()["windows"]
    nothing_written(broken.share, image, bmr.REFUSED, "lies among the backup's files", image.name)


def test_no_such_disk(backup, work):
    source = backup("uefi")
    result = bmr.restore(source.share, "serial:NO-SUCH-DISK")
    assert result.status == bmr.FAILED and "NO-SUCH-DISK" in result.errors, result
    nothing_written(source.share, work / "no" / "folder" / "disk.img", bmr.FAILED,
                    str(work / "no" / "folder"))


# -- commands and answer files that are not right ---------------------------------------------

@pytest.mark.parametrize("arguments,word", (
    (("restore", "--from", "/tmp", "--disk", "x.img"), "--confirm erase is missing"),
    (("restore", "--from", "/tmp", "--disk", "x.img", "--confirm", "yes"), "--confirm erase"),
    (("restore", "--disk", "x.img", "--confirm", "erase"), "--from"),
    (("plan", "--from", "/tmp"), "--disk"),
    (("plan", "--from", "/tmp", "--disk", "x.img", "--password", "secret"), "unknown option"),
    (("plan", "--from", "/tmp", "--disk", "x.img", "--sector-size", "520"), "520"),
    (("auto",), "FILE is missing"), (("auto", "--answers", "x.ini"), "unknown option"), (("format",), "'format'"), ((), "usage")))
def test_a_command_that_is_not_understood(arguments, word):
    result = bmr.run(*arguments)
    assert result.status == bmr.USAGE and word in result.output + result.errors, result


@pytest.mark.parametrize("change,words", (
    (("version = latest", "verison = latest"), ("line 6", "'verison'", "'version'")),
    (("[backup]", "[bakcup]"), ("line 5", "[bakcup]", "[backup]")),
    (("confirm = erase", "confirm = yes"), ("line 9", "erase")),
    (("confirm = erase\n", ""), ("'confirm'", "[target]")),
    (("serial:T1", "/dev/sda"), ("line 8", "serial:")),
    (("format = 1", "format = 2"), ("line 1", "format")),
    (("action = reboot", "action = explode"), ("line 11", "reboot"))))
def test_an_answer_file_that_is_not_understood(tmp_path, change, words):
    """Line ends as Notepad writes them; the message names file, line and the nearest name."""
    text = scenario.answer_file("smb://nas/backups", "serial:T1").replace("\r\n", "\n")
    assert change[0] in text
    path = tmp_path / "openbmr.ini"
    path.write_bytes(text.replace(*change).replace("\n", "\r\n").encode())
    result = bmr.run("auto", "--answer", path)
    assert result.status == bmr.FAILED, result
    for word in (str(path), *words):
        assert word in result.errors, f"'{word}' is not in: {result}"
