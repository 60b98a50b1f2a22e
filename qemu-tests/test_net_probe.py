# SPDX-License-Identifier: GPL-3.0-or-later
"""bmr net probe against servers that fail at each stage of the way to a share, and bmr net shares
and folders. Servers and listeners are on loopback addresses."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

import bmr
import smbd

pytestmark = pytest.mark.needs("root", "smbd")

STAGES = ("name", "TCP", "dialect", "protection", "login", "share", "path", "first read")


def probe(url, credentials, *more):
    return bmr.run("net", "probe", url, "--credentials", credentials, *more)


def stages_of(result):
    """Stage -> (passed, what is said of it), in order."""
    found = re.findall(r"^(\S.*?) +(ok|FAILED) +\d+ ms(.*)$", result.output, re.M)
    return {name: (state == "ok", text.strip()) for name, state, text in found}


def expect_end(result, stage, *texts):
    """All before the stage passed, it failed, none came after it, and the texts are there."""
    assert result.status == bmr.FAILED, result
    expected = STAGES[:STAGES.index(stage) + 1]
    found = stages_of(result)
    assert tuple(found) == expected, result
    assert [passed for passed, _ in found.values()] == [True] * (len(expected) - 1) + [False], result
    for text in texts:
        assert text in result.output + result.errors, (text, result)
    assert smbd.PASSWORD not in str(result)


@pytest.fixture(scope="module")
def places():
    """Not below pytest's folder, where "nobody" could not go."""
    with tempfile.TemporaryDirectory(prefix="openbmr-share-") as folder:
        yield make_places(pathlib.Path(folder))


def make_places(folder):
    folder.chmod(0o755)
    (folder / "empty").mkdir()
    (folder / "sets/deep").mkdir(parents=True)
    (folder / "sets/deep/image").write_bytes(b"x" * 3000)
    (folder / "closed").mkdir()
    (folder / "closed/secret").write_text("secret")
    (folder / "closed/secret").chmod(0)
    return folder


@pytest.fixture(scope="module")
def server(places):
    shares = {"backups": places, "Closed": places, "Files": places, "Hidden$": places}
    settings = {"Closed": {"valid users": "root"}, "Files": {"force user": "nobody"}}
    with smbd.PrivateSamba(shares, share_options=settings) as private:
        yield private


# -- no end -----------------------------------------------------------------------------------

LIMIT_SECONDS = 40  # that all stages before the login may take together


@contextlib.contextmanager
def listener(backlog=8):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(backlog)
        yield silent.getsockname()[1]


@contextlib.contextmanager
def drip_server():
    """Takes whatever comes, and sends the first answer a byte a second; it would take an hour."""
    def serve():
        with contextlib.suppress(OSError):
            client, _ = listening.accept()
            with client:
                client.sendall(struct.pack(">I", 4000))
                while not stop.wait(1):
                    client.sendall(b"x")

    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        stop.set()


def children(pid: int) -> list:
    return [int(word) for task in pathlib.Path(f"/proc/{pid}/task").iterdir()
            for word in (task / "children").read_text().split()]


@pytest.fixture(scope="module", autouse=True)
def frozen(server):
    """A probe whose process that asks does no more from the dialect on, as one that a server has taken
    over might; it goes on while the others are tried."""
    with listener() as silent, subprocess.Popen(
            [str(bmr.PROGRAM), "net", "probe", server.url("backups", port=silent), "--credentials",
             server.credentials], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, env=bmr.environment()) as process:
        lines = [process.stdout.readline() for _ in ("name", "TCP")]
        asker, = children(process.pid)
        os.kill(asker, signal.SIGSTOP)
        yield process, asker, lines
        if process.poll() is None:  # nobody waited for it
            os.kill(asker, signal.SIGKILL)
            process.kill()


# -- all is well ------------------------------------------------------------------------------

def test_each_stage_is_told_with_its_fact(server):
    result = probe(server.url("backups", "sets"), server.credentials)
    assert result.status == bmr.DONE, result
    found = stages_of(result)
    assert tuple(found) == STAGES and all(passed for passed, _ in found.values()), result
    for stage, text in zip(STAGES, (
            "'127.0.0.1' is 127.0.0.1", f"port {server.port} at 127.0.0.1 is open", "SMB 3.1.1",
            "signing offered; encryption offered, AES-128-GCM",
            "NTLMv2 as 'backup' (form user); the server offers NTLM", "'backups' opened; the connection is signed",
            "'sets': 1 folders, 0 files", "2.9 KiB of 'sets/deep/image'")):
        assert found[stage][1] == text, result
    assert result.errors == "" and result.output.endswith("\nall stages passed\n")


