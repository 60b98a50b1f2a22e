# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine of the user's story, for scenarios and the demo: a boot stick with an answer file,
a new disk, a data disk that must stay as it is, and the share on the host."""

import pathlib
import re
import shutil
import time
from dataclasses import dataclass, field

import firmware_variables
import qemu
import scenario
import smbd
from scenario import MIB

TARGET_SERIAL = "OPENBMR-NEW-1"
DATA_SERIAL = "OPENBMR-DATA-1"
STICK_SERIAL = "OPENBMR-STICK-1"
NETWORK_ENTRY = "UEFI PXEv4"

# How QEMU's user network shows the host's loopback address to the guest
HOST = "10.0.2.2"

MEMORY_MIB = 1024
DATA_MIB = 48

READY_SECONDS = 120
NETWORK_SECONDS = 120
RESTORE_SECONDS = 300
FIRMWARE_SECONDS = 90

# What PID 1 says when the automatic restore ended in any other way than well
NOT_DONE = r"bmr auto: (?!done)"

MARKER = (r"openbmr-marker: (?P<result>ok|FAILED)(?: disk=(?P<disk>\S+) esp=(?P<esp>\S+) "
          r"bcd=(?P<bcd>\d+) elements path=(?P<path>\S+) entry=\"(?P<entry>[^\"]*)\")?.*")


@dataclass
class Room:
    """What stands on the bench. `folder` holds the disks, `logs` what the machine said; `size` and
    `sector_size` are those of the new disk, else the old one's; `patience` multiplies limits; `more`:
    lines that the answer file ends with, behind its `action`; `port`: of a link to the server."""
    folder: pathlib.Path
    logs: pathlib.Path
    backup: scenario.BackupSet
    server: smbd.PrivateSamba
    password: str = smbd.PASSWORD
    size: int = 0
    sector_size: int = 0
    patience: int = 1
    more: str = ""
    action: str = "reboot"
    port: int = 0
    times: dict = field(default_factory=dict)
    image = scenario.IMAGE

    def __post_init__(self):
        facts = self.backup.facts
        self.sector_size = self.sector_size or facts["sector_size"]
        self.new_disk()
        self.data = scenario.random_disk(self.folder / "data.img", DATA_MIB * MIB, seed=9)
        self.data_before = scenario.fingerprint(self.data)
        self.data_log = self.folder / "data.log"
        self.stick = scenario.make_stick(self.folder / "stick.img", {
            "openbmr.ini": self.answer(),
            "openbmr.cred": f"username = {smbd.USER}\r\npassword = {self.password}\r\n"}, self.image)

    @property
    def url(self) -> str:
        return self.server.url("backups", host=HOST, port=self.port)

    def new_disk(self) -> None:
        self.target = scenario.blank_disk(self.folder / "target.img",
                                          self.size or self.backup.facts["disk_size"])

    def answer(self) -> str:
        return scenario.answer_file(self.url, f"serial:{TARGET_SERIAL}", self.backup.facts["machine"],
                                    self.action) + self.more

    def disk(self) -> qemu.Disk:
        return qemu.Disk("nvme", self.target, TARGET_SERIAL, self.sector_size)

    def machine(self, name: str, stick: bool = True, more=(), disks=(), network=True) -> qemu.Machine:
        """A machine with fresh firmware variables, with the stick such in which the network
        comes first; the log goes to a folder of this name; `more`: arguments of QEMU; `disks`:
        what it has besides."""
        disks = [self.disk(), qemu.Disk("ata", self.data, DATA_SERIAL, write_log=self.data_log), *disks]
        if stick:
            disks.append(qemu.Disk("usb", self.stick, STICK_SERIAL, removable=True))
        return qemu.Machine(self.logs / name, disks, MEMORY_MIB, network,
                            self._network_first() if stick else None, more=more)

    def _network_first(self):
        """Firmware variables of a machine that starts from the network, if anything answers."""
        path = self.folder / "network-first.fd"
        shutil.copyfile(qemu.FIRMWARE_VARIABLES, path)
        firmware_variables.add(path, {
            "Boot0099": firmware_variables.boot_option(NETWORK_ENTRY,
                                                       firmware_variables.network_path(b"\x52")),
            "BootOrder": b"\x99\x00"})
        return path

    def timed(self, what: str, machine: qemu.Machine, pattern: str, seconds: float):
        """Wait, and keep how long it took."""
        started = time.monotonic()
        match = machine.wait_for(pattern, seconds * self.patience, NOT_DONE)
        self.times[what] = time.monotonic() - started
        return match

    def restore(self, say=lambda text: None, more=()) -> tuple:
        """From power-on with the stick to the marker's word from the restored disk. Returns
        the marker's match, the serial log, and why the machine was reset and switched off."""
        with self.machine("restore", more=more) as machine:
            self.timed("stick to ready", machine, "openbmr: ready", READY_SECONDS)
            say("the recovery environment is ready, nobody touches a key")
            self.timed("network, search, plan", machine, "Plan sha256:", NETWORK_SECONDS)
            say("the backup was found on the share; this is the plan:")
            say(plan_of(machine.serial()))
            self.timed("restore", machine, "done and proved", RESTORE_SECONDS)
            self.timed("restart to the disk", machine, "openbmr-marker: ", FIRMWARE_SECONDS)
            machine.wait_for_end(FIRMWARE_SECONDS)
            serial = machine.serial()
            self.variables = firmware_variables.read(machine.variables_path)
            return marker_of(serial), serial, machine.resets()

    def start_disk_alone(self):
        """Fresh firmware variables, no stick: the way of \\EFI\\Boot\\bootx64.efi."""
        with self.machine("disk-alone", stick=False) as machine:
            self.timed("disk alone", machine, "openbmr-marker: ", FIRMWARE_SECONDS)
            machine.wait_for_end(FIRMWARE_SECONDS)
            return marker_of(machine.serial())


def marker_of(serial: str):
    """What the program in the place of Windows' boot manager found."""
    matches = list(re.finditer(MARKER, serial))
    assert len(matches) == 1, f"{len(matches)} lines of the marker:\n{serial[-4000:]}"
    return matches[0]


def plan_of(serial: str) -> str:
    start = serial.index("Backup of ")
    return serial[start:serial.index("\n", serial.index("Plan sha256:"))]


# As the console of the environment has them
F3 = "\x1b[[C"


class Shell:
    """Commands in the guest's shell. The end of each is a word that is not in what was typed."""

    def __init__(self, machine):
        self.machine = machine
        self.number = 0

    def run(self, command: str, status: int = 0, seconds: float = 60) -> str:
        self.number += 1
        start = self.machine.seen
        self.machine.type(f"{command}; echo END-''{self.number}-$?\n")
        match = self.machine.wait_for(rf"END-{self.number}-(\d+)", seconds)
        output = self.machine.serial()[start:match.start()]
        assert int(match[1]) == status, f"{command}: exit status {match[1]}\n{output}"
        return output


def shell_of(machine, seconds: float) -> Shell:
    """The shell behind the menu, when all devices have their drivers."""
    machine.wait_for("F3 shell", seconds)
    machine.type(F3)
    machine.wait_for("# ", 60)
    shell = Shell(machine)
    shell.run("while [ ! -e /run/openbmr/devices-ready ]; do sleep 1; done", seconds=180)
    return shell
