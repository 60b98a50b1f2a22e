# SPDX-License-Identifier: GPL-3.0-or-later
"""bmr menu as people see it: driven through tmux on a screen of 80 × 24, and line by line."""

import hashlib
import re
import tarfile

import pytest

import bmr
import compare
import menu_screen
import scenario
import slow_link
import smbd
import test_files
import test_resume

pytestmark = pytest.mark.needs("tmux")

COPIED = 24 << 20  # bytes that a restore of the set "uefi" takes from the server, and that are not all

@pytest.mark.needs("root", "smbd", "fuse", "ntfs-3g", "mcopy", "sgdisk")
def test_a_restore_by_reading_the_screen(screen, backup, work):
    source, target = backup("uefi"), work / "disk.img"
    with smbd.PrivateSamba({"backups": source.share}) as samba:
        share = f"smb://127.0.0.1:{samba.port}/backups"
        menu = screen("--shell", "/bin/sh")
        menu.page("Start")
        menu.looks_like("start")
        menu.keys("F1")
        menu.page("Help")
        menu.looks_like("help")
        menu.keys("Escape")
        menu.press("Start", "Enter")
        menu.page("Where is the backup?")
        menu.looks_like("source")
        menu_screen.fill_source(menu, share, smbd.USER)
        menu.wait_for("! a share wants a password")
        menu_screen.fill_source(menu, share, smbd.USER, "wrong")
        failure = menu.page("That did not work")
        assert "login" in failure, failure
        menu.keys("Tab", "Tab", "Enter")
        menu.page("The way to the share")
        assert "login       FAILED" in menu.wait_for("usual cure"), menu.text()
        menu.keys("Enter")
        menu_screen.fill_source(menu, share, smbd.USER, smbd.PASSWORD)
        menu.wait_for("SRV01 +2026-08-31 21:00 UTC +whole")
        menu.looks_like("backup")
        # back and forth: what was answered stays
        menu.keys("Escape")
        assert share in menu.page("Where is the backup?")
        menu.keys("Tab", "Tab", "Tab", "Enter")
        menu.press("Which backup?", "Enter")
        menu.page("What should be restored?")
        menu.looks_like("volumes")
        menu.keys("Enter")
        menu_screen.choose_file(menu, target)
        menu.page("The plan")
        menu.wait_for("Now on it, and erased")
        menu.keys("Tab", "Tab", "Enter")
        menu.page("Options")
        menu.looks_like("options")
        menu.keys("Space", "Tab", "Tab", "Enter")
        menu.press("The plan", "Tab", "Tab", "Tab", "Enter")
        menu.page("Save the answers")
        menu.keys("C-u")
        menu.type(str(work / "openbmr.ini"))
        menu.keys("Enter")
        menu.wait_for("Saved.")
        menu.keys("Enter")
        menu.press("The plan", "Tab", "Enter")
        menu.page("This disk will be erased")
        menu.type("yes!")
        menu.keys("Enter")
        menu.wait_for("! these are not its last four characters")
        assert not target.exists()
        menu.type(target.name[-4:])
        menu.keys("Enter")
        menu.page("Restored")
        done = menu.wait_for("MiB, all equal")
        assert smbd.PASSWORD not in done
        menu.keys("F8")
        menu.press("Log", "Tab", "Tab", "Enter")
        menu.page("Save the log")
        menu.keys("C-u")
        menu.type(str(work / "log.tar.gz"))
        menu.keys("Enter")
        menu.wait_for("saved: ")
        menu.keys("Enter")
        menu.press("Restored", "Tab", "Tab", "Enter")
        assert menu.ended() == bmr.DONE
    assert compare.differences(target, source) == []
    with tarfile.open(work / "log.tar.gz") as bundle:
        assert "openbmr-log/log.txt" in bundle.getnames()
    answers = (work / "openbmr.ini").read_text()
    assert f"url = {share}\n" in answers and "prove = full\n" in answers
    assert smbd.PASSWORD not in answers


