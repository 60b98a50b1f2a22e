# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way in which a machine starts the built media, each to "openbmr: ready" with its time.

`make scenarios` runs the three that say most; BOOT_ALL=1 (part of `make soak`) runs all. A
firmware that is refused something waits for ever: each wait has its limit."""

import os
import pathlib
import shutil
import subprocess
import time

import pytest

import boot_server
import qemu
import scenario
from bmr import BUILD, REPOSITORY

pytestmark = pytest.mark.needs("image", "qemu-system-x86_64", "ovmf")

IMAGE = scenario.IMAGE
ISO = IMAGE.with_name("openbmr.iso")
NETWORK = IMAGE.with_name("pxe")


READY_SECONDS = 300  # some 20 on a quiet machine, and ten times that on a busy one
REFUSED_SECONDS = 120

all_only = pytest.mark.skipif(not os.environ.get("BOOT_ALL"),
                              reason="one of the longer starts: BOOT_ALL=1, or make soak")

STOCK = {"secure": True, "variables": qemu.FIRMWARE_VARIABLES_STOCK}
SNAKEOIL = {"secure": True, "variables": qemu.FIRMWARE_VARIABLES_SNAKEOIL}


def start(folder, disks, expected=(), **machine) -> str:
    """Starts to "ready" and returns the serial line; expected come in this order before."""
    with qemu.Machine(folder, disks, network=False, **machine) as room:
        started = time.monotonic()
        for pattern in expected:
            room.wait_for(pattern, READY_SECONDS)
        room.wait_for("openbmr: ready", READY_SECONDS)
        print(f"ready after {time.monotonic() - started:.1f} s")
        return room.serial()


def stick(folder, **files) -> qemu.Disk:
    """A copy of the image, with files of the given content put to places of it."""
    path = scenario.make_stick(folder / "stick.img", files)
    return qemu.Disk("usb", path, "BOOTSTICK", removable=True)


def iso(folder, bus) -> qemu.Disk:
    if bus.endswith("-cd"):
        return qemu.Disk(bus, ISO)
    return qemu.Disk(bus, shutil.copyfile(ISO, folder / "iso.img"), "BOOTISO", removable=True)


APPLICATION = "bare-metal recovery\n\nAnswer file"
GRUB_MENU = "Booting `2  Restore by hand'"


# -- three that run always --------------------------------------------------------------------

def test_an_iso_as_cd_of_a_server_starts_the_boot_application(work):
    start(work, [iso(work, "ata-cd")], [APPLICATION])


def test_with_stock_keys_a_stick_starts_debians_kernel_with_the_answer_file(work):
    """The answer file travels as second initrd: the automatic restore begins."""
    disk = stick(work, **{"openbmr.ini": scenario.answer_file("smb://u@10.9.9.9/x", "serial:NONE"),
                          "openbmr.cred": "username = u\r\npassword = p\r\n"})
    text = start(work, [disk], ["Booting `1  Restore automatically"], **STOCK)
    assert "restoring automatically in 3 seconds" in text
    assert "bare-metal recovery\n\nAnswer file" not in text


def test_a_machine_with_bios_starts_from_the_stick(work):
    # screen and serial line are one here: GRUB's menu comes twice, letter by letter
    text = start(work, [stick(work)], bios=True)
    assert "BdsDxe" not in text


# -- all others -------------------------------------------------------------------------------

@all_only
def test_a_stick_starts_the_boot_application(work):
    start(work, [stick(work)], [APPLICATION])


@all_only
@pytest.mark.parametrize("bus", ["scsi-cd", "usb-cd", "usb"])
def test_an_iso_starts_from(work, bus):
    start(work, [iso(work, bus)], [APPLICATION])


@all_only
@pytest.mark.parametrize("bus", ["ata-cd", "usb"])
def test_with_stock_keys_an_iso_starts_from(work, bus):
    start(work, [iso(work, bus)], [GRUB_MENU], **STOCK)


# -- what is wrong with the emulation itself, and no test of ours ------------------------------

# Boot sector: writes the text behind it to the serial line, and halts.
SAYS = bytes.fromhex("31c0 8ed8 be157c ac 84c0 7406 baf803 ee ebf5 f4 ebfd")


@all_only
@pytest.mark.parametrize("before, starts", (("", qemu.STARTS), ("openbmr: ready", 1)))
def test_only_a_start_that_the_emulation_spoiled_is_made_again(work, before, starts, capsys):
    disk = work / "panic.img"
    text = f"{before}\r\nKernel panic - not syncing: {qemu.TIMER_PANIC}!\r\n".encode()
    disk.write_bytes((SAYS + text).ljust(510, b"\0") + b"\x55\xaa" + bytes(1 << 20))
    with qemu.Machine(work / "machine", [qemu.Disk("ata", disk, boot=True)], network=False, bios=True) as room:
        with pytest.raises(qemu.MachineError, match="did not come within"):
            room.wait_for("nothing that comes", 20)
        assert room.starts == starts
    assert capsys.readouterr().out.count("found no timer") == starts - 1


# -- what is wrong with a machine or a medium -------------------------------------------------

@all_only
def test_too_little_memory_is_told_with_both_numbers_and_stays(work):
    with qemu.Machine(work, [stick(work)], memory_mib=256, network=False) as room:
        room.wait_for(r"this machine has 2\d\d MiB of memory, the recovery environment needs at "
                      r"least \d+ MiB\s+Next step: give the machine more memory", READY_SECONDS,
                      unless="openbmr: ready")
        time.sleep(5)
        assert room.process.poll() is None and "openbmr: ready" not in room.serial()
        room.type("x")
        room.wait_for("Start the local disk", 30)


@all_only
@pytest.mark.parametrize("machine", [{}, STOCK], ids=["own-menu", "stock-keys"])
def test_without_a_display_the_serial_line_shows_it_all(work, machine):
    text = start(work, [stick(work)], [r"Restore by hand"], display=False, **machine)
    assert "bare-metal recovery" in text


def stays_with(folder, disk, pattern, **machine):
    """Nothing but that text comes: on the screen it stays until somebody has read it."""
    with qemu.Machine(folder, [disk], network=False, **machine) as room:
        room.wait_for(pattern, READY_SECONDS, unless="openbmr: ready")
        time.sleep(5)
        assert room.process.poll() is None and "openbmr: ready" not in room.serial()


@all_only
@pytest.mark.parametrize("machine", [STOCK, {"bios": True}], ids=["stock-keys", "bios"])
def test_too_little_memory_is_told_behind_grub_too(work, machine):
    stays_with(work, stick(work), r"cannot start: this machine has 2\d\d MiB of memory, the recovery"
               r"\s+environment needs at least \d+ MiB\s+Next step: give the machine more memory",
               memory_mib=256, **machine)


@all_only
@pytest.mark.parametrize("machine", [STOCK, {"bios": True}], ids=["stock-keys", "bios"])
def test_an_initramfs_that_is_cut_off_is_told_behind_grub(work, machine):
    disk = stick(work)
    initramfs = take(disk, "EFI/openbmr/initramfs.zst", work / "initramfs.zst")
    initramfs.write_bytes(initramfs.read_bytes()[:20 << 20])
    put(disk, (initramfs, "EFI/openbmr/initramfs.zst"))
    stays_with(work, disk, r"cannot start: the file 'initramfs.zst' is cut off or damaged.*\s+"
               "Next step: write the boot medium again", **machine)


@all_only
def test_a_boot_file_that_is_cut_off_leads_to_grubs_menu_and_on(work):
    disk = stick(work)
    efi = take(disk, "EFI/openbmr/openbmr.efi", work / "openbmr.efi")
    efi.write_bytes(efi.read_bytes()[:1 << 20])
    put(disk, (efi, "EFI/openbmr/openbmr.efi"))
    text = start(work, [disk], [GRUB_MENU])
    assert "bare-metal recovery\n\nAnswer file" not in text


@all_only
def test_an_option_names_the_answer_file_and_those_of_others_do_not_count(work):
    """Started by the firmware's shell, which puts the whole command line there."""
    disk = stick(work, **{"openbmr.ini": "not this one", "lab.ini": "format = 1\n", "startup.nsh":
                          "fs0:\r\n\\EFI\\openbmr\\openbmr.efi quiet initrd=x "
                          "openbmr.answer=/lab.ini\r\n"})
    run("mdel", "-i", f"{disk.path}@@{1 << 20}", "::/EFI/BOOT/BOOTX64.EFI")
    with qemu.Machine(work, [disk], network=False) as room:
        room.wait_for(r"Answer file: \\lab\.ini, 11 bytes", READY_SECONDS)


