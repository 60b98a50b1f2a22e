# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an answer file is looked for, which one counts, and what is said of each: a folder stands
for the machine (`bmr auto --root`). What a restore makes of one is in test_disk_changes.py."""

import base64
import contextlib
import functools
import hashlib
import http.server
import json
import re
import subprocess
import threading

import pytest

import bmr
import smbd
from bmr import DONE, FAILED

pytestmark = [pytest.mark.counts("answer-file scenarios")]

TEXT = "format = 1\n[source]\nurl = /backups\n[target]\ndisk0 = serial:{}\nconfirm = erase\n"
PLACES = (("openbmr", "boot application"), ("openbmr/network", "boot server"),
          ("media/removable/a", "removable medium"), ("media/boot/stick", "boot medium"))
FW_CFG = "sys/firmware/qemu_fw_cfg/by_name/opt/openbmr/openbmr.ini"


class Machine:
    def __init__(self, folder):
        self.folder = folder
        self.put("proc/cmdline", "quiet\n")
        self.put("sys/class/dmi/id/product_serial", "B0JS 12\n")
        self.put("sys/class/dmi/id/product_uuid", "4C4C4544-0042-3010-8053-B4C04F4A3132\n")
        self.put("sys/class/net/eth0/address", "52:54:00:aa:00:01\n")

    def put(self, path, text):
        path = self.folder / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def answer(self, place, number=1, more=""):
        return self.put(f"{place}/openbmr.ini", TEXT.format(number) + more)

    def find(self, *arguments):
        result = bmr.run("auto", "--find", "--root", self.folder, *arguments)
        assert result.status in (DONE, FAILED), result
        return result


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def verdicts(result):
    """Place, SHA-256 and verdict of each file."""
    return re.findall(r"^  (\S.{15}) .*\n    SHA-256 (\w{64})\n    (.*)$", result.output, re.M)


def winner(result):
    return [(place.strip(), digest) for place, digest, verdict in verdicts(result)
            if verdict == "this one counts"]


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def smbios(*strings):
    body = b"".join(s.encode() + b"\0" for s in strings) + b"\0"
    return b"\x01\x04\0\0QEMU\0\0\x0b\x05\x01\0" + bytes([len(strings)]) + body + b"\x7f\x04\x02\0\0\0"


def test_the_first_place_wins_and_all_are_told(machine):
    files = [machine.answer(place, i) for i, (place, _) in enumerate(PLACES)]
    files.insert(0, machine.put("own.ini", TEXT.format("K")))
    machine.put("proc/cmdline", "quiet openbmr.answer=file:/own.ini\n")
    names = ["kernel argument", *(name for _, name in PLACES)]
    for path, name in zip(files, names):
        result = machine.find()
        assert winner(result) == [(name, digest(path))], result
        assert [place.strip() for place, _, _ in verdicts(result)] == names[names.index(name):], result
        path.unlink()
        machine.put("proc/cmdline", "quiet\n")
    result = machine.find()
    assert result.status == FAILED and "no answer file for this machine was found" in result.errors


def test_two_sticks_that_differ_stop_it(machine):
    machine.answer("media/removable/a", 1)
    machine.answer("media/removable/b", 2)
    result = machine.find()
    assert result.status == FAILED, result
    assert "two answer files of the same place (removable medium) differ" in result.errors, result
    machine.answer("media/removable/b", 1)
    assert machine.find().status == DONE
    machine.answer("media/removable/b", 2, "[match]\nmac = 52-54-00-bb-*\n")
    result = machine.find()
    assert result.status == DONE, result
    assert "passed over: [match] mac = '52-54-00-bb-*' is none of this machine's cards" in result.output


def test_a_file_that_is_wrong_stops_it_though_another_place_has_one(machine):
    machine.answer("media/removable/a", 1, "reboot = yes\n")
    machine.answer("media/boot/stick", 2)
    result = machine.find()
    assert result.status == FAILED, result
    assert re.search(r"a/openbmr.ini' line 7 column 1: 'reboot' is not a key of \[target\]; the nearest",
                     result.errors), result


def test_a_stick_that_cannot_be_read_stops_it(machine):
    """A folder in the file's place: what opens and cannot be read."""
    (machine.folder / "media/removable/a/openbmr.ini").mkdir(parents=True)
    machine.answer("media/boot/stick")
    result = machine.find()
    assert result.status == FAILED and "removable medium" in result.errors, result


@pytest.mark.parametrize("text, words", (
    ("file:/none.ini", "'/none.ini': not there"),
    ("ftp://h/x", "must begin with file:, http://, https:// or smb://"),
    ("file:/${host}.ini", "'${host}': this machine has no such name")))
