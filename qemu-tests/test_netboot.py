# SPDX-License-Identifier: GPL-3.0-or-later
"""Answer files that come over the network, by every way in which a machine can start from one:
found by their names, followed if they are signed, else only by hand. Part of `make soak`."""

import os
import pathlib
import shutil
import subprocess

import pytest

import boot_server
import compare
import machine_room
import qemu
import scenario
import test_https
from bmr import BUILD, REPOSITORY

pytestmark = [
    pytest.mark.needs("root", "image", "qemu-system-x86_64", "ovmf", "openssl"),
    pytest.mark.skipif(not os.environ.get("BOOT_ALL"), reason="BOOT_ALL=1, or make soak")]

START_SECONDS = 400  # some 25 on a quiet machine
MAC = boot_server.MAC.replace(":", "-")
UUID = "12345678-1234-5678-9abc-def012345678"
MACHINE = ["-uuid", UUID, "-smbios", "type=1,serial=SER/77"]
STOCK = {"secure": True, "variables": qemu.FIRMWARE_VARIABLES_STOCK}

# It is understood and says so, and there is no such backup: nothing is ever written
ANSWER = ("format = 1\n[source]\nurl = /no/such/backup\n[target]\ndisk0 = serial:NONE\n"
          "confirm = erase\n")
FOLLOWED = "'/no/such/backup'"
BY_HAND = "Restore as the answer file says"
DOWN = "\x1b[B"
UNSIGNED = r"no signature '/openbmr/network/openbmr\.ini\.sig'"


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "answer.key"
    openssl("genpkey", "-algorithm", "ed25519", "-out", path)
    openssl("pkey", "-in", path, "-pubout", "-out", path.with_suffix(".pub"))
    return path


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    """An authority (ours.pem), and the boot server's certificate and key (boot.pem, boot.key)."""
    folder = tmp_path_factory.mktemp("tls")
    test_https.authority(folder, "ours")
    test_https.server(folder, "boot", f"IP:{boot_server.ADDRESS}")
    return folder


@pytest.fixture(scope="module")
def built(key, tls):
    """The network folder of an image that was made with the key and the authority."""
    folder = scenario.SCENARIOS / f"netboot-{os.getpid()}"
    subprocess.run([BUILD / "bmr-image", "build", "--fast", "--sysroot", BUILD / "sysroot",
                    "--manifest", REPOSITORY / "image-builder/image.manifest", "--output", folder,
                    "--answer-key", key.with_suffix(".pub"), "--ca", tls / "ours.pem"], check=True, capture_output=True)
    yield folder / "pxe"
    shutil.rmtree(folder)


@pytest.fixture
def served(built, work):
    """A copy to put answer files into."""
    return pathlib.Path(shutil.copytree(built, work / "served"))


def put(folder, name, text, key=None):
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    if key:
        openssl("pkeyutl", "-sign", "-rawin", "-inkey", key, "-in", path, "-out", f"{path}.sig")


def start(work, served, how, bootfile, patterns, **machine):
    with boot_server.BootServer(served) as server:
        getattr(server, how)(bootfile)
        rom = bootfile.endswith(".ipxe")
        with qemu.Machine(work / "machine", [], network=False, pxe=PXE.get(how, False),
                          prefix=server.prefix, more=server.card(rom) + MACHINE,
                          **machine) as room:
            for pattern in patterns:
                room.wait_for(pattern, START_SECONDS, unless="UEFI Interactive Shell")
            return room.serial(), server.log()


PXE = {"dhcp_tftp": True, "dhcp6_tftp": "IPv6"}
WAYS = {"http": ("dhcp_http", "openbmr.efi", {}),
        "tftp": ("dhcp_tftp", "openbmr.efi", {}),
        "tftp-ipv6": ("dhcp6_tftp", "openbmr.efi", {}),
        "grub-stock-keys": ("dhcp_tftp", "shimx64.efi", STOCK),
        "ipxe": ("dhcp_tftp", "openbmr.ipxe", {}),
        "ipxe-bios": ("dhcp_tftp", "openbmr.ipxe", {"bios": True})}


@pytest.mark.needs("dnsmasq", "ip", "namespaces")
@pytest.mark.parametrize("way", WAYS)
def test_a_signed_answer_file_is_found_by_the_address_of_the_card_and_followed(
        work, served, key, way):
    how, bootfile, machine = WAYS[way]
    put(served, f"by-mac/{MAC}.ini", ANSWER, key)
    put(served, "openbmr.ini", "not this one")
    start(work, served, how, bootfile, ["restoring automatically", FOLLOWED], **machine)