# -- network ----------------------------------------------------------------------------------

def network(folder, bootfile, rom=False, **machine):
    """QEMU's own DHCP and TFTP server. Without a ROM the firmware's PXE starts the machine,
    with it iPXE."""
    server = f"user,id=net,tftp={NETWORK},bootfile={bootfile}"
    card = "virtio-net-pci,netdev=net,bootindex=1" + ("" if rom else ",romfile=")
    return start(folder, [], pxe=not rom, more=["-netdev", server, "-device", card], **machine)


@all_only
@pytest.mark.parametrize("bootfile", ["openbmr.efi", "shimx64.efi"])
def test_pxe_of_the_firmware_starts(work, bootfile):
    assert APPLICATION in network(work, bootfile)


@all_only
def test_pxe_starts_with_stock_keys(work):
    assert GRUB_MENU in network(work, "shimx64.efi", **STOCK)


@all_only
@pytest.mark.needs("root", "dnsmasq", "ip", "namespaces")
def test_pxe_over_ipv6_starts_the_boot_application(work):
    served = pathlib.Path(shutil.copytree(NETWORK, work / "served"))
    with boot_server.BootServer(served) as server:
        server.dhcp6_tftp("openbmr.efi")
        text = start(work / "machine", [], [APPLICATION], pxe="IPv6", prefix=server.prefix,
                     more=server.card())
        assert "PXEv6" in text and "openbmr.efi" in server.log()