def test_a_kernel_argument_that_leads_nowhere_stops_it(machine, text, words):
    machine.answer("openbmr")
    machine.put("proc/cmdline", f"openbmr.answer={text}\n")
    result = machine.find()
    assert result.status == FAILED and "openbmr.answer=" in result.errors and words in result.errors, result


def test_a_virtual_machine_is_told_by_its_host(machine):
    fw_cfg = machine.put(f"{FW_CFG}/raw", TEXT.format("fw"))
    assert winner(machine.find()) == [("SMBIOS, fw_cfg", digest(fw_cfg))]
    fw_cfg.unlink()
    whole = TEXT.format("smbios").encode()
    machine.put("sys/firmware/dmi/tables/DMI",
                smbios("vendor=x", "openbmr.ini.base64=" + base64.b64encode(whole).decode()))
    assert winner(machine.find()) == [("SMBIOS, fw_cfg", hashlib.sha256(whole).hexdigest())]
    named = machine.put("own.ini", TEXT.format("named"))
    machine.put("sys/firmware/dmi/tables/DMI", smbios("openbmr.answer=file:/own.ini"))
    assert winner(machine.find()) == [("SMBIOS, fw_cfg", digest(named))]
    machine.put("sys/firmware/dmi/tables/DMI", smbios("openbmr.ini.base64=!"))
    assert "not in base64" in machine.find().errors


# -- over a network -------------------------------------------------------------------------

def keys(folder):
    """A key, and what signs a file with it."""
    private, public = folder / "answer.key", folder / "answer.pub"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)

    def sign(path):
        subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", private, "-in", path,
                        "-out", f"{path}.sig"], check=True)
    return public, sign


class Web(contextlib.ExitStack):
    """A folder by HTTP, on a free port, by HTTPS with a context of TLS; remembers what was asked
    for."""

    def __init__(self, folder, tls=None):
        super().__init__()
        self.scheme = "https" if tls else "http"
        self.asked, self.posted = asked, posted = [], []

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_request(self, *_):
                asked.append(self.path)

            def do_POST(self):
                posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Handler, directory=folder))
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.callback(self.server.server_close)
        self.callback(self.server.shutdown)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server.server_port}/"


def check(machine, *arguments):
    """Considers what must be fetched, too; the backup is not there."""
    return bmr.run("auto", "--check", "--root", machine.folder, *arguments)


def test_a_web_server_is_asked_for_this_machines_names(machine, tmp_path):
    web_folder = tmp_path / "web"
    public, sign = keys(tmp_path)
    served = machine.put("web/by-mac/52-54-00-aa-00-01.ini", TEXT.format("web"))
    with Web(web_folder) as web:
        machine.put("proc/cmdline", f"openbmr.answer={web.url}\n")
        result = check(machine)
        assert winner(result) == [("kernel argument", digest(served))], result
        assert web.asked == ["/by-uuid/4c4c4544-0042-3010-8053-b4c04f4a3132.ini",
                             "/by-serial/B0JS_12.ini", "/by-mac/52-54-00-aa-00-01.ini"]
        result = check(machine, "--signed-by", public)
        assert result.status == FAILED and "no signature" in result.errors, result
        sign(served)
        result = check(machine, "--signed-by", public)
        assert winner(result) == [("kernel argument", digest(served))], result
        served.write_text(TEXT.format("changed"))
        result = check(machine, "--signed-by", public)
        assert result.status == FAILED and "not signed by the key" in result.errors, result
        machine.put("proc/cmdline", f"openbmr.answer={web.url}${{serial}}/none.ini\n")
        result = check(machine)
        assert "none.ini': not there (HTTP/1.0 404" in result.errors, result
        found = machine.find()
        assert found.status == DONE and "none.ini: not fetched" in found.output, found


def test_a_login_is_fetched_once_a_server_is_told_how_it_ended_and_the_log_is_kept(machine, tmp_path):
    """Where the backup is, nobody listens, so that the login is all that happens; a second try
    does not ask for it again."""
    machine.put("web/52-54-00-aa-00-01.cred", "username = u\npassword = Sp3rr müll & Co\n")
    port = smbd.free_port()
    with Web(tmp_path / "web") as web:
        path = machine.put("openbmr.ini", TEXT.format("A").replace(
            "url = /backups", f"url = smb://127.0.0.1:{port}/b\ncredentials = url:{web.url}${{mac}}.cred") +
            f"[after]\non_fail = retry:1\nstatus = {web.url}status\nlog = {tmp_path}/${{mac}}.tar.gz\n")
        result = bmr.run("auto", path, "--root", machine.folder)
        assert result.status == FAILED and result.errors.count("Connection refused") == 2, result
        assert "on_fail: try 1 of 1 in 10 s" in result.output, result
        assert web.asked.count("/52-54-00-aa-00-01.cred") == 1
        assert web.posted[-1]["state"] == "failed" and web.posted[-1]["serial"] == "B0JS 12", web.posted
        assert "müll" not in result.output + result.errors + json.dumps(web.posted, ensure_ascii=False)
    log = subprocess.run(["tar", "-xzOf", tmp_path / "52-54-00-aa-00-01.tar.gz"], capture_output=True,
                         check=True).stdout.decode()
    assert "DISK " in log and "müll" not in log, log


