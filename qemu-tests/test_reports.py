# SPDX-License-Identifier: GPL-3.0-or-later
"""Reports of restores on the host: after success, failure and refusal, as text and JSON."""

import json

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