@pytest.mark.needs("root", "smbd")
def test_a_share_is_found_by_browsing(screen, tmp_path):
    (tmp_path / "sets/2026").mkdir(parents=True)
    with smbd.PrivateSamba({"backups": tmp_path, "Privat": tmp_path, "Hidden$": tmp_path}) as samba:
        place = f"smb://127.0.0.1:{samba.port}/"
        menu = screen()
        menu.press("Start", "Enter")
        menu.page("Where is the backup?")
        menu.keys("Tab", "Tab", "Tab", "Tab", "Enter")
        menu.wait_for("! a server is needed")
        for text in (f"127.0.0.1:{samba.port}", smbd.USER, smbd.PASSWORD):
            menu.keys("C-u")
            menu.type(text)
            menu.keys("Tab")
        menu.keys("Tab", "Enter")
        menu.page("What is on the server?")
        menu.wait_for(place)
        menu.wait_for("backups")
        assert "Hidden" not in menu.text().replace("<Hidden ones>", ""), menu.text()
        menu.keys("Tab", "Tab", "Tab", "Enter")
        menu.wait_for("Hidden\\$")
        menu.keys("Enter")
        menu.wait_for(f"{place}backups")
        menu.wait_for("sets")
        menu.keys("Down", "Down", "Enter")
        menu.wait_for(f"{place}backups/sets")
        menu.wait_for("2026")
        menu.keys("Down", "Enter")
        menu.wait_for(f"{place}backups *│")
        menu.wait_for("one level up")
        menu.keys("Down", "Down", "Enter")
        menu.wait_for("2026")
        menu.keys("Enter")
        menu.page("Where is the backup?")
        menu.wait_for(f"{place}backups/sets")


def test_every_screen_can_be_left(screen, backup):
    menu = screen()
    menu.press("Start", "Enter")
    menu_screen.fill_source(menu, str(backup("uefi").share))
    menu.press("Which backup?", "Tab", "Tab", "Enter")
    menu.press("Details", "Escape")
    menu.press("Which backup?", "Enter")
    menu.press("What should be restored?", "Down", "Down", "Enter")
    menu.wait_for("\\[\\*\\] C:")
    for title in ("What should be restored?", "What should be restored?", "Which backup?", "Where is the backup?"):
        menu.leave(title)
    menu.press("Start", "Down", "Down", "Enter")
    menu.press("Language / Sprache", "Down", "Enter")
    menu.wait_for("Eine Sicherung wiederherstellen")
    menu.looks_like("start-de")
    menu.keys("End", "Enter")
    assert menu.ended() == bmr.DONE


@pytest.mark.needs("root", "smbd")
def test_every_screen_has_help_and_a_way_back_also_while_it_works(screen, backup, work):
    """Work that waits for a server is cancelled; what was answered stays; the disk is never touched."""
    target = work / "disk.img"
    with smbd.PrivateSamba({"backups": backup("uefi").share}) as samba, \
            slow_link.FaultLink(samba.port) as link:
        share = f"smb://127.0.0.1:{link.port}/backups"
        menu = screen()

        def cancelled(title):
            """The server does not answer any more; Esc leads back; it answers again."""
            menu.wait_for(f"┤ {title} ├")
            menu.wait_for("<Cancel>")
            menu.keys("Escape")
            menu.wait_for("┤ (?!%s ├)" % title)
            link.reset()
            link.black_hole = False

        menu.help_of("Start")
        menu.keys("Enter")
        menu.help_of("Where is the backup?")
        link.black_hole = True
        menu_screen.fill_source(menu, share, smbd.USER, smbd.PASSWORD)
        cancelled("Searching for backups")
        assert share in menu.page("Where is the backup?")
        menu.keys("Enter")
        menu.help_of("Which backup?")
        link.black_hole = True
        menu.keys("Tab", "Tab", "Enter")
        cancelled("Details")
        menu.page("Which backup?")
        link.black_hole = True
        menu.keys("Tab", "Tab", "Tab", "Enter")
        cancelled("Take files out")
        menu.press("Which backup?", "Enter")
        menu.help_of("What should be restored?")
        menu.keys("Down", "Enter")
        menu.help_of("Where should it go?")
        menu.leave("Where should it go?")
        menu.press("What should be restored?", "Enter")
        menu.press("Where should it go?", "End", "Enter")
        menu.wait_for("A raw disk image")
        menu.help_of("Where should it go?")
        menu.type(str(target))
        link.black_hole = True
        menu.keys("Enter")
        cancelled("Making the plan")
        menu.press("What should be restored?", "Enter")
        menu.press("Where should it go?", "Enter")
        menu.wait_for("A raw disk image")
        assert target.name in menu.text()
        menu.keys("Enter")
        menu.help_of("The plan")
        menu.keys("Tab", "Tab", "Enter")
        menu.help_of("Options")
        menu.keys("Escape")
        menu.press("The plan", "Tab", "Tab", "Tab", "Enter")
        menu.help_of("Save the answers")
        menu.keys("Escape")
        menu.press("The plan", "Tab", "Enter")
        menu.help_of("This disk will be erased")
        menu.keys("Escape")
        menu.press("The plan", "Tab", "Enter")
        menu.page("This disk will be erased")
        link.black_hole = True
        menu.type(".img")
        menu.keys("Enter")
        menu.help_of("Restoring")
        menu.keys("Escape")
        menu.press("Stop the restore?", "Escape")
        menu.press("Restoring", "Escape")
        menu.page("Stop the restore?")
        assert "Nothing has been written yet" in menu.text(), menu.text()
        menu.keys("Tab", "Enter")
        menu.page("Not restored")
        assert "stopped before the disk was changed" in menu.text(), menu.text()
        menu.help_of("Not restored")
        link.reset()
        link.black_hole = False
        assert not target.exists()
        menu.keys("Enter")
        menu.press("Start", "Enter")
        assert share in menu.page("Where is the backup?")


