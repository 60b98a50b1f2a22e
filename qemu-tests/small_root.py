# SPDX-License-Identifier: GPL-3.0-or-later
"""A root folder as small as the image's: programs, the libraries they are linked with, and
nothing else. What runs in it needs no more than that."""

import pathlib
import re
import shutil
import subprocess

import bmr
from generator import tools


class SmallRoot:
    """Folder to change root to; /proc, /sys and /dev/null are there while `run` runs."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        for name in ("proc", "sys", "dev", "run", "etc", "tmp", "var/lib/dhcpcd"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)  # the reader process is nobody
        (self.folder / "dev/null").touch()
        self.add_program(bmr.PROGRAM, "/usr/bin/bmr")

    def add_file(self, source, place=None) -> None:
        target = self.folder / str(place or source).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)

    def add_program(self, source, place=None) -> None:
        """With all libraries that ldd names."""
        self.add_file(source, place)
        listing = subprocess.run(["ldd", str(source)], check=True, capture_output=True, text=True)
        for library in re.findall(r"(/\S+) \(0x", listing.stdout):
            if not (self.folder / library.lstrip("/")).exists():
                self.add_file(library)

    def add_busybox(self, applets) -> None:
        self.add_program(tools.find_tool("busybox"), "/bin/busybox")
        for applet in applets:
            (self.folder / "bin" / applet).symlink_to("busybox")

    def write(self, place: str, text: str) -> None:
        target = self.folder / place.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)

    def command(self, arguments, prefix=()) -> list:
        """A command line that runs `arguments` in it, in a mount namespace of its own and with
        an empty environment. `prefix`: what to start it with."""
        return [*map(str, prefix), *command_in(self.folder, arguments)]


def command_in(folder, arguments) -> list:
    """The same in any folder that has /proc, /sys and /dev."""
    mounts = ("mount -t proc proc $0/proc && mount -t sysfs sysfs $0/sys && touch $0/dev/null && "
              "mount --bind /dev/null $0/dev/null && exec chroot $0 \"$@\"")
    return ["unshare", "-m", "env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
            "sh", "-c", mounts, str(folder), *map(str, arguments)]
