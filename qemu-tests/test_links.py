# SPDX-License-Identifier: GPL-3.0-or-later
"""bmr net in a network namespace: a virtual cable, a DHCP server (dnsmasq) at its other end, and
a root folder that holds no more than the image does."""

import os
import signal
import subprocess
import sys
import time

import pytest

import bmr
import small_root
from generator import tools

pytestmark = pytest.mark.needs("root", "dnsmasq", "ip", "busybox", "dhcpcd", "namespaces")

# What net/links.c says that an image needs
APPLETS = ("sh", "rm", "mkdir", "cat", "chmod", "sed")


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class Cable:
    """Two network namespaces, `client` and `server`, with a cable "eth0" to "srv0" between."""

    def __init__(self):
        self.client, self.server = f"bmr-{os.getpid()}-c", f"bmr-{os.getpid()}-s"
        self.processes = []

    def __enter__(self):
        ip("netns", "add", self.client)
        ip("netns", "add", self.server)
        ip("-n", self.client, "link", "add", "eth0", "type", "veth",
           "peer", "name", "srv0", "netns", self.server)
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
        ip("netns", "del", self.client)
        ip("netns", "del", self.server)

    def switch_on(self, *addresses):
        for address in addresses:
            ip("-n", self.server, "address", "add", address, "dev", "srv0", *(
                ("nodad",) if ":" in address else ()))
        ip("-n", self.server, "link", "set", "srv0", "up")

    def serve(self, *options):
        """dnsmasq for DHCP and router advertisements, without DNS."""
        self.processes.append(subprocess.Popen(
            ["ip", "netns", "exec", self.server, tools.find_tool("dnsmasq"), "--keep-in-foreground",
             "--conf-file=/dev/null", "--port=0", "--interface=srv0", "--user=root", "--pid-file=",
             "--leasefile-ro", *options], stderr=subprocess.DEVNULL))


class Machine:
    """A small root in the client's namespace. dhcpcd is ended with it."""

    def __init__(self, folder, cable):
        self.cable = cable
        self.root = small_root.SmallRoot(folder)
        self.root.add_busybox(APPLETS + ("ip",))
        self.root.add_program(tools.find_tool("dhcpcd"), "/usr/sbin/dhcpcd")
        for name in ("dhcpcd-run-hooks", "dhcpcd-hooks/20-resolv.conf", "dhcpcd-hooks/30-hostname"):
            self.root.add_file(f"/usr/lib/dhcpcd/{name}")
        self.root.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"
                        "dhcpcd:x:101:65534:dhcpcd:/usr/lib/dhcpcd:/usr/sbin/nologin\n")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.dhcpcd():
            os.kill(self.dhcpcd(), signal.SIGTERM)
            deadline = time.monotonic() + 10
            while self.dhcpcd() and time.monotonic() < deadline:
                time.sleep(0.05)

    def dhcpcd(self):
        """Its process id; it runs in the namespace of process ids of this test."""
        path = self.root.folder / "run/dhcpcd/pid"
        pid = int(path.read_text()) if path.exists() else 0
        return pid if pid and os.path.exists(f"/proc/{pid}") else 0

    def bmr(self, *arguments):
        command = self.root.command(["/usr/bin/bmr", *arguments],
                                    prefix=("ip", "netns", "exec", self.cable.client))
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def name_servers(self):
        path = self.root.folder / "etc/resolv.conf"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def cable():
    with Cable() as made:
        yield made


@pytest.fixture
def machine(cable, tmp_path):
    with Machine(tmp_path, cable) as made:
        yield made


def test_dhcp_gives_address_route_and_name_server(cable, machine):
    cable.switch_on("10.77.0.1/24")
    cable.serve("--dhcp-range=10.77.0.50,10.77.0.60", "--dhcp-option=6,10.77.0.9",
                "--dhcp-option=15,corp.example")
    result = machine.bmr("net", "up", "--timeout", "20")
    assert result.returncode == bmr.DONE, result
    assert " veth " in result.stdout and " up " in result.stdout and " 10.77.0." in result.stdout
    assert result.stderr == ""
    assert "nameserver 10.77.0.9\n" in machine.name_servers()
    routes = subprocess.run(["ip", "-n", cable.client, "route"], capture_output=True, text=True,
                            check=True).stdout
    assert "default via 10.77.0.1" in routes
    assert " gateway 10.77.0.1\n" in result.stdout
    assert "name servers    10.77.0.9\n" in result.stdout
    assert machine.bmr("net", "show").stdout == result.stdout

    first = machine.dhcpcd()
    assert first
    started = time.monotonic()
    assert machine.bmr("net", "up").returncode == bmr.DONE
    assert machine.dhcpcd() == first
    assert time.monotonic() - started < 2


def test_router_advertisements_alone_are_enough(cable, machine):
    cable.switch_on("fd77::1/64")
    cable.serve("--enable-ra", "--dhcp-range=fd77::,ra-only,64")
    result = machine.bmr("net", "up", "--timeout", "30")
    assert result.returncode == bmr.DONE, result
    assert " fd77::" in result.stdout


def test_without_dhcp_server_the_interface_is_named(cable, machine):
    cable.switch_on("10.77.0.1/24")
    result = machine.bmr("net", "up", "--timeout", "2")
    assert result.returncode == bmr.FAILED, result
    assert result.stderr.startswith("bmr net: no network address after 2 s: 'eth0' (driver veth, ")
    assert result.stderr.endswith("): cable is fine, no DHCP server answers\n")


