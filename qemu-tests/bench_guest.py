# SPDX-License-Identifier: GPL-3.0-or-later
"""The copy from a share in the recovery environment itself, beside what a Linux in its place has: the
kernel's cifs and qemu-img, in the same virtual machine, onto the same disk; a part of bench.py.

What the other side needs comes on a disk of its own (TOOLS): qemu-img of this host with its libraries,
and the modules of cifs out of the package that the image's kernel is from."""

import json
import pathlib
import re
import shutil
import statistics
import subprocess

import machine_room
import qemu
import scenario
import smbd
from bmr import BUILD
from generator import layouts, tools
from generator.backup import Builder, Wishes

MIB = 1 << 20
RUNS = 3

# 0.4 GiB in C:, most of it in large files that do not compress: half a minute a copy
PROFILE = layouts.Profile(disk=1280, windows=480, winre=48, small_files=1500, big_files=(24, 60, 100, 160),
                          pagefile=24, shadow=7)
PASSWORD = "bench"  # to be typed, and part of the options of a mount

TOOLS_MIB = 64
PROGRAMS = ("qemu-img", "dd")
# What cifs asks the kernel for while it connects, in the order in which it can be loaded
MODULES = ("crypto_simd", "aesni-intel", "aes_generic", "ctr", "gcm", "ccm", "ghash-clmulni-intel", "cmac",
           "ecb", "md5", "sha256_generic", "sha512_generic", "cifs")
# With instructions for AES, as computers have had them since 2010
PROCESSOR = ("-cpu", "Westmere")

# Name -> options of the server, of bmr restore, of the mount: both sides are protected alike
CASES = {"signed": ({"server smb encrypt": "off"}, "if-offered", "sign"),
         "encrypted": ({"server smb encrypt": "required"}, "required", "seal")}

START_SECONDS = 300
RUN_SECONDS = 600


def _run(*words) -> str:
    return subprocess.run([str(w) for w in words], check=True, stdout=subprocess.PIPE, text=True).stdout


def _modules(sysroot: pathlib.Path) -> list:
    """Files in the order in which they are loaded."""
    version = next((sysroot / "lib/modules").iterdir()).name
    files = []
    for name in MODULES:
        for line in _run("modprobe", "-d", sysroot, "-S", version, "--show-depends", name).splitlines():
            words = line.split()
            if words[0] == "insmod" and words[1] not in files:
                files.append(words[1])
    return files


def make_tools(path: pathlib.Path) -> pathlib.Path:
    """A FAT disk with the scripts `load`, which loads the modules, and `start`, which starts one of PROGRAMS."""
    folder = path.with_suffix(".tools")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    modules = _modules(BUILD / "sysroot")
    programs = [shutil.which(name) for name in PROGRAMS]
    libraries = set(re.findall(r"(/\S+) \(0x", _run("ldd", *programs)))
    for file in (*programs, *libraries, *modules):
        shutil.copy(file, folder)
    loader = next(pathlib.Path(name).name for name in libraries if "ld-linux" in name)
    (folder / "load").write_text("".join(f"busybox insmod /tmp/t/{pathlib.Path(name).name}\n" for name in modules)
                                 + "grep -q cifs /proc/filesystems\n")
    (folder / "start").write_text(f"program=$1; shift; exec /tmp/t/{loader} --library-path /tmp/t /tmp/t/$program \"$@\"\n")
    tools.make_sparse(path, TOOLS_MIB * MIB)
    _run("mkfs.vfat", path)
    _run("mcopy", "-i", path, *folder.iterdir(), "::")
    shutil.rmtree(folder)
    return path


