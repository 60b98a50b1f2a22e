# SPDX-License-Identifier: GPL-3.0-or-later
"""The pages of bmr menu one by one: what each helps with, keeps, refuses, and says when work is cancelled."""

import os
import re
import signal

import pytest

import compare
import fake_machine
import menu_screen
import slow_link
import smbd
from fake_machine import Disk

pytestmark = pytest.mark.needs("tmux")

RATE = 12 << 20  # bytes per second: the set "uefi" takes six seconds
DISK_SIZE = 160 << 20
FIRST_HOLE_READ_BACK = 18  # of the restore's lseeks on the image of the set "uefi": 17 are of its erasing and copy


def test_help_on_every_page_at_the_side(screen, backup, tmp_path):
    menu = screen("--environment", "--log", str(tmp_path / "log"))
    menu.press("Start", "Down", "Enter")
    menu.help_of("Network")
    menu.keys("Tab", "Tab", "Tab", "Enter")
    menu.help_of("Address of this machine")
    menu.keys("Escape")
    menu.press("Network", "Escape")
    menu.press("Start", "Down", "Down", "Enter")
    menu.help_of("Keyboard layout")
    menu.keys("Escape")
    menu.press("Start", "Down", "Down", "Down", "Enter")
    menu.help_of("Language / Sprache")
    menu.keys("Escape")
    menu.press("Start", "Enter")
    menu_screen.fill_source(menu, "/nowhere")
    assert "/nowhere" in menu.help_of("That did not work")
    menu.keys("F8")
    menu.press("Log", "F1")  # nothing to help with: it stays
    menu.keys("Tab", "Tab", "Enter")
    menu.help_of("Save the log")
    menu.keys("Escape")
    menu.press("That did not work", "Enter")
    menu_screen.fill_source(menu, str(backup("uefi").share))
    menu.press("Which backup?", "Tab", "Tab", "Enter")
    menu.help_of("Details")
    menu.keys("Escape")
    menu.press("Which backup?", "Tab", "Tab", "Tab", "Enter")
    menu.help_of("Files of which volume?")
    menu.keys("Enter")
    menu.help_of("Take files out")
    menu.keys("Tab", "Tab", "Enter")
    menu.help_of("Where should the files go?")


@pytest.mark.needs("root", "smbd")
def test_help_while_browsing(screen, tmp_path):
    with smbd.PrivateSamba({"backups": tmp_path}) as samba:
        menu = screen()
        menu.press("Start", "Enter")
        menu.page("Where is the backup?")
        for text in (f"127.0.0.1:{samba.port}", smbd.USER, smbd.PASSWORD):
            menu.type(text)
            menu.keys("Tab")
        menu.keys("Tab", "Enter")
        assert "backups" in menu.help_of("What is on the server?")
        menu.keys("Escape")
        menu.page("Where is the backup?")


@pytest.mark.needs("root", "namespaces", "loop")
def test_an_excluded_disk_cannot_be_chosen_and_stays_excluded(screen, backup, tmp_path):
    with fake_machine.Loops() as loops:
        attached = []
        for name in ("a", "b"):
            (tmp_path / name).touch()
            os.truncate(tmp_path / name, DISK_SIZE)
            attached.append(loops.attach(tmp_path / name))
        machine = fake_machine.Machine(tmp_path / "machine", [
            Disk("sda", attached[0], serial="DISK-A"), Disk("sdb", attached[1], serial="DISK-B")])
        before = [loop.written() for loop in attached]
        menu = screen(prefix=machine.prefix())
        menu_screen.walk_to_target(menu, str(backup("uefi").share))
        menu.press("Where should it go?", "Tab", "Tab", "Tab", "Enter")
        menu.help_of("Disks that nothing is written to")
        menu.keys("Space", "Tab", "Enter")
        menu.wait_for("x /dev/sda")
        menu.press("Where should it go?", "Down")  # what cannot be chosen stands behind what can
        menu.wait_for("it is excluded: ")
        menu.keys("Enter")
        assert "it is excluded" in menu.page("Not possible")
        menu.keys("Enter")
        menu.leave("Where should it go?")
        menu.press("What should be restored?", "Enter")
        assert re.search(r"x /dev/sda .*DISK-A", menu.page("Where should it go?"))
        menu.keys("Home", "Enter")  # the other
        menu.page("The plan: refused")
        menu.keys("Tab", "Tab", "Tab", "Enter")
        assert "--exclude serial:DISK-A" in menu.page("Save the answers")
        menu.keys("Escape")
        menu.leave("The plan: refused")
        menu.press("What should be restored?", "Enter")
        menu.press("Where should it go?", "Tab", "Tab", "Tab", "Enter")
        assert re.search(r"\[\*\] /dev/sda", menu.page("Disks that nothing is written to"))
        menu.keys("Space", "Tab", "Enter")
        assert "x /dev/sda" not in menu.page("Where should it go?")
        assert [loop.written() for loop in attached] == before


def only_windows(menu):
    """The volumes one by one, and C: alone of them."""
    menu.press("What should be restored?", "End", "Enter")
    menu.wait_for(r"\[\*\] C:")
    menu.keys("Space", "Down", "Down", "Space")
    menu.wait_for(r"\[ \] ESP")
    assert menu.text().count("[*]") == 1, menu.text()
    menu.keys("Tab", "Enter")


