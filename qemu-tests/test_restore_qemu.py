# SPDX-License-Identifier: GPL-3.0-or-later
"""The user's story in QEMU and OVMF: boot stick, answer file, share, blank disk; the machine
restarts by itself and the firmware starts the restored disk."""

import os
import re
import shutil
import time

import pytest

import compare
import guest
import firmware_variables
import machine_room
import qemu
import scenario
import smbd
from machine_room import DATA_SERIAL, MEMORY_MIB, STICK_SERIAL, Room, Shell

pytestmark = pytest.mark.needs("root", "fuse", "qemu-system-x86_64", "ovmf", "smbd", "image",
                               "ntfs-3g", "sgdisk", "mcopy", "fsck.fat")

LOGS = scenario.SCENARIOS / "logs"


@pytest.fixture
def bench(backup, work, samba):
    def make(**more):
        return Room(work, LOGS, backup("uefi"), samba, **more)
    return make


def check_marker(marker, facts) -> None:
    esp = next(p for p in facts["partitions"] if p["role"] == "esp")
    assert marker["result"] == "ok", marker[0]
    assert marker["disk"] == facts["disk_guid"] and marker["esp"] == esp["guid"]
    assert int(marker["bcd"]) > 0


def test_stick_and_answer_file_bring_a_machine_back_that_boots(bench):
    """One start of one virtual machine from the stick to the restored system, then a second
    one without stick and with the firmware's memory wiped."""
    room = bench(more="report = stick:reports/last.json\nstatus = http://127.0.0.1:9/\n")
    facts = room.backup.facts
    marker, serial, resets = room.restore()

    check_marker(marker, facts)
    assert marker["entry"] == "Windows Boot Manager"
    assert marker["path"].lower().endswith("\\efi\\microsoft\\boot\\bootmgfw.efi")
    assert resets[-2:] == ["guest-reset", "guest-shutdown"], resets
    plan = machine_room.plan_of(serial)
    for word in (facts["disk_guid"], facts["machine"], machine_room.TARGET_SERIAL):
        assert word in plan
    for word in ("reading back", "all equal", "firmware entry Boot", "Windows Boot Manager"):
        assert word in serial, f"'{word}' is not in the serial log"
    assert smbd.PASSWORD not in serial
    # before the restore the network's entry was the first
    order = firmware_variables.boot_order(room.variables)
    assert order[0] == "Windows Boot Manager", order
    assert order[1] == machine_room.NETWORK_ENTRY and order.count(order[0]) == 1, order
    assert "BootNext" not in room.variables, "it was to count once"

    # the answer file is used up, and the report lies on the stick
    names = scenario.names_on_stick(room.stick)
    assert any(name.startswith("openbmr.done-") for name in names), names
    assert "openbmr.ini" not in names and "reports/last.json" in names, names
    assert compare.differences(room.target, room.backup) == []
    assert scenario.fingerprint(room.data) == room.data_before
    assert qemu.logged_writes(room.data_log) == []

    marker = room.start_disk_alone()
    check_marker(marker, facts)
    assert marker["path"].lower().endswith("\\efi\\boot\\bootx64.efi")
    print({what: round(seconds, 1) for what, seconds in room.times.items()})


@pytest.mark.skipif(not os.environ.get("BOOT_ALL"), reason="BOOT_ALL=1, or make soak")
def test_a_virtual_machine_is_told_by_its_host_where_its_answer_file_is(backup, work):
    """The stick holds the login alone; a string of SMBIOS names a folder of the share, which has a
    file for this machine's network card. What the host hands over itself is for another machine.
    The share is encrypted, so that nothing need be signed."""
    source = backup("uefi")
    with smbd.PrivateSamba({"backups": source.share}, {"server smb encrypt": "required"}) as server:
        told_by_its_host(Room(work, LOGS, source, server, patience=3))


def told_by_its_host(room) -> None:
    own = scenario.answer_file(room.url, f"serial:{machine_room.TARGET_SERIAL}", room.backup.facts["machine"])
    scenario.remove_from_stick(room.stick, "openbmr.ini")
    other = room.folder / "other.ini"
    other.write_text(own + "[match]\nserial = nobody\n")
    answers = room.backup.share / "openbmr/by-mac"
    answers.mkdir(parents=True)
    try:
        (answers / "52-54-00-12-34-56.ini").write_text(own)
        marker, serial, _ = room.restore(more=(
            "-smbios", f"type=11,value=openbmr.answer={room.url}/openbmr/",
            "-fw_cfg", f"name=opt/openbmr/openbmr.ini,file={other}"))
    finally:
        shutil.rmtree(answers.parent)
    check_marker(marker, room.backup.facts)
    for words in ("looking for an answer file", "fw_cfg opt/openbmr/openbmr.ini",
                  "passed over: [match] serial = 'nobody'", "by-mac/52-54-00-12-34-56.ini"):
        assert words in serial, f"'{words}' is not in the serial log"
    assert compare.differences(room.target, room.backup) == []


