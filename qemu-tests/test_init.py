# SPDX-License-Identifier: GPL-3.0-or-later
"""PID 1 of the environment without a machine: the built init in namespaces of its own, on
pseudo terminals, with a script in place of bmr. It must never exit, reap what is left behind,
start again what dies, and do what the dialogue says.

Its root holds no kernel modules, so that it cannot load any into the host's kernel, and its
/dev only the nodes that are put there, so that it cannot reach the host's consoles."""

import fcntl
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import time

import pytest

import bmr
import scenario

pytestmark = pytest.mark.needs("root", "image", "unshare", "cpio", "zstd")

INITRAMFS = scenario.IMAGE.parent / "initramfs.zst"
WAIT_SECONDS = 20

# What init and a shell need of the initramfs
PARTS = ["init", "bin", "bin/*", "sbin", "sbin/*", "usr", "usr/bin", "usr/bin/[!bm]*", "usr/sbin", "lib",
         "lib64*", "lib/x86_64-linux-gnu*", "usr/lib", "usr/lib/x86_64-linux-gnu",
         "usr/lib/x86_64-linux-gnu/lib[!is]*", "etc", "etc/*", "root", "proc", "sys", "dev"]

# In place of bmr: keeps its arguments, says something, ends as the test wishes
BMR = """#!/bin/sh
echo "$@" >>/calls
echo "bmr $1 speaks"
[ ! -e "/wishes/$1" ] || . "/wishes/$1"
exit "${status:-0}"
"""

# proc comes first so that the command line can be another one; init leaves it as it is
START = """mount -t proc proc "$1/proc" && mount --bind "$1/cmdline" "$1/proc/cmdline" &&
mount -t tmpfs dev "$1/dev" && mknod -m 666 "$1/dev/null" c 1 3 &&
mkdir "$1/dev/pts" && mknod -m 600 "$1/dev/console" c 1 3 &&
{ [ -z "$4" ] || mount --bind "$4" "$1/dev/console"; } &&
touch "$1/dev/ttyS0" "$1/dev/ttyS1" && mount --bind "$2" "$1/dev/ttyS0" &&
mount --bind "$3" "$1/dev/ttyS1" && exec chroot "$1" /init"""


class Terminal:
    """Our end of a pseudo terminal."""

    def __init__(self):
        self.master, slave = pty.openpty()
        self.path = os.ttyname(slave)
        self.slave = slave  # kept open: the line must not hang up between two sessions
        self.text = ""
        self.seen = 0

    def close(self):
        os.close(self.master)
        os.close(self.slave)

    def _read(self, seconds):
        if select.select([self.master], [], [], seconds)[0]:
            self.text += os.read(self.master, 65536).decode("utf-8", "replace").replace("\r", "")

    def wait_for(self, pattern, seconds=WAIT_SECONDS):
        """The first match behind the last one waited for."""
        deadline = time.monotonic() + seconds
        while True:
            match = re.compile(pattern).search(self.text, self.seen)
            if match:
                self.seen = match.end()
                return match
            assert time.monotonic() < deadline, \
                f"'{pattern}' did not come within {seconds} s:\n{self.text[-3000:]}"
            self._read(0.1)

    def type(self, text):
        os.write(self.master, text.encode())

    def run(self, command):
        """A command in the shell; returns its output."""
        # the shell breaks long lines where it echoes them
        self.type(f"echo ST''ART; {command}; echo; echo EN''D\n")
        start = self.wait_for("START\n").end()
        end = self.wait_for("\nEND\n").start()
        self.wait_for("# ")
        return self.text[start:end].strip()


