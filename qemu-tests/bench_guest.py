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
    """A FAT disk with `load`, a script that loads the modules, and `qemu-img`, which starts it."""
    folder = path.with_suffix(".tools")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    modules = _modules(BUILD / "sysroot")
    program = shutil.which("qemu-img")
    libraries = re.findall(r"(/\S+) \(0x", _run("ldd", program))
    for file in (program, *libraries, *modules):
        shutil.copy(file, folder)
    loader = next(pathlib.Path(name).name for name in libraries if "ld-linux" in name)
    (folder / "load").write_text("".join(f"busybox insmod /tmp/t/{pathlib.Path(name).name}\n" for name in modules)
                                 + "grep -q cifs /proc/filesystems\n")
    (folder / "convert").write_text(f"exec /tmp/t/{loader} --library-path /tmp/t /tmp/t/qemu-img convert \"$@\"\n")
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

    def restore(self, server, encryption: str) -> tuple:
        """Bytes per second of the copy; seconds of all."""
        url = server.url("backups", host=machine_room.HOST)
        self.run(f"read before x </proc/uptime; bmr restore --from {url} --credentials /tmp/bench.cred "
                 f"--encrypt {encryption} --disk serial:{machine_room.TARGET_SERIAL} --confirm erase "
                 "--progress-fd 3 3>/tmp/progress >/tmp/said 2>&1 || { tail /tmp/said; false; }; r=$?; "
                 "read after x </proc/uptime; [ $r = 0 ]")
        total = re.search(r"total=([\d.]+)", self.run("awk \"BEGIN {print \\\"total=\\\" $after - $before}\""))
        line = json.loads(re.search(r"\{\"phase\":\"copy\".*\}", self.run(
            "grep '\"phase\":\"copy\"' /tmp/progress | tail -n 1"))[0])
        return line["bytes_done"] * 1000 / line["elapsed_ms"], float(total[1])

    def convert(self, server, option: str) -> float:
        """Bytes per second, of the image with the most."""
        image = max(self.backup.images().values(), key=lambda path: path.stat().st_size)
        self.run(f"mount -t cifs //{machine_room.HOST}/backups /tmp/share -o ip={machine_room.HOST},"
                 f"port={server.port},username={smbd.USER},password={PASSWORD},vers=3.1.1,ro,{option}")
        output = self.run("read before x </proc/uptime; sh /tmp/t/convert -W -m 16 -t none -T none -O raw "
                          f"'/tmp/share/{image.relative_to(self.backup.share)}' /dev/nvme0n1; r=$?; "
                          "read after x </proc/uptime; umount /tmp/share; "
                          "awk \"BEGIN {print \\\"total=\\\" $after - $before}\"; [ $r = 0 ]")
        return image.stat().st_size / float(re.search(r"total=([\d.]+)", output)[1])


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
        rounds = [(*guest.restore(server, encryption), guest.convert(server, protection)) for _ in range(RUNS)]
    ours, total, theirs = (statistics.median(values) for values in zip(*rounds))
    ratio = statistics.median(one / other for one, _, other in rounds)
    row(f"in the VM, {name}, copy : cifs + qemu-img convert", f"{ratio:.2f} x",
        f"goal 1.10; {ours / MIB:.0f} against {theirs / MIB:.0f} MiB/s; the whole restore {total:.0f} s")


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