def test_a_red_forecast_leads_to_the_option_that_passes_it(screen, backup, work):
    target = work / "disk.img"
    menu = screen()
    menu.press("Start", "Enter")
    menu_screen.fill_source(menu, str(backup("uefi").share))
    menu.press("Which backup?", "Enter")
    only_windows(menu)
    menu_screen.choose_file(menu, target)
    menu.press("The plan", "Tab", "Enter")
    assert "will not start" in menu.page("Not possible")
    menu.keys("Enter")  # back
    menu.press("The plan", "Tab", "Enter")
    menu.help_of("Not possible")
    menu.keys("Tab", "Enter")
    menu.press("Options", "End", "Space", "Tab", "Tab", "Enter")
    menu.press("The plan", "Tab", "Enter")
    menu.press("This disk will be erased", "Escape")
    menu.page("The plan")
    assert not target.exists()


def test_every_page_keeps_its_answers_back_and_forth(screen, backup, work):
    source, target = str(backup("uefi").share), work / "disk.img"
    menu = screen()
    menu.press("Start", "Enter")
    menu_screen.fill_source(menu, source)
    menu.press("Which backup?", "Enter")
    only_windows(menu)
    menu_screen.choose_file(menu, target)
    menu.press("The plan", "Tab", "Tab", "Enter")
    menu.page("Options")
    menu.keys("Space", "Down", "Space", "Tab")  # what is ticked moves the bar on
    menu.type("C:")
    menu.keys("Enter")
    for title in ("The plan", "What should be restored?", "Which backup?", "Where is the backup?"):
        menu.leave(title)
    menu.press("Start", "Enter")
    assert source[-40:] in menu.page("Where is the backup?")
    menu.keys("Enter")
    menu.press("Which backup?", "Enter")
    menu.press("What should be restored?", "Enter")  # stands on the volumes one by one
    text = menu.wait_for(r"\[\*\] C:")
    assert text.count("[*]") == 1, text
    menu.keys("Tab", "Enter")
    menu.press("Where should it go?", "Enter")  # stands on the file
    assert target.name in menu.wait_for("A raw disk image")
    menu.keys("Enter")
    menu.press("The plan", "Tab", "Tab", "Enter")
    text = menu.page("Options")
    assert [line.split("]")[0][-1] for line in text.splitlines() if "] " in line] == ["*", " ", "*", " ", " "], text
    assert re.search(r"Extend volume +C:", text), text
    assert not target.exists()


@pytest.mark.needs("root", "smbd")
def test_the_reading_of_all_of_the_backup_is_cancelled(screen, backup, work):
    target = work / "disk.img"
    with smbd.PrivateSamba({"backups": backup("uefi").share}) as samba, slow_link.FaultLink(samba.port) as link:
        menu = screen()
        menu_screen.walk_to_target(menu, f"smb://127.0.0.1:{link.port}/backups", smbd.USER, smbd.PASSWORD)
        menu_screen.choose_file(menu, target)
        menu.press("The plan", "Tab", "Tab", "Enter")
        menu.press("Options", "Space", "Tab", "Tab", "Enter")
        menu.page("The plan")
        link.rate = RATE
        menu_screen.confirm(menu, ".img")
        menu.wait_for("Reading the backup before anything is erased")
        menu.keys("Escape")
        assert "the disk is as it was before" in menu.page("Stop the restore?")
        menu.keys("Tab", "Enter")
        assert "stopped before the disk was changed" in menu.page("Not restored")
        assert "<Resume>" not in menu.text()
        assert not target.exists()


def held_in_the_read_back(screen, backup, target):
    """A restore that stands still at the first hole that it reads back, and its process ids."""
    hold = ("strace", "-f", "-qq", "-o", "/dev/null", "-P", str(target), "-e", "trace=lseek",
            "-e", f"inject=lseek:signal=STOP:when={FIRST_HOLE_READ_BACK}")
    menu = screen(prefix=hold)
    menu_screen.walk_to_target(menu, str(backup("uefi").share))
    menu_screen.choose_file(menu, target)
    menu.page("The plan")
    before = menu.processes()
    menu_screen.confirm(menu, ".img")
    menu.wait_for("Reading back and comparing")
    return menu, [pid for pid in menu.processes() if pid not in before]


@pytest.mark.needs("root", "strace", "sgdisk")
def test_the_read_back_is_cancelled(screen, backup, work):
    target = work / "disk.img"
    menu, restore = held_in_the_read_back(screen, backup, target)
    menu.keys("Escape")
    assert "half written and will not start" in menu.page("Stop the restore?")
    menu.keys("Tab", "Enter")
    menu.wait_for("Stopping")
    for pid in restore:
        os.kill(pid, signal.SIGCONT)
    text = menu.page("Not restored")
    assert "stopped half-way" in text and "<Resume>" in text, text
    assert not compare.recognised(target)


@pytest.mark.needs("root", "strace", "sgdisk")
def test_a_restore_comes_to_its_end_behind_the_help(screen, backup, work):
    """Nobody has to close a page that lies over it."""
    source, target = backup("uefi"), work / "disk.img"
    menu, restore = held_in_the_read_back(screen, backup, target)
    menu.keys("F1")
    menu.page("Help")
    for pid in restore:
        os.kill(pid, signal.SIGCONT)
    menu.wait_until(lambda text: not set(restore) & set(menu.processes()), "the end of the restore")
    menu.press("Help", "Escape")
    menu.page("Restored")
    assert compare.differences(target, source) == []