def restore_by_menu(machine, room) -> None:
    """By reading the screen, on the serial line."""
    before = len(machine.serial())  # in the shell the password was typed to be seen
    for words, answer in (
            ("Restore a backup", ""),
            ("Where is the backup", f"{room.url}\t{smbd.USER}\t{smbd.PASSWORD}"),
            ("SRV01 +2026-08-31", ""),
            ("What should be restored", ""),
            (machine_room.TARGET_SERIAL, ""),
            ("The plan", ""),
            ("Last four", machine_room.TARGET_SERIAL[-4:])):
        machine.wait_on_screen(words, machine_room.NETWORK_SECONDS)
        machine.type(f"{answer}\n")
    machine.wait_on_screen("all equal", machine_room.RESTORE_SECONDS)
    assert smbd.PASSWORD not in machine.serial()[before:]


def test_what_cannot_be_done_is_said_and_then_it_is_done_by_hand(bench):
    """A wrong clock, which is set by the server's; a wrong password; then, in the same start, a VLAN, disks
    that must never be a target, and the whole restore by the menu."""
    room = bench(password="not this one")
    before = scenario.fingerprint(room.target)
    guest.put_jail_tests(room.stick)
    with room.machine("refusals", more=("-rtc", "base=2001-01-01T00:00:00")) as machine:
        machine.wait_for("openbmr: ready", machine_room.READY_SECONDS)
        machine.wait_for(r"clock +2001-01-01 00:\d\d:\d\d UTC here, .* later: set to that; the hardware clock is left",
                         machine_room.NETWORK_SECONDS)
        machine.wait_for(f"login refused for '{smbd.USER}'", machine_room.NETWORK_SECONDS)
        machine.wait_for("bmr auto: failed", 30)
        machine.wait_for("F3 shell", 30)
        machine.type(machine_room.F3)
        shell = Shell(machine)
        guest.nothing_is_open(shell)
        guest.the_jail_holds(shell, f"{machine_room.HOST}:{room.server.port}", "/dev/sda")
        shell.run("set -o pipefail; printf 'username = %s\\npassword = %s\\n' "
                  f"'{smbd.USER}' '{smbd.PASSWORD}' > /tmp/good.cred")
        assert abs(int(re.search(r"now=(\d+)", shell.run("date +now=%s"))[1]) - time.time()) < 600
        # a network of its own on the same cable, and back
        assert "eth0.7 " in shell.run("bmr net set eth0 --vlan 7 --address 10.9.0.2/24")
        assert "VID: 7" in shell.run("cat /proc/net/vlan/eth0.7")
        assert " 10.0.2." in shell.run("ip link del eth0.7; bmr net set eth0 --address dhcp", 0, 120)
        plan = f"bmr plan --from {room.url} --credentials /tmp/good.cred --disk"
        for disk, status, words in (
                (f"serial:{STICK_SERIAL}", 4, "cannot be the target"),
                (f"serial:{DATA_SERIAL}", 4, "too small"),
                ("serial:NOSUCH", 1, machine_room.TARGET_SERIAL),
                ("size:1M..100T", 1, "size:1M..100T"),
                ("/dev/nvme0n1", 1, f"serial:{machine_room.TARGET_SERIAL}"),
                (f"serial:{machine_room.TARGET_SERIAL}", 0, "Plan sha256:")):
            output = shell.run(f"{plan} {disk}", status)
            assert words in output, f"{disk}: no '{words}' in:\n{output}"
        assert scenario.fingerprint(room.target) == before
        machine.type("exit\n")
        restore_by_menu(machine, room)
        machine.command("quit")
        machine.wait_for_end(30)
    assert compare.differences(room.target, room.backup) == []
    assert scenario.fingerprint(room.data) == room.data_before
    assert qemu.logged_writes(room.data_log) == []


@pytest.mark.parametrize("there,missing", (((), "vmlinuz"), (("vmlinuz",), "initramfs.zst")))
def test_a_stick_without_kernel_or_initramfs_says_what_is_missing(work, there, missing):
    """The boot application alone, as somebody copies it by hand: the error stays until a key is
    pressed, then the menu comes back."""
    stick = scenario.make_stick(work / "stick.img", {})
    scenario.put_on_stick(stick, "EFI/BOOT/BOOTX64.EFI", scenario.BOOT_APPLICATION.read_bytes())
    for name in there:
        scenario.put_on_stick(stick, f"EFI/BOOT/{name}", b"MZ no kernel")
    disk = qemu.Disk("usb", stick, STICK_SERIAL, removable=True)
    with qemu.Machine(LOGS / f"no-{missing}", [disk], MEMORY_MIB, network=False) as machine:
        machine.wait_for("Restore by hand", machine_room.FIRMWARE_SECONDS)
        machine.type("2")
        machine.wait_for(missing, 30)
        machine.wait_for("copy vmlinuz, initramfs.zst and cmdline", 10)
        machine.wait_for("(?i)key", 10)
        machine.type(" ")
        machine.wait_for("Restore by hand", 10)
