# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares: what is found through a real server, what each stage says when it fails, and what the
reader process may do. Server, listeners and proxies are on loopback addresses."""

import os
import pathlib
import select
import shutil
import socket
import subprocess
import threading
import time

import pytest

import bmr
import compare
import small_root
import smbd

pytestmark = pytest.mark.needs("root", "smbd")


def scan(url, credentials, *more):
    options = ("--credentials", credentials) if credentials else ()
    return bmr.run("scan", url, *options, *more)


def expect_error(result, *parts):
    assert result.status == bmr.FAILED, result
    for part in parts:
        assert part in result.errors, result
    assert result.errors.count("\n") == 1, result


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """A folder without backups, with names of several scripts."""
    folder = tmp_path_factory.mktemp("share")
    (folder / "empty").mkdir()
    (folder / "file").write_text("no folder")
    return folder


@pytest.fixture(scope="module")
def server(places):
    shares = {"backups": places, "Privat": places}
    with smbd.PrivateSamba(shares, share_options={"Privat": {"valid users": "root"}}) as private:
        yield private


# -- finding ----------------------------------------------------------------------------------

@pytest.mark.needs("fuse", "ntfs-3g", "mcopy")
def test_names_of_all_scripts_lead_to_the_backup(backup, work):
    source = backup("uefi")
    nested = work / "Büro & Co/100 % Ångström/備份 #1"
    nested.parent.mkdir(parents=True)
    subprocess.run(["cp", "-al", str(source.share), str(nested)], check=True)
    with smbd.PrivateSamba({"Sicherung Süd": work}) as private:
        for path in ("", "Büro & Co/100 % Ångström/備份 #1"):
            result = scan(private.url("Sicherung Süd", path), private.credentials, "--json")
            assert result.status == bmr.DONE, result
            machine, = result.json()["machines"]
            assert machine["name"] == source.facts["machine"]


def test_a_folder_without_backup_says_where_to_look(server):
    result = scan(server.url("backups", "empty"), server.credentials)
    expect_error(result, f"'smb://backup@127.0.0.1:{server.port}/backups/empty': no backup",
                 "choose the folder that holds WindowsImageBackup")


# -- each stage -------------------------------------------------------------------------------

def test_an_unknown_host_is_told_from_everything_else(server):
    result = scan(server.url("backups", host="nas.invalid"), server.credentials)
    expect_error(result, "'nas.invalid': ", "use ", "address instead")


def test_a_closed_port_is_told_with_its_address(server):
    port = smbd.free_port()
    result = scan(server.url("backups", port=port), server.credentials)
    expect_error(result, f"'127.0.0.1': no connection to port {port} at 127.0.0.1 "
                         "(Connection refused): the host is there, but shares no files at this port")


def test_a_wrong_password_is_a_refused_login(server):
    wrong = server.write_credentials("wrong.cred", smbd.USER, "nonsense-canary", domain="CORP")
    result = scan(server.url("backups"), wrong)
    expect_error(result, "'127.0.0.1': login refused for 'CORP\\backup': name or password is wrong "
                         "(NT_STATUS_LOGON_FAILURE): check name, domain, password")
    assert "canary" not in str(result)


def test_a_wrong_password_counts_once_towards_a_lock_out(places):
    with smbd.PrivateSamba({"backups": places}, {"log level": "1 auth_audit:3"}) as private:
        wrong = private.write_credentials("wrong.cred", smbd.USER, "wrong")
        scan(private.url("backups"), wrong)
        assert private.log().count("Auth: ") == 1


def test_a_locked_account_is_told_from_a_wrong_password(places):
    with smbd.PrivateSamba({"backups": places}) as private:
        private.lock_account()
        result = scan(private.url("backups"), private.credentials)
    expect_error(result, "'127.0.0.1': login refused for 'backup': the account is locked after "
                         "wrong passwords (NT_STATUS_ACCOUNT_LOCKED_OUT): wait for")


def test_an_unknown_user_is_not_let_in_as_guest(places):
    options = {"map to guest": "bad user"}
    with smbd.PrivateSamba({"backups": places}, options, {"backups": {"guest ok": "yes"}}) as private:
        stranger = private.write_credentials("stranger.cred", "stranger", "x")
        result = scan(private.url("backups", user="stranger"), stranger)
    expect_error(result, "'127.0.0.1': login refused for 'stranger': the server lets it in as a guest")


def test_an_unknown_share_is_told_with_those_that_there_are(server):
    result = scan(server.url("backup"), server.credentials)
    expect_error(result, "'127.0.0.1': no share 'backup', there are 'backups', 'Privat'")


def test_a_share_that_refuses_the_user_is_not_a_wrong_password(server):
    result = scan(server.url("Privat"), server.credentials)
    expect_error(result, "'127.0.0.1': login as 'backup' is good, but share 'Privat' refuses it: "
                         "give this user the right to read there")


def test_an_unknown_path_is_told_apart_from_the_share(server):
    result = scan(server.url("backups", "2026/none"), server.credentials)
    expect_error(result, "'127.0.0.1': share 'backups' has no folder '2026/none'")
    result = scan(server.url("backups", "file"), server.credentials)
    expect_error(result, "'127.0.0.1': share 'backups' has no folder 'file'")


def test_a_server_of_the_old_protocol_is_refused(places):
    options = {"server max protocol": "NT1", "server min protocol": "NT1"}
    with smbd.PrivateSamba({"backups": places}, options) as private:
        result = scan(private.url("backups"), private.credentials)
    expect_error(result, "it must speak SMB 2 or later")


def test_a_server_that_demands_encryption_is_read(places):
    with smbd.PrivateSamba({"backups": places}, {"server smb encrypt": "required"}) as private:
        expect_error(scan(private.url("backups"), private.credentials), "no backup")


def test_an_address_of_ipv6_is_an_address(places):
    if not socket.has_ipv6 or not os.path.exists("/proc/net/if_inet6"):
        pytest.skip("no IPv6 here")
    with smbd.PrivateSamba({"backups": places}, {"interfaces": "127.0.0.1/8 ::1"}) as private:
        result = scan(private.url("backups", host="[::1]"), private.credentials)
    expect_error(result, f"'smb://backup@[::1]:{private.port}/backups': no backup")


def test_a_share_that_leads_to_another_host_is_refused(places):
    with smbd.PrivateSamba({"real": places}, addresses=("127.0.0.2",)) as other, \
            smbd.PrivateSamba({"link": places}, {"host msdfs": "yes"}, port=other.port,
                              share_options={"link": {"msdfs root": "yes",
                                                      "msdfs proxy": "\\127.0.0.2\\real"}}) as here:
        result = scan(here.url("link"), here.credentials)
    expect_error(result, "'127.0.0.1' sends us to another host, 127.0.0.2 (a DFS link): name that "
                         "host and its share instead")


# -- the login --------------------------------------------------------------------------------

def test_without_terminal_and_file_there_is_a_hint(server):
    result = bmr.run("scan", server.url("backups"), prefix=("setsid", "--wait"))
    expect_error(result, "no terminal to ask for a password: give a credentials file")


def test_a_password_in_the_address_is_refused_and_not_repeated(server):
    result = scan(f"smb://backup:canary@127.0.0.1:{server.port}/backups", server.credentials)
    expect_error(result, "a password does not belong into the address")
    assert "canary" not in str(result)


def test_address_and_file_must_mean_the_same_user(server):
    result = scan(server.url("backups", user="joe"), server.credentials)
    expect_error(result, "user 'joe' in the address and 'backup' in ", " disagree")


# -- a bad network ----------------------------------------------------------------------------

class Proxy:
    """Stands between client and server. After `limit` bytes of the server it does `then` to the
    connection that most of them came over: "cut" ends it, "hold" forwards no more, "spoil" turns one
    bit."""

    def __init__(self, port, limit, then):
        self.target, self.limit, self.then = port, limit, then
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.struck = threading.Event()
        self.seen = {}  # bytes from the server, by connection
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
            threading.Thread(target=self._forward, args=(client, server), daemon=True).start()

    def _is_time(self, server) -> bool:
        seen = list(self.seen.values())  # another connection may come meanwhile
        return sum(seen) > self.limit and self.seen[server] == max(seen)

    def _forward(self, client, server):
        self.seen[server] = 0
        try:
            while True:
                ready, _, _ = select.select([client, server], [], [])
                for end in ready:
                    data = end.recv(65536)
                    if not data:
                        return
                    if end is server:
                        self.seen[server] += len(data)
                        if not self.struck.is_set() and self._is_time(server):
                            self.struck.set()
                            if self.then == "cut":
                                return
                            if self.then == "hold":
                                time.sleep(3600)
                            data = data[:-1] + bytes([data[-1] ^ 1])
                    (client if end is server else server).sendall(data)
        except OSError:
            pass
        finally:
            client.close()
            server.close()


# More than is read before the copy (25 MB, nearly all over one connection), less than that and the volumes.
MIDDLE = 30 << 20


@pytest.mark.needs("fuse", "ntfs-3g", "mcopy")
def test_a_server_that_dies_in_the_middle_ends_the_restore_with_its_name(backup, work, samba):
    backup("uefi")
    with Proxy(samba.port, MIDDLE, "cut") as proxy:
        result = bmr.restore(samba.url("backups", port=proxy.port), work / "disk.img",
                             "--credentials", samba.credentials, "--retry-for", "0")
        assert proxy.struck.is_set()
    assert result.status == bmr.RESUMABLE, result
    assert "the connection to '127.0.0.1' was lost" in result.errors, result


@pytest.mark.needs("fuse", "ntfs-3g", "mcopy")
def test_a_spoiled_byte_does_not_reach_the_disk(backup, work, samba):
    """Its signature is wrong: the library ends the connection, and the restore has a new one."""
    source = backup("uefi")
    with Proxy(samba.port, MIDDLE, "spoil") as proxy:
        result = bmr.restore(samba.url("backups", port=proxy.port), work / "disk.img",
                             "--credentials", samba.credentials)
        assert proxy.struck.is_set()
    assert result.status == bmr.DONE and "was lost and had again, times: 1" in result.output, result
    assert compare.differences(work / "disk.img", source) == []


def start_scan_that_hangs(samba, proxy):
    process = subprocess.Popen(
        [str(bmr.PROGRAM), "scan", samba.url("backups", port=proxy.port), "--credentials",
         samba.credentials], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=bmr.environment())
    assert proxy.struck.wait(30)
    return process


def children(pid):
    return [int(child) for child in
            pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def reader_of(pid):
    """Of a process that reads a share: its keeper's child."""
    keeper, = children(pid)
    reader, = children(keeper)
    return reader


