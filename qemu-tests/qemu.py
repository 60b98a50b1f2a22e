# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with UEFI firmware (or, if wished, a BIOS): QEMU and OVMF or SeaBIOS, its serial
line, QMP, its end.

    with Machine(folder, disks=[Disk("nvme", path, serial="S1")], memory_mib=1024) as machine:
        machine.wait_for(r"openbmr: ready", 60)
        machine.wait_for_end(120)

A firmware or a boot loader that misses something waits for ever: every wait has a limit, and
what it raises shows the end of the serial line. The process is always ended, by its id.
"""

import errno
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import time
from dataclasses import dataclass

import pyte

PROGRAM = "qemu-system-x86_64"
FIRMWARE = pathlib.Path("/usr/share/OVMF")
FIRMWARE_CODE = FIRMWARE / "OVMF_CODE_4M.fd"
FIRMWARE_VARIABLES = FIRMWARE / "OVMF_VARS_4M.fd"
# With Secure Boot: needs system management mode. The variables hold Microsoft's keys, or a key
# whose private half comes with the package (passphrase "snakeoil").
FIRMWARE_CODE_SECURE = FIRMWARE / "OVMF_CODE_4M.secboot.fd"
FIRMWARE_VARIABLES_STOCK = FIRMWARE / "OVMF_VARS_4M.ms.fd"
FIRMWARE_VARIABLES_SNAKEOIL = FIRMWARE / "OVMF_VARS_4M.snakeoil.fd"

# The same for 64-bit ARM
PROGRAM_ARM64 = "qemu-system-aarch64"
FIRMWARE_ARM64 = pathlib.Path("/usr/share/AAVMF")
FIRMWARE_CODE_ARM64 = FIRMWARE_ARM64 / "AAVMF_CODE.fd"
FIRMWARE_VARIABLES_ARM64 = FIRMWARE_ARM64 / "AAVMF_VARS.fd"
FIRMWARE_VARIABLES_ARM64_STOCK = FIRMWARE_ARM64 / "AAVMF_VARS.ms.fd"

# of dm-log-writes: super block, entry of a discard (its data is not kept)
LOG_MAGIC = 0x6A736677736872
LOG_DISCARD = 1 << 2

POLL_SECONDS = 0.1
# of the environment's menu on every console
COLUMNS, ROWS = 80, 24
QUIT_SECONDS = 10
TAIL_LINES = 40

# An emulated processor on a busy host is held up while the kernel looks whether its timer ticks: it
# gives up, before anything of ours ran. Exactly this start is made once more.
TIMER_PANIC = "IO-APIC + timer doesn't work"
OURS = re.compile(r"openbmr: ready")
STARTS = 3

# Colours and cursor movements of terminals, and what the firmware sends to clear the screen
ESCAPES = re.compile(r"\x1b(?:\[[0-9;?=]*[A-Za-z]|[()][A-Z0-9]|[=>c78])")


class MachineError(AssertionError):
    """The machine did not do what was waited for; the text ends with its last words."""


@dataclass
class Disk:
    """One drive. Names as Linux shows the bus: nvme, usb, virtio, ata; for CDs ata-cd, scsi-cd,
    usb-cd. `boot`: a BIOS starts from it. `write_log`: a file that QEMU fills with all that the
    guest writes, for `logged_writes`. `faults`: sectors that fail, each as blkdebug's rule has it:
    {"sector": 2048, "iotype": "write"}, and "once": True if it heals."""
    bus: str
    path: object
    serial: str = ""
    sector_size: int = 512
    removable: bool = False
    write_log: object = None
    boot: bool = False
    faults: tuple = ()

    def arguments(self, number: int):
        drive = f"disk{number}"
        # Nothing here outlives a crash of the host: its caches need no flush. Zeros stay holes.
        if self.write_log:
            yield from self._logged(drive)
        elif self.faults:
            yield from self._faulty(drive)
        elif self.bus.endswith("-cd"):
            yield "-drive"
            yield f"if=none,id={drive},file={self.path},format=raw,readonly=on,media=cdrom"
        else:
            yield "-drive"
            yield (f"if=none,id={drive},file={self.path},format=raw,cache=unsafe,discard=unmap,"
                   "detect-zeroes=unmap")
        models = {"nvme": "nvme", "usb": "usb-storage", "virtio": "virtio-blk-pci",
                  "ata": "ide-hd", "ata-cd": "ide-cd", "scsi-cd": "scsi-cd",
                  "usb-cd": "usb-storage"}
        if self.bus == "scsi-cd":
            yield "-device"
            yield f"virtio-scsi-pci,id=scsi{number}"
        words = [models[self.bus], f"drive={drive}"]
        if self.serial:
            words.append(f"serial={self.serial}")
        if self.boot:
            words.append("bootindex=0")
        if self.sector_size != 512:
            words += [f"logical_block_size={self.sector_size}",
                      f"physical_block_size={self.sector_size}"]
        if self.bus == "usb":
            words.append(f"removable={'on' if self.removable else 'off'}")
        yield "-device"
        yield ",".join(words)

    def _logged(self, drive: str):
        """The log says how many entries it has in its first sector, kept up with each of them."""
        pathlib.Path(self.write_log).write_bytes(b"")
        yield from ("-blockdev", f"driver=file,node-name={drive}-file,filename={self.path}")
        yield from ("-blockdev", f"driver=file,node-name={drive}-log,filename={self.write_log}")
        yield from ("-blockdev", f"driver=blklogwrites,node-name={drive},file={drive}-file,"
                    f"log={drive}-log,log-super-update-interval=1")

    def _faulty(self, drive: str):
        image = {"driver": "file", "filename": str(self.path), "discard": "unmap",
                 "cache": {"no-flush": True}}
        rules = [{"event": "none", "errno": errno.EIO, **fault} for fault in self.faults]
        yield from ("-blockdev", json.dumps({"driver": "blkdebug", "node-name": drive, "image": image,
                                             "inject-error": rules}))


def logged_writes(path) -> list:
    """(first sector, sectors) of all writes, zeroes and discards in a log of blklogwrites: the
    format of the kernel's dm-log-writes, a super block and entries of one sector, each with the
    data behind it. Flushes are no writes."""
    data = pathlib.Path(path).read_bytes()
    if not data:
        return []
    magic, _, count, size = struct.unpack_from("<QQQI", data)
    assert magic == LOG_MAGIC, hex(magic)
    writes, at = [], size
    for _ in range(count):
        sector, sectors, flags, _ = struct.unpack_from("<QQQQ", data, at)
        at += size + (0 if flags & LOG_DISCARD else sectors * size)
        if sectors:
            writes.append((sector, sectors))
    return writes


class Machine:
    """One QEMU process. `folder` keeps the serial log, QEMU's messages and the variables;
    `variables`: a file of firmware variables to start with, copied; `secure`: Secure Boot
    with the keys in them; `bios`: a PC with SeaBIOS, whose screen is on the serial line too;
    `arm64`: QEMU's "virt" with 64-bit ARM processors, Secure Boot as its variables say;
    `pxe`: the firmware tries its network ("IPv6": by that alone); `display`: a PC has a graphics
    card; `more`: further arguments of QEMU; `prefix`: what starts it, as "ip netns exec NAME"."""

    def __init__(self, folder, disks, memory_mib=1024, network=True, variables=None,
                 processors=2, secure=False, bios=False, arm64=False, pxe=False, display=True, more=(),
                 prefix=()):
        self.folder = pathlib.Path(folder)
        self.disks = list(disks)
        self.memory_mib = memory_mib
        self.network = network
        self.variables = variables or (FIRMWARE_VARIABLES_ARM64 if arm64 else FIRMWARE_VARIABLES)
        self.processors = processors
        self.secure = secure
        self.bios = bios
        self.arm64 = arm64
        self.pxe = pxe
        self.display = display
        self.more = list(more)
        self.prefix = list(prefix)
        self.process = None
        self.starts = 0
        self.seen = 0
        self._terminal = pyte.ByteStream(pyte.Screen(COLUMNS, ROWS))
        self._shown = 0
        self.events = []
        self._qmp = None

    # -- life -----------------------------------------------------------------------------

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self._launch()
        return self

    def _launch(self):
        shutil.copyfile(self.variables, self.variables_path)
        # a socket's path has at most 107 bytes
        self._sockets = tempfile.TemporaryDirectory(prefix="openbmr-qemu-")
        self.starts += 1
        with open(self.serial_path, "wb") as serial, open(self.folder / "qemu.out", "wb") as out:
            self.process = subprocess.Popen(self.arguments(), stdin=subprocess.PIPE,
                                            stdout=serial, stderr=out)
        try:
            self._connect()
        except BaseException:
            self.__exit__()
            raise

    def _start_again(self, text: str) -> bool:
        """Where the emulation failed, and nothing else."""
        if TIMER_PANIC not in text or OURS.search(text[:text.index(TIMER_PANIC)]) or \
                self.starts == STARTS:
            return False
        print(f"start {self.starts}: the kernel found no timer in the emulated machine; once more")
        self.__exit__()
        self.seen = self._shown = 0
        self.events = []
        self._terminal = pyte.ByteStream(pyte.Screen(COLUMNS, ROWS))
        self._launch()
        return True

    def __exit__(self, *_):
        if self.process.poll() is None:
            self._quit()
        self.process.stdin.close()
        if self._qmp:
            self._qmp.close()
        self._sockets.cleanup()

    def _quit(self):
        try:
            self.command("quit")
            self.process.wait(QUIT_SECONDS)
        except (OSError, AttributeError, MachineError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()

    @property
    def serial_path(self):
        return self.folder / "serial.log"

    @property
    def variables_path(self):
        return self.folder / "variables.fd"

    def firmware_arguments(self):
        if self.bios:
            return ["-machine", "q35,graphics=off"]
        code = FIRMWARE_CODE_SECURE if self.secure else FIRMWARE_CODE
        if self.arm64:
            code = FIRMWARE_CODE_ARM64
        words = ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
                 "-drive", f"if=pflash,unit=1,format=raw,file={self.variables_path}"]
        if self.arm64:
            return ["-machine", "virt", *words]
        if self.secure:
            return ["-machine", "q35,smm=on", *words,
                    "-global", "driver=cfi.pflash01,property=secure,value=on"]
        return ["-machine", "q35", *words]

    def arguments(self):
        program, processor, screen = (
            (PROGRAM_ARM64, "cortex-a57", ("-device", "ramfb")) if self.arm64
            else (PROGRAM, "Nehalem", ("-vga", "std" if self.display else "none")))
        words = [*self.prefix, program, "-no-user-config", "-nodefaults", *self.firmware_arguments(),
                 "-cpu", processor,
                 "-accel", os.environ.get("BMR_QEMU_ACCEL", "tcg"),
                 "-smp", str(self.processors), "-m", str(self.memory_mib),
                 "-display", "none", *screen, "-device", "qemu-xhci",
                 "-chardev", "stdio,id=line,signal=off", "-serial", "chardev:line",
                 "-qmp", f"unix:{self._sockets.name}/qmp,server=on,wait=off",
                 # without them the firmware tries PXE for a minute before the shell
                 "-fw_cfg", "name=opt/org.tianocore/IPv4PXESupport,string="
                 + ("yes" if self.pxe is True else "no"),
                 "-fw_cfg", "name=opt/org.tianocore/IPv6PXESupport,string="
                 + ("yes" if self.pxe == "IPv6" else "no")]
        if self.network:
            words += ["-netdev", "user,id=net", "-device", "e1000e,netdev=net,romfile="]
        for number, disk in enumerate(self.disks):
            words += disk.arguments(number)
        return words + self.more

    # -- the serial line --------------------------------------------------------------------

    def serial(self) -> str:
        """All that the machine wrote so far, without terminal codes."""
        text = self.serial_path.read_bytes().decode("utf-8", "replace")
        return ESCAPES.sub("", text).replace("\r", "")

    def tail(self) -> str:
        """The last lines for a human, and what QEMU itself complained about."""
        lines = [line for line in self.serial().splitlines() if line.strip()]
        complaint = (self.folder / "qemu.out").read_text(errors="replace")
        return "\n".join(lines[-TAIL_LINES:]) + ("\nqemu: " + complaint if complaint else "")

    def wait_for(self, pattern: str, seconds: float, unless: str = "(?!)"):
        """The first match behind the last one waited for. `unless` matches what says that it
        will not come."""
        deadline = time.monotonic() + seconds
        while True:
            ended = self.process.poll() is not None
            text = self.serial()
            if self._start_again(text):
                deadline = time.monotonic() + seconds
                continue
            match = re.compile(pattern).search(text, self.seen)
            if match:
                self.seen = match.end()
                return match
            if ended or re.compile(unless).search(text, self.seen):
                state = "ended" if ended else "failed"
                raise MachineError(f"the machine {state} before '{pattern}' came:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise MachineError(f"'{pattern}' did not come within {seconds} s:\n{self.tail()}")
            time.sleep(POLL_SECONDS)

    def screen(self) -> str:
        """What a terminal on the serial line shows now. The menu draws only what differs from what
        stands there, so its words need not be in `serial()`."""
        data = self.serial_path.read_bytes()
        self._terminal.feed(data[self._shown:])
        self._shown = len(data)
        return "\n".join(self._terminal.listener.display)

    def wait_on_screen(self, pattern: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.screen()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise MachineError(f"'{pattern}' is not on the screen after {seconds} s:\n{self.screen()}")
            time.sleep(POLL_SECONDS)

    def type(self, text: str) -> None:
        """Type on the serial line; Enter is a carriage return."""
        self.process.stdin.write(text.replace("\n", "\r").encode())
        self.process.stdin.flush()

    def wait_for_end(self, seconds: float) -> None:
        """Until the machine switched itself off."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise MachineError(f"still running after {seconds} s:\n{self.tail()}")
            self._take_events()
            time.sleep(POLL_SECONDS)
        if self.process.returncode:
            raise MachineError(f"QEMU ended with {self.process.returncode}:\n{self.tail()}")
        self._take_events()

    # -- QMP --------------------------------------------------------------------------------

    def _connect(self):
        deadline = time.monotonic() + QUIT_SECONDS
        while True:
            connection = socket.socket(socket.AF_UNIX)
            try:
                connection.connect(f"{self._sockets.name}/qmp")
                break
            except OSError:
                connection.close()
                if self.process.poll() is not None or time.monotonic() > deadline:
                    raise MachineError(f"QEMU does not start: {self.tail()}") from None
                time.sleep(POLL_SECONDS)
        self._qmp = connection
        self._pending = b""
        self.command("qmp_capabilities")

    def command(self, name: str, /, **arguments):
        """Run a command of QMP and return what it returns."""
        request = {"execute": name, **({"arguments": arguments} if arguments else {})}
        self._qmp.settimeout(QUIT_SECONDS)
        self._qmp.sendall(json.dumps(request).encode() + b"\n")
        while True:
            message = self._message()
            if message is None:
                raise MachineError(f"QMP closed during '{name}'")
            if "error" in message:
                raise MachineError(f"QMP '{name}': {message['error']['desc']}")
            if "return" in message:
                return message["return"]

    def moved(self, number: int) -> tuple:
        """Bytes that the machine wrote to the disk of this number, and that it read, since it was started."""
        names = {f"disk{number}"}
        stats, = [disk["stats"] for disk in self.command("query-blockstats")
                  if names & {disk["device"], disk.get("node-name")}]
        return stats["wr_bytes"], stats["rd_bytes"]

    def _message(self):
        """The next message, or None at the end of the connection. Events are kept."""
        while b"\n" not in self._pending:
            data = self._qmp.recv(65536)
            if not data:
                return None
            self._pending += data
        line, self._pending = self._pending.split(b"\n", 1)
        message = json.loads(line)
        if "event" in message:
            self.events.append((message["event"], message.get("data", {}).get("reason")))
        return message

    def _take_events(self):
        self._qmp.settimeout(0.001)
        try:
            while self._message() is not None:
                pass
        except OSError:
            pass

    def resets(self) -> list:
        """Why the machine was reset or switched off so far, in order."""
        if self.process.poll() is None:
            self._take_events()
        return [reason for event, reason in self.events if event in ("RESET", "SHUTDOWN")]
