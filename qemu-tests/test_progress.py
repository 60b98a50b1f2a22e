# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress as JSON lines on a descriptor, of a restore over a slow link, as its README describes it."""

import json
import os
import subprocess

import pytest

import bmr
import slow_link
import smbd

pytestmark = pytest.mark.needs("root", "smbd")

KEYS = {"phase", "volume", "step", "bytes_done", "bytes_total", "rate_now", "rate_average", "eta_s",
        "elapsed_ms", "idle_ms", "stalled", "retries", "source_busy", "disk_busy", "limit", "waits_for"}

LIMIT_SECONDS = 60


def run_with_progress(*arguments) -> tuple:
    """Exit status, what was said, and the lines of progress."""
    ends = os.pipe()
    with os.fdopen(ends[0], encoding="utf-8") as lines:
        process = subprocess.Popen([bmr.PROGRAM, *map(str, arguments), "--progress-fd", str(ends[1])],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   text=True, env=bmr.environment(), pass_fds=(ends[1],))
        os.close(ends[1])
        found = [json.loads(line) for line in lines]
        said, _ = process.communicate(timeout=LIMIT_SECONDS)
    return process.returncode, said, found


def test_a_restore_tells_each_phase_and_which_side_is_the_limit(samba, work):
    """5 ms of round trip: the network is the limit, and both people and machines are told so."""
    with slow_link.SlowLink(samba.port, 5) as link:
        status, said, found = run_with_progress(
            "restore", "--from", samba.url("backups", port=link.port), "--credentials", samba.credentials,
            "--disk", work / "disk.img", "--confirm", "erase")
    assert status == bmr.DONE, said
    for line in found:
        assert KEYS <= set(line), line
    phases = [line["phase"] for line in found]
    assert list(dict.fromkeys(phases)) == ["scan", "preflight", "prove", "invalidate", "copy", "verify",
                                           "commit", "done"]
    copy = [line for line in found if line["phase"] == "copy"]
    assert copy[-1]["bytes_done"] >= copy[-1]["bytes_total"] > 0
    assert [line["bytes_done"] for line in copy] == sorted(line["bytes_done"] for line in copy)
    volumes = copy[-1]["volumes"]
    assert copy[-1]["volume_count"] == len(volumes) == volumes[-1]["number"] and "C:" in str(volumes)
    assert sum(volume["bytes_done"] for volume in volumes) == copy[-1]["bytes_done"]
    assert sum(volume["bytes_total"] for volume in volumes) == copy[-1]["bytes_total"]
    assert copy[-1]["source_busy"] > copy[-1]["disk_busy"]
    assert copy[-1]["limit"] in ("source", None)  # more readers than needed have time to spare
    assert any(line["volume"] for line in copy)  # which one, depends on how fast it is
    assert "writing: " in said and "network" in said


def test_a_plan_tells_how_long_the_copy_takes_at_least(samba, work):
    with slow_link.SlowLink(samba.port, 5) as link:
        time = bmr.run("plan", "--json", "--from", samba.url("backups", port=link.port), "--credentials",
                       samba.credentials, "--disk", work / "disk.img").json()["time"]
    assert time["sample_of"] == "C:" and time["why"] is None, time
    assert 1 << 20 <= time["sample_bytes"] <= time["bytes_to_copy"]
    assert time["source_rate"] == pytest.approx(time["sample_bytes"] * 1000 / time["sample_ms"], abs=1)
    assert time["copy_seconds_at_least"] == time["bytes_to_copy"] // time["source_rate"]
