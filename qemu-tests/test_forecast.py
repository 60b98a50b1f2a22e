# SPDX-License-Identifier: GPL-3.0-or-later
"""Will it boot? Machines with seeded defects, several in one where they do not hide each other:
each is named with the item of the forecast that must see it. Then advice by roles."""

import hashlib
import json
import pathlib
import shutil
import struct
import subprocess
import uuid

import pytest

import bmr
import firmware_variables
import qemu
import scenario
from generator import bcd, compare, ntfs, tools
from generator.disk import BASIC, ESP, NO_LETTER
from generator.hive import REG_DWORD, REG_EXPAND_SZ, REG_SZ, Key, write
from generator.seeded import Seed
from test_layouts import SECTORS, Machine, gpt_disk, mbr_disk

pytestmark = pytest.mark.needs("fuse", "ntfs-3g", "mcopy", "fsck.fat")

UEFI = ((1, 2048, 100 * SECTORS, ESP, "fat32", "EFI system partition", NO_LETTER),
        (2, 212992, 8 * SECTORS, BASIC, "ntfs", "Basic data partition", 0))
BIOS = ((1, 2048, 4 * SECTORS, 0x07, "ntfs", True),
        (2, 10240, 8 * SECTORS, 0x07, "ntfs", False))

CONFIG = "Windows/System32/config"
DRIVERS = "Windows/System32/drivers"
MANAGER = "EFI/Microsoft/Boot/bootmgfw.efi"
FALLBACK = "EFI/Boot/bootx64.efi"
STORE = "EFI/Microsoft/Boot/BCD"
GOOD = scenario.MARKER

GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
SECURITY = "d719b2cb-3d3a-4596-a3bc-dad00e67656f"
X509 = uuid.UUID("a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
SHA256 = uuid.UUID("c1c41626-504c-4092-aca9-41f936934328")


def system_hive(services=(), product="ServerNT", bitlocker=0) -> bytes:
    """`services`: (name, start, error control, image path)."""
    root = Key("ROOT")
    root.key("Select").put("Current", REG_DWORD, 1)
    control = root.key("ControlSet001\\Control")
    control.key("ProductOptions").put("ProductType", REG_SZ, product)
    control.key("BitLockerStatus").put("BootStatus", REG_DWORD, bitlocker)
    place = root.key("ControlSet001\\Services")
    for name, start, error_control, image in services:
        key = place.key(name).put("Start", REG_DWORD, start).put("Type", REG_DWORD, 1)
        key.put("ErrorControl", REG_DWORD, error_control)
        if image:
            key.put("ImagePath", REG_EXPAND_SZ, image)
    return write(root, minor=5, file_name="SYSTEM")


def whole(disk, partition, files) -> None:
    """A machine without a defect."""
    if partition.role == "windows":
        files[f"{CONFIG}/SYSTEM"] = system_hive(
            [("storahci", 0, 3, "System32\\drivers\\storahci.sys"), ("disk", 0, 3, None),
             ("fvevol", 0, 1, "\\SystemRoot\\System32\\drivers\\fvevol.sys"),
             ("absent", 4, 3, None)])
        for name in ("SOFTWARE", "SAM", "SECURITY", "DEFAULT"):
            files[f"{CONFIG}/{name}"] = bcd.empty_hive(name)
        for name in ("storahci", "disk", "fvevol"):
            files[f"{DRIVERS}/{name}.sys"] = b"MZ" + name.encode()
    if partition.role == "esp":
        files[MANAGER] = files[FALLBACK] = GOOD.read_bytes()


def machine(folder, rows=UEFI, change=None) -> Machine:
    seed = Seed(41)
    disk = gpt_disk(seed, "disk", rows) if rows[0][3] == ESP else mbr_disk(seed, "disk", rows)

    def both(disk, partition, files):
        whole(disk, partition, files)
        if change:
            change(disk, partition.role, files)
    return Machine(folder, seed, [disk], change=both)


def forecast(source, *options) -> dict:
    """Item to (colour, fact)."""
    result = bmr.run("plan", "--json", "--from", source.share, "--disk",
                     pathlib.Path(source.share).parent / "new.img", "--volumes", "all", *options)
    assert result.status == bmr.DONE, result
    return items(result.json())


def items(report) -> dict:
    return {i["item"]: (i["colour"], i["fact"]) for i in report["forecast"]}


def expect(found: dict, defects: dict) -> None:
    """`defects`: what it is, to item, colour and a word of the fact. Nothing else may be red."""
    for defect, (item, colour, word) in defects.items():
        assert item in found, f"{defect}: no item '{item}' in {found}"
        assert found[item][0] == colour and word in found[item][1], f"{defect}: {found[item]}"
        print(f"{defect}: {item} {colour}: {found[item][1]}")
    red = {item for item, (colour, _) in found.items() if colour == "red"}
    assert red <= {item for item, _, _ in defects.values()}, found


def put(**named):
    """Files by name; only where they are."""
    def change(_disk, _role, files):
        for name, data in named.items():
            if name in files:
                files[name] = data(files[name]) if callable(data) else data
    return change


def empty_store() -> bytes:
    root = Key("NewStoreRoot")
    root.key("Objects")
    return write(root, minor=3, file_name="BCD")


def dirty(hive: bytes) -> bytes:
    """Not written to its end: another first sequence number, with the checksum of that."""
    hive = bytearray(hive)
    struct.pack_into("<I", hive, 4, struct.unpack_from("<I", hive, 8)[0] + 1)
    check = 0
    for word in struct.unpack_from("<127I", hive):
        check ^= word
    struct.pack_into("<I", hive, 508, check)
    return bytes(hive)


def broken(hive: bytes) -> bytes:
    return hive[:4096] + b"XXXX" + hive[4100:]


def for_machine(program: bytes, number: int) -> bytes:
    program = bytearray(program)
    at = struct.unpack_from("<I", program, 0x3C)[0]
    struct.pack_into("<H", program, at + 4, number)
    return bytes(program)


def of_subsystem(program: bytes, number: int) -> bytes:
    program = bytearray(program)
    at = struct.unpack_from("<I", program, 0x3C)[0]
    struct.pack_into("<H", program, at + 24 + 68, number)
    return bytes(program)


def test_a_whole_machine_is_green(work):
    for rows, name in ((UEFI, "uefi"), (BIOS, "bios")):
        (work / name).mkdir()
        source = machine(work / name, rows)
        found = forecast(source)
        assert {c for c, _ in found.values()} <= {"green", "amber"}, found
        assert [i for i, (c, _) in found.items() if c == "amber"] == (
            ["signature"] if rows is UEFI else []), found
        result = bmr.restore(source.share, work / f"{name}.img", "--json")
        assert result.status == bmr.DONE, result
        assert set(items(result.json())) == set(found)
        text = bmr.verify(source.share, work / f"{name}.img").output
        assert "Will it boot?" in text and "RED" not in text, text


# Change, then what is to be seen by it
SEEDED = {
    "garbage": (put(**{MANAGER: b"MZ garbage", STORE: b"regf garbage",
                       "Windows/System32/winload.efi": b"", FALLBACK: b"no program",
                       f"{CONFIG}/SOFTWARE": broken}), {
        "boot manager is no program": ("boot manager", "red", "cut off"),
        "boot store is no hive": ("boot store", "red", "BCD"),
        "winload is empty": ("loader", "red", "0 bytes"),
        "fallback loader is no program": ("fallback loader", "amber", "MZ"),
        "SOFTWARE has a broken bin": ("hive SOFTWARE", "red", "SOFTWARE")}),
    "cut off": (put(**{MANAGER: lambda data: data[:len(data) // 2],
                       "Windows/System32/ntoskrnl.exe": b"ZM",
                       f"{CONFIG}/SAM": dirty, f"{CONFIG}/SECURITY": lambda data: data[:4096]}), {
        "boot manager cut off": ("boot manager", "red", "cut off"),
        "kernel is no program": ("kernel", "red", "no program"),
        "SAM was not written to its end": ("hive SAM", "amber", "no log"),
        "SECURITY is cut off": ("hive SECURITY", "red", "SECURITY")}),
    "wrong kinds": (put(**{MANAGER: lambda data: of_subsystem(data, 3),
                           STORE: empty_store(),
                           f"{CONFIG}/SYSTEM": system_hive([("stornvme", 0, 3, None),
                                                            ("nofile", 0, 1, None)])}), {
        "boot manager is no UEFI program": ("boot manager", "red", "subsystem 3"),
        "boot store has no entry": ("boot store", "red", "no entry"),
        "critical boot driver absent": ("boot drivers", "red", "stornvme")}),
    "small faults": (put(**{f"{CONFIG}/SYSTEM": dirty(system_hive([("nofile", 0, 1, None)]))}), {
        "SYSTEM dirty without logs": ("hive SYSTEM", "amber", "no log"),
        "boot driver absent, not critical": ("boot drivers", "amber", "nofile")}),
}


@pytest.mark.parametrize("name", SEEDED)
def test_seeded_defects(work, name):
    change, defects = SEEDED[name]
    expect(forecast(machine(work, change=change)), defects)


def test_an_entry_that_leads_elsewhere(work):
    other = gpt_disk(Seed(99), "other", UEFI)
    other.partitions[0].role, other.partitions[1].role = "esp", "windows"

    def change(_disk, role, files):
        if role == "esp":
            files[STORE] = bcd.boot_store(other, bcd.new_ids(Seed(99)))
    found = forecast(machine(work, change=change))
    expect(found, {"boot store leads to another disk": ("boot store", "red", "0xc000000e")})


def test_hibernated_windows_and_services_that_are_gone(work):
    def change(_disk, role, files):
        if role == "windows":
            files["hiberfil.sys"] = b"hibr" + bytes(8000)
            root = Key("ROOT")
            root.key("Select").put("Current", REG_DWORD, 7)
            files[f"{CONFIG}/SYSTEM"] = write(root, minor=5, file_name="SYSTEM")
    expect(forecast(machine(work, change=change)), {
        "Windows hibernates": ("file system", "amber", "hibernated"),
        "SYSTEM has no services": ("boot drivers", "red", "ControlSet007")})


def test_an_esp_that_is_not_restored(work):
    found = forecast(machine(work), "--volumes", "C:")
    expect(found, {
        "no EFI system partition": ("EFI system partition", "red", "nothing starts Windows"),
        "no boot manager": ("boot manager", "red", "no partition to hold it"),
        "no boot store": ("boot store", "red", "no partition")})


def test_a_controller_without_a_driver(work):
    """storahci is in the machine's image and starts at boot, a driver for virtio-scsi is not."""
    source = machine(work)
    found = forecast(source, "--for", "virtio-scsi")
    expect(found, {"no driver for the controller": ("storage driver", "red",
                                                    "INACCESSIBLE_BOOT_DEVICE")})
    assert forecast(source, "--for", "ahci")["storage driver"][0] == "green"


# -- on a disk that was restored and spoiled --------------------------------------------------

def spoil(disk, partition, change) -> None:
    """`change` gets the partition's volume, in a file of its own."""
    volume = disk.with_suffix(".volume")
    offset, length = partition.first_lba * 512, partition.sectors * 512
    compare.extract(disk, offset, length, volume)
    change(volume)
    with open(volume, "rb") as source, open(disk, "r+b") as target:
        target.seek(offset)
        shutil.copyfileobj(source, target, scenario.MIB)
    volume.unlink()


def delete(*names):
    def change(volume):
        with ntfs.mounted(volume) as folder:
            for name in names:
                (pathlib.Path(folder) / name).unlink()
    return change


def audit(source, disk) -> dict:
    result = bmr.verify(source.share, disk, "--volumes", "all", "--json")
    assert result.status == bmr.FAILED, result
    return items(result.json())


def test_seeded_defects_of_a_restored_disk(work):
    source, disk = machine(work), work / "disk.img"
    result = bmr.restore(source.share, disk, "--volumes", "all")
    assert result.status == bmr.DONE, result
    esp, windows = source.disks[0].partitions
    spoil(disk, windows, delete("Windows/System32/winload.efi", "Windows/System32/ntoskrnl.exe",
                                f"{CONFIG}/SOFTWARE"))
    spoil(disk, esp, lambda volume: tools.run(
        ["mdel", "-i", volume, f"::/{MANAGER}", f"::/{STORE}", f"::/{FALLBACK}"]))
    expect(audit(source, disk), {
        "boot manager absent": ("boot manager", "red", "absent"),
        "boot store absent": ("boot store", "red", "absent (0xc000000f)"),
        "fallback loader absent": ("fallback loader", "amber", "absent"),
        "winload absent": ("loader", "red", "absent"),
        "kernel absent": ("kernel", "red", "absent"),
        "SOFTWARE absent": ("hive SOFTWARE", "red", "absent")})
    spoil(disk, esp, clear_fats)
    expect({"EFI system partition": audit(source, disk)["EFI system partition"]}, {
        "FAT damaged": ("EFI system partition", "red", "cannot be read")})


def clear_fats(volume) -> None:
    """The root folder's chain ends in a free cluster."""
    with open(volume, "r+b") as file:
        boot = file.read(512)
        reserved, = struct.unpack_from("<H", boot, 14)
        file.seek(reserved * 512)
        file.write(bytes(2 * 512 * struct.unpack_from("<I", boot, 36)[0]))


# -- BIOS -------------------------------------------------------------------------------------

def test_seeded_defects_of_a_bios_machine(work):
    source, disk = machine(work, BIOS), work / "disk.img"
    assert bmr.restore(source.share, disk, "--volumes", "all").status == bmr.DONE
    system, windows = source.disks[0].partitions
    spoil(disk, system, delete("bootmgr", "Boot/BCD"))
    spoil(disk, windows, delete("Windows/System32/winload.exe"))
    expect(audit(source, disk), {
        "bootmgr absent": ("boot manager", "red", "absent"),
        "BIOS boot store absent": ("boot store", "red", "absent"),
        "winload.exe absent": ("loader", "red", "absent")})
    for defect, offset, data, word in (("HiddenSectors are wrong", 0x1C, b"\x3f\0\0\0", "start 63"),
                                       ("boot sector without signature", 510, b"\0\0", "55 AA")):
        with open(disk, "r+b") as file:
            file.seek(2048 * 512 + offset)
            file.write(data)
        colour, fact = audit(source, disk)["active partition"]
        assert colour == "red" and word in fact, f"{defect}: {fact}"


# -- the firmware -----------------------------------------------------------------------------

def signature_list(kind, entry: bytes) -> bytes:
    return kind.bytes_le + struct.pack("<III", 28 + 16 + len(entry), 0, 16 + len(entry)) + \
        bytes(16) + entry


def firmware(folder, db: bytes, dbx: bytes = b"", secure: int = 1) -> pathlib.Path:
    folder.mkdir(exist_ok=True)
    for name, data in ((f"SecureBoot-{GLOBAL}", bytes([secure])), (f"db-{SECURITY}", db),
                       (f"dbx-{SECURITY}", dbx)):
        (folder / name).write_bytes(b"\x27\0\0\0" + data)
    return folder


@pytest.fixture
def keys(work):
    """Two certificates, DER by name; `sign` signs a program by one of them."""
    if not shutil.which("sbsign") or not shutil.which("openssl"):
        pytest.skip("no sbsign or openssl here")
    for name in ("maker", "stranger"):
        tools.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                   work / f"{name}.key", "-out", work / f"{name}.pem", "-subj", f"/CN={name}"])
        tools.run(["openssl", "x509", "-in", work / f"{name}.pem", "-outform", "DER", "-out",
                   work / f"{name}.der"])
    tools.run(["sbsign", "--key", work / "maker.key", "--cert", work / "maker.pem", "--output",
               work / "signed.efi", GOOD])
    return {name: (work / f"{name}.der").read_bytes() for name in ("maker", "stranger")}


