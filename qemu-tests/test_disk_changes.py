# SPDX-License-Identifier: GPL-3.0-or-later
"""More ways to the wrong disk: something changes between the plan and the first write, the backup
lies on the disk, and answer files. Machines and judgement as in test_wrong_disk.py."""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import time

import pytest

import bmr
import disk_bench
import scenario
import smbd
from disk_bench import STICK_PARTITION, Case, disk
from generator import tools
from scenario import MIB
from test_answers import Web
from test_wrong_disk import A, B, PLAIN_A, STICK, TWO, WWN_A, WWN_B

pytestmark = [pytest.mark.needs("root", "fuse", "ntfs-3g", "sfdisk", "fsck.fat", "loop", "namespaces"),
              pytest.mark.counts("wrong-disk scenarios")]

FAILED, REFUSED, DONE = bmr.FAILED, bmr.REFUSED, bmr.DONE


@pytest.fixture(scope="module")
def bench():
    with disk_bench.make() as made:
        yield made


# -- between plan and run ---------------------------------------------------------------------

def becomes(*disks):
    """What the machine's disks are from then on."""
    def change(bench, machine, pid):
        machine.show(bench.resolve(disks))
        machine.renew_nodes(pid)
    return change


def becomes_a_file(bench, machine, pid):
    becomes(B)(bench, machine, pid)
    with open(f"/proc/{pid}/root/dev/sda", "wb") as file:
        file.truncate(160 * MIB)


def open_device(bench, pid, flags):
    descriptor = os.open(f"/proc/{pid}/root/dev/sda", flags | os.O_CLOEXEC)
    bench.loops.callback(os.close, descriptor)
    return descriptor


def is_held(bench, machine, pid):
    open_device(bench, pid, os.O_RDONLY | os.O_EXCL)


def is_locked(bench, machine, pid):
    fcntl.flock(open_device(bench, pid, os.O_RDONLY), fcntl.LOCK_EX)


def is_set_read_only(bench, machine, pid):
    """A loop device keeps that beyond its life."""
    tools.run(["blockdev", "--setro", bench.loop("a").path])
    bench.loops.callback(tools.run, ["blockdev", "--setrw", bench.loop("a").path])


def backup_is_written_to(bench, machine, pid):
    for image in bench.backup.set.glob("*.vhdx"):
        os.utime(image)


def has_another_table(bench, machine, pid):
    """Another partition type in the restored disk's GPT, checksums and all."""
    tools.run(["sfdisk", "-q", "--no-reread", "--no-tell-kernel", "--part-type",
               bench.loop("spare").path, "3", "0FC63DAF-8483-4772-8E79-3D69D8477DE4"])


SPARE = disk("sdb", "spare", "O7")
TARGET = ("--disk", "serial:A1")

CHANGES = {
    "two disks change names": (
        becomes(disk("sda", "b", "B2", wwn=WWN_B), disk("sdb", "a", "A1", wwn=WWN_A)), TWO, TARGET,
        f"WWN is '{WWN_B}', '{WWN_A}' was planned: another disk"),
    "two disks without WWN change names": (
        becomes(disk("sda", "b", "B2"), disk("sdb", "a", "A1")), (PLAIN_A, B), TARGET,
        "serial is 'B2', 'A1' was planned: another disk"),
    "another disk of the same model in its place": (
        becomes(disk("sda", "b", "Z9", wwn="naa.500a07510f0000ff"), B), TWO, TARGET, "another disk"),
    "a twin with the same serial and another WWN": (
        becomes(disk("sda", "a", "A1", wwn="naa.500a07510f0000ff"), B), TWO, TARGET, "WWN is "),
    "a twin with the same ids and another size": (
        becomes(disk("sda", "c", "A1", wwn=WWN_A), B), TWO, TARGET,
        "size is 314572800 bytes, 167772160 was planned: it changed"),
    "it has other sectors": (
        becomes(disk("sda", "a", "A1", wwn=WWN_A, sector_size=4096), B), TWO, TARGET,
        "sector size is 4096 bytes, 512 was planned"),
    "it lost its serial": (becomes(disk("sda", "a"), B), (PLAIN_A, B), TARGET, "serial is ''"),
    "it is gone": (becomes(B), TWO, TARGET, "cannot be opened for writing"),
    "it is a file now": (becomes_a_file, TWO, TARGET, ""),
    "another program holds it": (is_held, TWO, TARGET, "it is mounted or held; release it first"),
    "another program has locked it": (is_locked, TWO, TARGET, "another program has locked it"),
    "it is read-only": (is_set_read_only, TWO, TARGET, "it is read-only"),
    "the table that shall stay is another": (
        has_another_table, (A, SPARE), ("--disk", "serial:O7", "--volumes", "C:"),
        "its partition table has changed since the plan was made"),
    "the backup is written to": (
        backup_is_written_to, TWO, TARGET, "was written to since it was scanned"),
}


