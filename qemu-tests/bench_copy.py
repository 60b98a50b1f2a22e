# SPDX-License-Identifier: GPL-3.0-or-later
"""What the copy engine reaches beside the raw limit of the same machine in the same minute; a part
of bench.py. Times of ours are of one phase, as the program tells them with --progress-fd."""

import contextlib
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass

import bmr
import slow_link
import smbd

MIB = 1 << 20
CONNECTIONS = 4  # what the reader has at most
ROUND_TRIP_MS = 20
TIB = 64

# Signed and not encrypted, both sides alike.
SERVER = {"smb encrypt": "off"}
PROTECTION = "--client-protection=sign"


@dataclass
class Phases:
    """Seconds and bytes of a phase by its name, seconds of all, user seconds of all processes for
    copy and reading back, peak memory if it was watched (which slows everything down)."""
    seconds: dict
    bytes: dict
    total: float
    user: float
    memory: int

    def rate(self, phase: str) -> float:
        return self.bytes[phase] / max(self.seconds[phase], 0.001)


class Account:
    """Processor time of a process and all that it starts, those that leave it included: a control
    group. Without one (not root) nothing is counted."""

    PLACES = (("/sys/fs/cgroup/cpuacct", "cpuacct.usage_user", 1e-9), ("/sys/fs/cgroup", "cpu.stat", 1e-6))

    def __enter__(self):
        self.folder = None
        for place, file, unit in self.PLACES:
            folder = pathlib.Path(place) / f"openbmr-bench-{os.getpid()}"
            with contextlib.suppress(OSError):
                folder.mkdir()
                if (folder / file).exists():
                    self.folder, self.file, self.unit = folder, folder / file, unit
                    break
                folder.rmdir()
        return self

    def enter(self) -> None:
        if self.folder:
            (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def user(self) -> float:
        if not self.folder:
            return float("nan")
        words = self.file.read_text().split()
        return int(words[words.index("user_usec") + 1] if "user_usec" in words else words[0]) * self.unit

    def __exit__(self, *_):
        for _ in range(100):
            with contextlib.suppress(OSError):
                if self.folder:
                    self.folder.rmdir()
                return
            time.sleep(0.05)


def restore(source, target: pathlib.Path, *more, size: int = 0, keep: bool = False,
            memory: bool = False) -> Phases:
    """size: of the target in bytes, which is empty; 0: the program creates it, or it is kept."""
    if not keep:
        target.unlink(missing_ok=True)
    if size:
        with open(target, "wb") as file:
            file.truncate(size)
    drop_caches()
    ends = os.pipe()
    last, users = {}, {}
    started = time.monotonic()
    with os.fdopen(ends[0], encoding="utf-8") as lines, Account() as account:
        process = subprocess.Popen(
            [bmr.PROGRAM, "restore", "--from", str(source), "--disk", str(target), "--confirm", "erase",
             "--progress-fd", str(ends[1]), *map(str, more)], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=bmr.environment(),
            pass_fds=(ends[1],), preexec_fn=account.enter)
        os.close(ends[1])
        watch = bmr.MemoryWatch(process.pid)
        if memory:
            watch.start()
        for line in map(json.loads, lines):
            last[line["phase"]] = line
            users.setdefault(line["phase"], account.user())
        said, _ = process.communicate()
        if memory:
            watch.stop()
    assert process.returncode == bmr.DONE, said
    return Phases({name: line["elapsed_ms"] / 1000 for name, line in last.items()},
                  {name: line["bytes_done"] for name, line in last.items()},
                  time.monotonic() - started, users.get("commit", 0) - users.get("copy", 0), watch.peak)


def drop_caches() -> None:
    subprocess.run(["sync"], check=True)
    with contextlib.suppress(OSError):
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("3\n")


def seconds(*commands) -> float:
    """Of all commands at the same time, from a cold cache."""
    drop_caches()
    started = time.monotonic()
    running = [subprocess.Popen(command, shell=isinstance(command, str), stdout=subprocess.DEVNULL,
                                stderr=subprocess.PIPE) for command in commands]
    for process in running:
        _, said = process.communicate()
        assert process.returncode == 0, said.decode(errors="replace")
    return time.monotonic() - started


def direct_write(target: pathlib.Path, size: int) -> float:
    """Bytes per second of writing a new file past the page cache."""
    target.unlink(missing_ok=True)
    return size / seconds(["dd", "if=/dev/zero", f"of={target}", "bs=4M", f"count={size // (4 * MIB)}",
                           "oflag=direct", "conv=fdatasync"])


def direct_copy(image: pathlib.Path, target: pathlib.Path) -> float:
    target.unlink(missing_ok=True)
    return image.stat().st_size / seconds(
        f"dd 'if={image}' bs=4M iflag=direct | dd 'of={target}' bs=4M iflag=fullblock oflag=direct conv=fdatasync")


def direct_read(target: pathlib.Path) -> float:
    return target.stat().st_blocks * 512 / seconds(["dd", f"if={target}", "of=/dev/null", "bs=4M", "iflag=direct"])


def convert(image: pathlib.Path, target: pathlib.Path) -> float:
    target.unlink(missing_ok=True)
    return image.stat().st_size / seconds(["qemu-img", "convert", "-W", "-m", "16", "-t", "none", "-T", "none",
                                           "-O", "raw", image, target])


def nbdcopy(image: pathlib.Path, target: pathlib.Path) -> float:
    """VHDX is qemu-nbd's; nbdkit has no such format."""
    target.unlink(missing_ok=True)
    return image.stat().st_size / seconds(["nbdcopy", "--flush", "--", "[", "qemu-nbd", "-r", "-f", "vhdx", image,
                                           "]", target])


def get(port: int, server, share: str, names: list, size: int) -> float:
    """Bytes per second of fetching these files at the same time, a connection for each; size: of all."""
    return size / seconds(*[["smbclient", PROTECTION, f"//127.0.0.1/{share}", "-p", str(port), "-A",
                             str(server.credentials), "-c", f'get "{name}" /dev/null'] for name in names])


def split(image: pathlib.Path, folder: pathlib.Path) -> list:
    """The image in as many files as there are connections: each byte comes from the disk once, as in a
    restore."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    size = -(-image.stat().st_size // CONNECTIONS)
    subprocess.run(["split", "-b", str(size), image, folder / "part-"], check=True)
    return sorted(path.name for path in folder.iterdir())


class Table:
    """Rows of ratios of rates: measured in turn, the median of the runs."""

    def __init__(self, row, runs: int):
        self.row, self.runs = row, runs

    def compare(self, rows: dict, measure) -> None:
        """`measure()` gives (our rate, {name: other rate}) of one round; `rows`: name -> (text, goal)."""
        rounds = [measure() for _ in range(self.runs)]
        for name, (text, goal) in rows.items():
            ratio = statistics.median(ours / others[name] for ours, others in rounds)
            mine = statistics.median(ours for ours, _ in rounds) / MIB
            other = statistics.median(others[name] for _, others in rounds) / MIB
            self.row(text, f"{ratio:.2f} x", f"{goal}; {mine:.0f} against {other:.0f} MiB/s")


def local(table: Table, share, image: pathlib.Path, folder: pathlib.Path) -> None:
    target, other = folder / "target.img", folder / "other.img"
    checks = []

    def measure():
        ours = restore(share, target)
        # after the copy and with the file systems' free space left out, as in ours
        checks.append(direct_read(target) and ours.seconds["verify"] * direct_read(target) / ours.bytes["copy"])
        return ours.rate("copy"), {"dd": direct_copy(image, other), "convert": convert(image, other),
                                   "nbdcopy": nbdcopy(image, other)}

    table.compare({"dd": ("local, copy : dd to dd, O_DIRECT", "goal 0.95"),
                   "convert": ("local, copy : qemu-img convert", "goal 1.00"),
                   "nbdcopy": ("local, copy : nbdcopy", "goal 1.50")}, measure)
    table.row("local, reading back : raw sequential read", f"{statistics.median(checks):.2f} x",
              "of its time; goal at most 1.00")


def share(table: Table, backup, image: pathlib.Path, folder: pathlib.Path) -> None:
    target, other = folder / "target.img", folder / "other.img"
    name, size = str(image.relative_to(backup)).replace("/", "\\"), image.stat().st_size
    parts, users = split(image, folder / "parts"), []
    with smbd.PrivateSamba({"backups": backup, "parts": folder / "parts"}, SERVER) as server:
        login = ("--credentials", server.credentials)

        def measure():
            ours = restore(server.url("backups"), target, *login)
            users.append(ours.user / (ours.bytes["copy"] / 1024 / MIB))
            raw = get(server.port, server, "parts", parts, size)
            return ours.rate("copy"), {"read": raw, "slower": min(raw, direct_write(other, size))}

        table.compare({"slower": (f"share, copy : slower of raw read x {CONNECTIONS}, raw write", "goal 0.90"),
                       "read": (f"share, copy : raw read x {CONNECTIONS}", "no goal")}, measure)
        table.row("share, user CPU of all processes per GiB", f"{statistics.median(users):.2f} s",
                  "signed, hashed, read back; goal at most 0.35 s")
        peak = restore(server.url("backups"), target, *login, memory=True).memory
        table.row("share, peak memory of all processes", f"{peak / MIB:.0f} MiB", "goal at most 256 MiB")
        with slow_link.SlowLink(server.port, ROUND_TRIP_MS) as link:
            def measure_slow():
                ours = restore(server.url("backups", port=link.port), target, *login)
                return ours.rate("copy"), {"many": get(link.port, server, "parts", parts, size),
                                           "one": get(link.port, server, "backups", [name], size)}

            table.compare({"many": (f"share at {ROUND_TRIP_MS} ms, copy : raw read x {CONNECTIONS}", "goal 0.90"),
                           "one": (f"share at {ROUND_TRIP_MS} ms, copy : smbclient get", "goal 1.40")},
                          measure_slow)
    shutil.rmtree(folder / "parts")


def delta(table: Table, backup, folder: pathlib.Path) -> None:
    """An unchanged disk, with a sidecar, over the network: bytes are counted where they come from the server."""
    target, index = folder / "target.img", backup.folder / backup.facts["set"] / "openbmr.index"
    index.unlink(missing_ok=True)
    subprocess.run([bmr.PROGRAM, "index", backup.share, "--output", index], check=True, stdout=subprocess.DEVNULL)
    try:
        with smbd.PrivateSamba({"backups": backup.share}, SERVER) as server, \
                slow_link.SlowLink(server.port, 0) as link:
            used = restore(backup.share, target).bytes["copy"]
            before = link.received.value
            subprocess.run([bmr.PROGRAM, "plan", "--no-estimate", "--from", server.url("backups", port=link.port),
                            "--disk", target, "--credentials", server.credentials], check=True, stdout=subprocess.DEVNULL)
            planned = link.received.value - before
            ours = restore(server.url("backups", port=link.port), target, "--delta", "--credentials",
                           server.credentials, keep=True)
            received = link.received.value - before - planned
    finally:
        index.unlink()
    table.row("delta, network bytes : data in use", f"{received * 100 / used:.2f} %",
              f"goal at most 0.50 %; {received / 1e6:.1f} MB, of which a plan alone takes {planned / 1e6:.1f} MB; "
              f"{ours.total:.1f} s")


def sparse(table: Table, make_set, memory: pathlib.Path) -> None:
    """The same data twice, once beside a volume that claims 64 TiB and holds nothing. On a tmpfs: no
    other file system at hand takes a file of that size."""
    sets = make_set(memory / "large", "--data-tib", str(TIB)), make_set(memory / "small")
    target = memory / "target.img"
    rounds = []
    for _ in range(table.runs):
        rounds.append([restore(one.share, target, "--volumes", "all", size=one.facts["disk_size"]) for one in sets])
        target.unlink()
    peak = restore(sets[0].share, target, "--volumes", "all", size=sets[0].facts["disk_size"], memory=True).memory
    target.unlink()
    table.row(f"{TIB} TiB claimed : the same data without",
              f"{statistics.median(a.total / b.total for a, b in rounds):.2f} x", "of its time; goal at most 1.10")
    table.row("its peak memory, all processes", f"{peak / MIB:.0f} MiB",
              "goal at most 256 MiB")