@pytest.mark.needs("root", "fuse", "ntfs-3g")
def test_newer_files_are_told_listed_and_saved_before_the_disk_is_erased(screen, backup, work):
    source, disk = backup("bios"), work / "disk.img"
    assert bmr.restore(source.share, disk).status == bmr.DONE
    test_files.write_newer_files(source, disk, work)
    before = scenario.fingerprint(disk)
    menu = screen()
    menu_screen.walk_to_target(menu, str(source.share), volumes=("Down", "Enter"))
    menu_screen.choose_file(menu, disk)
    menu.page("The plan")
    menu.keys("Tab", "Tab", "Tab", "Tab", "Enter")
    menu.page("Files newer than the backup")
    menu.help_of("Files newer than the backup")
    menu.keys("PageDown", "PageDown", "PageDown")
    menu.wait_for("thesis.docx|\\d+ files, ")
    menu.keys("Tab", "Enter")
    menu.page("Where should the files go?")
    menu.keys("Tab", "Tab", "Tab", "Enter")
    menu.wait_for("! a destination is needed")
    (work / "saved").mkdir()
    menu.type(str(work / "saved"))
    menu.keys("Enter")
    menu.page("What was taken out")
    thesis, = (work / "saved").rglob("thesis.docx")
    assert thesis.read_bytes() == b"years of work"
    menu.keys("Enter")
    menu.press("Files newer than the backup", "Escape")
    menu.press("The plan", "Tab", "Enter")
    menu.page("This disk will be erased")
    assert "newer files: " in menu.text(), menu.text()
    assert scenario.fingerprint(disk) == before


def write_answers(folder, *lines):
    path = folder / "answers.ini"
    path.write_text("".join(f"{line}\n" for line in ("format = 1", *lines)))
    return path


def test_an_answer_file_that_is_not_complete_fills_the_screens_in(screen, backup, work, tmp_path):
    source, target = backup("uefi").share, work / "disk.img"
    answers = write_answers(tmp_path, "[source]", f"url = {source}", "[backup]", "machine = srv01",
                            "volumes = ESP, C:", "prove = full", "[target]", "disk0 = serial:NOT-HERE", "delta = yes")
    menu = screen("--answer", str(answers))
    start = menu.page("Start")
    assert "not complete" in start and "'confirm' is missing in" in start, start
    assert "Restore as the answer file says" not in start, start
    menu.keys("Enter")
    menu.page("Where is the backup?")
    menu.wait_for(re.escape(str(source)[-20:]))
    menu.keys("Enter")
    menu.press("Which backup?", "Enter")
    menu.press("What should be restored?", "Enter")
    menu.wait_for("\\[\\*\\] C:")
    assert re.search(r"\[\*\] ESP", menu.text()) and menu.text().count("[*]") == 2, menu.text()
    menu.keys("Tab", "Enter")
    menu_screen.choose_file(menu, target)
    menu.press("The plan", "Tab", "Tab", "Tab", "Enter")
    menu.page("Save the answers")
    menu.keys("C-u")
    menu.type(str(work / "saved.ini"))
    menu.keys("Enter")
    menu.wait_for("Saved.")
    saved = (work / "saved.ini").read_text()
    assert "prove = full\n" in saved and "delta = yes\n" in saved and "volumes = C:,ESP\n" in saved, saved


