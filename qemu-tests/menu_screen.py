# SPDX-License-Identifier: GPL-3.0-or-later
"""bmr menu in a terminal of its own, driven through tmux, and the steps that several tests of it take. What
screens look like lies in screens/; UPDATE_SCREENS=1 writes them anew."""

import os
import pathlib
import re
import shlex
import subprocess
import tempfile
import time

import bmr

SCREENS = pathlib.Path(__file__).parent / "screens"
WAIT_SECONDS = 90
LOOK_SECONDS = 0.03
LOOKS_MAX = 20
WORKING = "<Cancel>|<Abbrechen>"


class Screen:
    """A terminal with a menu in it; prefix: what starts it."""

    def __init__(self, folder, *options, columns=80, rows=24, terminal="linux", prefix=()):
        self.socket = pathlib.Path(tempfile.mkdtemp(dir=folder)) / "tmux"
        self.status = self.socket.with_name("status")
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows), "-c", str(folder),
                   f"TERM={terminal} LC_ALL=C.UTF-8 TZ=UTC {shlex.join(prefix)} '{bmr.PROGRAM}' menu {' '.join(options)} 2>errors; "
                   f"echo $? >{self.status}; cat errors; sleep 1000")

    def _tmux(self, *arguments):
        return subprocess.run(["tmux", "-S", str(self.socket), *arguments], check=True,
                              stdout=subprocess.PIPE, text=True).stdout

    def text(self):
        return self._tmux("capture-pane", "-p")

    def wait_until(self, holds, what):
        """Until the text holds, and is drawn in full: two looks see the same, but for the line at the bottom. A page that
        counts never stands still."""
        deadline = time.monotonic() + WAIT_SECONDS
        before, looks = None, 0
        while looks < LOOKS_MAX:
            text = self.text()
            page = text.splitlines()[:-1]
            if holds(text):
                looks += 1
                if page == before:
                    break
            before = page
            assert time.monotonic() < deadline, f"{what} did not come:\n{text}"
            time.sleep(LOOK_SECONDS)
        return text

    def wait_for(self, pattern):
        return self.wait_until(lambda text: re.search(pattern, text), f"'{pattern}'")

    def page(self, title):
        """The page of this title (or of one like this pattern), without the line at the bottom; not the one that waits for it and has the
        same title: a key on that cancels the work, or is lost while the page takes its place."""
        frame = f"┤ ({re.escape(title)}|{title}) ├"
        text = self.wait_until(lambda text: re.search(frame, text) and not re.search(WORKING, text), f"'{title}'")
        return "\n".join(text.splitlines()[:-1])

    def keys(self, *names):
        self._tmux("send-keys", *names)

    def type(self, text):
        self._tmux("send-keys", "-l", text)

    def press(self, title, *names):
        """Keys on the page of this title."""
        self.page(title)
        self.keys(*names)

    def leave(self, title):
        """The page behind it may have the same title."""
        before = self.page(title)
        self.keys("Escape")
        self.wait_until(lambda text: "\n".join(text.splitlines()[:-1]) != before, f"what is behind {before}")

    def help_of(self, title):
        """F1 on the screen of this title, and back."""
        self.press(title, "F1")
        shown = self.wait_for("┤ Help ├")
        assert re.search(r"[a-z]{3}", shown.split("┤ Help ├")[1]), shown
        self.keys("Escape")
        return self.page(title)

    def ended(self):
        deadline = time.monotonic() + WAIT_SECONDS
        while not self.status.exists() or not self.status.read_text():
            assert time.monotonic() < deadline, self.text()
            time.sleep(0.05)
        return int(self.status.read_text())

    def looks_like(self, name):
        """But for the line at the bottom, which tells the time."""
        path = SCREENS / f"{name}.txt"
        lines = [line.rstrip() for line in self.text().splitlines()[:-1]]
        text = re.sub(r"\d+ MiB", "NNN MiB", "\n".join(lines).rstrip() + "\n")
        if os.environ.get("UPDATE_SCREENS"):
            path.write_text(text)
        assert text == path.read_text(), text

    def looks_like_but_for_values(self, name):
        """The same where times, sizes, hashes and what follows them on a line differ from run to run."""
        path = SCREENS / f"{name}.txt"
        text = "\n".join(line.rstrip() for line in self.text().splitlines()[:-1]).rstrip() + "\n"
        for pattern, instead in ((r"[\d.]+ [KM]iB", "NNN MiB"), (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME"),
                                 (r"\b[0-9a-f]{16}\b", "HASH"), (r" +│$", " │")):
            text = re.sub(pattern, instead, text, flags=re.M)
        if os.environ.get("UPDATE_SCREENS"):
            path.write_text(text)
        assert text == path.read_text(), text

    def processes(self):
        """All below the terminal, by process id."""
        return bmr.descendants(int(self._tmux("list-panes", "-F", "#{pane_pid}")))[1:]

    def close(self):
        self._tmux("kill-server")


def fill_source(menu, source, user="", password=""):
    """On the screen that asks for it."""
    menu.page("Where is the backup?")
    for text in (source, user, password):
        menu.keys("C-u")
        menu.type(text)
        menu.keys("Tab")
    menu.keys("Enter")


def walk_to_target(menu, source, user="", password="", volumes=("Enter",)):
    """From the first screen to the disks; volumes: the keys on the screen that asks for them."""
    menu.press("Start", "Enter")
    fill_source(menu, source, user, password)
    menu.press("Which backup?", "Enter")
    menu.press("What should be restored?", *volumes)
    menu.page("Where should it go?")


def choose_file(menu, path):
    """On the screen of the disks: a disk image, the last of its items."""
    menu.press("Where should it go?", "End", "Enter")
    menu.wait_for("A raw disk image")
    menu.type(str(path))
    menu.keys("Enter")


def confirm(menu, proof):
    """On the plan: start, and the last four characters of the disk."""
    menu.press("The plan", "Tab", "Enter")
    menu.page("This disk will be erased")
    menu.type(proof)
    menu.keys("Enter")