def test_secure_boot(work, keys):
    signed = (work / "signed.efi").read_bytes()
    changed = bytearray(signed)
    changed[0x1100] ^= 1
    maker, stranger = (signature_list(X509, keys[n]) for n in ("maker", "stranger"))
    cases = {
        "accepted": (signed, maker, b"", "green", "signed by 'maker', accepted"),
        "not signed": (GOOD.read_bytes(), maker, b"", "red", "it is not signed"),
        "changed after it was signed": (bytes(changed), maker, b"", "red", "changed after"),
        "signer unknown": (signed, stranger, b"", "red", "does not trust"),
        "signer revoked": (signed, maker, maker, "red", "dbx revokes"),
        "db damaged": (signed, maker[:-1], b"", "red", "'db' is damaged"),
    }
    sources = {}
    for defect, (program, db, dbx, colour, word) in cases.items():
        if program not in sources:
            folder = work / f"set{len(sources)}"
            folder.mkdir()
            sources[program] = machine(folder, change=put(**{MANAGER: program}))
        found = forecast(sources[program], "--efivars", firmware(work / "efivars", db, dbx))
        expect(found, {defect: ("signature", colour, word)})
    found = forecast(sources[bytes(changed)], "--efivars",
                     firmware(work / "efivars", maker, secure=0))
    expect(found, {"changed, without Secure Boot": ("signature", "amber", "may be damaged")})


