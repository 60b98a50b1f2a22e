# SPDX-License-Identifier: GPL-3.0-or-later
"""The menu by ssh: in an image that was made with a public key whoever has its private half sees the
screen that is on the console; nobody else gets in. Part of `make soak`, or BOOT_ALL=1."""

import os
import pty
import re
import select
import socket
import subprocess
import time

import pyte
import pytest

import machine_room
import qemu
import scenario
from bmr import BUILD, REPOSITORY

pytestmark = [
    pytest.mark.needs("image", "qemu-system-x86_64", "ovmf", "ssh", "ssh-keygen"),
    pytest.mark.skipif(not os.environ.get("BOOT_ALL"), reason="BOOT_ALL=1, or make soak")]

SECONDS = 600
TRIES = 60


def make_key(path):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def make_image(work, keys):
    subprocess.run([str(BUILD / "bmr-image"), "build", "--sysroot", str(BUILD / "sysroot"), "--manifest",
                    "image-builder/image.manifest", "--programs", str(BUILD), "--output", str(work / "image"),
                    "--fast", "--ssh-keys", str(keys)], cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    return work / "image/openbmr.img"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def ssh(port, key, *words):
    return ["ssh", "-F", "/dev/null", "-p", str(port), "-i", str(key), "-o", "IdentitiesOnly=yes", "-o",
            "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectTimeout=20", *words,
            "root@127.0.0.1"]


class Session:
    """A terminal that a login by ssh has."""

    def __init__(self, port, key):
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(ssh(port, key, "-tt"), stdin=slave, stdout=slave, stderr=slave,
                                        env={**os.environ, "TERM": "linux"})
        os.close(slave)
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.ByteStream(self.screen)

    def wait_for(self, pattern, seconds=SECONDS):
        deadline = time.monotonic() + seconds
        while not re.search(pattern, "\n".join(self.screen.display)):
            assert time.monotonic() < deadline, "\n".join(self.screen.display)
            if select.select([self.master], [], [], 0.5)[0]:
                self.stream.feed(os.read(self.master, 65536))

    def close(self):
        self.process.terminate()
        self.process.wait()
        os.close(self.master)


def test_whoever_has_the_key_sees_the_console_by_ssh(work):
    key, other = make_key(work / "key"), make_key(work / "other")
    stick = scenario.make_stick(work / "stick.img", {}, make_image(work, f"{key}.pub"))
    port = free_port()
    network = ["-netdev", f"user,id=net,hostfwd=tcp:127.0.0.1:{port}-:22", "-device", "e1000e,netdev=net,romfile="]
    with qemu.Machine(scenario.SCENARIOS / "logs/ssh",
                      [qemu.Disk("usb", stick, machine_room.STICK_SERIAL, removable=True)],
                      machine_room.MEMORY_MIB, network=False, more=network) as machine:
        machine.wait_for("openbmr: ready", SECONDS)
        for _ in range(TRIES):  # until it has an address
            refused = subprocess.run(ssh(port, other, "-o", "BatchMode=yes"), capture_output=True, text=True,
                                     check=False, stdin=subprocess.DEVNULL)
            if "Permission denied" in refused.stderr:
                break
            time.sleep(2)
        assert "Permission denied (publickey)" in refused.stderr, refused
        session = Session(port, key)
        try:
            session.wait_for("Restore a backup")
            os.write(session.master, b"\r")
            session.wait_for("Where is the backup")
            machine.type("\x1b")  # on the serial line, which shows the same
            session.wait_for("By ssh, host key SHA256:")
        finally:
            session.close()
        machine.command("quit")
        machine.wait_for_end(60)


@pytest.mark.parametrize("content, words", (
    ("-----BEGIN OPENSSH PRIVATE KEY-----\n", "line 1: must be a public key"),
    ('command="/bin/sh" ssh-ed25519 AAAA x\n', "line 1: must be a public key"),
    ("# nobody\n\n", "holds no public key")))
def test_keys_that_are_none_are_refused(work, content, words):
    (work / "keys").write_text(content)
    with pytest.raises(subprocess.CalledProcessError) as caught:
        subprocess.run([str(BUILD / "bmr-image"), "build", "--sysroot", str(BUILD / "sysroot"), "--manifest",
                        "image-builder/image.manifest", "--programs", str(BUILD), "--output", str(work / "image"),
                        "--fast", "--ssh-keys", str(work / "keys")], cwd=REPOSITORY, check=True, capture_output=True)
    assert words in caught.value.stderr.decode(), caught.value.stderr
