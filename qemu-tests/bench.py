#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Numbers beside what a user would take instead, and beside the raw limit: `make bench`.

Each pair is measured alternately in one run and the median ratio is printed, since machines
drift. Nothing here passes or fails. `bench.py engine:share` measures some rows of a part alone.
"""

import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import bench_copy  # noqa: E402  (found by the line above)
import bench_guest  # noqa: E402
import bmr  # noqa: E402
import qemu  # noqa: E402
import scenario  # noqa: E402
import slow_link  # noqa: E402
import smbd  # noqa: E402
from bmr import BUILD, REPOSITORY  # noqa: E402

FOLDER = BUILD / "bench"
MIB = 1 << 20

RUNS = 5
BOOT_RUNS = 3
DATA_MIB = 1024

# What is started in the place of PID 1: says that it runs, and waits
EMPTY_INIT = r"""
#include <fcntl.h>
#include <unistd.h>
int main(void)
{
	int fd = open("/dev/console", O_RDWR);
	write(fd, "openbmr: ready\n", 15);
	for (;;)
		pause();
}
"""


def row(what: str, value: str, goal: str = "") -> None:
    print(f"  {what:56} {value:>12}  {goal}", flush=True)


def run(*words) -> None:
    subprocess.run([str(w) for w in words], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE)


def seconds(action) -> float:
    started = time.monotonic()
    action()
    return time.monotonic() - started


def compare(what: str, ours, theirs, runs: int = RUNS, goal: str = "") -> None:
    """Alternately; how many times as fast ours is as theirs."""
    ours(), theirs()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(runs)]
    ratio = statistics.median(b / a for a, b in pairs)
    mine = statistics.median(a for a, _ in pairs)
    row(what, f"{ratio:.2f} x", goal or f"{mine:.2f} s against {mine * ratio:.2f} s")


def drop_caches() -> None:
    subprocess.run(["sync"], check=True)
    try:
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3\n")
    except OSError:
        pass  # not root: everything is measured from the page cache, both sides alike


# -- copying ----------------------------------------------------------------------------------

def big_set():
    """A set whose C: holds a GiB that does not compress, beside the small one's files."""
    folder = FOLDER / "set"
    if not (folder / "source.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        run(sys.executable, REPOSITORY / "qemu-tests/make_backup.py", folder, "--seed", "21",
            "--profile", "large")
    return scenario.BackupSet(folder)


def restore_to(source, *more) -> None:
    target = FOLDER / "target.img"
    target.unlink(missing_ok=True)
    result = bmr.restore(source, target, *more)
    assert result.status == bmr.DONE, result


def convert(image) -> None:
    target = FOLDER / "converted.img"
    target.unlink(missing_ok=True)
    run("qemu-img", "convert", "-W", "-m", "16", "-t", "none", "-T", "none", "-O", "raw", image,
        target)


def convert_and_read_back(images) -> None:
    """The same work without a proof, then reading the result once."""
    for image in images:
        convert(image)
        run("dd", f"if={FOLDER / 'converted.img'}", "of=/dev/null", "bs=4M", "iflag=direct")


def copying() -> None:
    backup = big_set()
    images = list(backup.images().values())
    stored = sum(image.stat().st_size for image in images)
    print(f"\nCopying a set of {stored / MIB:.0f} MiB in {len(images)} images "
          "(median of ratios, alternately):")
    compare("local restore with proof : qemu-img convert + read back",
            lambda: restore_to(backup.share), lambda: convert_and_read_back(images))
    credentials = FOLDER / "openbmr.cred"
    credentials.write_text(f"username = {smbd.USER}\npassword = {smbd.PASSWORD}\n")
    credentials.chmod(0o600)
    with smbd.PrivateSamba({"backups": backup.share}) as server:
        url = server.url("backups")

        def fetch():
            for image in images:
                name = str(image.relative_to(backup.share)).replace("/", "\\")
                run("smbclient", f"//127.0.0.1/backups", "-p", server.port, "-A", credentials,
                    "-c", f'get "{name}" {FOLDER / "fetched"}')

        compare("restore from a share with proof : smbclient get",
                lambda: restore_to(url, "--credentials", credentials), fetch)