class Environment:
    """The init in its namespaces, until the end of a test."""

    def __init__(self, root):
        self.root = root
        self.first, self.second = Terminal(), Terminal()
        self.process = None

    def start(self, cmdline="console=ttyS1", answer=None, wishes=None, console=None):
        """console: the terminal that gets what PID 1 itself says; else nobody does."""
        (self.root / "cmdline").write_text(cmdline + "\n")
        (self.root / "wishes").mkdir()
        for command, script in (wishes or {}).items():
            (self.root / "wishes" / command).write_text(script)
        if answer is not None:
            (self.root / "openbmr").mkdir()
            (self.root / "openbmr/openbmr.ini").write_text(answer)
        self.process = subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--net", "--uts", "--ipc",
             "sh", "-ec", START, "sh", self.root, self.first.path, self.second.path,
             console.path if console else ""],
            stdin=subprocess.DEVNULL)
        return self

    def menu(self):
        self.first.wait_for("openbmr: ready")
        self.first.wait_for("press a key: ")
        return self

    def shell(self):
        self.menu().first.type("3")
        self.first.wait_for("# ")
        return self.first

    def calls(self, menu=False):
        """Of bmr, but for its menu, with which every dialogue begins; or of the menu alone."""
        path = self.root / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line.startswith("menu ") == menu]

    def ended(self):
        """How the namespace ended: reboot(2) gives its first process a signal."""
        return self.process.wait(WAIT_SECONDS)

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.first.close()
        self.second.close()


@pytest.fixture(scope="module")
def root_files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("initramfs")
    unpack = f"zstd -qdc '{INITRAMFS}' | cpio -idm --quiet " + " ".join(f"'{p}'" for p in PARTS)
    subprocess.run(["sh", "-ec", unpack], cwd=folder, check=True)
    assert not list(folder.rglob("*.ko"))
    bmr = folder / "usr/bin/bmr"
    bmr.write_text(BMR)
    bmr.chmod(0o755)
    return folder


@pytest.fixture
def environment(root_files, tmp_path):
    root = tmp_path / "root"
    shutil.copytree(root_files, root, symlinks=True)
    room = Environment(root)
    yield room
    room.close()


MENU = ("menu --environment --log /run/openbmr/log --shell /bin/sh --lock /run/openbmr/restore.lock "
        "--result /run/openbmr/result --ready /run/openbmr/devices-ready "
        "--remote /run/openbmr/ssh --language-file /etc/openbmr/language")


def test_an_initramfs_that_is_not_all_there_is_told_on_all_consoles(environment):
    (environment.root / "etc/openbmr.end").unlink()
    environment.start()
    for terminal in (environment.first, environment.second):
        terminal.wait_for("openbmr: cannot start: the file 'initramfs.zst' is cut off or damaged")
        terminal.wait_for("Next step: write the boot medium again")
    assert environment.calls(menu=True) == [] and environment.process.poll() is None


def test_all_consoles_show_one_menu_and_one_shell(environment):
    shell = environment.start().shell()
    assert shell.run("echo $TERM-$HOME-$(stty size)").endswith("linux-/root-24 80")
    assert "openbmr" in shell.run("hostname")
    assert "LOOPBACK,UP" in shell.run("ip link show lo")
    for path in ("/proc", "/sys", "/dev/pts", "/run", "/tmp"):
        assert f" {path} " in shell.run("cat /proc/mounts")
    environment.second.wait_for("openbmr: ready")
    environment.second.wait_for("LOOPBACK,UP")  # typed on the other
    environment.second.type("tty\n")
    environment.first.wait_for("\n/dev/pts/[0-9]+\n")
    assert environment.calls(menu=True) == [MENU]


@pytest.mark.parametrize("status, ends", [(101, signal.SIGINT), (100, signal.SIGHUP)])
def test_the_menu_ends_the_machine(environment, status, ends):
    environment.start(wishes={"menu": f"status={status}"})
    assert environment.ended() in (-ends, 128 + ends)


def test_a_console_that_takes_nothing_holds_up_no_other(environment):
    shell = environment.start().shell()
    environment.second.wait_for("# ")
    # nobody reads the second one meanwhile
    assert shell.run("seq 60000").endswith("60000")
    environment.second.type("echo st''ill here\n")
    shell.wait_for("still here\n")
    environment.second.wait_for("still here\n")


def test_what_is_left_behind_is_reaped(environment):
    shell = environment.start().shell()
    shell.run("for i in 1 2 3 4 5; do (sleep 0.2 & exec sh -c 'sleep 0.1 &') ; done; sleep 1")
    states = shell.run("cat /proc/[0-9]*/stat | cut -d' ' -f2,3")
    assert "(init) S" in states
    assert " Z" not in states, states