@pytest.mark.skipif(smbd.missing() is not None, reason=str(smbd.missing()))
@pytest.mark.parametrize("encryption", ("off", "required"))
def test_a_share_that_is_not_encrypted_needs_a_signature(machine, tmp_path, encryption):
    public, sign = keys(tmp_path)
    share = tmp_path / "share"
    served = machine.put("share/openbmr/default.ini", TEXT.format("share"))
    with smbd.PrivateSamba({"backups": share}, {"server smb encrypt": encryption}) as server:
        machine.put("media/removable/a/openbmr.ini", "format = 1\n[source]\ncredentials = file:openbmr.cred\n"
                    f"url = {server.url('backups')}\n")
        machine.put("media/removable/a/openbmr.cred", open(server.credentials, "rb").read())
        result = check(machine, "--signed-by", public)
        if encryption == "off":
            assert result.status == FAILED and "no signature" in result.errors, result
            sign(served)
            result = check(machine, "--signed-by", public)
        assert winner(result) == [("share", digest(served))], result
        assert "leads to its share" in result.output
        machine.put("proc/cmdline", f"openbmr.answer={server.url('backups')}/openbmr/\n")
        result = check(machine)
        assert winner(result) == [("kernel argument", digest(served))], result
        served.unlink()
        machine.put("proc/cmdline", "quiet\n")
        result = check(machine)
        assert "below openbmr/ there is no answer file for this machine" in result.errors, result


# -- what is written to a share ---------------------------------------------------------------

@pytest.fixture
def writable(tmp_path):
    share = tmp_path / "writable"
    share.mkdir()
    with smbd.PrivateSamba({"w": share, "r": share}, share_options={"w": {"read only": "no"}}) as server:
        yield server, share


def put(server, file, where, *more, credentials=None):
    return bmr.run("put", file, where, "--credentials", credentials or server.credentials, *more)


@pytest.mark.skipif(smbd.missing() is not None, reason=str(smbd.missing()))
def test_a_file_is_kept_on_a_share_with_its_folders(writable, tmp_path):
    server, share = writable
    report = tmp_path / "report.json"
    for text in (b"first", b"second, longer\0and binary"):
        report.write_bytes(text)
        result = put(server, report, server.url("w", "a b/ü/Bericht.json"), "--encrypt", "required")
        assert result.status == DONE, result
        assert (share / "a b/ü/Bericht.json").read_bytes() == text
    assert smbd.PASSWORD not in result.output + result.errors


@pytest.mark.skipif(smbd.missing() is not None, reason=str(smbd.missing()))
def test_what_cannot_be_kept_says_why(writable, tmp_path):
    server, share = writable
    report = tmp_path / "report.json"
    report.write_text("x")
    wrong = server.write_credentials("wrong.cred", smbd.USER, "wrong")
    for where, words, credentials in (
            (server.url("r", "x.json"), "access is denied (NT_STATUS_ACCESS_DENIED): give this user the right to write",
             None),
            (server.url("r", "folder/x.json"), "the folder is not there and could not be made", None),
            (server.url("nosuch", "x.json"), "NT_STATUS_BAD_NETWORK_NAME", None),
            (server.url("w", "x.json"), "NT_STATUS_LOGON_FAILURE", wrong),
            (server.url("w", "a;b.json"), "a name on a share has no ';'", None),
            (f"smb://127.0.0.1:{smbd.free_port()}/w/x.json", "Connection refused", None)):
        result = put(server, report, where, credentials=credentials)
        assert result.status == FAILED and words in result.errors, result
    assert not list(share.iterdir())
    assert bmr.run("put", report, tmp_path / "elsewhere").status == bmr.USAGE


@pytest.mark.skipif(smbd.missing() is not None, reason=str(smbd.missing()))
def test_nothing_is_written_to_a_server_that_does_not_encrypt_where_it_must(tmp_path):
    report = tmp_path / "report.json"
    report.write_text("x")
    share = tmp_path / "share"
    share.mkdir()
    with smbd.PrivateSamba({"w": share}, {"server smb encrypt": "off"},
                           {"w": {"read only": "no"}}) as server:
        result = put(server, report, server.url("w", "x.json"), "--encrypt", "required")
        assert result.status == FAILED and "the server does not encrypt" in result.errors, result
    assert not list(share.iterdir())