@pytest.mark.parametrize("user, domain, form", [
    ("backup", None, "'backup' (form user)"),
    ("TESTGROUP\\backup", None, "'TESTGROUP\\backup' (form DOMAIN\\user)"),
    ("backup", "PRIVATESMB", "'PRIVATESMB\\backup' (form DOMAIN\\user)"),
    (".\\backup", None, "'.\\backup' (form .\\user, a local account of the server)"),
    ("backup@privatesmb", None, "'backup@privatesmb' (form user@realm)")])
def test_the_form_of_the_name_is_told(server, user, domain, form):
    credentials = server.write_credentials("form.cred", user, smbd.PASSWORD, domain)
    url = f"smb://127.0.0.1:{server.port}/backups"
    result = probe(url, credentials)
    assert f"NTLMv2 as {form}" in result.output or f"login refused for '{user}'" in result.errors, result
    assert "@" in user or result.status == bmr.DONE, result


# -- before the login -------------------------------------------------------------------------

def test_a_name_that_is_none_ends_at_the_name(server):
    expect_end(probe(server.url("backups", host="nas.invalid"), server.credentials), "name", "'nas.invalid': ",
               "address instead")


def test_a_closed_port_ends_at_tcp(server):
    port = smbd.free_port()
    expect_end(probe(server.url("backups", port=port), server.credentials), "TCP",
               f"no connection to port {port} at 127.0.0.1 (Connection refused)",
               "the host is there, but shares no files at this port")


def test_who_says_nothing_or_never_ends_is_given_up_at_tcp_or_at_the_dialect(server):
    """A firewall that drops, a server that hangs, and one that drips: each takes 10 s, so all at once."""
    with listener(0) as full, listener() as silent, drip_server() as drips, contextlib.ExitStack() as stack, \
            ThreadPoolExecutor() as pool:
        # what waits to be accepted fills the queue; the next packets are dropped
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(("127.0.0.1", full))
        dropped, hangs, dripped = pool.map(
            lambda port: probe(server.url("backups", port=port), server.credentials), (full, silent, drips))
    expect_end(dropped, "TCP", "(Connection timed out): is the host switched on, and does a firewall let the port "
                               "through?")
    expect_end(hangs, "dialect", "'127.0.0.1': the server takes the connection but says nothing for 10 s: restart "
                                 "its file service")
    expect_end(dripped, "dialect", "'127.0.0.1': the server takes the connection but has not ended its first answer "
                                   "after 10 s: restart its file service")
    assert dripped.seconds < LIMIT_SECONDS, dripped


def test_a_server_of_the_old_protocol_ends_at_the_dialect(places):
    options = {"server max protocol": "NT1", "server min protocol": "NT1"}
    with smbd.PrivateSamba({"backups": places}, options) as private:
        expect_end(probe(private.url("backups"), private.credentials), "dialect",
                   "the server speaks SMB 1 only, which is not safe and not supported: turn on SMB 2 or 3 there")


def test_a_server_that_cannot_encrypt_ends_at_the_protection_where_it_is_required(places):
    with smbd.PrivateSamba({"backups": places}, {"server smb encrypt": "off"}) as private:
        expect_end(probe(private.url("backups"), private.credentials, "--encrypt", "required"), "protection",
                   "encryption not offered", "the server offers no encryption, and it is required")
        assert probe(private.url("backups"), private.credentials).status == bmr.DONE


def test_encryption_that_is_offered_and_not_used_ends_at_the_share(server):
    expect_end(probe(server.url("backups"), server.credentials, "--encrypt", "required"), "share",
               "the server does not encrypt: use encrypt = if-offered, or turn encryption on for the whole server")


def test_a_server_that_encrypts_is_told(places):
    with smbd.PrivateSamba({"backups": places}, {"server smb encrypt": "required", "server signing": "mandatory"}) \
            as private:
        result = probe(private.url("backups"), private.credentials, "--encrypt", "required")
        assert result.status == bmr.DONE, result
        assert "signing demanded" in result.output
        assert "the connection is encrypted" in result.output


# -- the login --------------------------------------------------------------------------------