@pytest.mark.needs("dnsmasq", "ip", "namespaces")
@pytest.mark.parametrize("way", WAYS)
def test_an_answer_file_without_signature_is_followed_by_hand_only(work, served, way):
    how, bootfile, machine = WAYS[way]
    put(served, "openbmr.ini", ANSWER)
    with boot_server.BootServer(served) as server:
        getattr(server, how)(bootfile)
        with qemu.Machine(work / "machine", [], network=False, pxe=PXE.get(how, False),
                          prefix=server.prefix, more=server.card("ipxe" in way) + MACHINE,
                          **machine) as room:
            room.wait_for(UNSIGNED, START_SECONDS, unless=FOLLOWED)
            room.wait_for(BY_HAND, 120)
            room.type(DOWN)
            room.wait_for(BY_HAND, 60)  # in another colour: chosen
            room.type("\r")
            room.wait_for(FOLLOWED, 120)


NOT_YET = (r"the certificate of '10\.9\.0\.1' is not valid yet; this machine's clock says 2001-01-01 \d\d:\d\d UTC: "
           "if that is wrong, set it")


@pytest.mark.needs("dnsmasq", "ip", "namespaces")
@pytest.mark.parametrize("clock, told, never", [([], FOLLOWED, "(?!)"),
                                                (["-rtc", "base=2001-01-01T00:00:00"], NOT_YET, FOLLOWED)],
                         ids=["clock-right", "clock-wrong"])
def test_an_answer_file_by_https_needs_no_signature_but_a_certificate(work, served, tls, clock, told, never):
    """The host says where it is; the image holds the authority, and not the answer's signature."""
    put(work / "web", "openbmr.ini", ANSWER)
    at_the_web_server = f"type=11,value=openbmr.answer=https://{boot_server.ADDRESS}/openbmr.ini"
    with boot_server.BootServer(served) as server:
        server.dhcp_tftp("openbmr.efi")
        server.https(work / "web", tls / "boot.pem", tls / "boot.key")
        with qemu.Machine(work / "machine", [], network=False, pxe=True, prefix=server.prefix,
                          more=[*server.card(), *MACHINE, "-smbios", at_the_web_server, *clock]) as room:
            room.wait_for(told, START_SECONDS, unless=never)


@pytest.mark.needs("dnsmasq", "ip", "namespaces")
def test_a_changed_answer_file_is_refused(work, served, key):
    put(served, f"by-uuid/{UUID}.ini", ANSWER, key)
    changed = served / f"by-uuid/{UUID}.ini"
    changed.write_text(changed.read_text().replace("NONE", "ALL"))
    text, log = start(work, served, "dhcp_http", "openbmr.efi", ["not signed by the key"])
    assert FOLLOWED not in text and "by-mac" not in log


@pytest.mark.needs("dnsmasq", "ip", "namespaces")
def test_the_page_about_the_machine_says_how_its_answer_file_is_called(work, served):
    with boot_server.BootServer(served) as server:
        server.dhcp_http("openbmr.efi")
        with qemu.Machine(work / "machine", [], network=False, prefix=server.prefix,
                          more=server.card() + MACHINE) as room:
            room.wait_for("Answer file: none on the server", START_SECONDS)
            room.type("6")
            for line in ("Secure Boot +(setup|disabled)", "Memory +[0-9]+ MiB",
                         f"UUID +{UUID}", "Serial number +SER_77", f"Network card +{MAC}",
                         "Started from +http://10.9.0.1/openbmr.efi"):
                room.wait_for(line, 30)


# -- the user's story, over the network from end to end ----------------------------------------

@pytest.mark.needs("smbd", "fuse", "ntfs-3g", "mcopy", "sgdisk")
def test_a_machine_restores_itself_over_pxe_and_smb_and_starts_its_disk(
        backup, samba, served, work, key):
    room = machine_room.Room(work, work, backup("uefi"), samba)
    put(served, f"by-mac/{MAC}.ini",
        scenario.answer_file(room.url, f"serial:{machine_room.TARGET_SERIAL}",
                             room.backup.facts["machine"]), key)
    put(served, f"by-mac/{MAC}.cred", pathlib.Path(samba.credentials).read_text())
    # in the order of the firmware: the empty disk, then the network, afterwards the new entry
    net = ["-netdev", f"user,id=net,tftp={served},bootfile=openbmr.efi", "-device",
           "virtio-net-pci,netdev=net,romfile="]
    with qemu.Machine(work / "machine", [room.disk()], network=False, pxe=True,
                      more=net) as machine:
        room.timed("PXE to ready", machine, "openbmr: ready", START_SECONDS)
        room.timed("restore", machine, "done and proved", machine_room.RESTORE_SECONDS)
        room.timed("restart to the disk", machine, "openbmr-marker: ", START_SECONDS)
        machine.wait_for_end(machine_room.FIRMWARE_SECONDS)
        marker = machine_room.marker_of(machine.serial())
    print(", ".join(f"{what} {seconds:.0f} s" for what, seconds in room.times.items()))
    assert marker["result"] == "ok", marker[0]
    assert not compare.differences(room.target, room.backup)