@pytest.mark.parametrize("lines, why", [
    (("[source]", "url = /b", "[target]", "disk0 = serial:A", "confirm = yes"), "line 6 column 11"),
    (("[match]", "uuid = 0000*", "[source]", "url = /b"), "is for another machine")])
def test_an_answer_file_that_is_wrong_is_told_on_the_first_screen(screen, tmp_path, lines, why):
    menu = screen("--answer", str(write_answers(tmp_path, *lines)))
    start = " ".join(menu.page("Start").replace("│", " ").split())
    assert "cannot be followed" in start and why in start, start
    assert "Restore as the answer file says" not in start, start
    menu.press("Start", "Enter")
    menu.page("Where is the backup?")
    assert "/b" not in menu.text().splitlines()[-1]


def test_a_locked_disk_says_why_it_cannot_be_chosen(screen, backup):
    disks = bmr.run("disks", "--json").json()["disks"]
    if not any(disk["reasons"] for disk in disks):
        pytest.skip("no disk of this machine is locked")
    menu = screen()
    menu_screen.walk_to_target(menu, str(backup("uefi").share))
    menu.press("Where should it go?", "Home", "Enter")
    menu.wait_for("┤ (Not possible|Where should it go\\?) ├")
    assert "x /dev/" in menu.text() or "┤ Not possible ├" in menu.text()


@pytest.mark.needs("root", "smbd", "sgdisk")
def test_a_restore_that_is_stopped_can_be_resumed(screen, backup, work):
    """In the midst of the copy the server does not answer any more."""
    source, target = backup("uefi"), work / "disk.img"
    with smbd.PrivateSamba({"backups": source.share}) as samba, \
            slow_link.FaultLink(samba.port) as link:
        menu = screen()
        menu_screen.walk_to_target(menu, f"smb://127.0.0.1:{link.port}/backups", smbd.USER, smbd.PASSWORD)
        menu_screen.choose_file(menu, target)
        menu.page("The plan")
        link.at(link.received + COPIED, link.fall_silent)
        menu_screen.confirm(menu, ".img")
        menu.page("Restoring")
        menu.wait_for("Writing")
        menu.wait_for("> [^[]+\\[[#.]{20}\\] +\\d+ %")
        menu.keys("Escape")
        assert "half written" in menu.page("Stop the restore?")
        menu.keys("Tab", "Enter")
        menu.wait_for("Stopping")
        link.black_hole = False
        menu.page("Not restored")
        assert not compare.recognised(target)
        menu.wait_for("<Resume>")
        menu.keys("Enter")
        menu.page("Restored")
    assert compare.differences(target, source) == []


@pytest.mark.needs("strace", "sgdisk")
def test_the_first_screen_tells_of_a_half_restored_disk_and_resumes_it(screen, backup, tmp_path):
    """Killed in the copy, as a power cut would; by names that are as long everywhere."""
    source, disk = backup("uefi"), tmp_path / "disk.img"
    (tmp_path / "share").symlink_to(source.share)
    killed = bmr.run("restore", "--from", "./share", "--disk", "./disk.img", "--confirm", "erase",
                     prefix=test_resume.kill_at("fdatasync", 9), cwd=tmp_path)
    assert killed.status != bmr.DONE
    before = scenario.fingerprint(disk)
    german = screen("--language", "de", "--image", "./disk.img")
    german.wait_for("┤ Eine Wiederherstellung blieb stehen ├")
    german.looks_like_but_for_values("half-de")
    menu = screen("--image", "./disk.img")
    menu.page("A restore stopped half-way")
    menu.looks_like_but_for_values("half")
    menu.keys("Escape")
    menu.press("Start", "F1")
    menu.press("Help", "Escape")
    menu.wait_for("Resume the restore that stopped")
    menu.looks_like("start-half")
    menu.keys("Enter")
    menu.press("A restore stopped half-way", "Tab", "Enter")
    assert "./share" in menu.page("Where is the backup?")  # start again: what is known is filled in
    menu.keys("Escape")
    menu.press("Start", "Enter")
    assert scenario.fingerprint(disk) == before
    menu.press("A restore stopped half-way", "Enter")
    menu.page("Restored")
    menu.wait_for("MiB, all equal")
    menu.keys("Enter")
    menu.page("Start")
    menu.wait_for("> *Restore a backup|│ +Restore a backup")
    assert "Resume" not in menu.text()
    assert compare.differences(disk, source) == []


