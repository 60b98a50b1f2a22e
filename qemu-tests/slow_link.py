# SPDX-License-Identifier: GPL-3.0-or-later
"""A TCP relay on the loopback that makes every byte late, as a long line does.

    with SlowLink(server.port, round_trip_ms=10) as link:
        link.port   -> connect here
        link.received.value   -> bytes that came from the server so far

Bandwidth is not limited; bytes stay in order. It runs in a process of its own, so that what
is measured does not wait for the measuring program.
"""

import asyncio
import multiprocessing
import socket

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