def memory() -> None:
    print("\nMemory:")
    backup = big_set()
    target = FOLDER / "target.img"
    target.unlink(missing_ok=True)
    row("peak of bmr restore, all processes", f"{bmr.restore(backup.share, target).peak_memory / MIB:.0f} MiB",
        "goal: at most 256 MiB")


# -- the copy engine --------------------------------------------------------------------------

ENGINE_RUNS = 5
SPARSE_RUNS = 3


def large_set(folder: pathlib.Path, *more):
    shutil.rmtree(folder, ignore_errors=True)
    run(sys.executable, REPOSITORY / "qemu-tests/make_backup.py", folder, "--seed", "21", "--profile",
        "large", *more)
    shutil.rmtree(folder / "source")  # what is compared in tests takes memory
    return scenario.BackupSet(folder)


def engine(*only) -> None:
    backup = big_set()
    image = max(backup.images().values(), key=lambda path: path.stat().st_size)
    table = bench_copy.Table(row, ENGINE_RUNS)
    print(f"\nThe copy engine ({image.stat().st_size / MIB:.0f} MiB in one image, hashed; rates of the "
          "copy, median of ratios in turn):")
    rows = {"local": lambda: bench_copy.local(table, backup.share, image, FOLDER),
            "share": lambda: bench_copy.share(table, backup.share, image, FOLDER),
            "delta": lambda: bench_copy.delta(table, backup, FOLDER)}
    for name in only or rows:
        rows[name]()


def sparse() -> None:
    print("\nA large disk with little in it (in memory):")
    with tempfile.TemporaryDirectory(prefix="openbmr-", dir="/dev/shm") as memory:
        bench_copy.sparse(bench_copy.Table(row, SPARSE_RUNS), large_set, pathlib.Path(memory))


def guest(*only) -> None:
    print(f"\nCopying in the recovery environment (QEMU, software emulation, {' '.join(bench_guest.PROCESSOR)}):")
    bench_guest.measure(row, FOLDER, only)


# -- scanning ---------------------------------------------------------------------------------

SCAN_FILES, SCAN_FOLDERS, SCAN_SETS = 10000, 1000, 20
SCAN_RUNS = 3
ROUND_TRIP_MS = 10


def big_share() -> pathlib.Path:
    """20 sets of 20 machines among 10,000 files in 1,000 folders, three levels deep."""
    share = FOLDER / "share"
    if share.exists():
        return share
    building = FOLDER / "share.part"
    shutil.rmtree(building, ignore_errors=True)
    per_folder = SCAN_FILES // SCAN_FOLDERS
    for number in range(SCAN_FOLDERS):
        folder = building / f"department {number // 100}" / f"share {number // 10 % 10}" / \
            f"project {number % 10}"
        folder.mkdir(parents=True)
        for file in range(per_folder):
            (folder / f"document {number}-{file}.docx").write_bytes(b"PK" * 50)
    scenario.SETS.setdefault("scan-uefi", ("--seed", "31"))
    source = scenario.backup_set("scan-uefi")
    for number in range(SCAN_SETS):
        place = building / f"department {number // 2}" / f"share {number % 10}" / \
            "WindowsImageBackup" / f"SRV{number:02}" / "Backup 2026-08-31 210000"
        place.mkdir(parents=True)
        for path in (source.folder / source.facts["set"]).iterdir():
            if path.suffix == ".xml":
                text = path.read_bytes().replace("SRV01".encode("utf-16-le"),
                                                 f"SRV{number:02}".encode("utf-16-le"))
                (place / path.name).write_bytes(text)
            elif path.is_file():
                os.link(path, place / path.name)
    building.rename(share)
    return share


def scan_share(url: str, credentials) -> list:
    """Seconds from reaching the folder of a set to showing it, for each set."""
    process = subprocess.Popen([str(bmr.PROGRAM), "--debug", "scan", url, "--credentials",
                                str(credentials)], stdout=subprocess.PIPE, text=True,
                               stderr=subprocess.STDOUT, env=bmr.environment())
    waits, reached = [], 0.0
    for line in process.stdout:
        if "searching '" in line:
            reached = time.monotonic()
        if "found " in line:
            waits.append(time.monotonic() - reached)
    assert process.wait() == bmr.DONE
    assert len(waits) == SCAN_SETS, len(waits)
    return waits