def test_microsofts_own_signature_and_keys(work):
    """Debian's shim, which Microsoft signed, and the keys that come with OVMF."""
    shim = pathlib.Path("/usr/lib/shim/shimx64.efi.signed")
    if not shim.exists() or not qemu.FIRMWARE_VARIABLES_STOCK.exists():
        pytest.skip("no shim-signed or ovmf here")
    stock = firmware_variables.read_all(qemu.FIRMWARE_VARIABLES_STOCK)
    source = machine(work, change=put(**{MANAGER: shim.read_bytes()}))
    folder = firmware(work / "efivars", stock["db"], stock["dbx"])
    expect(forecast(source, "--efivars", folder), {
        "signed by Microsoft": ("signature", "green", "Microsoft")})
    program = signature_list(SHA256, authenticode_hash(shim, work))
    folder = firmware(work / "efivars", stock["db"], stock["dbx"] + program)
    expect(forecast(source, "--efivars", folder), {
        "this very program revoked": ("signature", "red", "this very program")})


def authenticode_hash(path, work) -> bytes:
    """As another program counts it."""
    try:
        text = subprocess.run(["pesign", "-h", "-i", path], capture_output=True, text=True,
                              check=True).stdout
        return bytes.fromhex(text.split()[-1])
    except FileNotFoundError:
        return _count_hash(path.read_bytes())


