# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine with the disks that a scenario wants, without a VM: the program runs in a mount
namespace with a made-up /sys, a /dev with nodes of those names, and its own /proc/cmdline and
/proc/swaps. Behind the names are loop devices, so that opening, locking, size and O_EXCL are the
kernel's, and so is the count of what was written to each (/sys/block/loopN/stat).

    with Loops() as loops:
        loop = loops.attach(path)
        before = loop.written()
        machine = Machine(folder, [Disk("sda", loop, serial="A1")])
        result = machine.run("disks")
        assert loop.written() == before
"""

import contextlib
import os
import pathlib
import shutil
import subprocess
from dataclasses import dataclass, field

import bmr
from generator import tools

# Where a disk of each bus hangs in /sys/devices; {} is the disk's name
DEVICES = {
    "ata": "pci0000:00/0000:00:1f.2/ata1/host{}/target0:0:0/0:0:0:0",
    "nvme": "pci0000:00/0000:00:04.0/nvme/nvme{}",
    "usb": "pci0000:00/0000:00:1d.7/usb1/1-{}/1-1:1.0/host6/target6:0:0/6:0:0:0",
    "virtio": "pci0000:00/0000:00:05.0/virtio{}",
}

# What a program needs of the real /dev
NODES = ("null", "zero", "full", "random", "urandom", "fuse", "tty")

SCRIPT = """set -e
dev=$1; sys=$2; proc=$3; shift 3
mount -t tmpfs none "$dev"
for n in $NODES; do [ ! -e "/dev/$n" ] || { touch "$dev/$n"; mount --bind "/dev/$n" "$dev/$n"; }; done
mkdir -p "$dev/shm" "$dev/disk/by-id"
for d in $DISKS; do mknod "$dev/${d%%=*}" b 7 "${d##*=}"; done
[ -z "$LINK" ] || ln -s "../../${LINK##*=}" "$dev/disk/by-id/${LINK%%=*}"
[ -z "$MOUNT" ] || mount -o "${MOUNT##*=}" "$dev/${MOUNT%%=*}" "$AT"
mount --rbind "$dev" /dev
mount --bind "$sys" /sys
mount --bind "$proc/cmdline" /proc/cmdline
mount --bind "$proc/swaps" /proc/swaps
exec "$@"
"""


@dataclass(eq=False)
class Loop:
    number: int
    size: int
    sector_size: int
    attached: bool = True

    def written(self) -> int:
        """Writes and discards that the kernel has carried out so far (Documentation/block/stat)."""
        stat = pathlib.Path(f"/sys/block/loop{self.number}/stat").read_text().split()
        return int(stat[4]) + int(stat[11])

    @property
    def path(self):
        return f"/dev/loop{self.number}"

    def detach(self) -> None:
        if self.attached:
            tools.run(["losetup", "--detach", self.path])
        self.attached = False


class Loops(contextlib.ExitStack):
    """Loop devices that are given back at the end."""

    def attach(self, path, sector_size=512, read_only=False) -> Loop:
        words = ["losetup", "--find", "--show", "--sector-size", sector_size]
        if read_only:
            words.append("--read-only")
        device = tools.run([*words, path]).strip()
        loop = Loop(int(device.removeprefix("/dev/loop")), os.path.getsize(path), sector_size)
        self.callback(loop.detach)
        return loop


@dataclass
class Disk:
    """`number`: of the loop device; `size`, `sector_size`: what sysfs says, else the truth;
    `holders`: what stands on it; `partitions`: name to the loop device of each."""
    name: str
    loop: Loop
    serial: str = ""
    wwn: str = ""
    bus: str = "ata"
    size: int = 0
    sector_size: int = 0
    read_only: bool = False
    removable: bool = False
    holders: tuple = ()
    partitions: dict = field(default_factory=dict)
    partition_holders: tuple = ()


class Machine:
    """`extra`: more files below /sys, path to content; `boot`: openbmr.boot= of the command
    line; `swaps`: devices; `others`: further block devices in /dev, name to Loop; `mount`:
    "NAME=options" of a device, mounted at `at` inside; `link`: "by-id name=device"."""

    def __init__(self, folder, disks, boot="", swaps=(), others=None, mount="", at="", link="",
                 extra=None):
        self.folder = pathlib.Path(folder)
        self.disks, self.others = disks, others or {}
        self.mount, self.at, self.link = mount, str(at), link
        shutil.rmtree(self.folder, ignore_errors=True)
        for name in ("dev", "sys", "proc"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "proc/cmdline").write_text(f"quiet openbmr.boot={boot}\n" if boot else "quiet\n")
        (self.folder / "proc/swaps").write_text("Filename Type Size Used Priority\n" + "".join(
            f"{device} partition 1 0 -2\n" for device in swaps))
        self.show(disks, extra or {})

    # -- /sys -----------------------------------------------------------------------------

    def show(self, disks, extra=None) -> None:
        """What /sys says from now on; in place, as it may be mounted."""
        self.disks = disks
        for name in ("block", "dev", "devices", "firmware"):
            shutil.rmtree(self.folder / "sys" / name, ignore_errors=True)
        for name in ("block", "dev/block", "firmware/efi"):
            (self.folder / "sys" / name).mkdir(parents=True)
        for disk in disks:
            self._show_disk(disk)
        for path, text in (extra or {}).items():
            self._put(path, text)

    def _put(self, path, text) -> None:
        path = self.folder / "sys" / path
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(text, bytes):
            path.write_bytes(text)
        else:
            path.write_text(f"{text}\n")

    def _show_disk(self, disk: Disk) -> None:
        loop = disk.loop
        device = "devices/" + DEVICES[disk.bus].format(disk.name) + f"/block/{disk.name}"
        serial = disk.serial.encode()
        sector_size = disk.sector_size or loop.sector_size
        for name, value in (
                ("dev", f"7:{loop.number}"), ("size", (disk.size or loop.size) // 512),
                ("ro", int(disk.read_only)), ("removable", int(disk.removable)), ("hidden", 0),
                ("queue/logical_block_size", sector_size),
                ("queue/physical_block_size", max(4096, sector_size)), ("queue/rotational", 0),
                ("device/model", f"model of {disk.name}")):
            self._put(f"{device}/{name}", value)
        if disk.wwn:
            self._put(f"{device}/device/wwid", disk.wwn)
        if disk.bus == "ata" and serial:
            self._put(f"{device}/device/vpd_pg80", bytes([0, 0x80, 0, len(serial)]) + serial)
        elif serial:
            self._put(f"{device}/{'serial' if disk.bus == 'virtio' else 'device/serial'}", disk.serial)
        for holder in disk.holders:
            self._put(f"{device}/holders/{holder}/dev", "253:0")
        for number, (name, part) in enumerate(disk.partitions.items(), 1):
            self._put(f"{device}/{name}/dev", f"7:{part.number}")
            self._put(f"{device}/{name}/partition", number)
            for holder in disk.partition_holders:
                self._put(f"{device}/{name}/holders/{holder}/dev", "9:0")
            self._link(f"dev/block/7:{part.number}", f"{device}/{name}")
        self._link(f"block/{disk.name}", device)
        self._link(f"dev/block/7:{loop.number}", device)

    def _link(self, path, device) -> None:
        link = self.folder / "sys" / path
        if not link.is_symlink():  # two names of one disk: the kernel has one of them
            link.symlink_to(os.path.relpath(self.folder / "sys" / device, link.parent))

    # -- running --------------------------------------------------------------------------

    def nodes(self) -> dict:
        nodes = {name: loop.number for name, loop in self.others.items()}
        nodes.update({disk.name: disk.loop.number for disk in self.disks})
        for disk in self.disks:
            nodes.update({name: part.number for name, part in disk.partitions.items()})
        return nodes

    def _words(self) -> dict:
        return {"NODES": " ".join(NODES), "MOUNT": self.mount, "AT": self.at, "LINK": self.link,
                "DISKS": " ".join(f"{name}={number}" for name, number in self.nodes().items())}

    def prefix(self) -> tuple:
        """What starts a program in this machine; it keeps its process id."""
        words = [f"{key}={value}" for key, value in self._words().items()]
        return ("env", *words, "unshare", "--mount", "--propagation", "private", "sh", "-c", SCRIPT,
                "sh", str(self.folder / "dev"), str(self.folder / "sys"), str(self.folder / "proc"))

    def run(self, *arguments) -> bmr.Result:
        return bmr.run(*arguments, prefix=self.prefix())

    def start(self, *arguments, **more) -> subprocess.Popen:
        return subprocess.Popen([*self.prefix(), str(bmr.PROGRAM), *map(str, arguments)],
                                stdin=subprocess.DEVNULL, **more)

    def renew_nodes(self, pid: int) -> None:
        """After show(): the nodes in the /dev of a process that runs in this machine."""
        dev = pathlib.Path(f"/proc/{pid}/root/dev")
        for node in dev.glob("sd*"):
            node.unlink()
        for name, number in self.nodes().items():
            os.mknod(dev / name, 0o60600, os.makedev(7, number))