def test_nothing_from_inside_ends_it(environment):
    shell = environment.start().shell()
    for name in ("TERM", "HUP", "INT", "QUIT", "PIPE", "KILL", "USR1", "ALRM"):
        if name != "INT":  # Ctrl-Alt-Delete
            shell.run(f"kill -{name} 1; sleep 0.1")
    assert shell.run("cat /proc/1/comm") == "init"
    assert environment.process.poll() is None


def test_after_a_crash_it_starts_itself_anew_and_what_runs_goes_on(environment):
    shell = environment.start().shell()
    before = shell.run("echo $$")
    shell.run("kill -SEGV 1; sleep 1")
    assert shell.run("echo $$") == before
    assert "--crashed" in shell.run("tr '\\0' ' ' </proc/1/cmdline")
    shell.type("exit\n")
    shell.wait_for("press a key: ")


def test_a_dialogue_that_dies_comes_back(environment):
    shell = environment.start().shell()
    shell.type("kill -9 $PPID\n")
    environment.menu()


@pytest.mark.parametrize("key, ends", [("5", signal.SIGINT), ("4", signal.SIGHUP)])
def test_power_off_and_restart_end_everything(environment, key, ends):
    shell = environment.start().shell()
    shell.run("sleep 1000 & sh -c 'trap \"\" TERM; sleep 1000' & true")
    shell.type("exit\n")
    shell.wait_for("press a key: ")
    shell.type(key)
    assert environment.ended() in (-ends, 128 + ends)


def test_the_automatic_restore_does_what_the_answer_file_says_at_the_end(environment):
    environment.start("openbmr.mode=auto", "format = 1\n",
                      {"auto": "echo poweroff >/run/openbmr/action"})
    environment.first.wait_for("openbmr: ready\nrestoring automatically in 3 seconds")
    environment.first.wait_for("bmr auto speaks", 60)
    environment.first.wait_for("bmr auto: done")
    assert environment.ended() in (-signal.SIGINT, 128 + signal.SIGINT)
    assert environment.calls() == [AUTO]


def put_network_answer(environment, key=None):
    """As a boot loader hands it over."""
    folder = environment.root / "openbmr/network"
    folder.mkdir(parents=True)
    (folder / "openbmr.ini.padded").write_bytes(b"format = 1\n" + bytes(100))


AUTO = "auto --environment --qr --signed-by /etc/openbmr/answer.pub"


def test_an_answer_file_from_a_server_must_be_signed_or_confirmed_by_hand(environment):
    put_network_answer(environment)
    environment.start("openbmr.mode=auto", wishes={"auto": "status=1"})
    environment.first.wait_for("bmr auto: failed", 60)
    assert environment.calls() == [AUTO]
    for typed, more in (("yes", []), ("erase", [f"{AUTO} --answer /openbmr/network/openbmr.ini"])):
        environment.first.wait_for("press a key: ")
        environment.first.type("1")
        environment.first.wait_for("This answer file came over the network:\n\nformat = 1\n")
        environment.first.wait_for("Type erase to follow it, anything else to go back: ")
        environment.first.type(typed + "\n")
        environment.first.wait_for("bmr auto: failed" if more else "press a key: ")
        if not more:
            environment.first.seen -= len("press a key: ")
        assert environment.calls() == [AUTO] + more


def test_an_image_may_trust_the_network(environment):
    put_network_answer(environment)
    (environment.root / "etc/openbmr").mkdir(parents=True)
    (environment.root / "etc/openbmr/trust-network").touch()
    environment.start("openbmr.mode=auto", wishes={"auto": "echo poweroff >/run/openbmr/action"})
    assert environment.ended() in (-signal.SIGINT, 128 + signal.SIGINT)
    assert environment.calls() == [AUTO.split(" --signed")[0]]