def stop_behind_plan(machine, bench, arguments) -> subprocess.Popen:
    """A restore that has shown its plan, has opened no disk yet, and waits."""
    process = machine.start("restore", "--from", bench.backup.share, "--confirm", "erase", "--prove",
                            "full", *arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = b""
    while b"checking the backup" not in said:
        piece = os.read(process.stdout.fileno(), 65536)
        assert piece, said.decode()
        said += piece
    process.send_signal(signal.SIGSTOP)
    while "T" not in (state := process_state(process.pid)) and state:
        time.sleep(0.001)
    assert not [path for path in bmr.writable_files(process.pid) if path.startswith("/dev/sd")], (
        "it was not stopped early enough")
    return process


def process_state(pid: int) -> str:
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()[0]


@pytest.mark.parametrize("what", CHANGES)
def test_what_changes_between_plan_and_run(bench, what):
    change, disks, arguments, words = CHANGES[what]
    case = Case(disks, arguments, FAILED, words)
    machine = bench.machine(case)
    process = stop_behind_plan(machine, bench, arguments)
    try:
        change(bench, machine, process.pid)
        before = bench.written()
        process.send_signal(signal.SIGCONT)
        said, _ = process.communicate(timeout=bmr.LIMIT_SECONDS)
    finally:
        process.kill()
    said = said.decode(errors="replace")
    disk_bench.judge(bench, what, case, bmr.Result(process.returncode, said, "", 0, 0), before)
    assert "Nothing was written to" in said, said
    bench.release_all()


# -- the backup is on the disk ------------------------------------------------------------------

MOUNTED = "{mnt}"  # where a file system is mounted in the machine

HOLDERS = {
    "the backup is on the disk": (MOUNTED, Case(
        (A, disk("sdb", "ext4", "E6")), ("--disk", "serial:E6"), REFUSED,
        "the backup or the answer file is on it", machine={"mount": "sdb=ro,noload"})),
    "the backup is on a partition of the disk": (MOUNTED, Case(
        (A, disk("sdb", "b", "B2", partitions={"sdb1": "ext4"})), ("--disk", "serial:B2"), REFUSED,
        "the backup or the answer file is on it", machine={"mount": "sdb1=ro,noload"})),
    "the backup is on a volume that stands on the disk": (MOUNTED, Case(
        TWO, ("--disk", "serial:B2"), REFUSED, "the backup or the answer file is on it",
        machine={"others": {"dm-0": "ext4"}, "mount": "dm-0=ro,noload",
                 "extra": {"dev/block/7:{ext4}/slaves/sdb/dev": "7:{b}"}})),
    "the backup is on a volume over an array of both disks": (MOUNTED, Case(
        TWO, ("--disk", "serial:A1"), REFUSED, "the backup or the answer file is on it",
        machine={"others": {"dm-0": "ext4", "md0": "d"}, "mount": "dm-0=ro,noload",
                 "extra": {"dev/block/7:{ext4}/slaves/md0/dev": "7:{d}",
                           "dev/block/7:{d}/slaves/sda/dev": "7:{a}",
                           "dev/block/7:{d}/slaves/sdb/dev": "7:{b}"}})),
    "the backup is on the only disk, named by size": (MOUNTED, Case(
        (disk("sdb", "ext4", "E6"),), ("--disk", "size:1M..1G"), FAILED, "no disk matches",
        machine={"mount": "sdb=ro,noload"})),
    "the backup was found on the disk": ("disk:auto", Case(
        (A, disk("sdb", "ntfs", "N7")), ("--disk", "serial:N7"), REFUSED,
        "the backup or the answer file is on it")),
    "the backup is read from the disk": ("disk:N7", Case(
        (A, disk("sdb", "ntfs", "N7")), ("--disk", "serial:N7"), REFUSED,
        "the backup or the answer file is on it")),
    "the backup is on a USB disk, the stick is a disk too": ("disk:auto", Case(
        (disk("sda", "ntfs", "N7", bus="usb"), STICK), ("--disk", "size:1M..1G"), FAILED,
        "no disk matches", machine={"boot": STICK_PARTITION})),
}


@pytest.mark.parametrize("what", HOLDERS)
def test_the_disk_that_holds_the_backup(bench, what):
    source, case = HOLDERS[what]
    machine = bench.machine(case)
    before = bench.written()
    result = machine.run("restore", "--from", source.format(mnt=bench.mount_point), "--confirm",
                         "erase", *case.arguments)
    disk_bench.judge(bench, what, case, result, before)


@pytest.mark.parametrize("which,words", (
    ("image", "it lies among the backup's files"), ("loop", "stands on it"),
    ("folder", "is a folder, not an image file"), ("small", "is too small")))
def test_an_image_file_that_must_not_be_the_target(bench, which, words):
    bench.loop("b")
    image = next(bench.backup.set.glob("*.vhdx"))
    small = scenario.blank_disk(bench.folder / "small.img", MIB)
    paths = {"image": image, "loop": bench.file("b"), "folder": bench.folder, "small": small}
    path = paths[which]
    before = scenario.fingerprint(path) if path.is_file() else ""
    result = bmr.restore(bench.backup.share, path)
    assert result.status in (REFUSED, FAILED) and words in result.errors, result
    assert not before or scenario.fingerprint(path) == before


# -- answer files -------------------------------------------------------------------------------

ANSWERS = {
    "no disk": ("confirm = erase", FAILED, "'disk0' is missing in [target]"),
    "not confirmed": ("disk0 = serial:A1", FAILED, "confirm"),
    "confirmed by another word": ("disk0 = serial:A1\nconfirm = yes", FAILED, "write erase"),
    "a name": ("disk0 = /dev/sda\nconfirm = erase", FAILED, "serial:…, wwn:… or size:"),
    "a bare serial": ("disk0 = A1\nconfirm = erase", FAILED, "serial:…, wwn:… or size:"),
    "a serial that no disk has": ("disk0 = serial:X\nconfirm = erase", FAILED, "no disk matches"),
    "a size that two disks have": ("disk0 = size:100M..1G\nconfirm = erase", FAILED, "2 disks match"),
    "the same key twice": ("disk0 = serial:A1\ndisk0 = serial:B2\nconfirm = erase", FAILED, "disk0"),
    "a mistyped key": ("disk0 = serial:A1\nexclud = serial:B2\nconfirm = erase", FAILED, "exclud"),
    "exclude matches nothing": (
        "disk0 = serial:A1\nexclude = serial:X\nconfirm = erase", FAILED, "exclude 'serial:X'"),
    "exclude is the target": (
        "disk0 = serial:A1\nexclude = serial:A1\nconfirm = erase", FAILED, "name the same disk"),
    "a removable disk by its size": ("disk0 = size:10M..50M\nconfirm = erase", FAILED, "no disk matches"),
    "the stick that it was started from": (
        "disk0 = serial:4C530001220528\nconfirm = erase", REFUSED, "this environment was started from it"),
    "a second source disk without a target": (
        "disk0 = serial:A1\nconfirm = erase\n[backup]\nvolumes = all", REFUSED, "no disk carries its ids"),
    "a layout file that is not there": (
        "disk0 = serial:A1\nconfirm = erase\n[layout]\nlayout = file:none.json", FAILED, "none.json"),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_answer_file(bench, what):
    target, status, words = ANSWERS[what]
    answer = bench.folder / "openbmr.ini"
    answer.write_text(f"format = 1\n[source]\nurl = {bench.backup.share}\n[target]\n{target}\n")
    case = Case((A, B, STICK), (), status, words, machine={"boot": STICK_PARTITION})
    machine = bench.machine(case)
    before = bench.written()
    result = machine.run("auto", "--answer", answer)
    disk_bench.judge(bench, what, case, result, before)


def test_what_will_not_boot_is_not_restored_and_what_was_restored_not_again(bench):
    """A machine that starts from the network again and again. Its programs are none, so that the
    forecast is red: nothing is written. Where the answer file says to go on, it is written once,
    then never."""
    answer = bench.folder / "openbmr.ini"
    text = (f"format = 1\n[source]\nurl = {bench.backup.share}\n[target]\n"
            "disk0 = serial:A1\nconfirm = erase\n")
    machine = bench.machine(Case(TWO, (), DONE, ""))
    answer.write_text(text)
    before = bench.written()
    stopped = machine.run("auto", "--answer", answer)
    disk_bench.judge(bench, "red", Case(TWO, (), REFUSED, "stopped by the forecast"), stopped,
                     before)
    answer.write_text(text + "forecast = ignore\n")
    assert machine.run("auto", "--answer", answer).status == DONE
    before = bench.written()
    again = machine.run("auto", "--answer", answer)
    disk_bench.judge(bench, "again", Case(TWO, (), DONE, "already restored"), again, before)
    bench.blank("a")


# -- what an answer file of a fleet says --------------------------------------------------------

STICK_FILE = "format = 1\n[source]\nurl = {url}\ncredentials = file:openbmr.cred\n"
MACHINE_FILE = """; one of fifty
format = 1
[match]
model = OptiPlex*
[source]
url = {url}
[target]
disk0 = serial:A1
confirm = erase
forecast = ignore
[after]
report = {url}/openbmr/reports/${{serial}}.json
status = {status}
"""


def make_root(folder):
    """What stands for the machine: its names, and a stick with the share's login."""
    facts = {"product_serial": "B0JS 12", "product_name": "OptiPlex 7090"}
    for name, text in facts.items():
        path = folder / "sys/class/dmi/id" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    stick = folder / "media/removable/stick"
    stick.mkdir(parents=True)
    return stick


@pytest.mark.skipif(smbd.missing() is not None, reason=str(smbd.missing()))
def test_the_share_tells_the_machine_what_to_do_and_keeps_what_came_of_it(bench, tmp_path):
    """One stick for fifty machines: it leads to the share, whose file for this machine is followed
    and renamed; the report lies beside it."""
    stick = make_root(tmp_path)
    ours = bench.backup.share / "openbmr"
    (ours / "by-serial").mkdir(parents=True)
    bench.blank("a")
    machine = bench.machine(Case(TWO, (), DONE, ""))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, ours)
        server = stack.enter_context(smbd.PrivateSamba({"backups": bench.backup.share}, share_options={
            "backups": {"read only": "no"}}))
        url = server.url("backups")
        (stick / "openbmr.ini").write_text(STICK_FILE.format(url=url))
        (stick / "openbmr.cred").write_text(pathlib.Path(server.credentials).read_text())
        web = stack.enter_context(Web(tmp_path))
        (ours / "by-serial/B0JS_12.ini").write_text(MACHINE_FILE.format(url=url, status=web.url))
        (ours / "default.ini").write_text("a machine that has a file of its own never reads this")
        first = machine.run("auto", "--root", tmp_path)
        assert first.status == DONE, first
        assert "leads to its share" in first.output and "this one counts" in first.output, first
        assert {"running", "done"} <= {told["state"] for told in web.posted}, web.posted
        assert any(told["progress"]["phase"] == "copy" for told in web.posted if "progress" in told) or \
            web.posted[-1]["progress"]["phase"] == "done", web.posted
        report = json.loads((ours / "reports/B0JS_12.json").read_text())
        assert report["done"], report
        assert [path.name.split("-")[0] for path in (ours / "by-serial").iterdir()] == ["openbmr.done"]
        second = machine.run("auto", "--root", tmp_path)
        assert second.status == FAILED and "line 1 column 1: 'a machine that has a file" in second.errors


def test_only_the_plan_that_was_planned_runs(bench):
    answer = bench.folder / "openbmr.ini"
    text = (f"format = 1\n[source]\nurl = {bench.backup.share}\n[target]\n"
            "disk0 = serial:A1\nconfirm = erase\nplan = sha256:{}\n")
    machine = bench.machine(Case(TWO, (), REFUSED, "and\nthe answer file allows only sha256:0000"))
    answer.write_text(text.format("0" * 64))
    before = bench.written()
    refused = machine.run("auto", "--check", answer)
    disk_bench.judge(bench, "plan", Case(TWO, (), REFUSED, "the answer file allows only"), refused, before)
    planned = re.search(r"is sha256:([0-9a-f]{64})", refused.errors).group(1)
    answer.write_text(text.format(planned))
    assert "the answer file allows" not in machine.run("auto", "--check", answer).errors


@pytest.mark.skipif(smbd.missing() is not None, reason=str(smbd.missing()))
def test_what_the_menu_saves_on_the_share_restores_the_same_without_a_question(bench, tmp_path):
    """The plan that was on the screen is the plan that runs, to its hash; and the command that was
    shown makes it, too."""
    stick = make_root(tmp_path)
    ours = bench.backup.share / "openbmr"
    machine = bench.machine(Case(TWO, (), DONE, "", machine={
        "extra": {"class/dmi/id/product_serial": "B0JS 12"}}))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, ours, ignore_errors=True)
        server = stack.enter_context(smbd.PrivateSamba({"backups": bench.backup.share}, share_options={
            "backups": {"read only": "no"}}))
        share = f"smb://127.0.0.1:{server.port}/backups"
        answers = ["", share, smbd.USER, smbd.PASSWORD, "a", "", "a", "", "a", "1", "a", "", "",
                   "c", "", "b", "d"]
        shown = bmr.run("menu", "--plain", stdin="".join(f"{answer}\n" for answer in answers),
                        prefix=machine.prefix())
        saved = ours / "by-serial/B0JS_12.ini"
        assert "disk0 = serial:A1\n" in saved.read_text() and smbd.PASSWORD not in saved.read_text(), shown
        assert f"openbmr/{saved.relative_to(ours)}" in shown.output
        (stick / "openbmr.ini").write_text(STICK_FILE.format(url=share))
        (stick / "openbmr.cred").write_text(pathlib.Path(server.credentials).read_text())
        unattended = machine.run("auto", "--check", "--root", tmp_path)
        command = re.search(r"^bmr restore (?:.*\\\n)*.*", shown.output, re.M).group(0)
        words = shlex.split(command.replace("\\\n", " "))[2:-2]
        words[words.index("openbmr.cred")] = server.credentials
        by_command = machine.run("plan", *words)
        planned = {re.search("sha256:[0-9a-f]{64}", result.output).group(0)
                   for result in (shown, by_command, unattended)}
        assert len(planned) == 1, (shown, by_command, unattended)