def change_account(server, *options):
    subprocess.run(["pdbedit", "-s", str(server.folder / "smb.conf"), *options], check=True,
                   stdout=subprocess.DEVNULL)


def of_user(*options):
    return ("-u", smbd.USER, *options)


@pytest.mark.parametrize("options, status, words, cure", [
    (of_user("-c", "[D]"), "NT_STATUS_ACCOUNT_DISABLED", "the account is disabled", "enable the account"),
    (of_user("-c", "[L]"), "NT_STATUS_ACCOUNT_LOCKED_OUT", "the account is locked after wrong passwords",
     "wait for the time of the lock-out"),
    (of_user("-K", "1"), "NT_STATUS_ACCOUNT_EXPIRED", "the account has expired", "have the account looked at"),
    (("-P", "maximum password age", "-C", "1"), "NT_STATUS_PASSWORD_EXPIRED", "the password has expired",
     "change it on a machine of the domain"),
])
def test_an_account_that_may_not_ends_at_the_login_with_the_reason(places, options, status, words, cure):
    with smbd.PrivateSamba({"backups": places}) as private:
        change_account(private, *options)
        time.sleep(2 if "maximum password age" in options else 0)  # its age is then more than 1 s
        expect_end(probe(private.url("backups"), private.credentials), "login", f"{status}: {words}",
                   f"usual cure: {cure}", f"login refused for 'backup': {words} ({status})")


@pytest.mark.parametrize("user, password", [(smbd.USER, "nonsense-canary"), ("nobody-here", "nonsense-canary")])
def test_a_wrong_name_or_password_ends_at_the_login(server, user, password):
    wrong = server.write_credentials("wrong.cred", user, password)
    result = probe(server.url("backups", user=user), wrong)
    expect_end(result, "login", "NT_STATUS_LOGON_FAILURE: name or password is wrong",
               "usual cure: check name, domain, password, and the keyboard layout")
    assert "canary" not in str(result)


def test_a_guest_is_told_that_it_is_one(places):
    with smbd.PrivateSamba({"backups": places}, {"map to guest": "bad user"}, {"backups": {"guest ok": "yes"}}) \
            as private:
        stranger = private.write_credentials("stranger.cred", "guest", "x")
        result = probe(private.url("backups", user="guest"), stranger)
    assert result.status == bmr.FAILED, result
    assert "the server lets it in as a guest, whose connection is neither signed nor encrypted" in result.errors


# -- share, path, file ------------------------------------------------------------------------

@pytest.mark.parametrize("share, path, stage, status, text", [
    ("nothing", "", "share", "NT_STATUS_BAD_NETWORK_NAME: there is no such share",
     "no share 'nothing', there are 'backups', 'Closed'"),
    ("Closed", "", "share", "NT_STATUS_ACCESS_DENIED: access is denied", "but share 'Closed' refuses it"),
    ("backups", "2026/none", "path", "NT_STATUS_OBJECT_PATH_NOT_FOUND: a folder of the path is not there",
     "check the path; 'bmr net folders' lists what is there"),
    ("backups", "none", "path", "NT_STATUS_OBJECT_NAME_NOT_FOUND: there is nothing of that name", "check the path"),
    ("backups", "sets/deep/image", "path", "NT_STATUS_NOT_A_DIRECTORY: this is no folder", "Not a directory"),
    ("Files", "closed", "first read", "NT_STATUS_ACCESS_DENIED: access is denied",
     "give this user the right to read there"),
])
def test_what_the_server_refuses_is_told_with_status_and_cure(server, share, path, stage, status, text):
    expect_end(probe(server.url(share, path), server.credentials), stage, status, text)


# -- the clock --------------------------------------------------------------------------------

def test_the_clock_of_a_server_is_compared(server):
    for place in (server.url("backups"), f"127.0.0.1:{server.port}"):
        shown = bmr.run("net", "show", "--clock-from", place)
        assert shown.status == bmr.DONE, shown
        assert re.search(r"^clock +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC, '127.0.0.1' agrees \(\d+ s apart\)$",
                         shown.output, re.M), shown
    away = bmr.run("net", "show", "--clock-from", f"127.0.0.1:{smbd.free_port()}")
    assert away.status == bmr.DONE and "clock" not in away.output, away
    assert "clock: '127.0.0.1': no connection to port" in away.errors and away.errors.endswith(", ignoring\n"), away


