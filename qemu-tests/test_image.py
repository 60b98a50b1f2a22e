# SPDX-License-Identifier: GPL-3.0-or-later
"""The built image, judged by programs that had no part in making it: cpio, zstd, the dynamic
loader, modprobe, objcopy, sgdisk, fsck.fat, mtools."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import time

import pytest

import scenario
import small_root
import smbd
from bmr import BUILD, REPOSITORY

pytestmark = pytest.mark.needs("image", "cpio", "zstd")

FOLDER = scenario.IMAGE.parent
INITRAMFS = FOLDER / "initramfs.zst"
EFI = FOLDER / "openbmr.efi"
SYSROOT = BUILD / "sysroot"
BUILDER = BUILD / "bmr-image"
MANIFEST = REPOSITORY / "image-builder" / "image.manifest"

EFI_FILE_MAX = 40_000_000
PARTITION = 1 << 20


def run(*words, **more) -> str:
    result = subprocess.run([str(word) for word in words], capture_output=True, text=True,
                            **more)
    assert result.returncode == 0, f"{words}: {result.stdout}{result.stderr}"
    return result.stdout


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """The unpacked initramfs."""
    folder = tmp_path_factory.mktemp("initramfs")
    run("sh", "-ec", f"zstd -qdc '{INITRAMFS}' | cpio -id --no-preserve-owner --quiet",
        cwd=folder)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def kernel():
    return next((SYSROOT / "lib/modules").iterdir()).name


def is_elf(path) -> bool:
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def regular_files(folder):
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


# -- the archive ------------------------------------------------------------------------------

def test_zstd_and_cpio_take_the_archive():
    run("zstd", "-qt", INITRAMFS)
    listing = run("sh", "-ec", f"zstd -qdc '{INITRAMFS}' | cpio -itvn --quiet").splitlines()
    assert all(line.split()[2:4] == ["0", "0"] for line in listing)
    names = [line.split(" -> ")[0].split()[-1] for line in listing]
    assert len(set(names)) == len(names)
    # PID 1 and its libraries, what else there is, and the mark that all of it is there
    usual = next(i for i, (a, b) in enumerate(zip(names, names[1:])) if b < a) + 1
    for turn in (names[:usual], names[usual:-1]):
        assert turn == sorted(turn, key=str.encode)
    assert "init" in names[:usual] and names[-1] == "etc/openbmr.end"
    assert {"init", "sbin/modprobe", "bin/sh", "usr/bin/bmr", "dev/console"} <= set(names)


@pytest.mark.needs("root")
def test_the_loader_finds_all_libraries_of_all_programs(root):
    """The loader of the image itself, with the image as its root."""
    checked = 0
    for path in regular_files(root):
        if path.suffix == ".ko" or not is_elf(path) or path.name.startswith("ld-linux"):
            continue
        inside = "/" + str(path.relative_to(root))
        listing = run("chroot", root, "/lib64/ld-linux-x86-64.so.2", "--list", inside)
        assert "not found" not in listing, f"{inside}:\n{listing}"
        checked += 1
    assert checked > 80


@pytest.mark.needs("root")
def test_programs_find_all_functions_that_they_ask_their_libraries_for(root):
    """Those of stubs.list too, which have no others."""
    asked = ["LD_TRACE_LOADED_OBJECTS=1", "LD_WARN=1", "LD_BIND_NOW=1", "/lib64/ld-linux-x86-64.so.2"]
    checked = 0
    for folder in ("", "bin", "sbin", "usr/bin", "usr/sbin"):
        for path in (root / folder).iterdir():
            if path.is_file() and not path.is_symlink() and is_elf(path):
                said = run("chroot", root, "/bin/busybox", "sh", "-c", 'env "$@" 2>&1', "sh", *asked,
                           "/" + str(path.relative_to(root)))
                assert "libc.so.6 => /" in said and "undefined" not in said, said
                checked += 1
    assert checked >= 10


@pytest.mark.needs("root")
def test_what_a_signed_module_needs_is_read_without_the_library_that_tells_who_signed_it(root):
    (root / "tmp/modinfo").symlink_to("/sbin/modprobe")
    module = next(root.glob("lib/modules/*/kernel/drivers/net/ethernet/**/igb.ko"))
    said = run("chroot", root, "/tmp/modinfo", "/" + str(module.relative_to(root)))
    (root / "tmp/modinfo").unlink()
    assert re.search("^depends: .*i2c-algo-bit", said, re.MULTILINE) and "signer" not in said, said


def test_a_library_that_nothing_is_behind_needs_a_list_that_is_right(tmp_path):
    """The list names what the packages have, and says what its functions do."""
    for line, words in (("libcrypto.so.3 zero nobody", "'nobody': is not in"),
                        ("libnone.so.1 zero kmod", "'libnone.so.1': is not in"),
                        ("libcrypto.so.3 one kmod", "'one': must be zero or stop")):
        (tmp_path / "list").write_text(f"# a list\n{line}\n")
        result = subprocess.run([MANIFEST.parent / "make-stubs", tmp_path / "list", SYSROOT, tmp_path],
                                capture_output=True, text=True)
        assert result.returncode and words in result.stderr, result.stderr
        assert not list(tmp_path.glob("lib*"))


def test_links_lead_somewhere(root):
    outside = ("/proc/", "/run/")
    for path in root.rglob("*"):
        if path.is_symlink():
            target = str(path.readlink())
            if not target.startswith(outside):
                place = root / target[1:] if target.startswith("/") else path.parent / target
                assert place.exists(), f"{path.relative_to(root)} -> {target}"


def test_everything_but_our_own_comes_from_the_packages(root):
    own = {"init": BUILD / "stripped/init", "usr/bin/bmr": BUILD / "stripped/bmr"}
    own.update((f"usr/lib/x86_64-linux-gnu/{path.name}", path)
               for path in (BUILD / "stubs").glob("lib*"))
    made_here = {f"etc/{path.name}" for path in (MANIFEST.parent / "root").iterdir()}
    # where a name is a link in a package, the image holds what it leads to
    packaged = {path.read_bytes() for path in regular_files(SYSROOT) if path.suffix != ".ko"}
    for path in regular_files(root):
        name = str(path.relative_to(root))
        if name in own:
            assert path.read_bytes() == own[name].read_bytes()
        elif path.suffix != ".ko" and name not in made_here and "/modules." not in name:
            assert path.read_bytes() in packaged, name


# -- names that are not ASCII ------------------------------------------------------------------

@pytest.mark.needs("root", "smbd", "fuse", "ntfs-3g", "mcopy")
def test_the_image_reads_shares_users_and_files_whose_names_are_not_ascii(root, backup, work):
    """Its own bmr with its own libraries, in its own root."""
    nested = work / "Büro Ωmega/備份 é"
    nested.parent.mkdir(parents=True)
    run("cp", "-al", backup("uefi").share, nested)
    users = work / "users"
    users.write_text(f'{smbd.USER} = "Jörg Ünal"\n', encoding="utf-8")
    with smbd.PrivateSamba({"Sicherung Süd €": work}, {"username map": str(users)}) as private:
        private.write_credentials("jörg.cred", "Jörg Ünal", smbd.PASSWORD)
        root.chmod(0o755)  # the reader is nobody
        shutil.copy(private.folder / "jörg.cred", root / "tmp/cred")
        url = private.url("Sicherung Süd €", "Büro Ωmega", user="Jörg Ünal")
        said = run(*small_root.command_in(root, ["/usr/bin/bmr", "scan", url, "--json",
                                                 "--credentials", "/tmp/cred"]))
    assert backup("uefi").facts["machine"] in said and "備份 é" in json.dumps(
        json.loads(said), ensure_ascii=False)


@pytest.mark.needs("root", "smbd", "vfs_shadow_copy2", "fuse", "ntfs-3g", "mcopy")
def test_the_image_finds_a_backup_in_previous_versions_of_a_share(root, backup, work):
    """With its own smbclient; on the share itself only the folders are left."""
    older = work / ".snapshots" / "@GMT-2026.09.01-12.00.00" / "Büro Ωmega" / "備份 é"
    older.parent.mkdir(parents=True)
    run("cp", "-al", backup("uefi").share, older)
    for folder in [older, *(path for path in older.rglob("*") if path.is_dir())]:
        (work / "Büro Ωmega" / "備份 é" / folder.relative_to(older)).mkdir(parents=True)
    options = {"vfs objects": "shadow_copy2", "shadow:mountpoint": str(work)}
    share = "Sicherung Süd €"
    with smbd.PrivateSamba({share: work}, {}, {share: options}) as private:
        root.chmod(0o755)  # the reader is nobody
        shutil.copy(private.credentials, root / "tmp/cred")
        said = run(*small_root.command_in(root, [
            "/usr/bin/bmr", "scan", private.url(share, "Büro Ωmega"), "--json",
            "--credentials", "/tmp/cred"]))
    machine, = json.loads(said)["machines"]
    version, = machine["versions"]
    assert version["health"] == "whole", version
    assert version["path"].startswith("@GMT-2026.09.01-12.00.00/備份 é/WindowsImageBackup/")


# -- drivers ----------------------------------------------------------------------------------

def test_modules_are_those_of_the_package_with_their_signatures(root):
    modules = list(root.glob("lib/modules/*/kernel/**/*.ko"))
    assert len(modules) > 350
    for path in modules:
        content = path.read_bytes()
        assert content.endswith(b"~Module signature appended~\n"), path
        assert content == (SYSROOT / path.relative_to(root)).read_bytes()


@pytest.mark.needs("modprobe")
def test_modprobe_finds_what_every_module_depends_on(root, kernel):
    shutil.copy(SYSROOT / "lib/modules" / kernel / "modules.builtin",
                root / "lib/modules" / kernel)
    names = [path.stem for path in root.glob("lib/modules/*/kernel/**/*.ko")]
    listing = run("modprobe", "-d", root, "-S", kernel, "-a", "--show-depends",
                  "--ignore-install", *names)
    files = re.findall(r"^insmod (\S+)", listing, re.MULTILINE)
    assert len(set(files)) == len(names)
    assert all(pathlib.Path(file).exists() for file in files)


@pytest.mark.parametrize("alias", [
    "pci:v00008086d000010D3sv00008086sd0000A01Fbc02sc00i00",       # Intel 82574, e1000e
    "pci:v000010ECd00008168sv00001043sd00008554bc02sc00i00",       # Realtek 8168
    "pci:v000014E4d0000165Fsv00001028sd000004F7bc02sc00i00",       # Broadcom NetXtreme, tg3
    "pci:v000015B3d00001017sv000015B3sd00000006bc02sc00i00",       # Mellanox ConnectX-5
    "pci:v0000144Dd0000A808sv0000144Dsd0000A801bc01sc08i02",       # Samsung NVMe
    "pci:v00008086d00009A0Bsv00000000sd00000000bc01sc04i00",       # Intel VMD
    "pci:v00008086d00008D02sv00001028sd00000600bc01sc06i01",       # AHCI
    "pci:v00001000d0000005Dsv00001028sd00001F42bc01sc04i00",       # MegaRAID SAS 3108
    "pci:v00009005d0000028Fsv0000103Csd00001100bc01sc04i00",       # SmartPQI
    "pci:v00001000d000000C9sv00001000sd00003060bc01sc07i00",       # LSI SAS 3008 family
    "pci:v000015ADd000007C0sv000015ADsd000007C0bc01sc00i00",       # VMware PVSCSI
    "pci:v000015ADd000007B0sv000015ADsd000007B0bc02sc00i00",       # VMware vmxnet3
    "vmbus:635161f83edfc546913ff2d2f965ed0e",                      # Hyper-V network
    "vmbus:d96361baa104294db60572e2ffb1dc7f",                      # Hyper-V SCSI
    "virtio:d00000001v00001AF4", "virtio:d00000002v00001AF4", "virtio:d00000008v00001AF4",
    "usb:v0781p5581d0100dc00dsc00dp00ic08isc06ip50in00",           # USB storage
    "usb:v0781p5581d0100dc00dsc00dp00ic08isc06ip62in00",           # the same by UAS
    "usb:v046DpC31Cd6402dc00dsc00dp00ic03isc01ip01in00",           # USB keyboard
    "usb:v0BDAp8153d3000dc00dsc00dp00icFFiscFFip00in00",           # Realtek USB network
    "scsi:t-0x00", "scsi:t-0x05", "fs-vfat", "fs-exfat", "fs-iso9660", "fs-udf", "fs-efivarfs",
    "nls_cp437", "nls_iso8859-1"])
@pytest.mark.needs("modprobe")
def test_there_is_a_driver_for(root, kernel, alias):
    assert run("modprobe", "-d", root, "-S", kernel, "-R", alias).strip()


# -- the EFI file -----------------------------------------------------------------------------

@pytest.mark.needs("objcopy")
def test_the_efi_file_holds_kernel_initramfs_and_command_line_unchanged(tmp_path, kernel):
    assert EFI.stat().st_size <= EFI_FILE_MAX
    expected = {".linux": SYSROOT / "boot" / f"vmlinuz-{kernel}", ".initrd": INITRAMFS,
                ".cmdline": MANIFEST.parent / "cmdline"}
    for section, source in expected.items():
        part = tmp_path / section
        run("objcopy", "-O", "binary", f"--only-section={section}", EFI, part)
        assert part.read_bytes() == source.read_bytes(), section


@pytest.mark.needs("objcopy")
def test_shim_is_told_what_the_boot_application_is_and_no_address_is_made_up(tmp_path):
    part = tmp_path / "sbat"
    run("objcopy", "-O", "binary", "--only-section=.sbat", EFI, part)
    head, own, end = part.read_bytes().rstrip(b"\0").decode("ascii").split("\n")
    assert head == "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md"
    name, generation, vendor, package, version, address = own.split(",")
    assert (name, generation, vendor, package, address, end) == ("openbmr", "1", "openbmr", "openbmr", "none", "")
    assert re.fullmatch(r"\d+\.\d+", version)


# -- the stick --------------------------------------------------------------------------------

@pytest.mark.needs("sgdisk", "fsck.fat", "mcopy")
def test_the_stick_is_sound_and_carries_the_efi_file(tmp_path):
    assert "No problems found" in run("sgdisk", "-v", scenario.IMAGE)
    assert "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7" in run("sgdisk", "-i1", scenario.IMAGE)
    partition = tmp_path / "partition"
    size = scenario.IMAGE.stat().st_size
    with open(scenario.IMAGE, "rb") as image, open(partition, "wb") as file:
        image.seek(PARTITION)
        file.write(image.read(size - 2 * PARTITION))
    checked = run("fsck.fat", "-nv", partition)
    assert "32 bit entries" in checked
    signed = SYSROOT / "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"
    sources = {"BOOT/BOOTX64.EFI": SYSROOT / "usr/lib/shim/shimx64.efi.signed",
               "BOOT/grubx64.efi": signed, "openbmr/openbmr.efi": EFI,
               "openbmr/initramfs.zst": INITRAMFS}
    settings = [run("mtype", "-i", partition, f"::/EFI/{name}/grub.cfg") for name in ("debian", "BOOT")]
    assert settings[0] == settings[1] and "menuentry" in settings[0]
    for name, source in sources.items():
        run("mcopy", "-o", "-i", partition, f"::/EFI/{name}", tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == source.read_bytes(), name
    free = re.search(r"([\d ]+) bytes free", run("mdir", "-i", partition, "::"))[1]
    assert int(free.replace(" ", "")) > 32 << 20


# -- ISO image, network folder, what lies beside them -------------------------------------------

@pytest.mark.needs("xorriso")
def test_the_iso_starts_by_el_torito_and_as_a_disk():
    iso = FOLDER / "openbmr.iso"
    boot = run("xorriso", "-indev", iso, "-report_el_torito", "plain")
    assert re.search(r"El Torito boot img :   1  UEFI", boot)
    listing = run("xorriso", "-indev", iso, "-find", "/EFI", "-type", "f")
    assert "/EFI/openbmr/openbmr.efi" in listing and "/EFI/debian/grub.cfg" in listing
    table = run("sfdisk", "-d", iso)
    assert "C12A7328-F81F-11D2-BA4B-00A0C93EC93B" in table  # an EFI system partition


def test_the_network_folder_has_what_a_server_needs():
    names = {str(path.relative_to(FOLDER / "pxe")) for path in regular_files(FOLDER / "pxe")}
    assert names == {"openbmr.efi", "vmlinuz", "initramfs.zst", "shimx64.efi", "grubx64.efi",
                     "mmx64.efi", "grub/grub.cfg", "openbmr.ipxe", "dnsmasq-dhcp.conf",
                     "dnsmasq-proxydhcp.conf", "dnsmasq-http.conf", "answer.head", "signature.head", "credentials.head",
                     "padding"}
    options = (MANIFEST.parent / "cmdline").read_text().strip()
    assert options in (FOLDER / "pxe/grub/grub.cfg").read_text()
    script = (FOLDER / "pxe/openbmr.ipxe").read_text()
    assert script.startswith("#!ipxe\n") and options in script


@pytest.mark.needs("dnsmasq")
@pytest.mark.parametrize("name", ["dnsmasq-dhcp.conf", "dnsmasq-proxydhcp.conf", "dnsmasq-http.conf"])
def test_dnsmasq_takes_the_examples(name):
    run("dnsmasq", "--test", f"--conf-file={FOLDER / 'pxe' / name}")


def test_sums_and_list_of_packages_lie_beside_the_media():
    sums = sorted(path.name for path in FOLDER.glob("*.sha256"))
    assert sums == [f"{name}.sha256" for name in ("initramfs.zst", "openbmr.efi", "openbmr.img",
                                                  "openbmr.iso")]
    run("sha256sum", "-c", *sums, cwd=FOLDER)
    sbom = json.loads((FOLDER / "openbmr.spdx.json").read_text())
    packages = {package["name"]: package for package in sbom["packages"]}
    assert {"openbmr", "busybox", "shim-signed", "libsmbclient"} <= set(packages)
    # unpacked, and nothing of it used
    assert not {"adduser", "libicu72", "libssl3", "libxml2"} & set(packages)
    assert packages["libtalloc2"]["licenseComments"].startswith("(LGPL-3.0+)")
    complete = (SYSROOT / ".complete").read_text()
    assert all(f"{name}_{package['versionInfo'].replace(':', '%3a')}_" in complete
               for name, package in packages.items() if name != "openbmr")


def test_a_package_that_is_older_than_the_list_says_is_refused(tmp_path):
    """The libraries that read what comes from outside; fetched before, so nothing is loaded."""
    (tmp_path / "list").write_text("libhivex0 1.3.23-1\nlibexpat1 99.0\n")
    result = subprocess.run([MANIFEST.parent / "fetch-packages", tmp_path / "list", BUILD / "packages",
                             tmp_path / "sysroot"], capture_output=True, text=True)
    assert result.returncode == 1 and re.search("'libexpat1': version [0-9].*, must be 99.0 or later",
                                                result.stderr), result.stderr
    assert not (tmp_path / "sysroot").exists()


def build(output, *options, manifest=MANIFEST, programs=BUILD):
    return run(BUILDER, "build", "--fast", "--sysroot", SYSROOT, "--manifest", manifest,
               "--programs", programs, "--output", output, *options)


def test_two_builds_are_the_same_byte_for_byte(tmp_path):
    build(tmp_path / "a")
    time.sleep(1.1)  # a clock that gets in shows in seconds
    build(tmp_path / "b")
    # neither may have more files than the other
    run("diff", "-rq", tmp_path / "a", tmp_path / "b")
    assert {"openbmr.efi", "openbmr.img", "openbmr.iso", "pxe"} <= set(os.listdir(tmp_path / "a"))


@pytest.mark.needs("mcopy")
def test_answer_file_and_credentials_go_to_the_stick(tmp_path):
    (tmp_path / "x.ini").write_text("format = 1\n")
    (tmp_path / "x.cred").write_text("username = a\npassword = b\n")
    run(BUILDER, "stick", "--image", scenario.IMAGE, "--output", tmp_path / "stick.img",
        "--answer", tmp_path / "x.ini", "--credentials", tmp_path / "x.cred")
    drive = f"{tmp_path}/stick.img@@{PARTITION}"
    assert run("mtype", "-i", drive, "::/openbmr.ini") == "format = 1\n"
    assert run("mtype", "-i", drive, "::/openbmr.cred") == "username = a\npassword = b\n"


def test_keys_authorities_and_drivers_go_into_the_initramfs(tmp_path):
    run("openssl", "genpkey", "-algorithm", "ed25519", "-out", tmp_path / "k")
    run("openssl", "pkey", "-in", tmp_path / "k", "-pubout", "-out", tmp_path / "k.pub")
    ca = tmp_path / "ca.pem"
    run("openssl", "req", "-x509", "-key", tmp_path / "k", "-subj", "/CN=x", "-out", ca)
    drivers = tmp_path / "drivers"
    drivers.mkdir()
    for name in ("a.ko", "b.deb", "readme.txt"):
        (drivers / name).write_text(name)
    build(tmp_path / "out", "--answer-key", tmp_path / "k.pub", "--drivers", drivers, "--ca", ca)
    run("sh", "-ec", f"zstd -qdc '{tmp_path}/out/initramfs.zst' | cpio -id --no-preserve-owner "
        "--quiet '*openbmr*'", cwd=tmp_path)
    assert (tmp_path / "etc/openbmr/answer.pub").read_bytes() == (tmp_path / "k.pub").read_bytes()
    assert (tmp_path / "etc/openbmr/ca.pem").read_bytes() == ca.read_bytes()
    assert not (tmp_path / "etc/openbmr/trust-network").exists()
    assert sorted(os.listdir(tmp_path / "openbmr/drivers")) == ["a.ko", "b.deb"]


@pytest.mark.needs("ckbcomp", "loadkeys")
def test_a_keyboard_layout_goes_into_the_initramfs_as_a_map_of_the_console(tmp_path):
    build(tmp_path / "out", "--keyboard", "de")
    keymap = subprocess.run(["sh", "-ec", f"zstd -qdc '{tmp_path}/out/initramfs.zst' | "
                             "cpio -i --quiet --to-stdout etc/openbmr/keymap"],
                            capture_output=True, check=True).stdout
    assert keymap.startswith(b"bkeymap\x01")
    plain = keymap[7 + 256:7 + 256 + 2 * 128]
    assert plain[2 * 21] == ord("z") and plain[2 * 26] == ord("ü")  # on the keys of y and [
    assert not list((tmp_path / "out").glob("*.tmp*"))


def test_a_language_of_the_menu_goes_into_the_initramfs(tmp_path):
    build(tmp_path / "out", "--language", "de")
    language = subprocess.run(["sh", "-ec", f"zstd -qdc '{tmp_path}/out/initramfs.zst' | "
                               "cpio -i --quiet --to-stdout etc/openbmr/language"],
                              capture_output=True, check=True).stdout
    assert language == b"de"


@pytest.mark.parametrize("option, content, words", [
    ("--answer-key", "-----BEGIN PUBLIC KEY-----\n", "must be a public Ed25519 key in PEM form"),
    ("--ca", "-----BEGIN CERTIFICATE-----\n", "must be certificates of authorities in PEM form"),
    ("--ca", "-----BEGIN PRIVATE KEY-----\n", "holds a private key"),
    ("--drivers", None, "holds no driver (.ko or .deb)"),
    ("--keyboard", "no layout\n", "ckbcomp does not know it"),
    ("--language", "tlh\n", "must be en or de")])
def test_extras_that_are_none_are_refused(tmp_path, option, content, words):
    path = tmp_path / "extra"
    if content is None:
        path.mkdir()
    else:
        path.write_text(content)
    result = subprocess.run([BUILDER, "build", "--fast", "--sysroot", SYSROOT, "--manifest", MANIFEST,
                             "--output", tmp_path / "out", option, path],
                            capture_output=True, text=True)
    assert result.returncode == 1 and f"'{path}'" in result.stderr and words in result.stderr


@pytest.mark.parametrize("line, words", [
    ("module no-such-driver", "no module of kernel {kernel} (package linux-image-amd64) matches 'no-such-driver'"),
    ("module drivers/nothing/", "no module of kernel {kernel} (package linux-image-amd64) matches 'drivers/nothing/'"),
    ("firmware acme/x.bin", "firmware 'acme/x.bin' is in neither the folder"),
    ("program /usr/bin/qemu-img", "not in the sysroot '{sysroot}': No such file or directory: package "
     "'qemu-utils' has it; add it to packages.list"),
    ("firmware acme/x.bin", "in the packages firmware-* of non-free-firmware"),
    ("program /bin/no-such", "'/bin/no-such': not in the sysroot"),
    ("library libno.so.1", "needs 'libno.so.1', which is not in the sysroot"),
    ("own no-such /x", "no-such': opening for reading: No such file"),
    ("data /usr/share/nothing", "'/usr/share/nothing': not in the sysroot"),
    ("folder /a 0999", "'0999': must be a number"),
    ("programm /bin/busybox", "'programm' is not a kind of entry")])
def test_what_is_missing_is_named_with_its_line(tmp_path, kernel, line, words):
    manifest = tmp_path / "manifest"
    manifest.write_text(f"folder /proc\n{line}\n")
    (tmp_path / "cmdline").write_text("quiet\n")
    result = subprocess.run([BUILDER, "build", "--fast", "--sysroot", SYSROOT, "--manifest",
                             manifest, "--programs", BUILD, "--output", tmp_path / "out"],
                            capture_output=True, text=True)
    assert result.returncode == 1
    assert words.format(kernel=kernel, sysroot=SYSROOT) in result.stderr
    assert f"'{manifest}', line 2" in result.stderr
    assert not (tmp_path / "out" / "openbmr.img").exists()
