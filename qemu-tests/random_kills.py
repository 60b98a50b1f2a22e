# SPDX-License-Identifier: GPL-3.0-or-later
"""SIGKILL of all processes of a restore after a random time, again and again: no disk looks whole
before it is, and each is resumed to the same bytes. Some in `make check`, 100 in `make soak`."""

import os
import random
import signal
import subprocess
import time

import bmr
import compare
import summary
import test_network_loss


WRITING = 0.9  # of the kills; the others come before anything is written


def restore_arguments(source, disk) -> tuple:
    return ("--from", source.share, "--disk", disk)


def is_begun(disk) -> bool:
    return disk.exists() and disk.stat().st_blocks > 0


def start(arguments) -> subprocess.Popen:
    return subprocess.Popen([bmr.PROGRAM, "restore", *map(str, arguments), "--confirm", "erase"],
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, env=bmr.environment(), start_new_session=True)


def wait_for_writes(process, disk) -> None:
    while not is_begun(disk) and process.poll() is None:
        time.sleep(0.002)


def is_committed(disk) -> bool:
    """LBA 0, the last thing that is written, is there."""
    with open(disk, "rb") as file:
        return any(file.read(512))


def undisturbed(arguments, disk) -> tuple:
    """Seconds before the first write, and from then on to the last one."""
    started = time.monotonic()
    process = start(arguments)
    wait_for_writes(process, disk)
    begun = time.monotonic()
    while not is_committed(disk) and process.poll() is None:
        time.sleep(0.002)
    committed = time.monotonic()
    assert process.wait() == bmr.DONE
    return begun - started, committed - begun


def kill_after(arguments, disk, begun: bool, seconds: float) -> bool:
    """So long after its start, or after its first write. The whole process group: engine, keeper,
    reader and fix-ups at once. False: it had ended."""
    process = start(arguments)
    if begun:
        wait_for_writes(process, disk)
    try:
        process.wait(seconds)
        return False
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return True


def judge(arguments, disk, expected: str) -> str:
    """What a killed restore left, and that it ends as the one that was not disturbed."""
    if not is_begun(disk):
        state = "untouched"
    else:
        state = "whole" if compare.recognised(disk) else "half"
    result = bmr.run("resume", *arguments)
    if result.status != bmr.DONE:  # killed before there was a journal
        assert state != "whole" and ("no journal" in result.errors or state == "untouched"), result
        result = bmr.run("restore", *arguments, "--confirm", "erase")
    assert result.status == bmr.DONE, result
    assert test_network_loss.content(disk) == expected, f"the disk differs: {result}"
    return state


def play(source, folder, times: int, seed: int) -> str:
    """A line about it; kills after the restore's end do not count. `seed` repeats the same times."""
    disk, choose = folder / "disk.img", random.Random(seed)
    arguments = restore_arguments(source, disk)
    before, writing = undisturbed(arguments, disk)
    expected = test_network_loss.content(disk)
    states = {"untouched": 0, "half": 0, "whole": 0}
    while sum(states.values()) < times:
        disk.unlink(missing_ok=True)
        begun = choose.random() < WRITING
        if kill_after(arguments, disk, begun, choose.uniform(0, writing if begun else before)):
            try:
                states[judge(arguments, disk, expected)] += 1
            except AssertionError as error:
                count = sum(states.values()) + 1
                summary.add("hard kills on the host", count, 1)
                raise AssertionError(f"kill {count}, seed {seed}: {error}") from error
    summary.add("hard kills on the host", times, 0)
    return (f"{times} hard kills, 0 failures (seed {seed}): "
            + ", ".join(f"{state} {count}" for state, count in states.items()))
