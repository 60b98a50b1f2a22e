# SPDX-License-Identifier: GPL-3.0-or-later
"""The power fails in the middle of a restore: QEMU is killed. Either nothing recognises the disk then,
or it is complete. Started again with its stick, the machine takes the restore up: by itself where an
answer file tells it to, else the menu's first screen offers it. Part of `make soak`, or BOOT_ALL=1;
three kills are in test_faults_in_qemu.py."""

import os
import random
import re
import subprocess
import time

import pytest

import compare
import guest
import machine_room
import qemu
import scenario
import smbd
import summary
from machine_room import Room, Shell
from slow_link import FaultLink

pytestmark = [
    pytest.mark.needs("root", "image", "qemu-system-x86_64", "ovmf", "smbd", "fuse", "ntfs-3g", "mcopy"),
    pytest.mark.skipif(not os.environ.get("BOOT_ALL"), reason="BOOT_ALL=1, or make soak")]

LOGS = scenario.SCENARIOS / "logs"
WRITTEN = 24 << 20  # bytes of the disk that are there when the power fails
SECONDS = 600

ROW, RESTORES = 4, 3  # kills in a row, and in how many restores
RATE = 6 << 20  # bytes per second from the server: there is a checkpoint before the copy ends


class Cuts:
    """A restore that is cut off again and again, at random points of what it writes and reads.
    `start`: a machine of the room by name, as room.machine gives it."""

    def __init__(self, room, start):
        self.room, self.start = room, start
        self.seed = int(os.environ.get("POWER_CUT_SEED", random.SystemRandom().randrange(1 << 30)))
        self.choose = random.Random(self.seed)
        self.log, self.nothing_to_copy = [], False

    def cut(self) -> None:
        point = self.choose.random()
        with self.start(f"cut-{len(self.log)}") as machine:
            machine.wait_for("Plan sha256:", SECONDS, machine_room.NOT_DONE)
            # what was proved before the last cut has but its boot sectors to be written
            writes = machine.wait_for(r"writing\b.*?(\d+)(\.\d)? MiB|done and proved", SECONDS,
                                      machine_room.NOT_DONE)[1]
            work = 2 * (int(writes or 0) << 20)  # all is read back, too
            before, deadline = sum(machine.moved(0)), time.monotonic() + SECONDS
            while sum(machine.moved(0)) - before < point * work and "done and proved" not in machine.serial():
                assert time.monotonic() < deadline, machine.tail()
                time.sleep(0.01)
            machine.process.kill()
            machine.process.wait()
            self.judge(point, machine.serial())

    def judge(self, point: float, serial: str) -> None:
        """A disk that is recognised is whole; after that a new one is put in, and told to be restored."""
        at = next((words for words in ("done and proved", "reading back") if words in serial), "copy")
        self.log.append(f"{point:.0%} {at}")
        self.nothing_to_copy = "writing boot sectors" in serial
        if compare.recognised(self.room.target):
            assert compare.differences(self.room.target, self.room.backup) == [], self.log
            self.put_in_new_disk()
        else:
            assert at != "done and proved", self.log

    def put_in_new_disk(self) -> None:
        self.nothing_to_copy = False
        self.room.new_disk()
        scenario.put_on_stick(self.room.stick, "openbmr.ini", self.room.answer().encode())

    def cut_in_a_row(self, count: int) -> str:
        started, failed = time.monotonic(), count
        try:
            while len(self.log) < count:
                self.cut()
            failed = 0
        finally:
            summary.add("hard kills in QEMU", count, failed)
        return (f"power cuts in QEMU: {count}, at {', '.join(self.log)}; POWER_CUT_SEED={self.seed}; "
                f"{time.monotonic() - started:.0f} s together")


@pytest.mark.parametrize("number", range(RESTORES))
def test_a_restore_that_is_killed_again_and_again_ends_as_the_same_disk(backup, work, capsys, number):
    source = backup("uefi")
    with smbd.PrivateSamba({"backups": source.share}) as server, FaultLink(server.port) as link:
        room = Room(work, LOGS, source, server, action="poweroff", port=link.port)
        link.rate = RATE
        line = Cuts(room, room.machine).cut_in_a_row(ROW)
        with capsys.disabled():
            print(f"\n{line}")
        link.rate = 0
        with room.machine("uncut") as machine:
            machine.wait_for("done and proved", SECONDS, machine_room.NOT_DONE)
            machine.wait_for_end(SECONDS)
    assert compare.differences(room.target, room.backup) == []
    assert scenario.fingerprint(room.data) == room.data_before
    assert qemu.logged_writes(room.data_log) == []


def cut_the_power(room) -> None:
    """As soon as part of the data is on the disk."""
    with room.machine("cut") as machine:
        machine.wait_for("openbmr: ready", SECONDS)
        machine.wait_for("Plan sha256:", SECONDS, machine_room.NOT_DONE)
        deadline = time.monotonic() + SECONDS
        while os.stat(room.target).st_blocks * 512 < WRITTEN:
            assert time.monotonic() < deadline, machine.tail()
            time.sleep(0.02)
        machine.process.kill()
        machine.process.wait()
        assert "done and proved" not in machine.serial()


def files_on_stick(room) -> str:
    return subprocess.run(["mdir", "-b", "-i", f"{room.stick}@@1M", "::"], capture_output=True, text=True,
                          check=True).stdout


def test_after_a_power_cut_the_first_screen_resumes(backup, work):
    source = backup("uefi")
    with smbd.PrivateSamba({"backups": source.share}) as server:
        room = Room(work, LOGS, source, server)
        cut_the_power(room)
        assert not compare.recognised(room.target)
        assert "openbmr-" in files_on_stick(room) and ".jnl" in files_on_stick(room)
        with room.machine("resume") as machine:
            machine.wait_for("any key stops that", SECONDS)
            machine.type(" ")
            for words in ("A restore stopped half-way", machine_room.TARGET_SERIAL, "SRV01, 2026-08-31 21:00",
                          re.escape(room.url), "<Resume>"):
                machine.wait_on_screen(words, SECONDS)
            machine.type(machine_room.F3)
            guest.nothing_is_open(Shell(machine), SECONDS)
            machine.type("exit\n")
            machine.wait_on_screen("<Resume>", SECONDS)
            machine.type(f"{smbd.USER}\t{smbd.PASSWORD}\n")
            machine.wait_on_screen("all equal", SECONDS)
            assert smbd.PASSWORD not in machine.serial()
            machine.command("quit")
            machine.wait_for_end(60)
    assert compare.differences(room.target, room.backup) == []
    assert scenario.fingerprint(room.data) == room.data_before
    assert qemu.logged_writes(room.data_log) == []
