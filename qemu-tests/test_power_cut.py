# SPDX-License-Identifier: GPL-3.0-or-later
"""The power fails in the middle of a restore, the machine is started again with the stick: the first
screen shows the half-restored disk, and the menu resumes it. Part of `make soak`, or BOOT_ALL=1."""

import os
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
from machine_room import Room, Shell

pytestmark = [
    pytest.mark.needs("root", "image", "qemu-system-x86_64", "ovmf", "smbd", "fuse", "ntfs-3g", "mcopy"),
    pytest.mark.skipif(not os.environ.get("BOOT_ALL"), reason="BOOT_ALL=1, or make soak")]

LOGS = scenario.SCENARIOS / "logs"
WRITTEN = 24 << 20  # bytes of the disk that are there when the power fails
SECONDS = 600


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