class Guest:
    """The machine, in its shell."""

    def __init__(self, machine: qemu.Machine, backup: scenario.BackupSet):
        self.backup = backup
        self.shell = machine_room.Shell(machine)
        machine.wait_for("F3 shell", START_SECONDS)
        machine.type(machine_room.F3)
        self.run("while [ ! -e /run/openbmr/devices-ready ]; do sleep 1; done")
        self.run("bmr net set eth0 --address dhcp")
        self.run("mkdir -p /tmp/t /tmp/share; mount -t vfat -o ro /dev/vda /tmp/t && sh /tmp/t/load")
        self.run(f"printf 'username = %s\\npassword = %s\\n' {smbd.USER} {PASSWORD} > /tmp/bench.cred; "
                 "chmod 600 /tmp/bench.cred")

    def run(self, command: str) -> str:
        return self.shell.run(command, 0, RUN_SECONDS)

    def timed(self, command: str) -> float:
        """Seconds in the guest."""
        output = self.run(f"read before x </proc/uptime; {command}; r=$?; read after x </proc/uptime; "
                          "awk \"BEGIN {print \\\"took=\\\" $after - $before}\"; [ $r = 0 ]")
        return float(re.search(r"took=([\d.]+)", output)[1])

    def restore(self, server, encryption: str) -> tuple:
        """Bytes per second of the copy, of copy and reading back; seconds of all."""
        url = server.url("backups", host=machine_room.HOST)
        total = self.timed(f"bmr restore --from {url} --credentials /tmp/bench.cred --encrypt {encryption} "
                           f"--disk serial:{machine_room.TARGET_SERIAL} --confirm erase --progress-fd 3 "
                           "3>/tmp/progress >/tmp/said 2>&1 || { tail /tmp/said; false; }")
        copy, verify = (json.loads(re.search(r"\{\"phase\":.*\}", self.run(
            f"grep '\"phase\":\"{phase}\"' /tmp/progress | tail -n 1"))[0]) for phase in ("copy", "verify"))
        size = copy["bytes_done"] * 1000
        return size / copy["elapsed_ms"], size / (copy["elapsed_ms"] + verify["elapsed_ms"]), total

    def convert(self, server, option: str) -> tuple:
        """Bytes per second of the image with the most: of copying it, of that and reading the result."""
        image = max(self.backup.images().values(), key=lambda path: path.stat().st_size)
        size = image.stat().st_size
        self.run(f"mount -t cifs //{machine_room.HOST}/backups /tmp/share -o ip={machine_room.HOST},"
                 f"port={server.port},username={smbd.USER},password={PASSWORD},vers=3.1.1,ro,{option}")
        copied = self.timed("sh /tmp/t/start qemu-img convert -W -m 16 -t none -T none -O raw "
                            f"'/tmp/share/{image.relative_to(self.backup.share)}' /dev/nvme0n1")
        read = self.timed(f"sh /tmp/t/start dd if=/dev/nvme0n1 of=/dev/null bs=4M count={size // (4 * MIB)} iflag=direct")
        self.run("umount /tmp/share")
        return size / copied, size / (copied + read)


def make_set(folder: pathlib.Path) -> scenario.BackupSet:
    if not (folder / "source.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        layouts.PROFILES["guest"] = PROFILE
        Builder(folder, Wishes(profile="guest", seed=23)).build()
        shutil.rmtree(folder / "source", ignore_errors=True)
    return scenario.BackupSet(folder)


def compare(row, name: str, guest: Guest, backup: scenario.BackupSet) -> None:
    """Ours and theirs in turn."""
    options, encryption, protection = CASES[name]
    with smbd.PrivateSamba({"backups": backup.share}, options) as server:
        server.set_password(PASSWORD)
        rounds = [(guest.restore(server, encryption), guest.convert(server, protection)) for _ in range(RUNS)]
    total = statistics.median(ours[2] for ours, _ in rounds)
    for number, what, goal in ((0, "copy : cifs + qemu-img convert", f"goal 1.10; the whole restore {total:.0f} s"),
                               (1, "with reading back : the same and dd", "no goal")):
        mine, other = (statistics.median(side[number] for side in sides) / MIB for sides in zip(*rounds))
        ratio = statistics.median(ours[number] / theirs[number] for ours, theirs in rounds)
        row(f"in the VM, {name}, {what}", f"{ratio:.2f} x", f"{goal}; {mine:.0f} against {other:.0f} MiB/s")


def measure(row, folder: pathlib.Path, names=()) -> None:
    backup = make_set(folder / "guest-set")
    target = scenario.random_disk(folder / "guest-disk.img", backup.facts["disk_size"], seed=7)
    disks = [qemu.Disk("nvme", target, machine_room.TARGET_SERIAL),
             qemu.Disk("usb", scenario.make_stick(folder / "guest-stick.img", {}), machine_room.STICK_SERIAL,
                       removable=True),
             qemu.Disk("virtio", make_tools(folder / "guest-tools.img"), "TOOLS")]
    with qemu.Machine(folder / "guest", disks, machine_room.MEMORY_MIB, more=PROCESSOR) as machine:
        guest = Guest(machine, backup)
        for name in names or CASES:
            compare(row, name, guest, backup)
    for disk in disks:
        pathlib.Path(disk.path).unlink()
