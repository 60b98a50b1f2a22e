# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups on BitLocker disks: unlocked by password, recovery key or startup key, and read without
any mapping. What the generator encrypts is judged by cryptsetup; volumes that Windows wrote are
in test_samples.py."""

import os
import pty
import select
import signal
import subprocess
import termios
import time

import pytest

import bmr
import compare
import menu_screen
import scenario
import test_sources
from generator import bitlocker
from scenario import MIB

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "sgdisk", "sfdisk", "mcopy", "fsck.fat")

PASSWORD = "Kennwort – 7 Zwerge"
SECTOR = 4096


@pytest.fixture(scope="module")
def locked(backup, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bitlocker")
    source = backup("bios")
    plain, path = folder / "plain.raw", folder / "locked.raw"
    test_sources.make_volume(plain, source, SECTOR)
    bitlocker.encrypt(plain, path, "xts-256", {"password": PASSWORD, "startup": "",
                                               "recovery": bitlocker.RECOVERY_KEY}, SECTOR)
    plain.unlink()
    yield path, source
    path.unlink()


def key_file(work, name: str, content: bytes):
    path = work / name
    path.write_bytes(content)
    return path


def passwords(work, text=PASSWORD):
    return key_file(work, "keys.txt", f"password = {text}\r\n".encode("utf-16"))


def scan(path, *options):
    return bmr.run("scan", path, *options)


@pytest.mark.needs("cryptsetup")
def test_the_generator_writes_what_cryptsetup_unlocks(locked):
    said = subprocess.run(["cryptsetup", "bitlkDump", locked[0]], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    assert "aes" in said and "xts-plain64" in said and "512 bits" in said, said
    # cryptsetup 2.6.1 does not take a password with other than ASCII characters, libbde does
    subprocess.run(["cryptsetup", "open", "--type", "bitlk", "--test-passphrase", "--key-file=-",
                    locked[0]], input=bitlocker.RECOVERY_KEY.encode(), check=True)


def test_a_machine_comes_back_from_a_bitlocker_partition(locked, work):
    path, source = locked
    disk = work / "source.raw"
    test_sources.put_on_disk(path, disk)
    before = scenario.fingerprint(disk)
    result = bmr.restore(disk, work / "disk.img", "--unlock", passwords(work))
    assert result.status == bmr.DONE, result
    assert PASSWORD not in result.output + result.errors
    assert result.peak_memory <= 256 * MIB
    assert compare.differences(work / "disk.img", source, False) == []
    assert scenario.fingerprint(disk) == before


def test_recovery_key_and_startup_key_open_it_too(locked, work):
    """The recovery key as Windows saves it: in UTF-16, among words."""
    words = ("BitLocker Drive Encryption recovery key\r\n\r\nTo verify that this is the correct "
             f"recovery key …\r\n\r\nIdentifier:\r\n\r\n\t{bitlocker.protector_id('recovery')}\r\n"
             f"\r\nRecovery Key:\r\n\r\n\t{bitlocker.RECOVERY_KEY}\r\n\r\n")
    for keys in (key_file(work, "Recovery Key.TXT", words.encode("utf-16")),
                 key_file(work, "4381F759.BEK", bitlocker.startup_file())):
        result = scan(locked[0], "--unlock", keys)
        assert result.status == bmr.DONE, result
        assert "locked.raw volume/Sicherungen" in result.output


def test_what_stays_locked_says_what_opens_it(locked, work):
    result = scan(locked[0])
    assert result.status == bmr.FAILED, result
    assert "BitLocker, locked; what opens it: password {" in result.errors
    assert f"recovery key {{{bitlocker.protector_id('recovery')}}}" in result.errors
    assert "give a key by --unlock" in result.errors
    result = scan(locked[0], "--unlock", passwords(work, "Kennwort"))
    assert result.status == bmr.FAILED, result
    assert "BitLocker, locked, no key that was given fits" in result.errors
    mistyped = bitlocker.RECOVERY_KEY.replace("253979", "253978")
    result = scan(locked[0], "--unlock", key_file(work, "typed.txt", mistyped.encode()))
    assert "line 1: group 3 of the recovery key is mistyped" in result.errors, result
    assert "253978" not in result.errors


def is_silent(terminal) -> bool:
    """The prompt is there before echo is off, and what was typed until then is dropped."""
    return not termios.tcgetattr(terminal)[3] & termios.ECHO


def converse(command, answers, seconds=30) -> tuple:
    """Runs a command at a terminal of its own and types an answer at each prompt."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(command[0], [str(word) for word in command])
    said, asked, deadline, answers = b"", 0, time.monotonic() + seconds, list(answers)
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                said += os.read(terminal, 4096)
            except OSError:
                return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said.decode()
        if answers and said[asked:].endswith(b"): ") and is_silent(terminal):
            asked = len(said)
            os.write(terminal, answers.pop(0).encode() + b"\n")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    raise AssertionError(f"no end within {seconds} s: {said.decode()}")