def status_of(pid) -> dict:
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def test_a_server_that_freezes_is_given_up_and_the_reader_has_no_rights_meanwhile(server):
    with Proxy(server.port, 1500, "hold") as proxy:
        process = start_scan_that_hangs(server, proxy)
        reader = reader_of(process.pid)
        status = status_of(reader)
        assert status["Uid"].split() == ["65534"] * 4
        assert status["Gid"].split() == ["65534"] * 4
        assert status["Groups"] == ""
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(status[capabilities], 16) == 0
        assert status["NoNewPrivs"] == "1"
        for entry in os.listdir(f"/proc/{reader}/fd"):
            target = os.readlink(f"/proc/{reader}/fd/{entry}")
            assert target == "/dev/null" or target.split(":")[0] in ("socket", "anon_inode"), target
        for pid in (process.pid, reader):
            for place in ("cmdline", "environ"):
                content = pathlib.Path(f"/proc/{pid}/{place}").read_bytes()
                assert smbd.PASSWORD.encode() not in content
        started = time.monotonic()
        _, errors = process.communicate(timeout=60)
        assert time.monotonic() - started < 30
    assert process.returncode == bmr.FAILED
    assert "'backups': the connection to '127.0.0.1' was lost (no answer in time)" in errors


def test_the_reader_dies_with_the_engine(server):
    with Proxy(server.port, 1500, "hold") as proxy:
        process = start_scan_that_hangs(server, proxy)
        reader = reader_of(process.pid)
        process.kill()
        process.communicate()
        deadline = time.monotonic() + 5
        while os.path.exists(f"/proc/{reader}") and time.monotonic() < deadline:
            if status_of(reader)["State"].startswith("Z"):
                break
            time.sleep(0.05)
        else:
            assert not os.path.exists(f"/proc/{reader}")


# -- the environment --------------------------------------------------------------------------

def test_nothing_but_the_libraries_is_needed(server, tmp_path):
    """No home, no /etc/samba, no users, no gconv, as in the image."""
    root = small_root.SmallRoot(tmp_path)
    shutil.copy(server.credentials, tmp_path / "tmp/cred")
    for url, text in ((server.url("backups", "empty"), "no backup in 1 folders"),
                      (server.url("nothing"), "no share 'nothing', there are 'backups', 'Privat'"),
                      (server.url("backups", host="localhost"), "localhost")):
        command = root.command(["/usr/bin/bmr", "scan", url, "--credentials", "/tmp/cred"])
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == bmr.FAILED, result
        assert text in result.stderr, result