# -- other terminals --------------------------------------------------------------------------

def test_a_terminal_that_is_too_small_gets_lines(screen):
    menu = screen(columns=60, rows=20)
    assert "the terminal has 60 × 20 characters" in menu.wait_for("== Start \\[start\\]")


@pytest.mark.parametrize("terminal, why", [
    ("dumb", "the terminal 'dumb' is unknown, or has no cursor"),
    ("nonsense", "the terminal 'nonsense' is unknown, or has no cursor"),
    ("vt100", "the terminal 'vt100' has no colours"),
    ("''", "TERM does not say which terminal this is")])
def test_a_terminal_that_cannot_draw_gets_lines(screen, terminal, why):
    menu = screen(terminal=terminal)
    assert f"{why}: the menu asks in lines" in menu.wait_for("== Start \\[start\\]")


def test_a_terminal_without_utf8_gets_ascii(screen):
    menu = screen("--ascii")
    text = menu.wait_for("Restore a backup")
    assert text.isascii(), text


@pytest.mark.needs("sgdisk")
def test_the_same_restore_line_by_line(backup, work):
    source, target = backup("uefi"), work / "disk.img"
    disks = len(bmr.run("disks", "--json").json()["disks"])
    answers = ["?", "", source.share, "", "", "a", "", "", "1", "", str(disks + 1), "",
               target, "", "a", ".img", "a", "b"]
    done = bmr.run("menu", "--plain", stdin="".join(f"{answer}\n" for answer in answers))
    assert done.status == bmr.DONE, done
    for identifier in ("start", "source.url", "backup.version", "backup.volumes", "target.disk0",
                       "target.confirm", "progress", "result"):
        assert identifier in done.output, done
    assert "MiB, all equal" in done.output, done
    assert compare.differences(target, source) == []


def test_the_end_of_input_ends_it(tmp_path):
    assert bmr.run("menu", "--plain", stdin="1\n/nowhere\n").status == bmr.DONE


def test_wrong_options_are_named():
    result = bmr.run("menu", "--language", "xx")
    assert result.status == bmr.USAGE
    assert "--language 'xx': the menu does not have it" in result.errors


@pytest.mark.needs("root", "fuse", "ntfs-3g", "mcopy")
def test_files_are_taken_out_by_walking_folders(screen, backup, work):
    source = backup("uefi")
    menu = screen()
    menu.press("Start", "Enter")
    menu_screen.fill_source(menu, str(source.share))
    menu.wait_for("SRV01 +2026-08-31 21:00 UTC +whole")
    menu.keys("Tab", "Tab", "Tab", "Enter")
    menu.press("Files of which volume?", "Enter")
    menu.wait_for("C:/ +│")
    menu.wait_for("pagefile.sys")
    menu.keys("F1")
    assert "bmr files get" in menu.page("Help")
    menu.keys("Escape")
    menu.wait_for("pagefile.sys")
    menu.keys("End", "Up", "Up", "Enter")
    menu.wait_for("C:/Users +│")
    menu.wait_for("admin/")
    menu.keys("End", "Tab", "Tab", "Enter")
    menu.page("Where should the files go?")
    menu.looks_like("files-to")
    menu.type(str(work))
    menu.keys("Tab", "Tab", "Tab", "Enter")
    result = menu.page("What was taken out")
    assert "files and" in result, result
    menu.keys("Enter")
    menu.wait_for("C:/Users +│")
    menu.leave("Take files out")
    menu.wait_for("C:/ +│")
    menu.leave("Take files out")
    menu.page("Files of which volume?")
    wanted = {facts["path"][6:]: facts for facts in source.partition("windows")["files"]
              if facts["path"].startswith("Users/admin/") and facts["type"] == "file"}
    for path, facts in wanted.items():
        assert hashlib.sha256((work / path).read_bytes()).hexdigest() == facts["sha256"], path