def test_a_person_is_asked_three_times(locked):
    command = [bmr.PROGRAM, "scan", locked[0]]
    status, said = converse(command, ["wrong", bitlocker.RECOVERY_KEY])
    assert status == bmr.DONE, said
    assert "Password or recovery key of the BitLocker volume" in said
    assert "try 1 of 3" in said and "wrong" not in said
    status, said = converse(command, ["a", "b", "c"])
    assert status == bmr.FAILED, said
    assert said.count("Password or recovery key") == 3


@pytest.mark.needs("tmux")
def test_the_menu_asks_for_the_recovery_key_and_saves_it_nowhere(locked, screen, work):
    title = "A BitLocker volume is locked"
    menu = screen()
    menu.press("Start", "Enter")
    menu_screen.fill_source(menu, locked[0])
    menu.wait_for(f"┤ {title} ├")
    assert f"{{{bitlocker.protector_id('recovery')}}}" in menu.text().replace("\n", " "), menu.text()
    menu.help_of(title)
    menu.keys("Enter")
    menu.wait_for("! a recovery key or a password is needed")
    menu.type(bitlocker.RECOVERY_KEY.replace("253979", "253978"))
    menu.keys("Enter")
    menu.wait_for("! group 3: not six digits divisible by 11")
    assert "253978" not in menu.text()
    menu.keys("C-u")
    menu.type("-".join(["000011"] * 8))  # a key, of another volume
    menu.keys("Enter")
    menu.wait_for("! what was typed does not open it")
    menu.type(bitlocker.RECOVERY_KEY)
    menu.keys("Tab", "Tab", "Tab", "Enter")
    menu.wait_for(bitlocker.RECOVERY_KEY)  # shown, because that was asked for
    menu.keys("Enter")
    menu.press("Which backup?", "Enter")
    menu.press("What should be restored?", "Enter")
    menu_screen.choose_file(menu, work / "disk.img")
    menu.press("The plan", "Tab", "Tab", "Tab", "Enter")
    menu.wait_for("┤ Save the answers ├")
    menu.keys("C-u")
    menu.type(str(work / "openbmr.ini"))
    menu.keys("Enter")
    menu.wait_for("Saved.")
    answers = (work / "openbmr.ini").read_text()
    assert "unlock = file:openbmr.cred\n" in answers
    assert bitlocker.RECOVERY_KEY[:6] not in answers


def test_the_menu_asks_line_by_line(locked):
    answers = ["1", locked[0], "", "", "a", bitlocker.RECOVERY_KEY.replace("013365", "013366"), "", "a",
               bitlocker.RECOVERY_KEY, "", "a"]
    said = bmr.run("menu", "--plain", stdin="".join(f"{answer}\n" for answer in answers)).output
    assert "Recovery key (source.unlock): " in said
    assert "! group 4: not six digits divisible by 11" in said
    assert "[backup.version]" in said.split("! group 4")[1], said
    assert "013365" not in said
