# SPDX-License-Identifier: GPL-3.0-or-later
"""TCP relays on the loopback: one that makes every byte late, as a long line does, and one that
fails (FaultLink).

    with SlowLink(server.port, round_trip_ms=10) as link:
        link.port   -> connect here
        link.received.value   -> bytes that came from the server so far

Bandwidth is not limited; bytes stay in order. It runs in a process of its own, so that what
is measured does not wait for the measuring program.
"""

import asyncio
import multiprocessing
import select
import socket
import struct
import threading
import time

PIECE = 1 << 20


async def _pump(reader, writer, delay: float, count=None) -> None:
    """Each piece leaves `delay` seconds after it came, however many are under way."""
    loop = asyncio.get_running_loop()
    queue = asyncio.Queue()

    async def send() -> None:
        while True:
            due, data = await queue.get()
            await asyncio.sleep(max(0, due - loop.time()))
            if not data:
                writer.close()
                return
            writer.write(data)
            await writer.drain()

    sender = asyncio.create_task(send())
    try:
        while data := await reader.read(PIECE):
            queue.put_nowait((loop.time() + delay, data))
            if count:
                count.value += len(data)
    except OSError:
        pass
    queue.put_nowait((loop.time() + delay, b""))
    try:
        await sender
    except OSError:
        pass


def _serve(listener, target, delay: float, received) -> None:
    async def accept(reader, writer) -> None:
        try:
            there = await asyncio.open_connection(*target)
        except OSError:
            writer.close()
            return
        for end in (writer, there[1]):
            end.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.gather(_pump(reader, there[1], delay), _pump(there[0], writer, delay, received))

    async def main() -> None:
        server = await asyncio.start_server(accept, sock=listener)
        async with server:
            await server.serve_forever()

    asyncio.run(main())


class SlowLink:
    """To a port of this machine, with this round trip."""

    def __init__(self, port: int, round_trip_ms: float, address: str = "127.0.0.1"):
        self._listener = socket.create_server((address, 0))
        self.port = self._listener.getsockname()[1]
        context = multiprocessing.get_context("fork")
        self.received = context.Value("Q", 0)
        self._process = context.Process(
            target=_serve, args=(self._listener, (address, port), round_trip_ms / 2000, self.received),
            daemon=True)

    def __enter__(self):
        self._process.start()
        self._listener.close()
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.join()


class FaultLink:
    """A TCP relay on the loopback that does what networks do when they fail. Each fault can come
    and go while connections are open; counts are of bytes from the server, of all connections.

        with FaultLink(server.port) as link:
            link.at(5 << 20, link.reset)   -> called once, when so many bytes have come
            link.reset_every = 3 << 20     -> each connection, after so many bytes
            link.black_hole = True         -> nothing is forwarded, nobody is told
    """

    def __init__(self, port: int, address: str = "127.0.0.1"):
        self.target = (address, port)
        self.received = 0
        self.delay = 0.0  # seconds, of each piece
        self.rate = 0  # bytes per second from the server, of all connections; 0: as fast as it goes
        self.piece = PIECE  # bytes that are sent at a time
        self.reset_every = 0
        self.black_hole = False
        self.close_new = 0  # so many connections are closed as soon as they are made
        self.cut_frame = self.spoil = False  # the next piece from the server
        self._free_at = 0.0  # when the next piece may leave
        self._triggers = []
        self._lock = threading.Lock()
        self._pairs = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._start_accepting()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.black_hole = False
        self.refuse()
        self.reset()

    # -- faults --

    def at(self, count: int, action) -> None:
        with self._lock:
            self._triggers.append((count, action))

    def reset(self) -> None:
        """All connections end with RST, on both sides."""
        self._end_all("reset")

    def fall_silent(self) -> None:
        self.black_hole = True

    def half_open(self) -> None:
        """The server's side is gone, the client is not told."""
        self._end_all("half open")

    def refuse(self) -> None:
        """New connections are refused by the system."""
        self._listener.close()
        self._accepting.join()

    def accept_again(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._start_accepting()

    def _end_all(self, how: str) -> None:
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.ends = how

    # -- forwarding --

    def _start_accepting(self) -> None:
        self._accepting = threading.Thread(target=self._accept, args=(self._listener,), daemon=True)
        self._accepting.start()

    def _accept(self, listener) -> None:
        while listener.fileno() >= 0:
            try:
                if not select.select([listener], [], [], TICK)[0]:
                    continue
                client, _ = listener.accept()
            except (OSError, ValueError):
                return
            if self.close_new:
                self.close_new -= 1
                client.close()
                continue
            try:
                server = socket.create_connection(self.target, 10)
            except OSError:
                client.close()
                continue
            self._start(_Pair(client, server))

    def _start(self, pair) -> None:
        for end in (pair.client, pair.server):
            end.settimeout(None)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._pairs.append(pair)
        for way in ((pair.client, pair.server), (pair.server, pair.client)):
            threading.Thread(target=self._pump, args=(pair, *way), daemon=True).start()

    def _count(self, length: int) -> None:
        with self._lock:
            self.received += length
            due = [t for t in self._triggers if t[0] <= self.received]
            self._triggers = [t for t in self._triggers if t[0] > self.received]
        for _, action in due:
            action()

    def _wait_for_turn(self, length: int) -> None:
        with self._lock:
            now = time.monotonic()
            self._free_at = max(now, self._free_at) + (length / self.rate if self.rate else 0)
            wait = self._free_at - now
        time.sleep(wait)

    def _pump(self, pair, source, sink) -> None:
        """One direction. What stops one stops both, within a tick."""
        try:
            while not pair.ends:
                if not select.select([source], [], [], TICK)[0]:
                    continue
                data = source.recv(PIECE)
                if source is pair.server:
                    data = self._spoil(pair, data)
                    self._wait_for_turn(len(data))
                while self.black_hole and not pair.ends:
                    time.sleep(TICK)
                if not data:
                    break
                time.sleep(self.delay)
                for at in range(0, len(data), self.piece):
                    sink.sendall(data[at:at + self.piece])
        except OSError:
            pass
        pair.leave()

    def _spoil(self, pair, data: bytes) -> bytes:
        """What becomes of a piece from the server."""
        self._count(len(data))
        pair.received += len(data)
        if self.reset_every and pair.received > self.reset_every:
            pair.ends = "reset"
            return b""
        if self.spoil and data:
            self.spoil = False
            data = data[:-1] + bytes([data[-1] ^ 1])
        if self.cut_frame and data:
            self.cut_frame = False
            pair.client.sendall(data[:len(data) // 2])
            pair.ends = "cut"
            return b""
        return data


TICK = 0.05


class _Pair:
    """A connection: its two sides are closed when both directions have ended."""

    def __init__(self, client, server):
        self.client, self.server = client, server
        self.ends = None  # how
        self.received = 0
        self._directions = 2
        self._lock = threading.Lock()

    def leave(self) -> None:
        with self._lock:
            self.ends = self.ends or "closed"
            self._directions -= 1
            last = self._directions == 0
        if not last:
            return
        for end in (self.server, self.client):
            if self.ends == "reset":
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if self.ends != "half open" or end is self.server:
                end.close()
        _half_open.append(self)  # what nobody has a name for Python would close


_half_open = []
