# SPDX-License-Identifier: GPL-3.0-or-later
"""A private Samba server for tests.

Everything it reads and writes lies in a temporary folder of its own; it listens on free ports
of loopback addresses only, needs no system service, and is ended by process id. It must be
started as root: smbd changes to the user of each session.

    with PrivateSamba({"backups": "/some/folder"}) as samba:
        samba.url("backups", "some/path")   -> smb://backup@127.0.0.1:40123/backups/some/path
        samba.credentials                   -> path of a credentials file
"""

import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.parse

# An account that every Debian has: smbd maps each login to one of the system.
USER = "backup"
PASSWORD = "Sp3rr müll & Co"

NEEDED = ("smbd", "pdbedit")


def missing():
    """Why no server can be started here, or None."""
    if os.geteuid() != 0:
        return "a private smbd needs root"
    for program in NEEDED:
        if not shutil.which(program):
            return f"{program} is missing (package samba)"
    return None


def missing_module(name):
    """Why smbd cannot stack this VFS module, or None."""
    built = subprocess.run(["smbd", "-b"], stdout=subprocess.PIPE, text=True, check=False).stdout
    folder = next((line.split(":", 1)[1].strip() for line in built.splitlines()
                   if line.strip().startswith("MODULESDIR")), "")
    if pathlib.Path(folder, "vfs", f"{name}.so").exists():
        return None
    return f"no vfs_{name} (package samba-vfs-modules)"


def free_port(address="127.0.0.1"):
    with socket.socket() as probe:
        probe.bind((address, 0))
        return probe.getsockname()[1]


class PrivateSamba:
    """shares: name -> folder. options: further lines of [global]; share_options: of each share."""

    def __init__(self, shares, options=None, share_options=None, port=None, addresses=("127.0.0.1",)):
        self.shares = dict(shares)
        self.options = dict(options or {})
        self.share_options = dict(share_options or {})
        self.addresses = addresses
        self.port = port or free_port(addresses[0])
        self.process = None
        self.folder = None

    # -- life --

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="openbmr-smbd-"))
        try:
            self.write_configuration()
            self._add_user()
            self.credentials = self.write_credentials("right.cred", USER, PASSWORD)
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self):
        """Starts smbd and waits until it answers. Its children are in its session."""
        with open(self.folder / "smbd.out", "ab") as out:
            self.process = subprocess.Popen(
                ["smbd", "--foreground", "--no-process-group", "-s", str(self.folder / "smb.conf")],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise RuntimeError(f"smbd ended with {self.process.returncode}:\n{self.log()}")
            try:
                socket.create_connection((self.addresses[0], self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"smbd does not listen on port {self.port}:\n{self.log()}")

    def stop(self):
        """Kills the server and its sessions at once, as a power cut would."""
        if self.process is None:
            return
        self._signal(signal.SIGKILL)
        self.process.wait()
        self.process = None
        for pid in self._helpers():
            os.kill(pid, signal.SIGKILL)

    def freeze(self):
        """The server stays connected but answers no more."""
        self._signal(signal.SIGSTOP)

    def resume(self):
        self._signal(signal.SIGCONT)

    def _helpers(self):
        """samba-dcerpcd and its children (they answer "which shares are there?") leave smbd's
        session, but name our configuration."""
        ours = f"--configfile={self.folder}/smb.conf".encode()
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if ours in entry.read_bytes().split(b"\0"):
                    yield int(entry.parent.name)
            except OSError:
                pass

    def _signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except ProcessLookupError:
            pass

    # -- what tests ask for --

    def url(self, share, path="", user=USER, host=None, port=None):
        place = "/".join([share] + [part for part in path.split("/") if part])
        return f"smb://{urllib.parse.quote(user)}@{host or self.addresses[0]}:{port or self.port}/" + \
            urllib.parse.quote(place)

    def write_credentials(self, name, user, password, domain=None):
        path = self.folder / name
        text = f"username = {user}\npassword = {password}\n"
        if domain:
            text += f"domain = {domain}\n"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return str(path)

    def set_password(self, password):
        """The account is made anew: it is not locked any more."""
        subprocess.run(["pdbedit", "-s", str(self.folder / "smb.conf"), "-u", USER, "-x"], check=True,
                       stdout=subprocess.DEVNULL)
        self._add_user(password)

    def lock_account(self):
        subprocess.run(["pdbedit", "-s", str(self.folder / "smb.conf"), "-u", USER, "-c", "[L]"],
                       check=True, stdout=subprocess.DEVNULL)

    def log(self):
        return "".join(f"--- {path.name}\n{path.read_text(errors='replace')}"
                       for path in (self.folder / "smbd.out", self.folder / "smbd.log")
                       if path.exists())

    # -- set-up --

    def write_configuration(self):
        settings = {
            "workgroup": "TESTGROUP",
            "netbios name": "PRIVATESMB",
            "server role": "standalone server",
            "smb ports": str(self.port),
            "interfaces": " ".join(f"{address}/8" for address in self.addresses),
            "bind interfaces only": "yes",
            "disable netbios": "yes",
            "passdb backend": f"tdbsam:{self.folder}/passdb.tdb",
            "username map": "",
            "map to guest": "never",
            "load printers": "no",
            "printing": "bsd",
            "printcap name": "/dev/null",
            "disable spoolss": "yes",
            "host msdfs": "no",
            "log file": f"{self.folder}/smbd.log",
            "logging": "file",
            "log level": "1",
            "max log size": "10000",
        }
        for name in ("private dir", "lock directory", "state directory", "cache directory",
                     "pid directory", "ncalrpc dir", "usershare path"):
            folder = self.folder / name.replace(" ", "-")
            folder.mkdir(mode=0o755, exist_ok=True)
            settings[name] = str(folder)
        settings["usershare max shares"] = "0"
        settings.update(self.options)
        lines = ["[global]"] + [f"{key} = {value}" for key, value in settings.items()]
        for share, path in self.shares.items():
            # Tests make the folders as root; who reads them is of no interest here.
            share_settings = {"path": str(path), "read only": "yes", "guest ok": "no",
                              "force user": "root"}
            share_settings.update(self.share_options.get(share, {}))
            lines += [f"[{share}]"] + [f"{key} = {value}" for key, value in share_settings.items()]
        (self.folder / "smb.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def _add_user(self, password=PASSWORD):
        subprocess.run(
            ["pdbedit", "-s", str(self.folder / "smb.conf"), "-a", "-u", USER, "-t"],
            input=f"{password}\n{password}\n".encode(), check=True,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
