# SPDX-License-Identifier: GPL-3.0-or-later
"""The system state of a backup onto a Windows that is there, by reading the screen and line by line."""

import os

import pytest

import bmr
import menu_screen
import scenario
import test_systemstate

pytestmark = pytest.mark.needs("tmux", "root", "fuse", "ntfs-3g")

@pytest.fixture(scope="module")
def windows():
    """A disk with the Windows of another backup of the same machine."""
    folder = scenario.SCENARIOS / f"menu-systemstate-{os.getpid()}"
    with scenario.empty_folder(folder):
        yield test_systemstate.Target(scenario.backup_set("uefi"), folder / "windows.img")


def walk_to_state(menu, source, disk):
    """From the first screen to what is put back."""
    menu.press("Start", "Enter")
    menu_screen.fill_source(menu, source)
    menu.wait_for("┤ Which backup\\? ├")
    menu.keys("Enter")
    menu.wait_for("bmr restore-systemstate")  # why it is no backup of the machine
    menu.keys("Enter")
    menu.press("Which backup\\?", "Tab", "Tab", "Tab", "Tab", "Enter")
    menu.wait_for("Which disk has the Windows")
    menu_screen.choose_file(menu, disk)


def test_the_system_state_by_reading_the_screen(screen, backup, windows, work):
    source, target = backup("partial"), windows.copy(work / "disk.img")
    before = scenario.fingerprint(target.path)
    menu = screen()
    walk_to_state(menu, source.share, target.path)
    menu.wait_for("┤ System state onto a Windows that is there ├")
    menu.looks_like("system-state")
    menu.help_of("System state onto a Windows that is there")
    menu.keys("Space", "Space", "Space", "Tab", "Tab", "Enter")  # the bar goes down by itself
    menu.wait_for("nothing would be put back")
    menu.keys("Enter")
    menu.wait_for("┤ System state onto a Windows that is there ├")
    menu.keys("Up", "Up", "Up", "Up", "Space", "Tab")
    menu.type("C:")
    menu.keys("Tab", "Enter")
    menu.wait_for("! a number, or nothing")
    menu.keys("Tab", "C-u", "Tab", "Enter")
    menu.wait_for("┤ The plan ├")
    menu.wait_for(r"replace \\Windows\\system32\\config\\SYSTEM: 8.0 KiB")
    menu.keys("Tab", "Tab", "Enter")
    menu.wait_for("┤ Save the answers ├")
    menu.wait_for("bmr restore-systemstate")
    menu.keys("C-u")
    menu.type(str(work / "openbmr.ini"))
    menu.keys("Enter")
    menu.wait_for("Saved.")
    menu.keys("Enter", "Escape")
    menu.press("The plan", "Tab", "Enter")
    menu.wait_for("┤ Files on this disk will be replaced ├")
    menu.type("no!!")
    menu.keys("Enter")
    menu.wait_for("! these are not its last four characters")
    assert scenario.fingerprint(target.path) == before
    menu.type(target.path.name[-4:])
    menu.keys("Enter")
    menu.wait_for("┤ Restored ├")
    menu.wait_for("1 files replaced")
    menu.keys("Escape")
    menu.press("Start", "End", "Enter")
    assert menu.ended() == bmr.DONE
    found = test_systemstate.registry(target)
    state = {os.path.basename(f["path"]): f["sha256"] for f in test_systemstate.windows(source)["files"]
             if test_systemstate.CONFIG in f["path"]}
    assert state and state.items() <= found.items()
    answers = (work / "openbmr.ini").read_text()
    assert "state = registry\n" in answers and "confirm = replace\n" in answers, answers
    (work / "openbmr.ini").write_text(answers.replace(f"disk0 = {target.path}", "disk0 = serial:NOT-HERE"))
    elsewhere = bmr.run("auto", "--answer", work / "openbmr.ini")
    assert elsewhere.status == bmr.FAILED and "serial:NOT-HERE" in elsewhere.errors, elsewhere
    before = scenario.fingerprint(target.path)
    again = test_systemstate.put_back(source, target, "--confirm", "replace", "--once")
    assert again.status == bmr.DONE and "already put back: the volume has \\openbmr-replaced-" in again.output, again
    assert scenario.fingerprint(target.path) == before


def test_a_change_that_stopped_is_brought_to_its_end_line_by_line(backup, windows, work):
    source, target = backup("partial"), windows.copy(work / "disk.img")
    for number in range(10, 60, 4):
        cut = test_systemstate.put_back(source, target, "--confirm", "replace", "--only", "registry", prefix=(
            "strace", "-f", "-qq", "-o", os.devnull, "-P", str(target.path), "-e", "trace=pwrite64",
            "-e", f"inject=pwrite64:signal=KILL:when={number}"))
        if "stopped half-way" in bmr.run("restore-systemstate", "--from", source.share, "--disk", target.path,
                                         "--plan").errors:
            break
    assert cut.status != bmr.DONE, cut
    disks = len(bmr.run("disks", "--json").json()["disks"])
    answers = ["", source.share, "", "", "a", "", "d", str(disks + 1), "", target.path, "", "", "", "", "b", "b"]
    done = bmr.run("menu", "--plain", stdin="".join(f"{answer}\n" for answer in answers))
    assert done.status == bmr.DONE and "brought to its end, and read back" in " ".join(done.output.split()), done
    for identifier in ("backup.state", "target.partition", "progress", "result"):
        assert identifier in done.output, done
    found = test_systemstate.registry(target)
    state = {os.path.basename(f["path"]): f["sha256"] for f in test_systemstate.windows(source)["files"]
             if test_systemstate.CONFIG in f["path"]}
    assert state and state.items() <= found.items()
