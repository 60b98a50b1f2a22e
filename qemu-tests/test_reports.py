# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of restores on the host: after success, failure and refusal, as text and JSON."""

import json
import re
import subprocess

import pytest

import bmr
import scenario
from scenario import MIB
from test_restore_host import expect

pytestmark = pytest.mark.needs("root", "fuse", "ntfs-3g", "sfdisk", "mcopy")


def only(folder, end: str) -> str:
    found = list(folder.glob("openbmr-SRV01-*" + end))
    assert len(found) == 1, list(folder.iterdir())
    return found[0].read_text()


def test_a_report_says_what_was_planned_and_done_and_how_long_it_took(backup, work):
    source, folder = backup("uefi"), work / "reports"
    folder.mkdir()
    result = bmr.restore(source.share, work / "disk.img", "--report", folder, "--qr")
    expect(result, bmr.DONE, "report saved", "openbmr SRV01 done", "▀")
    report = json.loads(only(folder, ".json"))
    assert report["done"] and report["machine"] == "SRV01" and report["verified_bytes"] > MIB
    phases = {phase["phase"]: phase for phase in report["phases"]}
    assert {"preflight", "prove", "copy", "verify", "commit"} <= set(phases)
    assert phases["copy"]["bytes"] >= report["copied_bytes"] and phases["verify"]["seconds"] > 0
    text = only(folder, ".txt")
    for words in ("done and proved", "How long it took", "writing", "(AsrSif)", "bootx64.efi"):
        assert words in text, words


def test_failures_and_refusals_are_reported_with_the_next_step(backup, work):
    source = backup("uefi")
    small = scenario.blank_disk(work / "small.img", 50 * MIB)
    refused = work / "refused.txt"
    expect(bmr.restore(source.share, small, "--report", refused, "--no-shrink"), bmr.REFUSED)
    assert "refused by the plan" in refused.read_text()
    failed = work / "failed.json"
    expect(bmr.run("restore", "--from", source.share, "--disk", work / "disk.img", "--confirm", "erase", "--report", failed,
                   prefix=("strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
                           "-e", "inject=fdatasync:error=EIO:when=7+")), bmr.FAILED)
    report = json.loads(failed.read_text())
    assert not report["done"] and "Input/output error" in report["error"]
    assert any("start the restore again" in step for step in report["next_steps"])


# -- the log -----------------------------------------------------------------------------------

def in_environment(folder, arguments: str, *commands) -> str:
    """What the commands print where the recovery environment's folder is, and the kernel was given
    these arguments."""
    (folder / "cmdline").write_text(arguments + "\n")
    script = ("mount -t tmpfs tmpfs /run && mkdir /run/openbmr && mount --bind $0 /proc/cmdline && "
              + "; ".join(f"{bmr.PROGRAM} {command}" for command in commands))
    return subprocess.run(["unshare", "-m", "sh", "-c", script, str(folder / "cmdline")],
                          capture_output=True, text=True, check=False, env=bmr.environment()).stdout


@pytest.mark.needs("root", "namespaces")
def test_each_line_that_the_environment_stores_has_time_and_level(work):
    (work / "share" / "photos").mkdir(parents=True)
    scans = (f"scan {work / 'share'}", f"scan {work / 'nowhere'}")
    stored = in_environment(work, "quiet", *scans, "log").splitlines()
    said = [re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}Z (\w+): (.*)", line) for line in stored]
    assert stored and all(said), stored
    assert {line[1] for line in said} == {"error", "info"}, stored
    assert ("info", "bmr scan: exit status 1") in [(line[1], line[2]) for line in said], stored
    errors = in_environment(work, "quiet", *scans, "log --level error").splitlines()
    assert errors and all("Z error: bmr scan: " in line for line in errors), errors
    assert any(str(work / "nowhere") in line for line in errors), errors
    debug = in_environment(work, "quiet openbmr.loglevel=debug", *scans, "log --level debug")
    assert "Z debug: " in debug, debug
    assert "debug" not in "".join(stored)


def test_how_much_is_told_is_asked_for(work):
    (work / "share" / "photos").mkdir(parents=True)
    plain = bmr.run("scan", work / "share")
    debug = bmr.run("--log-level", "debug", "scan", work / "share")
    assert "bmr: debug: " in debug.errors and "bmr: debug: " not in plain.errors, debug
    wrong = bmr.run("--log-level", "loud", "scan", work / "share")
    assert wrong.status == bmr.USAGE and "must be error, warning, info or debug" in wrong.errors, wrong
