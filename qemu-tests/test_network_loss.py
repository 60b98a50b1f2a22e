# SPDX-License-Identifier: GPL-3.0-or-later
"""What can happen to a share while a restore reads it. Each scenario has a private server of its
own behind a relay that fails (slow_link.FaultLink), and happens when a part of the bytes has come: in
the search, in the proof, in the copy. Either the restore goes on and the disk is, byte for byte, what
it is without a fault; or it stops, says why, nothing recognises the disk, and once the cause is
mended `bmr resume` makes it that disk.

Scenarios run side by side: most of their time is waiting.
"""

import concurrent.futures
import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time

import pytest

import bmr
import compare
import smbd
import summary
from generator import tools
from scenario import MIB
from slow_link import FaultLink

pytestmark = pytest.mark.needs("root", "smbd", "fuse", "ntfs-3g", "sgdisk", "sfdisk", "mcopy",
                               "fsck.fat")

SIDE_BY_SIDE = 8

# Of all bytes that a restore gets, in per cent; what it does by then is in brackets.
SEARCH, PREFLIGHT, COPY, LATE = 1, 16, 55, 85

# The journal names the run: it is another one each time.
JOURNAL = range(20480, 20480 + 2 * (64 << 10))


class Bench:
    """One scenario: a server, a link to it, a disk, and the restore that runs."""

    def __init__(self, folder, share, total):
        self.folder, self.total = folder, total
        self.share = share
        self.disk = os.path.join(folder, "disk.img")
        self.server = self.link = self.process = None
        self.struck = threading.Event()
        self.back_at = self.next_byte = None
        self.late = []
        self.error = None  # of the fault itself

    def own_share(self):
        """A copy that may be changed: images on the share that others read must stay."""
        mine = os.path.join(self.folder, "share")
        subprocess.run(["cp", "-a", "--sparse=always", self.share, mine], check=True)
        self.share = mine

    def image(self):
        """The largest: that of C:."""
        found = [os.path.join(where, name) for where, _, names in os.walk(self.share)
                 for name in names if name.endswith(".vhdx")]
        return max(found, key=os.path.getsize)

    def after(self, seconds, action, *arguments):
        def act():
            time.sleep(seconds)
            action(*arguments)
        self.late.append(threading.Thread(target=act, daemon=True))
        self.late[-1].start()

    def back(self, action, *arguments):
        """The server's return: from here the time to the next byte counts."""
        action(*arguments)
        before = self.link.received
        self.back_at = time.monotonic()
        while self.link.received == before and time.monotonic() < self.back_at + 60:
            time.sleep(0.02)
        self.next_byte = time.monotonic() - self.back_at

    def run(self, command, *more):
        self.process = subprocess.Popen(
            [str(bmr.PROGRAM), command, "--from", self.server.url("backups", port=self.link.port),
             "--credentials", self.server.credentials, "--disk", self.disk, *more],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", env=bmr.environment())
        self.said = self.process.communicate(timeout=bmr.LIMIT_SECONDS)[0]
        return self.process.returncode

    def strike(self, percent, fault):
        """Once, while the bytes that reach this count are held back."""
        def act():
            if not self.struck.is_set():
                self.struck.set()
                try:
                    fault(self)
                except (OSError, IndexError, subprocess.SubprocessError) as error:
                    self.error = error
        self.link.at(self.total * percent // 100, act)

    def end(self):
        for thread in self.late:
            thread.join(60)


def content(disk):
    """Of everything but the journal; a hole is as good as zeros."""
    digest = hashlib.sha256()
    with open(disk, "rb") as file:
        for offset, length in tools.data_ranges(file.fileno(), os.path.getsize(disk)):
            for at in range(offset // MIB * MIB, offset + length, MIB):
                file.seek(at)
                block = bytearray(file.read(MIB))
                if at == 0:
                    block[JOURNAL.start:JOURNAL.stop] = bytes(len(JOURNAL))
                if any(block):
                    digest.update(at.to_bytes(8, "little") + block)
    return digest.hexdigest()


# -- faults that pass -------------------------------------------------------------------------

def restart(seconds):
    def fault(bench):
        bench.server.stop()
        bench.after(seconds, bench.back, bench.server.start)
    return fault


def restart_at_another_port(bench):
    bench.server.stop()
    bench.server.port = smbd.free_port()
    bench.server.write_configuration()
    bench.link.target = ("127.0.0.1", bench.server.port)
    bench.after(1, bench.back, bench.server.start)


def restart_at_another_address(bench):
    bench.server.stop()
    bench.server.addresses = ("127.0.0.2",)
    bench.server.write_configuration()
    bench.link.target = ("127.0.0.2", bench.server.port)
    bench.after(1, bench.back, bench.server.start)


def restart_twice(bench):
    restart(0.5)(bench)
    bench.link.at(bench.total * 75 // 100, lambda: restart(0.5)(bench))


def freeze(seconds):
    def fault(bench):
        bench.server.freeze()
        bench.after(seconds, bench.back, bench.server.resume)
    return fault


def reset(bench):
    bench.link.reset()


def reset_every(count):
    def fault(bench):
        bench.link.reset_every = count
    return fault


def cut_a_frame(bench):
    bench.link.cut_frame = True


def spoil_a_byte(bench):
    bench.link.spoil = True


def half_open(bench):
    bench.link.half_open()


def close_three_times(bench):
    bench.link.close_new = 3
    bench.link.reset()


def refuse(seconds):
    def fault(bench):
        bench.link.reset()
        bench.after(0, bench.link.refuse)
        bench.after(seconds, bench.back, bench.link.accept_again)
    return fault


def black_hole(seconds):
    """As when a cable is pulled, and put in again."""
    def back(bench):
        bench.link.black_hole = False

    def fault(bench):
        bench.link.black_hole = True
        bench.after(seconds, bench.back, back, bench)
    return fault


def one_byte_at_a_time(bench):
    def enough():
        bench.link.piece = MIB
    bench.link.piece = 1
    bench.after(1, enough)


def late(seconds):
    def fault(bench):
        bench.link.delay = seconds
    return fault


def share_away(seconds):
    """The server is started without the share first."""
    def with_shares(bench, shares):
        bench.server.stop()
        bench.server.shares = shares
        bench.server.write_configuration()
        bench.server.start()

    def fault(bench):
        shares = bench.server.shares
        with_shares(bench, {"other": bench.share})
        if seconds:
            bench.after(seconds, bench.back, with_shares, bench, shares)
        bench.mend = lambda: with_shares(bench, shares)
    return fault


def moved_away(seconds):
    def fault(bench):
        path = bench.image()
        bench.server.stop()
        os.rename(path, path + ".away")
        bench.server.start()
        if seconds:
            bench.after(seconds, os.rename, path + ".away", path)
        bench.mend = lambda: os.rename(path + ".away", path)
    return fault


def processes_named(bench, name):
    found = []
    for pid in bmr.descendants(bench.process.pid):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/comm", encoding="ascii") as file:
            if file.read().strip() == name:
                found.append(pid)
    return found


def kill_reader(bench):
    """The keeper's child; its helpers go with it."""
    os.kill(processes_named(bench, "bmr-reader")[0], signal.SIGKILL)


# -- faults that do not -----------------------------------------------------------------------

def gone(bench):
    bench.server.stop()
    bench.mend = bench.server.start


def refused_for_good(bench):
    bench.after(0, bench.link.refuse)
    bench.link.reset()
    bench.mend = bench.link.accept_again


def password_changed(bench):
    bench.server.stop()
    bench.server.set_password("another one")
    bench.server.start()
    bench.mend = lambda: bench.server.set_password(smbd.PASSWORD)


def account_locked(bench):
    bench.server.lock_account()
    bench.link.reset()
    bench.mend = lambda: bench.server.set_password(smbd.PASSWORD)


def changed(change):
    """While the server is down; as the file was before, it is put back."""
    def fault(bench):
        path = bench.image()
        bench.server.stop()
        shutil.copy2(path, path + ".kept")
        change(path)
        bench.server.start()
        bench.mend = lambda: os.replace(path + ".kept", path)
    return fault


def truncate(path):
    os.truncate(path, os.path.getsize(path) // 2)


def write_to(path):
    with open(path, "r+b") as file:
        file.seek(5 * MIB)
        byte = file.read(1)
        file.seek(5 * MIB)
        file.write(bytes([byte[0] ^ 255]))


def give_another_id(path):
    """Size and time as before: the write id in both headers of the VHDX."""
    before = os.stat(path)
    other = os.path.join(os.path.dirname(path), "Esp.vhdx")
    subprocess.run(["cp", "--sparse=always", other, path + ".new"], check=True)
    os.truncate(path + ".new", before.st_size)
    os.utime(path + ".new", ns=(before.st_atime_ns, before.st_mtime_ns))
    os.replace(path + ".new", path)


def truncate_open_file(bench):
    path = bench.image()
    shutil.copy2(path, path + ".kept")
    truncate(path)
    bench.mend = lambda: os.replace(path + ".kept", path)


def another_set(bench):
    """Another server, with images of the same names."""
    def fault_image(path):
        os.truncate(path, os.path.getsize(path) + 4096)
    changed(fault_image)(bench)


def interrupt(bench):
    bench.server.stop()
    bench.after(1.5, bench.process.send_signal, signal.SIGINT)
    bench.mend = bench.server.start


PASSES = {
    "killed, back after 1 s, in the search": (SEARCH, restart(1)),
    "killed, back after 1 s, while fix-ups are worked out": (PREFLIGHT, restart(1)),
    "killed, back after 1 s, in the copy": (COPY, restart(1)),
    "killed, back after 1 s, late in the copy": (LATE, restart(1)),
    "killed, back after 6 s": (COPY, restart(6)),
    "killed twice": (COPY, restart_twice),
    "killed, the whole backup is proved": (30, restart(1), "--prove", "full"),
    "killed, encryption is required": (COPY, restart(1), "--encrypt", "required"),
    "killed, in a delta restore": (COPY, restart(1), "--delta"),
    "back at another port": (COPY, restart_at_another_port),
    "back at another address": (COPY, restart_at_another_address),
    "frozen for 2 s in the search": (SEARCH, freeze(2)),
    "frozen for 2 s in the copy": (COPY, freeze(2)),
    "frozen for 24 s": (COPY, freeze(24)),
    "RST in the search": (SEARCH, reset),
    "RST while fix-ups are worked out": (PREFLIGHT, reset),
    "RST in the copy": (COPY, reset),
    "RST late in the copy": (LATE, reset),
    "RST after each 12 MiB": (COPY, reset_every(12 << 20)),
    "RST after each 3 MiB": (COPY, reset_every(3 << 20)),
    "a truncated frame in the search": (SEARCH, cut_a_frame),
    "a truncated frame in the copy": (COPY, cut_a_frame),
    "a spoiled byte in the search": (SEARCH, spoil_a_byte),
    "a spoiled byte while fix-ups are worked out": (PREFLIGHT, spoil_a_byte),
    "a spoiled byte in the copy": (COPY, spoil_a_byte),
    "half open": (COPY, half_open),
    "closed after the handshake, three times": (COPY, close_three_times),
    "port refused for 3 s in the search": (SEARCH, refuse(3)),
    "port refused for 3 s in the copy": (COPY, refuse(3)),
    "a black hole for 4 s": (COPY, black_hole(4)),
    "a black hole for 23 s": (COPY, black_hole(23)),
    "one byte at a time for 1 s": (COPY, one_byte_at_a_time),
    "100 ms late from now on": (LATE, late(0.1)),
    "the share is away for 3 s": (COPY, share_away(3)),
    "an image is away for 3 s": (COPY, moved_away(3)),
    "the reader is killed in the search": (SEARCH, kill_reader),
    "the reader is killed in the copy": (COPY, kill_reader),
}

STOPS = {
    "gone for good": (COPY, gone, "tries in", "--retry-for", "3"),
    "no time to wait": (COPY, reset, "was lost", "--retry-for", "0"),
    "port refused for good": (COPY, refused_for_good, "tries in", "--retry-for", "3"),
    "the password is another one": (COPY, password_changed, "login refused"),
    "the account is locked": (COPY, account_locked, "login refused"),
    "the share is gone": (COPY, share_away(0), "no share 'backups'", "--retry-for", "3"),
    "an image is gone": (COPY, moved_away(0), "No such file", "--retry-for", "3"),
    "an image was truncated": (COPY, changed(truncate), "cut short"),
    "an image was truncated while it is open": (COPY, truncate_open_file, "file ended at"),
    "an image was written to": (COPY, changed(write_to), "was written to"),
    "an image has another id": (COPY, changed(give_another_id), "since it was scanned"),
    "another server with another set": (COPY, another_set, "grew or shrank from"),
    "cancelled while it waits": (COPY, interrupt, "cancelled"),
}

# Options of the server
SERVER = {"killed, encryption is required": {"server smb encrypt": "required"}}

# These take their time, and try what others try, too: for long runs.
LONG = {"100 ms late from now on", "RST after each 3 MiB", "RST late in the copy",
        "killed, back after 6 s", "killed, the whole backup is proved", "killed twice"}

CHANGES_FILES = {name for name in STOPS if "image" in name or "set" in name} | \
    {"an image is away for 3 s"}


class Failed(AssertionError):
    pass


def check(true, bench, what):
    if not true:
        raise Failed(f"{what}\n{bench.said}")


def is_right(name, disk, source, expected) -> bool:
    """What is compared first is copied without the gaps."""
    if "delta" in name:
        return compare.differences(disk, source) == []
    return content(disk) == expected


def play(name, source, total, expected):
    """What went wrong, or None; and the seconds from the server's return to the next byte."""
    passes = name in PASSES
    percent, fault, *more = PASSES[name] if passes else STOPS[name]
    words = [] if passes else [more.pop(0)]
    with tempfile.TemporaryDirectory(prefix="openbmr-loss-", dir="/var/tmp") as folder:
        bench = Bench(folder, str(source.share), total)
        if name in CHANGES_FILES:
            bench.own_share()
        try:
            with smbd.PrivateSamba({"backups": bench.share}, SERVER.get(name)) as bench.server, \
                    FaultLink(bench.server.port) as bench.link:
                bench.strike(percent, fault)
                status = bench.run("restore", "--confirm", "erase", *more)
                bench.end()
                check(bench.struck.is_set() and not bench.error, bench, f"nothing happened: {bench.error}")
                if passes:
                    check(status == bmr.DONE, bench, f"exit status {status}")
                else:
                    check(status == bmr.RESUMABLE, bench, f"exit status {status}")
                    check(all(word in bench.said for word in words), bench, f"no {words}")
                    check(not compare.recognised(bench.disk), bench, "the disk looks whole")
                    if hasattr(bench, "mend"):
                        bench.mend()
                    check(bench.run("resume") == bmr.DONE, bench, "not resumed")
                check(is_right(name, bench.disk, source, expected), bench, "the disk is another one")
                if bench.next_byte is not None:
                    check(bench.next_byte < 30, bench, f"{bench.next_byte} s to the next byte")
            return None, bench.next_byte
        except (Failed, subprocess.TimeoutExpired, OSError, IndexError, RuntimeError) as error:
            return f"{name}: {type(error).__name__} {error}", None


def quiet_restore(source, folder):
    """Without a fault: how many bytes come, and what the disk then is."""
    bench = Bench(folder, str(source.share), 0)
    with smbd.PrivateSamba({"backups": bench.share}) as bench.server, \
            FaultLink(bench.server.port) as bench.link:
        assert bench.run("restore", "--confirm", "erase") == bmr.DONE, bench.said
        assert compare.differences(bench.disk, source) == []
        return bench.link.received, content(bench.disk)


def play_all(source, folder, names) -> tuple:
    """A line about all of them, and what went wrong."""
    total, expected = quiet_restore(source, folder)
    # the longest first
    names = sorted(names, key=lambda name: "for 2" not in name and "half" not in name)
    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        results = list(pool.map(lambda name: play(name, source, total, expected), names))
    faults = [fault for fault, _ in results if fault]
    summary.add("network scenarios", len(names), len(faults))
    waits = [seconds for _, seconds in results if seconds is not None]
    return (f"network scenarios: {len(names)}, {len(faults)} failures; from a server's return to the "
            f"next byte {max(waits):.1f} s at most; {time.monotonic() - started:.0f} s together", faults)


def test_whatever_happens_to_the_share(backup, work, capsys):
    line, faults = play_all(backup("uefi"), str(work), {*PASSES, *STOPS} - LONG)
    with capsys.disabled():
        print(f"\n{line}")
    assert not faults, "\n".join(faults)
