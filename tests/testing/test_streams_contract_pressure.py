"""
What TCP in memory and the reactor's own have in common: producers and consumers.
"""

from __future__ import annotations

from twisted.trial.unittest import TestCase

from tests.testing.stream_contract import MemoryBase, RealBase, StreamBase
from tests.testing.streams import Spring, Talker

MEGABYTES = 16 * 1024 * 1024
"""More than any system keeps for a reader that does not read."""


class Well:
    """Gives three octets, one each time that it is asked, and then lets go."""

    def __init__(self, consumer: Talker) -> None:
        self.consumer = consumer
        self.left = [b"1", b"2", b"3"]

    def resumeProducing(self) -> None:
        """Give one."""
        self.consumer.transport.write(self.left.pop(0))
        if not self.left:
            self.consumer.transport.unregisterProducer()
            self.consumer.transport.loseConnection()

    def stopProducing(self) -> None:
        """Nothing to give up."""


class PressureContract(StreamBase):
    """Producers and consumers."""

    async def test_paused_reader(self) -> None:
        """A reader that pauses gets nothing until it resumes."""
        client, server = await self.connect()
        server.transport.pauseProducing()
        client.transport.write(b"later")
        await self.settle_by_echo()
        self.assertEqual(server.events, ["made"])
        server.transport.resumeProducing()
        self.assertEqual(server.events, ["made"])
        await self.ends(server, "made", b"later")

    async def settle_by_echo(self) -> None:
        """Let another connection talk, which takes as long as whatever goes on beside it."""
        client, server = await self.connect()
        client.transport.write(b"?")
        await self.ends(server, "made", b"?")

    async def test_push_producer(self) -> None:
        """A paused reader makes the writer's producer pause; when it reads, all arrives."""
        client, server = await self.connect()
        spring = Spring(client, 65537, MEGABYTES)
        server.transport.pauseProducing()
        client.transport.registerProducer(spring, True)
        spring.flow()
        self.assertEqual(spring.commands, ["pause"])
        await self.settle_by_echo()
        self.assertTrue(spring.paused)
        self.assertGreater(spring.left, 0)
        server.transport.resumeProducing()
        await self.happen(server.story.when(lambda: server.size == MEGABYTES))
        self.assertEqual(spring.commands[-1], "done")

    async def test_reset_of_a_waiting_writer(self) -> None:
        """Who waits for room hears of a reset, even without reading."""
        client, server = await self.connect()
        for end in (client, server):
            end.transport.pauseProducing()
        client.transport.write(bytes(MEGABYTES))
        await self.settle_by_echo()
        server.transport.abortConnection()
        await self.ends(client, "made", "lost: ConnectionLost")

    async def test_small_writes_do_not_pause(self) -> None:
        """Up to 64 KiB may wait in the buffer."""
        client, server = await self.connect()
        spring = Spring(client, 65536, 65536)
        client.transport.registerProducer(spring, True)
        spring.flow()
        self.assertEqual(spring.commands, ["done"])
        await self.happen(server.story.when(lambda: server.size == 65536))

    async def test_pull_producer(self) -> None:
        """A pull producer is asked each time that the buffer is empty."""
        client, server = await self.connect()
        client.transport.registerProducer(Well(client), False)
        await self.ends(server, "made", b"123", "lost: ConnectionDone")

    async def test_one_producer(self) -> None:
        """There is one producer at a time."""
        client, _ = await self.connect()
        spring = Spring(client, 1, 0)
        client.transport.registerProducer(spring, True)
        self.assertRaises(RuntimeError, client.transport.registerProducer, spring, True)
        client.transport.unregisterProducer()
        client.transport.registerProducer(spring, True)

    async def test_producer_keeps_open(self) -> None:
        """Closing waits for the producer to be done."""
        client, server = await self.connect()
        spring = Spring(client, 65537, MEGABYTES)
        server.transport.pauseProducing()
        client.transport.registerProducer(spring, True)
        spring.flow()
        client.transport.loseConnection()
        server.transport.resumeProducing()
        await self.happen(server.story.reached("lost: ConnectionDone"))
        self.assertEqual((server.size, spring.commands[-1]), (MEGABYTES, "done"))

    async def test_producer_stopped(self) -> None:
        """A producer is told to stop when the connection is lost, and at once after that."""
        client, server = await self.connect()
        springs = [Spring(client, 1, 0), Spring(client, 1, 0)]
        client.transport.registerProducer(springs[0], True)
        server.transport.loseConnection()
        await self.ends(client, "made", "lost: ConnectionDone")
        client.transport.registerProducer(springs[1], True)
        self.assertEqual([spring.commands for spring in springs], [["stop"]] * 2)

    async def test_stop_producing(self) -> None:
        """To stop producing is to close; to stop consuming too."""
        client, _ = await self.connect()
        client.transport.stopProducing()
        await self.ends(client, "made", "lost: ConnectionDone")
        client, _ = await self.connect()
        client.transport.registerProducer(Spring(client, 1, 0), True)
        client.transport.stopConsuming()
        await self.ends(client, "made", "lost: ConnectionDone")


class MemoryPressureTests(MemoryBase, PressureContract, TestCase):
    """Producers and consumers, in memory."""


class RealPressureTests(RealBase, PressureContract, TestCase):
    """Producers and consumers, on the real reactor."""
