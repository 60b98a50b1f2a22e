# SPDX-License-Identifier: GPL-3.0-or-later
"""Answer files, logins and status by https://: a server is believed if one of the authorities of
--ca signed its certificate, for its name and for now; else nothing of it is taken."""

import contextlib
import socket
import ssl
import subprocess
import threading
import types

import pytest

import bmr
import smbd
from bmr import FAILED
from test_answers import Machine, TEXT, Web, check, digest, keys, winner

pytestmark = [pytest.mark.counts("answer-file scenarios"), pytest.mark.needs("openssl")]


def openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)


def authority(folder, name):
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            folder / f"{name}.key", "-out", folder / f"{name}.pem", "-subj", f"/CN={name}", "-days", "30")
    return folder / f"{name}.pem"


# Of `openssl ca`, which alone takes the day from which a certificate is good
AUTHORITY = """[ca]
default_ca = ours
[ours]
database = {folder}/issued
new_certs_dir = {folder}
default_md = sha256
policy = any
rand_serial = yes
[any]
commonName = supplied
"""


def sign_for_later(folder, request, extensions, target):
    (folder / "issued").touch()
    (folder / "ca.conf").write_text(AUTHORITY.format(folder=folder))
    openssl("ca", "-batch", "-notext", "-config", folder / "ca.conf", "-cert", folder / "ours.pem", "-keyfile",
            folder / "ours.key", "-startdate", "20980101000000Z", "-enddate", "20990101000000Z",
            "-in", request, "-extfile", extensions, "-out", target)


def server(folder, name, host, days=30):
    """A context of TLS with a certificate that the first authority signed; days None: for a time to come."""
    request, key, extensions = (folder / f"{name}.{kind}" for kind in ("csr", "key", "ext"))
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
            "-out", request, "-subj", f"/CN={name}")
    extensions.write_text(f"subjectAltName={host}\n")
    if days is None:
        sign_for_later(folder, request, extensions, folder / f"{name}.pem")
    else:
        openssl("x509", "-req", "-in", request, "-CA", folder / "ours.pem", "-CAkey", folder / "ours.key",
                "-days", days, "-out", folder / f"{name}.pem", "-extfile", extensions)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", key)
    return context


@pytest.fixture(scope="module")
def tls(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    ours, other = authority(folder, "ours"), authority(folder, "other")
    both = folder / "both.pem"
    both.write_text(other.read_text() + ours.read_text())
    no_certificate = folder / "none.pem"
    no_certificate.write_text("-----BEGIN CERTIFICATE-----\n")
    return types.SimpleNamespace(
        ours=ours, other=other, both=both, no_certificate=no_certificate,
        good=server(folder, "good", "IP:127.0.0.1,DNS:localhost"),
        other_name=server(folder, "name", "DNS:nas1.example"),
        expired=server(folder, "expired", "IP:127.0.0.1", days=-1),
        later=server(folder, "later", "IP:127.0.0.1", days=None))


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_what_a_server_with_a_good_certificate_sends_needs_no_signature(machine, tmp_path, tls):
    public, _ = keys(tmp_path)
    served = machine.put("web/by-serial/B0JS_12.ini", TEXT.format("web"))
    with Web(tmp_path / "web", tls.good) as web:
        for address in (web.url, f"{web.url}by-serial/${{serial}}.ini",
                        f"https://localhost:{web.server.server_port}/"):
            machine.put("proc/cmdline", f"openbmr.answer={address}\n")
            for authorities in (tls.ours, tls.both):
                result = check(machine, "--signed-by", public, "--ca", authorities)
                assert winner(result) == [("kernel argument", digest(served))], result


@pytest.mark.parametrize("context, authorities, words", (
    ("good", None, "nobody is known who may vouch for an https server"),
    ("good", "other", "the certificate of '127.0.0.1' is signed by none of the authorities"),
    ("good", "no_certificate", "no certificate in PEM form"),
    ("other_name", "ours", "the certificate of the server is not for '127.0.0.1'"),
    ("expired", "ours", "the certificate of '127.0.0.1' has expired; this machine's clock says 20"),
    # as every certificate is to a machine whose battery is empty
    ("later", "ours", "the certificate of '127.0.0.1' is not valid yet; this machine's clock says 20"),
    (None, "ours", "does it serve https there?")))
def test_a_server_that_nobody_vouches_for_is_refused(machine, tmp_path, tls, context, authorities, words):
    machine.put("web/openbmr.ini", TEXT.format("web"))
    with Web(tmp_path / "web", context and getattr(tls, context)) as web:
        machine.put("proc/cmdline", f"openbmr.answer={web.url.replace('http:', 'https:')}openbmr.ini\n")
        result = check(machine, *(("--ca", getattr(tls, authorities)) if authorities else ()))
        assert result.status == FAILED and words in result.errors, result
        assert not winner(result) and not web.asked, web.asked


@contextlib.contextmanager
def cutting_server(context, text):
    """Sends that and cuts the connection, without TLS' word for its end."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            raw, _ = listener.accept()
            with context.wrap_socket(raw, server_side=True) as connection:
                connection.recv(4096)
                connection.sendall(text)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/openbmr.ini"
        thread.join()


@pytest.mark.parametrize("head, whole", ((b"", False), (b"Content-Length: %d\r\n", True)))
def test_an_answer_that_may_have_been_cut_is_refused(machine, tls, head, whole):
    text = TEXT.format("web").encode()
    head = head % len(text) if head else head
    with cutting_server(tls.good, b"HTTP/1.0 200 OK\r\n" + head + b"\r\n" + text) as address:
        machine.put("proc/cmdline", f"openbmr.answer={address}\n")
        result = check(machine, "--ca", tls.ours)
    assert bool(winner(result)) == whole, result
    assert whole or "the answer was cut off" in result.errors, result


def test_a_login_comes_by_https_and_a_server_is_told_how_it_ended(machine, tmp_path, tls):
    """Where the backup is, nobody listens: the login and the status are all that happens."""
    machine.put("web/x.cred", "username = u\npassword = Sp3rr\n")
    port = smbd.free_port()
    with Web(tmp_path / "web", tls.good) as web:
        path = machine.put("openbmr.ini", TEXT.format("A").replace(
            "url = /backups", f"url = smb://127.0.0.1:{port}/b\ncredentials = url:{web.url}x.cred") +
            f"[after]\nstatus = {web.url}status\n")
        result = bmr.run("auto", path, "--root", machine.folder, "--ca", tls.ours)
        assert result.status == FAILED and "Connection refused" in result.errors, result
        assert web.asked.count("/x.cred") == 1 and web.posted[-1]["state"] == "failed", (web.asked, result)
        result = bmr.run("auto", path, "--root", machine.folder, "--ca", tls.other)
        assert result.status == FAILED and "signed by none of the authorities" in result.errors, result
        assert web.asked.count("/x.cred") == 1