def scanning() -> None:
    share = big_share()
    print(f"\nScanning a share with {SCAN_FILES} files, {SCAN_FOLDERS} folders and {SCAN_SETS} "
          f"sets over a link of {ROUND_TRIP_MS} ms:")
    waits = []
    with smbd.PrivateSamba({"backups": share}) as server, \
            slow_link.SlowLink(server.port, ROUND_TRIP_MS) as link:
        url = server.url("backups", port=link.port)

        def list_all():
            run("smbclient", "//127.0.0.1/backups", "-p", link.port, "-A", server.credentials,
                "-c", "recurse ON; ls")

        compare("smbclient recursive ls : bmr scan",
                lambda: waits.extend(scan_share(url, server.credentials)), list_all, SCAN_RUNS,
                "goal: at least 1.00 x")
    row("a set is shown after it was reached", f"{statistics.median(waits):.2f} s",
        "goal: at most 1 s")


# -- planning ---------------------------------------------------------------------------------

def planning() -> None:
    print("\nPlanning:")
    program = BUILD / "release/restore/tests/test-planning-time"
    run("make", "-s", "-C", REPOSITORY, program.relative_to(REPOSITORY))
    text = subprocess.run([program], check=True, stdout=subprocess.PIPE, text=True).stdout
    row("64 disks x 20 sets", re.search(r"planning: (.*)", text).group(1), "goal: at most 0.1 s")


# -- starting ---------------------------------------------------------------------------------

def empty_stick() -> pathlib.Path:
    """The boot stick with the same kernel and loader and an init that does nothing."""
    stick = FOLDER / "empty.img"
    kernel = next((BUILD / "sysroot" / "boot").glob("vmlinuz-*"))
    source, init = FOLDER / "init.c", FOLDER / "root" / "init"
    init.parent.mkdir(parents=True, exist_ok=True)
    (init.parent / "dev").mkdir(exist_ok=True)
    source.write_text(EMPTY_INIT)
    run("gcc", "-static", "-Os", "-o", init, source)
    initrd = FOLDER / "empty.cpio"
    with open(initrd, "wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=init.parent, check=True,
                       stdout=out, input=b".\ninit\ndev\n")
    loader = FOLDER / "empty.efi"
    run(REPOSITORY / "efi/tests/add-payload", BUILD / "openbmr.efi", loader, kernel, initrd,
        REPOSITORY / "image-builder/cmdline")
    shutil.copyfile(scenario.IMAGE, stick)
    run("mcopy", "-o", "-i", f"{stick}@@1M", loader, "::/EFI/openbmr/openbmr.efi")
    return stick


def start(stick: pathlib.Path) -> float:
    disk = qemu.Disk("usb", stick, "BENCH", removable=True)
    with qemu.Machine(FOLDER / "machine", [disk], network=False) as machine:
        started = time.monotonic()
        machine.wait_for("openbmr: ready", 180)
        return time.monotonic() - started


def starting() -> None:
    print("\nStarting from the stick (QEMU, software emulation):")
    size = (BUILD / "image" / "openbmr.efi").stat().st_size
    row("EFI file", f"{size / 1e6:.1f} MB", "goal: at most 40 MB")
    ours = FOLDER / "stick.img"
    shutil.copyfile(scenario.IMAGE, ours)
    empty = empty_stick()
    pairs = [(start(ours), start(empty)) for _ in range(BOOT_RUNS)]
    ratio = statistics.median(a / b for a, b in pairs)
    row("power-on to ready", f"{statistics.median(a for a, _ in pairs):.1f} s")
    row("the same kernel with an empty init", f"{statistics.median(b for _, b in pairs):.1f} s")
    row("ratio", f"{ratio:.2f} x", "goal: at most 1.5 x")


def processor() -> str:
    names = re.findall(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return f"{len(names)} x {names[0] if names else 'unknown processor'}"


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    print(processor())
    parts = {"copying": copying, "memory": memory, "engine": engine, "sparse": sparse, "vm": guest,
             "scanning": scanning, "planning": planning, "starting": starting}
    for name in sys.argv[1:] or parts:
        part, *rows = name.split(":")
        parts[part](*rows)


if __name__ == "__main__":
    main()
