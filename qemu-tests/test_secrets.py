# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of a share is the canary: no encoding of it may be found in what a restore prints,
saves, or shows of its processes."""

import base64
import os
import pathlib
import re
import subprocess
import tarfile
import time
import urllib.parse

import pytest

import bmr
import smbd

pytestmark = pytest.mark.needs("root", "smbd", "fuse", "ntfs-3g", "mcopy")

PROCESSES = ("bmr", "bmr-keeper", "bmr-reader", "bmr-relay")
SHORT_LIVED = ("smbclient",)  # may be missed


def encodings(secret: str) -> list:
    plain, wide = secret.encode(), secret.encode("utf-16-le")
    return [plain, wide, secret.encode("utf-16-be"), base64.b64encode(plain)[:-4],
            base64.b64encode(wide)[:-4], plain.hex().encode(), plain.hex().upper().encode(),
            wide.hex().encode(), urllib.parse.quote(secret).encode(),
            secret.encode("unicode_escape")]


def check(where, content: bytes) -> None:
    for encoding in encodings(smbd.PASSWORD):
        assert encoding not in content, where


def our_processes(disk) -> list:
    """Those that name this disk, as forks do whoever their parent is; and clients of shares, which
    must be clean whoever started them."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            name = (entry / "comm").read_text().strip()
            command = (entry / "cmdline").read_bytes()
            if (name in PROCESSES and os.fsencode(disk) in command) or (name in SHORT_LIVED and command):
                found.append((name, entry))
        except OSError:
            pass
    return found


def check_jail(entry, status) -> None:
    """Of a reader that is in it: nobody without privileges, in namespaces of its own, with bounded
    memory, and with no disk."""
    try:
        memory, = [line for line in (entry / "limits").read_text().splitlines() if "Max data size" in line]
        spaces = {kind: os.readlink(entry / "ns" / kind) for kind in ("net", "mnt")}
        files = [os.readlink(path) for path in (entry / "fd").iterdir()]
    except OSError:
        return  # it has ended
    assert re.search(r"^NoNewPrivs:\t1$", status, re.M) and re.search(r"^Uid:\t65534\t65534\t65534", status, re.M)
    assert int(re.search(r"^CapEff:\t(\w+)$", status, re.M)[1], 16) in (0, 1 << 2)  # search, for local folders
    assert memory.split()[3] == str(1 << 30), memory
    for kind, space in spaces.items():
        assert space != os.readlink(f"/proc/self/ns/{kind}"), kind
    assert not [name for name in files if name.startswith("/dev/") and name != "/dev/null"], files
    jailed.add(entry)


jailed = set()


MEMORY_MAX = 1 << 30  # bytes of one region


def remembers(entry) -> bool:
    """Is the password in memory that this process alone may write to?"""
    secrets = encodings(smbd.PASSWORD)[:2]
    with open(entry / "mem", "rb", buffering=0) as memory:
        for line in (entry / "maps").read_text().splitlines():
            start, end = (int(part, 16) for part in line.split()[0].split("-"))
            rights = line.split()[1]
            if rights[1] != "w" or rights[3] != "p" or end - start > MEMORY_MAX:
                continue
            memory.seek(start)
            try:
                content = memory.read(end - start)
            except OSError:
                continue
            if any(secret in content for secret in secrets):
                return True
    return False


# Whether the password lies in the memory of those that were looked at. The keeper keeps it for the
# next reader, the reader's library for the next connection; nobody else.
KEEPS = {"bmr": False, "bmr-relay": False, "bmr-keeper": True, "bmr-reader": True}


def check_memory(disk, remembered: dict) -> None:
    """Once per process, when the disk is being written."""
    if not disk.exists() or not disk.stat().st_blocks:
        return
    for name, entry in our_processes(disk):
        if name not in KEEPS or entry in remembered:
            continue
        try:
            remembered[entry] = name, remembers(entry)
        except OSError:
            pass  # it has ended