def answer_with_time(seconds):
    """The first answer of a server of SMB 2.1 whose clock shows so."""
    head = struct.pack("<4sHHIHHI", b"\xfeSMB", 64, 1, 0, 0, 1, 1) + bytes(44)
    body = struct.pack("<HHHH16sIIIIQQHHI", 65, 1, 0x210, 0, bytes(16), 7, 1 << 20, 1 << 20, 1 << 20,
                       (seconds + 11644473600) * 10**7, 0, 128, 0, 0)
    return struct.pack(">I", len(head + body)) + head + body


@contextlib.contextmanager
def clock_server(seconds):
    """Answers so whatever it is asked."""
    def serve():
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                with client:
                    client.recv(4096)
                    client.sendall(answer_with_time(seconds))
                    client.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("offset, told, ahead", [
    (312 * 86400 + 600, "312 days later: differs too much", "312 days ahead of"),
    (-7530, "2 h 5 min earlier: differs too much", "2 h 5 min behind"),
    (210, "agrees (3 min apart)", None), (-int(time.time()) + 86400, "tells no time that can be right", None)])
def test_a_clock_that_differs_is_told(server, offset, told, ahead):
    with clock_server(int(time.time()) + offset) as port:
        shown = bmr.run("net", "show", "--clock-from", f"127.0.0.1:{port}")
        tried = probe(server.url("backups", port=port), server.credentials)
    assert told in shown.output, shown
    assert ("this machine's" in tried.output) == bool(ahead), tried
    assert not ahead or f"the server's clock is {ahead} this machine's" in tried.output, tried


# -- browsing ---------------------------------------------------------------------------------

def test_shares_and_folders_are_listed(server):
    for place in (f"127.0.0.1:{server.port}", f"smb://backup@127.0.0.1:{server.port}/", server.url("backups", "sets")):
        shares = bmr.run("net", "shares", place, "--credentials", server.credentials)
        assert shares.output.splitlines() == ["backups", "Closed", "Files"], shares
    hidden = bmr.run("net", "shares", f"127.0.0.1:{server.port}", "--hidden", "--credentials", server.credentials)
    assert hidden.output.splitlines() == ["backups", "Closed", "Files", "Hidden$"], hidden
    folders = bmr.run("net", "folders", server.url("backups"), "--credentials", server.credentials)
    assert folders.output.splitlines() == ["closed", "empty", "sets"], folders
    folders = bmr.run("net", "folders", server.url("backups", "sets"), "--credentials", server.credentials)
    assert folders.output.splitlines() == ["deep"], folders


def test_what_cannot_be_listed_says_why(server):
    wrong = server.write_credentials("wrong.cred", smbd.USER, "wrong")
    refused = bmr.run("net", "shares", f"127.0.0.1:{server.port}", "--credentials", wrong)
    assert refused.status == bmr.FAILED and "login refused for 'backup'" in refused.errors, refused
    none = bmr.run("net", "folders", server.url("backups", "none"), "--credentials", server.credentials)
    assert none.status == bmr.FAILED and "has no folder 'none'" in none.errors, none
    without = bmr.run("net", "folders", f"smb://127.0.0.1:{server.port}/", "--credentials", server.credentials)
    assert without.status == bmr.FAILED and "the share is missing" in without.errors, without


def test_a_process_that_does_not_come_back_is_given_up_and_ended(frozen):
    process, asker, lines = frozen
    output, _ = process.communicate(timeout=bmr.LIMIT_SECONDS)
    output = "".join(lines) + output
    found = re.search(r"^dialect +FAILED +(\d+) ms", output, re.M)
    assert process.returncode == bmr.FAILED and found, output
    assert f"'127.0.0.1': asking the server took more than {LIMIT_SECONDS} s, and was given up" in output, output
    assert LIMIT_SECONDS - 10 < int(found[1]) / 1000 < LIMIT_SECONDS + 20, output
    assert not pathlib.Path(f"/proc/{asker}").exists()


def test_wrong_words_are_named():
    for arguments, text in ((("net",), "what? one of 'up', 'show', 'set', 'probe', 'shares', 'folders'"),
                            (("net", "down"), "'down': none of 'up'"), (("net", "probe"), "'probe' needs a share"),
                            (("net", "probe", "a", "b"), "'b' is one argument too many"),
                            (("net", "up", "--encrypt", "x"), "--encrypt 'x': must be required or if-offered")):
        result = bmr.run(*arguments)
        assert result.status == bmr.USAGE and text in result.errors, result
