#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Screenshots of the menu on the VGA console of a virtual machine, for qemu-tests/screens/tour:

    make tour

A PC with a BIOS, whose screen is text of 80 × 25. What is typed goes through the serial line, which shows
the same. In the middle of the restore the power fails, so that its last page can be shown, too."""

import os
import pathlib
import struct
import sys
import tempfile
import time
import zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import machine_room  # noqa: E402  (found by the line above)
import qemu  # noqa: E402
import scenario  # noqa: E402
import smbd  # noqa: E402
from bmr import REPOSITORY  # noqa: E402

FOLDER = REPOSITORY / "qemu-tests/screens/tour"
SIZE_MAX = 40 << 10
SECONDS = 600
DRAWN_SECONDS = 2  # the serial line has the words a little earlier than the screen
WRITTEN = 30 << 20
TRIES = 5


def read_ppm(path) -> tuple:
    """Width, height, pixels of 3 bytes."""
    data = pathlib.Path(path).read_bytes()
    fields = data.split(maxsplit=4)
    assert fields[0] == b"P6" and fields[3] == b"255", fields[:4]
    width, height = int(fields[1]), int(fields[2])
    return width, height, data[-3 * width * height:]


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def write_png(path, width: int, height: int, pixels: bytes) -> None:
    """With a palette of at most 16 colours, two pixels in a byte: a text console has no more."""
    places, colours = {}, []
    rows = bytearray()
    for y in range(height):
        row = [pixels[i:i + 3] for i in range(3 * y * width, 3 * (y + 1) * width, 3)]
        for colour in row:
            if colour not in places:
                places[colour] = len(colours)
                colours.append(colour)
        numbers = [places[colour] for colour in row] + [0]
        rows += b"\0" + bytes(numbers[x] << 4 | numbers[x + 1] for x in range(0, width, 2))
    assert len(colours) <= 16, f"{path}: {len(colours)} colours"
    header = struct.pack(">IIBBBBB", width, height, 4, 3, 0, 0, 0)
    data = (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"PLTE", b"".join(colours))
            + chunk(b"IDAT", zlib.compress(bytes(rows), 9)) + chunk(b"IEND", b""))
    assert len(data) <= SIZE_MAX, f"{path}: {len(data)} bytes"
    path.write_bytes(data)


def shoot(machine, name: str, words: str) -> None:
    machine.wait_on_screen(words, SECONDS)
    time.sleep(DRAWN_SECONDS)
    with tempfile.TemporaryDirectory() as folder:
        machine.command("screendump", filename=f"{folder}/screen.ppm")
        write_png(FOLDER / f"{name}.png", *read_ppm(f"{folder}/screen.ppm"))
    print(f"{name}.png: {(FOLDER / name).with_suffix('.png').stat().st_size} bytes", flush=True)


def search_again(machine, words: str) -> None:
    """On a loaded machine the address may come later than the search wants it."""
    for _ in range(TRIES):
        machine.wait_on_screen(f"{words}|That did not work", SECONDS)
        if "That did not work" not in machine.screen():
            return
        machine.type("\n")
        machine.wait_on_screen("Where is the backup", SECONDS)
        time.sleep(DRAWN_SECONDS)
        machine.type("\n")
        time.sleep(DRAWN_SECONDS)


def up_to_the_power_cut(room, machine) -> None:
    machine.wait_for("openbmr: ready", SECONDS)
    for name, words, answer in (
            ("1-start", "Restore a backup", ""),
            ("2-source", "Where is the backup", f"{room.url}\t{smbd.USER}\t{smbd.PASSWORD}"),
            ("3-backup", "SRV01 +2026-08-31", ""),
            ("4-volumes", "What should be restored", ""),
            ("5-target", machine_room.TARGET_SERIAL, ""),
            ("6-plan", "The plan", ""),
            ("7-confirm", "Last four", machine_room.TARGET_SERIAL[-4:])):
        search_again(machine, words)
        shoot(machine, name, words)
        machine.type(f"{answer}\n")
    deadline = time.monotonic() + SECONDS
    while os.stat(room.target).st_blocks * 512 < WRITTEN:
        assert time.monotonic() < deadline, machine.screen()
        time.sleep(0.02)
    machine.process.kill()
    machine.process.wait()


def after_it(machine) -> None:
    machine.wait_for("openbmr: ready", SECONDS)
    shoot(machine, "8-half-restored", "<Resume>")
    machine.type(f"{smbd.USER}\t{smbd.PASSWORD}\n")
    shoot(machine, "9-result", "all equal")
    machine.command("quit")
    machine.wait_for_end(60)


def main() -> int:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scenario.SCENARIOS, prefix="tour-") as name:
        folder = pathlib.Path(name)
        backup = scenario.backup_set("bios")
        with smbd.PrivateSamba({"backups": backup.share}) as server:
            room = machine_room.Room(folder, folder, backup, server)
            stick = scenario.make_stick(folder / "stick.img", {})
            for step in (lambda machine: up_to_the_power_cut(room, machine), after_it):
                disks = [qemu.Disk("usb", stick, machine_room.STICK_SERIAL, removable=True,
                                   boot=True),
                         qemu.Disk("ata", room.target, machine_room.TARGET_SERIAL)]
                with qemu.Machine(folder / "log", disks, machine_room.MEMORY_MIB, bios=True) as machine:
                    step(machine)
    return 0


if __name__ == "__main__":
    sys.exit(main())
