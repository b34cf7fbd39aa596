"""
aiopppp, a client for the same protocol from PyPI, as its own documentation uses it.

Its sessions log in to another family of cameras once they are connected; that step is left out, so
that it stops where the others do.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from typing import Any

from aiopppp.discover import Discovery
from aiopppp.packets import DrwPkt
from aiopppp.session import BinarySession
from aiopppp.types import DeviceDescriptor, VideoFrame

from benchmarks.answering import cpu_seconds, serve
from benchmarks.peers import pppp

#: Seconds between two searches: it allows no less.
_PERIOD = 1


class Client(BinarySession):  # type: ignore[misc]
    """
    A session that tells when it is connected, and counts the pictures that it delivers.

    :ivar connected: set when the camera is ready.
    :ivar over: set when the camera has said that it has sent everything.
    """

    def __init__(self, device: DeviceDescriptor) -> None:
        super().__init__(device, on_disconnect=None)
        self.connected = asyncio.Event()
        self.over = asyncio.Event()
        self.octets = self.frames = 0
        self.last = time.perf_counter()
        self.frame_buffer.publish = self.published

    async def setup_device(self) -> None:
        """Called once it is connected, to log in."""
        self.connected.set()
        self.device_is_ready.set()

    async def published(self, frame: VideoFrame) -> None:
        """A whole picture."""
        self.octets += len(frame.data)
        self.frames += 1
        self.last = time.perf_counter()

    async def handle_incoming_command_packet(self, drw_pkt: DrwPkt) -> None:
        """What comes beside the pictures."""
        if drw_pkt.get_drw_payload() == pppp.POURED:
            self.over.set()

    async def close(self) -> None:
        """Say CLOSE, and end its tasks."""
        await self.send_close_pkt()
        for task in self.running_tasks():
            task.cancel()
        await asyncio.gather(*self.running_tasks(), return_exceptions=True)
        if self.transport is not None:
            self.transport.close()


async def _found(host: str, port: int) -> DeviceDescriptor:
    found: asyncio.Future[DeviceDescriptor] = asyncio.get_running_loop().create_future()

    def answered(device: DeviceDescriptor) -> None:
        if not found.done():
            found.set_result(device)

    discovery = Discovery(remote_addr=host, remote_port=port)
    search = asyncio.ensure_future(discovery.discover(answered, period=_PERIOD))
    try:
        return await found
    finally:
        search.cancel()
        await asyncio.gather(search, return_exceptions=True)


async def _session(host: str, port: int, seconds: float) -> Client:
    """:raises TimeoutError: there is none in time."""
    clients: list[Client] = []

    async def connect() -> None:
        clients.append(Client(await _found(host, port)))
        clients[0].start()
        await clients[0].connected.wait()

    try:
        await asyncio.wait_for(connect(), seconds)
    except asyncio.TimeoutError:
        for client in clients:
            with contextlib.suppress(Exception):
                await client.close()
        raise TimeoutError("no session") from None
    return clients[0]


async def _start(host: str, port: int, seconds: float) -> dict[str, Any]:
    began = time.perf_counter()
    try:
        client = await _session(host, port, seconds)
    except TimeoutError:
        return {"seconds": None}
    elapsed = time.perf_counter() - began
    await client.close()
    return {"seconds": elapsed}


def start(host: str, ports: list[int], seconds: float) -> dict[str, Any]:
    """From the first search to the session, at the one port that it can search."""
    return asyncio.run(_start(host, ports[0], seconds))


async def _download(
    host: str, port: int, octets: int, chunk: int, seconds: float
) -> dict[str, Any]:
    client = await _session(host, port, seconds)
    began, used = time.perf_counter(), cpu_seconds()
    order = DrwPkt(pppp.COMMANDS, client.outgoing_command_idx, pppp.pour(1, chunk, octets))
    client.outgoing_command_idx += 1
    await client.send(order)
    with contextlib.suppress(asyncio.TimeoutError):
        await _until_over(client, order, seconds)
    used = cpu_seconds() - used
    await client.close()
    elapsed = max(client.last - began, 0.0) or time.perf_counter() - began
    return {"octets": client.octets, "frames": client.frames, "seconds": elapsed, "cpu": used}


async def _until_over(client: Client, order: DrwPkt, seconds: float) -> None:
    """It does not send a command again by itself."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(client.over.wait(), 0.5 if not client.frames else seconds)
            await asyncio.sleep(0.05)  # what it still has in its queues
            return
        if not client.frames:
            await client.send(order)


def download(host: str, port: int, octets: int, chunk: int, seconds: float) -> dict[str, Any]:
    """Have a number of octets sent; what counts is what it delivers in whole pictures."""
    return asyncio.run(_download(host, port, octets, chunk, seconds))


if __name__ == "__main__":
    logging.disable(logging.CRITICAL)
    serve({"start": start, "download": download})
