# SPDX-License-Identifier: GPL-3.0-or-later
"""The SMB policy on the wire: what passes between us and a server is captured in between, and the
content of a file is the canary that must not be seen there when encryption is required."""

import socket
import subprocess
import threading
import time

import pytest

import bmr
import smbd

pytestmark = pytest.mark.needs("root", "smbd")

# Stands in every NTFS volume: the bytes that a capture is searched for.
CANARY = b"NTFS    "


class Capture:
    """Stands between client and server and keeps all bytes of both directions."""

    def __init__(self, port):
        self.target = port
        self.bytes = bytearray()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            for ends in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=ends, daemon=True).start()

    def _forward(self, source, target):
        try:
            while data := source.recv(1 << 20):
                self.bytes += data
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def scan(server, port, encrypt):
    return bmr.run("scan", server.url("backups", port=port), "--credentials", server.credentials,
                   "--encrypt", encrypt)


@pytest.mark.needs("fuse", "ntfs-3g", "mcopy")
def test_a_required_encryption_hides_the_content_from_the_wire(backup):
    source = backup("uefi")
    with smbd.PrivateSamba({"backups": source.share}, {"server smb encrypt": "required"}) as server, \
            Capture(server.port) as capture:
        result = scan(server, capture.port, "required")
        assert result.status == bmr.DONE, result
        assert "The connection to the share is encrypted." in result.output
        assert len(capture.bytes) > 1 << 20
        assert CANARY not in capture.bytes
        assert "WindowsImageBackup".encode("utf-16-le") not in capture.bytes


@pytest.mark.needs("fuse", "ntfs-3g", "mcopy")
def test_the_canary_is_seen_where_the_server_does_not_encrypt_and_that_is_said(backup):
    source = backup("uefi")
    with smbd.PrivateSamba({"backups": source.share}, {"server smb encrypt": "off"}) as server, \
            Capture(server.port) as capture:
        result = scan(server, capture.port, "if-offered")
        assert result.status == bmr.DONE, result
        assert "The connection to the share is signed." in result.output
        assert CANARY in capture.bytes


# For the first the library asks nobody, for the second the server refuses; with guests the login
# itself is what fails.
SERVERS = {
    "encryption off": {"server smb encrypt": "off"},
    "without DFS": {"host msdfs": "no"},
    "with DFS, encryption off": {"host msdfs": "yes", "server smb encrypt": "off"},
    "SMB 2": {"server max protocol": "SMB2_10"},
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_does_not_encrypt_is_cut_off_before_a_name_is_told(tmp_path, name):
    with smbd.PrivateSamba({"backups": tmp_path}, SERVERS[name]) as server, \
            Capture(server.port) as capture:
        result = scan(server, capture.port, "required")
        assert result.status == bmr.FAILED, result
        assert "'127.0.0.1': the server does not encrypt: use encrypt = if-offered, or turn " \
               "encryption on for the whole server" in result.errors, result
        assert "backups".encode("utf-16-le") not in capture.bytes


def test_a_server_that_makes_guests_of_strangers_is_not_read(tmp_path):
    options = {"map to guest": "bad password", "server smb encrypt": "required"}
    with smbd.PrivateSamba({"backups": tmp_path}, options, {"backups": {"guest ok": "yes"}}) as server:
        wrong = server.write_credentials("wrong.cred", smbd.USER, "wrong")
        for encrypt in ("required", "if-offered"):
            result = bmr.run("scan", server.url("backups"), "--credentials", wrong, "--encrypt", encrypt)
            assert result.status == bmr.FAILED, result
            assert "login refused for 'backup'" in result.errors, result


def test_the_answer_file_can_require_encryption(tmp_path):
    with smbd.PrivateSamba({"backups": tmp_path}, {"server smb encrypt": "off"}) as server:
        answer = tmp_path / "openbmr.ini"
        answer.write_text(f"format = 1\n[source]\nurl = {server.url('backups')}\n"
                          f"credentials = file:{server.credentials}\nencrypt = required\n"
                          "[target]\ndisk0 = serial:NONE\nconfirm = erase\n")
        result = bmr.run("auto", "--answer", answer)
        assert result.status == bmr.FAILED, result
        assert "the server does not encrypt" in result.errors, result
        answer.write_text(answer.read_text().replace("required", "always"))
        result = bmr.run("auto", "--answer", answer)
        assert "'encrypt' cannot be 'always'; write if-offered or required" in result.errors, result


def test_another_word_for_encrypt_is_a_usage_error(tmp_path):
    result = bmr.run("scan", tmp_path, "--encrypt", "yes")
    assert result.status == bmr.USAGE, result


def relays() -> str:
    """Those that have no parent any more, as the relay has it by design, and still run."""
    return subprocess.run(["pgrep", "-x", "bmr-relay", "--runstates", "RSDT"],
                          capture_output=True, text=True, check=False).stdout


def test_no_relay_is_left_behind(tmp_path):
    with smbd.PrivateSamba({"backups": tmp_path}) as server:
        scan(server, server.port, "if-offered")
    deadline = time.monotonic() + 5
    while relays() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not relays()