def test_without_cable_that_is_what_it_says(machine):
    result = machine.bmr("net", "up", "--timeout", "1")
    assert result.returncode == bmr.FAILED, result
    assert "'eth0' (driver veth, " in result.stderr
    assert result.stderr.endswith("): no cable, or the other end is off\n")
    shown = machine.bmr("net", "show")
    assert " no cable " in shown.stdout


def test_without_card_there_is_no_waiting(cable, machine):
    ip("-n", cable.client, "link", "del", "eth0")
    started = time.monotonic()
    result = machine.bmr("net", "up")
    assert result.returncode == bmr.FAILED, result
    assert result.stderr == ("bmr net: no wired network interface: no card, no driver for it, or "
                             "its firmware is missing\n")
    assert time.monotonic() - started < 5


# -- without DHCP -----------------------------------------------------------------------------

def reaches(machine, address):
    """Through the cable, from the client's side: nobody listens there, but the host says so."""
    connect = f"import socket; socket.create_connection(({address!r}, 9), 20)"
    result = subprocess.run(["ip", "netns", "exec", machine.cable.client, sys.executable, "-c", connect],
                            capture_output=True, text=True, check=False)
    return "ConnectionRefusedError" in result.stderr


@pytest.mark.parametrize("address, gateway, server", [
    ("10.77.0.2/24", "10.77.0.1", "10.77.0.1/24"), ("fd77::2/64", "fd77::1", "fd77::1/64")])
def test_an_address_that_is_given_is_set_with_gateway_and_name_servers(cable, machine, address, gateway, server):
    cable.switch_on(server)
    result = machine.bmr("net", "set", "eth0", "--address", address, "--gateway", gateway,
                         "--dns", f"{gateway},192.0.2.9")
    assert result.returncode == bmr.DONE, result
    assert f" {address}\n" in result.stdout and f"gateway {gateway}\n" in result.stdout
    assert f"name servers    {gateway} 192.0.2.9\n" in result.stdout
    assert reaches(machine, gateway)
    # it stays when a menu brings the network up again, without DHCP
    assert machine.bmr("net", "up").stdout == result.stdout
    assert not machine.dhcpcd()
    # another one takes its place
    other = address.replace("2/", "3/")
    changed = machine.bmr("net", "up", "--interface", "eth0", "--address", other)
    assert f" {other}\n" in changed.stdout and address not in changed.stdout, changed


def test_dhcp_ends_for_an_address_and_comes_back(cable, machine):
    cable.switch_on("10.77.0.1/24")
    cable.serve("--dhcp-range=10.77.0.50,10.77.0.60")
    assert machine.bmr("net", "up").returncode == bmr.DONE
    assert machine.dhcpcd()
    fixed = machine.bmr("net", "set", "eth0", "--address", "10.77.0.2/24")
    assert " 10.77.0.2/24\n" in fixed.stdout and not machine.dhcpcd(), fixed
    back = machine.bmr("net", "set", "eth0", "--address", "dhcp")
    assert back.returncode == bmr.DONE, back
    assert machine.dhcpcd()


def test_settings_that_cannot_be_are_refused_before_anything_changes(cable, machine):
    cable.switch_on("10.77.0.1/24")
    for arguments, text in (
            (("eth1", "--address", "10.77.0.2/24"), "no wired network interface 'eth1': 'bmr net show' lists them"),
            (("eth0", "--address", "10.77.0.2"), "the length of its network is missing"),
            (("eth0", "--address", "10.77.0.2/24", "--gateway", "10.78.0.1"), "is not in the network of"),
            (("eth0", "--dns", "nas"), "name server 'nas': not an address of IPv4 or IPv6")):
        result = machine.bmr("net", "set", *arguments)
        assert result.returncode == bmr.FAILED and text in result.stderr, result
    assert machine.bmr("net", "set", "eth0", "--vlan", "5000").returncode == bmr.USAGE
    assert " 10.77.0." not in machine.bmr("net", "show").stdout


def test_a_vlan_has_an_interface_of_its_own(cable, machine):
    made = subprocess.run(["ip", "-n", cable.server, "link", "add", "link", "srv0", "name", "srv0.7", "type",
                           "vlan", "id", "7"], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("this kernel knows no VLANs (8021q)")
    cable.switch_on()
    ip("-n", cable.server, "address", "add", "10.78.0.1/24", "dev", "srv0.7")
    ip("-n", cable.server, "link", "set", "srv0.7", "up")
    result = machine.bmr("net", "set", "eth0", "--vlan", "7", "--address", "10.78.0.2/24")
    assert result.returncode == bmr.DONE, result
    assert "eth0.7 " in result.stdout
    assert reaches(machine, "10.78.0.1")


def test_an_address_is_set_by_the_menu(cable, machine):
    """Line by line: a gateway that cannot be, then the right one."""
    cable.switch_on("10.77.0.1/24")
    network, address, apply, back = "2", "c", "a", "a"
    answers = [network, address, "eth0", "10.77.0.2/24", "10.78.0.1", "", "", apply,
               "", "", "10.77.0.1", "", "", apply, back]
    command = machine.root.command(["/usr/bin/bmr", "menu", "--plain", "--environment"],
                                   prefix=("ip", "netns", "exec", cable.client))
    result = subprocess.run(command, input="\n".join(answers) + "\n", capture_output=True, text=True, timeout=120,
                            check=False)
    assert result.returncode == bmr.DONE, result
    assert "gateway '10.78.0.1' is not in the network of '10.77.0.2/24'" in result.stdout, result
    assert " 10.77.0.2/24\n" in result.stdout and "gateway 10.77.0.1\n" in result.stdout, result
    assert reaches(machine, "10.77.0.1")
