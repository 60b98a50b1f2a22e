# SPDX-License-Identifier: GPL-3.0-or-later
"""A network to start machines from: a namespace with a tap device for QEMU, dnsmasq for DHCP and
TFTP, and a web server for HTTP Boot. Nothing of it is reachable from outside.

    with BootServer(folder) as server:      # serves what lies in folder
        server.dhcp_tftp("openbmr.efi")
        qemu.Machine(..., prefix=server.prefix, more=server.card())
"""

import os
import pathlib
import subprocess
import sys

from generator import tools

ADDRESS = "10.9.0.1"
ADDRESS_IPV6 = "fd09::1"
MAC = "52:54:00:12:34:56"
CLIENT_HTTP = "HTTPClient"

# ADDRESS FOLDER CERTIFICATE KEY
HTTPS = """
import functools, http.server, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(*sys.argv[3:])
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[2])
server = http.server.ThreadingHTTPServer((sys.argv[1], 443), handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class BootServer:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.name = f"boot-{os.getpid()}"
        self.prefix = ("ip", "netns", "exec", self.name)
        self.requests = self.folder.parent / "requests.log"
        self.processes = []

    def __enter__(self):
        ip("netns", "add", self.name)
        ip("-n", self.name, "link", "set", "lo", "up")
        ip("-n", self.name, "tuntap", "add", "dev", "tap0", "mode", "tap")
        ip("-n", self.name, "address", "add", f"{ADDRESS}/24", "dev", "tap0")
        ip("-n", self.name, "link", "set", "tap0", "up")
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
            process.wait()
        ip("netns", "del", self.name)

    def _run(self, *command):
        with open(self.requests, "ab") as log:
            self.processes.append(subprocess.Popen([*self.prefix, *map(str, command)],
                                                   stdout=log, stderr=log))

    def _dnsmasq(self, *options):
        self._run(tools.find_tool("dnsmasq"), "--keep-in-foreground", "--conf-file=/dev/null",
                  "--port=0", "--interface=tap0", "--bind-interfaces", "--user=root", "--pid-file=",
                  "--leasefile-ro", "--log-facility=-", f"--dhcp-range=10.9.0.100,10.9.0.200,1h",
                  *options)

    def dhcp_tftp(self, bootfile: str) -> None:
        self._dnsmasq("--enable-tftp", f"--tftp-root={self.folder}", f"--dhcp-boot={bootfile}")

    def dhcp_http(self, url_path: str) -> None:
        """As pxe/dnsmasq-http.conf says it."""
        self._run(sys.executable, "-m", "http.server", "--bind", ADDRESS, "--directory",
                  self.folder, "80")
        self._dnsmasq(f"--dhcp-vendorclass=set:http,{CLIENT_HTTP}",
                      f"--dhcp-option-force=tag:http,60,{CLIENT_HTTP}",
                      f"--dhcp-boot=tag:http,http://{ADDRESS}/{url_path}")

    def https(self, folder, certificate, key) -> None:
        """Beside what the machines start from."""
        self._run(sys.executable, "-c", HTTPS, ADDRESS, folder, certificate, key)

    def dhcp6_tftp(self, bootfile: str) -> None:
        """By IPv6 alone: the address by DHCPv6, the boot file by its option 59."""
        ip("-n", self.name, "address", "add", f"{ADDRESS_IPV6}/64", "dev", "tap0", "nodad")
        self._dnsmasq("--enable-tftp", f"--tftp-root={self.folder}", "--enable-ra",
                      f"--dhcp-range={ADDRESS_IPV6}00,{ADDRESS_IPV6}99,64,1h",
                      f"--dhcp-option=option6:bootfile-url,tftp://[{ADDRESS_IPV6}]/{bootfile}")

    def card(self, rom: bool = False) -> list:
        """Arguments of QEMU."""
        return ["-netdev", "tap,id=net,ifname=tap0,script=no,downscript=no", "-device",
                f"virtio-net-pci,netdev=net,mac={MAC},bootindex=1" + ("" if rom else ",romfile=")]

    def log(self) -> str:
        return self.requests.read_text(errors="replace")
