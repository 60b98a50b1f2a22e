# SPDX-License-Identifier: GPL-3.0-or-later
"""What is judged inside the recovery environment, in its shell: nobody can come in, nothing is left
behind, and the walls around processes that parse hold with this kernel."""

import pathlib
import re
import subprocess

import scenario
from bmr import BUILD, REPOSITORY

# Test programs of the host, for a sandbox and for a reader in it; the guest's image has all but this library
JAIL_TESTS = {"jail": BUILD / "release/restore/base/tests/test-sandbox",
              "reader": BUILD / "release/restore/tests/test-reader-process"}
CMOCKA = pathlib.Path("/usr/lib/x86_64-linux-gnu/libcmocka.so.0")

DHCP = ("68", "546", "58", "17")

FIND_STICK = ("mkdir -p /tmp/s; for d in /dev/sd*1; do mount -t vfat -o ro $d /tmp/s 2>/dev/null || continue; "
              "[ ! -e /tmp/s/{name} ] || break; umount /tmp/s; done; cp /tmp/s/* /tmp 2>/dev/null; umount /tmp/s")


def last_line(output: str) -> str:
    return output.splitlines()[-1].strip()


def nothing_is_open(shell, seconds=60) -> None:
    """No listening port, no swap, no core dumps."""
    output = shell.run("netstat -lntuw", 0, seconds)
    sockets = [line.split() for line in output.splitlines() if re.match("(tcp|udp|raw)6? ", line)]
    # the DHCP client's own ports, and protocols (raw): UDP, and ICMPv6 for router advertisements
    strange = [words for words in sockets if words[0].startswith("tcp") or words[3].rsplit(":", 1)[1] not in DHCP]
    assert not strange, output
    assert last_line(shell.run("wc -l </proc/swaps", 0, seconds)) == "1"
    assert last_line(shell.run("ulimit -H -c", 0, seconds)) == "0"


def put_jail_tests(stick) -> None:
    subprocess.run(["make", "-s", *(str(path.relative_to(REPOSITORY)) for path in JAIL_TESTS.values())],
                   cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    for name, path in JAIL_TESTS.items():
        scenario.put_on_stick(stick, name, path.read_bytes())
    scenario.put_on_stick(stick, "libcmocka.so.0", CMOCKA.read_bytes())


def the_jail_holds(shell, host: str, disk: str, seconds=120) -> None:
    """A process in it tries to open disks and files, to write, to run programs, to leave its user; a reader
    tries to reach this host (ADDRESS:PORT), which the rest of the machine can reach, and this disk."""
    shell.run(FIND_STICK.format(name="jail"), 0, seconds)
    for name in JAIL_TESTS:
        output = shell.run(f"cd /tmp && chmod +x {name} && OTHER_HOST={host} OTHER_DISK={disk} LD_LIBRARY_PATH=/tmp "
                           f"./{name} 2>&1; s=$?; cd /; [ $s = 0 ]", 0, seconds)
        assert "PASSED" in output and "SKIPPED" not in output and "FAILED" not in output, output