def _count_hash(data: bytes) -> bytes:
    """Without checksum, entry of the signatures and the signatures: enough for a program without
    gaps."""
    at = struct.unpack_from("<I", data, 0x3C)[0] + 24
    directory = at + 112 + 4 * 8
    start, _ = struct.unpack_from("<II", data, directory)
    return hashlib.sha256(data[:at + 64] + data[at + 68:directory] +
                          data[directory + 8:start]).digest()


def test_firmware_of_the_other_kind_and_programs_of_another_machine(work):
    for name, rows, change in (("uefi", UEFI, put(**{MANAGER: lambda d: for_machine(d, 0xAA64)})),
                               ("bios", BIOS, None)):
        (work / name).mkdir()
        source = machine(work / name, rows, change)
        if name == "uefi":
            expect(forecast(source, "--efivars", work / "no such folder"), {
                "UEFI backup, BIOS machine": ("firmware", "red", "started by its BIOS"),
                "boot manager for ARM64": ("boot manager", "red", "for ARM64")})
        else:
            expect(forecast(source, "--efivars", firmware(work / "efivars", b"")), {
                "BIOS backup, UEFI machine": ("firmware", "red", "started by UEFI")})


# -- advice -----------------------------------------------------------------------------------

SERVICES = {"NTDS": "domain controller", "CertSvc": "certification authority",
            "vmms": "Hyper-V host", "ClusSvc": "cluster node", "MSSQL$SALES": "SQL Server",
            "MSExchangeIS": "Exchange", "SPTimerV4": "SharePoint", "DHCPServer": "DHCP server",
            "ddpsvc": "deduplication"}


def advice(source) -> list:
    result = bmr.run("plan", "--json", "--from", source.share, "--disk",
                     pathlib.Path(source.share).parent / "new.img", "--volumes", "all")
    return [(a["role"], a["text"]) for a in result.json()["advice"]]


def test_advice_by_the_roles_that_the_machine_had(work):
    every = put(**{f"{CONFIG}/SYSTEM": system_hive(
        [(name, 2, 1, "x.exe") for name in SERVICES], "LanmanNT", 1)})
    (work / "all").mkdir()
    found = advice(machine(work / "all", change=every))
    assert {role for role, _ in found} == {*SERVICES.values(), "BitLocker"}
    texts = " ".join(text for _, text in found)
    for word in ("USN rollback", "SYSVOL", "msDFSR-options"):
        assert word in texts
    (work / "none").mkdir()
    disabled = put(**{f"{CONFIG}/SYSTEM": system_hive([(name, 4, 1, "x.exe")
                                                       for name in SERVICES])})
    assert advice(machine(work / "none", change=disabled)) == []
    text = bmr.run("plan", "--from", work / "all" / "share", "--disk", work / "x.img",
                   "--volumes", "all").output
    assert "After the restore" in text and "Hyper-V host:" in text