def look_at_processes(ours, disk) -> set:
    """The names of those that were seen."""
    seen = set()
    for name, entry in our_processes(disk):
        try:
            for place in ("cmdline", "environ"):
                check(entry / place, (entry / place).read_bytes())
            limits = (entry / "limits").read_text()
            status = (entry / "status").read_text()
        except OSError:
            continue
        if name == "bmr-reader" and "Seccomp:\t2" in status and int(entry.name) in bmr.descendants(ours):
            check_jail(entry, status)
        if name in ("bmr-keeper", "bmr-reader", "bmr-relay"):
            core, = [line for line in limits.splitlines() if line.startswith("Max core file size")]
            assert core.split()[4:6] == ["0", "0"], name
        seen.add(name)
    return seen


def test_a_password_is_nowhere_to_be_found(backup, work):
    source = backup("uefi")
    report, disk = work / "report.json", work / "disk.img"
    before = set(os.listdir(work))
    with smbd.PrivateSamba({"backups": source.share}) as server:
        command = [str(bmr.PROGRAM), "--debug", "restore", "--from", server.url("backups"),
                   "--disk", str(disk), "--confirm", "erase", "--credentials", server.credentials,
                   "--report", str(report), "--json"]
        with open(work / "out", "wb") as out, open(work / "errors", "wb") as errors, \
                subprocess.Popen(command, stdout=out, stderr=errors, cwd=work,
                                 env=bmr.environment()) as process:
            seen, remembered = set(), {}
            while process.poll() is None:
                seen |= look_at_processes(process.pid, disk)
                check_memory(disk, remembered)
                time.sleep(0.01)
    assert process.returncode == bmr.DONE, (work / "errors").read_text()
    assert seen >= set(PROCESSES)
    assert jailed
    assert {name for name, _ in remembered.values()} >= set(KEEPS)
    for name, found in remembered.values():
        assert found == KEEPS[name], f"{name}: {remembered}"
    assert (work / "errors").stat().st_size > 1000  # the log was on
    for name in ("out", "errors", "report.json"):
        check(name, (work / name).read_bytes())
    assert set(os.listdir(work)) - before == {"out", "errors", "report.json", "disk.img"}  # no core
    with open(disk, "rb") as image:
        while content := image.read(64 << 20):
            assert smbd.PASSWORD.encode() not in content
            assert smbd.PASSWORD.encode("utf-16-le") not in content


def test_a_plan_does_not_hold_the_password(backup, work):
    source = backup("uefi")
    with smbd.PrivateSamba({"backups": source.share}) as server:
        result = bmr.run("plan", "--from", server.url("backups"), "--disk", work / "disk.img",
                         "--credentials", server.credentials, "--json")
    assert result.status == bmr.DONE, result
    check("the plan", (result.output + result.errors).encode())


def test_the_saved_log_holds_neither_password_nor_recovery_key(backup, work):
    """Of a session in which both were used; every file of the bundle is unpacked and searched."""
    source, key = backup("uefi"), "123453-234564-345675-456786-567897-678908-123409-234520"
    (work / "keys.txt").write_text(f"password = {smbd.PASSWORD}\n{key}\n")
    log, bundle = work / "log", work / "bundle.tar.gz"
    with smbd.PrivateSamba({"backups": source.share}) as server:
        for command in (("scan", server.url("backups")),
                        ("scan", source.share, "--unlock", work / "keys.txt"),
                        ("restore", "--from", server.url("backups"), "--disk", work / "disk.img",
                         "--confirm", "erase", "--report", work)):
            more = () if "--unlock" in command else ("--credentials", server.credentials)
            result = bmr.run("--debug", *command, *more)
            with open(log, "a", encoding="utf-8") as file:
                file.write(result.output + result.errors)
        result = bmr.run("log", "save", "--log", log, "--to", bundle)
        assert result.status == bmr.DONE and "saved: " in result.output, result
    with tarfile.open(bundle) as archive:
        names = {member.name for member in archive.getmembers()}
        assert {f"openbmr-log/{name}" for name in ("log.txt", "kernel.txt", "disks.json", "devices.txt",
                                                   "network.txt", "versions.txt")} <= names, names
        for member in archive.getmembers():
            if member.isfile():
                content = archive.extractfile(member).read()
                check(member.name, content)
                for form in (key, key.replace("-", "")):
                    assert form.encode() not in content, member.name
                if member.name.endswith("/log.txt"):
                    assert b"SRV01" in content and len(content) > 1000