@all_only
@pytest.mark.needs("root", "dnsmasq", "ip", "namespaces")
@pytest.mark.parametrize("machine", [{}, STOCK], ids=["own-menu", "stock-keys"])
def test_http_boot_starts_the_iso_from_memory(work, machine):
    """Debian's signed GRUB has no HTTP; the firmware takes the whole disk, and then it is a CD."""
    served = work / "served"
    served.mkdir()
    shutil.copyfile(ISO, served / "openbmr.iso")
    with boot_server.BootServer(served) as server:
        server.dhcp_http("openbmr.iso")
        text = start(work / "machine", [], [GRUB_MENU if machine else APPLICATION],
                     prefix=server.prefix, more=server.card(), **machine)
    assert "UEFI HTTPv4" in text


@all_only
@pytest.mark.parametrize("bios", [False, True], ids=["uefi", "bios"])
def test_ipxe_starts_by_its_script(work, bios):
    text = network(work, "openbmr.ipxe", rom=True, bios=bios)
    assert bios or APPLICATION in text


# -- own keys and what is refused -------------------------------------------------------------

KEY = pathlib.Path("/usr/share/ovmf/PkKek-1-snakeoil.key")
CERTIFICATE = KEY.with_suffix(".pem")


def run(*words):
    subprocess.run([str(word) for word in words], check=True, capture_output=True)


def put(disk, *files):
    """Files of this host in place of those of the stick."""
    for source, name in files:
        run("mcopy", "-o", "-i", f"{disk.path}@@{1 << 20}", source, f"::/{name}")


def take(disk, name, target):
    run("mcopy", "-o", "-i", f"{disk.path}@@{1 << 20}", f"::/{name}", target)
    return target