def test_a_failed_automatic_restore_stays_visible_on_both_consoles(environment):
    environment.start("console=ttyS1 openbmr.mode=auto", "format = 1\n",
                      {"auto": "seq 20; echo hold >/run/openbmr/action; status=4"})
    for terminal in (environment.first, environment.second):
        terminal.wait_for("bmr auto: refused by the plan", 60)
        terminal.wait_for("the last lines of /run/openbmr/log:\n11\n12\n")
        terminal.wait_for("bmr auto: refused by the plan\n")
        terminal.wait_for("1  try again[^$]*press a key: ")
    environment.first.type("1")
    environment.first.wait_for("bmr auto speaks")
    environment.first.wait_for("bmr auto: refused by the plan")
    assert environment.calls().count(AUTO) == 2
    assert environment.process.poll() is None


def test_after_a_failure_it_does_what_the_answer_file_says_of_that(environment):
    environment.start("openbmr.mode=auto", "format = 1\n",
                      {"auto": "echo poweroff >/run/openbmr/action; status=1"})
    environment.first.wait_for("bmr auto: failed", 60)
    assert environment.ended() in (-signal.SIGINT, 128 + signal.SIGINT)


def test_an_answer_file_that_the_kernel_names_is_followed(environment):
    environment.start("openbmr.mode=ask openbmr.answer=http://192.0.2.1/",
                      wishes={"auto": "case \"$*\" in *--find) ;; *) echo poweroff >/run/openbmr/action;; esac"})
    environment.first.wait_for("looking for an answer file\n", 60)
    environment.first.wait_for("restoring automatically in 3 seconds", 60)
    assert environment.ended() in (-signal.SIGINT, 128 + signal.SIGINT)
    assert environment.calls() == ["auto --environment --find", AUTO]


def test_where_none_is_found_the_menu_comes(environment):
    environment.start("openbmr.mode=search", wishes={"auto": "status=1"})
    environment.first.wait_for("there is none for this machine\n", 60)
    environment.menu()
    assert environment.calls() == ["auto --environment --find"]


def test_a_key_within_three_seconds_leads_to_the_menu(environment):
    environment.start("openbmr.mode=auto", "format = 1\n")
    environment.first.wait_for("any key stops that")
    environment.first.type("x")
    environment.menu()
    assert "1  restore automatically" in environment.first.text
    assert environment.calls() == []


def test_without_answer_file_nothing_is_automatic(environment):
    environment.start("openbmr.mode=auto").menu()
    assert "restore automatically" not in environment.first.text
    assert environment.calls() == []


def test_where_it_cannot_start_it_says_why_and_offers_a_shell(environment):
    (environment.root / "run").write_text("not a folder")
    environment.start("openbmr.mode=auto", "format = 1\n", console=environment.second)
    console = environment.second
    console.wait_for("openbmr: '/run': mounting tmpfs: Not a directory")
    console.wait_for("openbmr: the recovery environment cannot start; a shell may help")
    console.wait_for("press a key: ")
    console.type("3")
    console.wait_for("# ")
    assert "not a folder" in console.run("cat /run")
    console.type("exit\n")
    console.wait_for("press a key: ")
    console.type("5")
    assert environment.ended() in (-signal.SIGINT, 128 + signal.SIGINT)
    assert environment.calls() == []


def test_drivers_that_cannot_be_loaded_are_given_up_aloud(environment):
    environment.start(console=environment.second)
    environment.second.wait_for("no index of kernel modules: the image was made for another kernel")
    environment.second.wait_for("openbmr: no drivers are loaded any more")


def test_while_a_restore_runs_there_is_no_easy_restart(environment):
    shell = environment.start().shell()
    inside = pathlib.Path(f"/proc/{bmr.descendants(environment.process.pid)[1]}/root")
    lock = open(inside / "run/openbmr/restore.lock", "w", encoding="ascii")
    fcntl.flock(lock, fcntl.LOCK_EX)
    shell.type("exit\n")
    shell.wait_for("press a key: ")
    shell.type("4")
    shell.wait_for("A restore is running. Type restart to stop it")
    shell.type("no\n")
    shell.wait_for("press a key: ")
    assert environment.process.poll() is None