@pytest.fixture
def own_key(work):
    """Signs a file with the key of the snakeoil variables."""
    key = work / "key.pem"
    run("openssl", "rsa", "-in", KEY, "-passin", "pass:snakeoil", "-out", key)

    def sign(path):
        run("sbsign", "--key", key, "--cert", CERTIFICATE, "--output", path, path)
        return path

    sign.key = key
    return sign


def own_key_stick(work, own_key) -> qemu.Disk:
    """As --key makes it. These variables hold no key of Microsoft's, so shim is signed with
    the own one as well; a machine with both keys needs no such thing."""
    built = work / "built"
    run(BUILD / "bmr-image", "build", "--fast", "--sysroot", BUILD / "sysroot", "--manifest",
        REPOSITORY / "image-builder/image.manifest", "--output", built, "--key", own_key.key,
        "--cert", CERTIFICATE)
    disk = qemu.Disk("usb", built / "openbmr.img", "BOOTSTICK", removable=True)
    shim = take(disk, "EFI/BOOT/BOOTX64.EFI", work / "shim")
    put(disk, (own_key(shim), "EFI/BOOT/BOOTX64.EFI"))
    return disk


def spoil(path, wanted: bytes) -> pathlib.Path:
    """Changes one byte behind the first place where these are."""
    content = bytearray(path.read_bytes())
    content[content.index(wanted) + len(wanted)] ^= 1
    path.write_bytes(content)
    return path


def refused(folder, disk, words, **machine):
    with qemu.Machine(folder, [disk], network=False, **machine) as room:
        room.wait_for(words, REFUSED_SECONDS, unless="openbmr: ready")
        time.sleep(10)
        assert "openbmr: ready" not in room.serial()


@all_only
@pytest.mark.needs("sbsign", "openssl")
def test_with_an_own_key_the_signed_file_starts_by_itself(work, own_key):
    """Its page about the machine tells who vouched for it."""
    with qemu.Machine(work, [own_key_stick(work, own_key)], network=False, **SNAKEOIL) as room:
        started = time.monotonic()
        for pattern in (APPLICATION, "Secure Boot: enabled", "Restore by hand"):
            room.wait_for(pattern, READY_SECONDS)
        room.type("6")
        for line in ("Secure Boot +enabled", "shim +loaded", r"SBAT level +20\d{8}"):
            room.wait_for(line, REFUSED_SECONDS)
        room.type("x")
        room.wait_for("Restore by hand", REFUSED_SECONDS)
        room.type("2")
        room.wait_for("openbmr: ready", READY_SECONDS)
        print(f"ready, with that page, after {time.monotonic() - started:.1f} s")


@all_only
@pytest.mark.needs("sbsign", "openssl")
def test_with_an_own_key_a_changed_initramfs_does_not_start_in_the_signed_file(work, own_key):
    disk = own_key_stick(work, own_key)
    efi = take(disk, "EFI/openbmr/openbmr.efi", work / "openbmr.efi")
    put(disk, (spoil(efi, b"\x28\xb5\x2f\xfd"), "EFI/openbmr/openbmr.efi"))
    with qemu.Machine(work, [disk], network=False, **SNAKEOIL) as room:
        room.wait_for("Restore by hand", READY_SECONDS)
        assert "bare-metal recovery" not in room.serial()


@all_only
def test_with_stock_keys_a_changed_kernel_is_refused(work):
    disk = stick(work)
    kernel = take(disk, "EFI/openbmr/vmlinuz", work / "vmlinuz")
    put(disk, (spoil(kernel, b"HdrS"), "EFI/openbmr/vmlinuz"))
    refused(work, disk, "bad shim signature", **STOCK)


@all_only
def test_with_stock_keys_a_changed_loader_is_refused(work):
    disk = stick(work)
    grub = take(disk, "EFI/BOOT/grubx64.efi", work / "grub")
    put(disk, (spoil(grub, b"Welcome to GRUB"), "EFI/BOOT/grubx64.efi"))
    refused(work, disk, "(?i)verification failed|security violation|access denied", **STOCK)
