"""
What TCP in memory and the reactor's own have in common: connecting, talking, closing.
"""

from __future__ import annotations

from twisted.internet.interfaces import (
    IConnector,
    IConsumer,
    IListeningPort,
    IPushProducer,
    IReactorTCP,
    ITCPTransport,
)
from twisted.trial.unittest import TestCase
from zope.interface.verify import verifyObject

from tests.testing.stream_contract import LOOPBACK, MemoryBase, RealBase, StreamBase, fail
from tests.testing.streams import HalfTalker, Maker, Talker

MEGABYTES = 16 * 1024 * 1024
"""More than any system keeps for a reader that does not read."""


class TalkContract(StreamBase):
    """Connecting, talking, closing."""

    async def test_interfaces(self) -> None:
        """Everything provides what Twisted says of TCP."""
        verifyObject(IReactorTCP, self.reactor)
        client, server = Talker(), Talker()
        port = self.listen(Maker(server))
        verifyObject(IListeningPort, port)
        verifyObject(IConnector, self.dial(port, Maker(client)))
        await self.happen(server.story.reached("made"))
        await self.happen(client.story.reached("made"))
        for end in (server, client):
            for interface in (ITCPTransport, IConsumer, IPushProducer):
                verifyObject(interface, end.transport)

    async def test_addresses(self) -> None:
        """Each end is the other's peer, and the server's address is what was asked for."""
        client, server = await self.connect()
        self.assertEqual(client.transport.getHost(), server.transport.getPeer())
        self.assertEqual(client.transport.getPeer(), server.transport.getHost())
        for address in (client.transport.getHost(), server.transport.getHost()):
            self.assertEqual((address.type, address.host), ("TCP", LOOPBACK))
        self.assertNotEqual(client.transport.getHost(), client.transport.getPeer())

    async def test_options(self) -> None:
        """The options of the transport can be set and read."""
        client, _ = await self.connect()
        transport = client.transport
        for value in (True, False):
            transport.setTcpNoDelay(value)
            transport.setTcpKeepAlive(value)
            self.assertEqual((transport.getTcpNoDelay(), transport.getTcpKeepAlive()), (value,) * 2)

    async def test_both_ways(self) -> None:
        """Octets go both ways, in order, and arrive after the write that sent them."""
        client, server = await self.connect()
        client.transport.write(b"one ")
        client.transport.writeSequence([b"two ", b"three"])
        server.transport.write(b"four")
        self.assertEqual((client.events, server.events), (["made"], ["made"]))
        await self.ends(server, "made", b"one two three")
        await self.ends(client, "made", b"four")

    async def test_first_words(self) -> None:
        """Both may write as soon as they are connected."""
        client, server = Talker(), Talker()
        client.on["made"] = lambda end: end.transport.write(b"from client")
        server.on["made"] = lambda end: end.transport.write(b"from server")
        await self.connect(client, server)
        await self.ends(server, "made", b"from client")
        await self.ends(client, "made", b"from server")

    async def test_answer(self) -> None:
        """An answer is written from within dataReceived."""
        server = Talker()
        server.on[b"ping"] = lambda end: end.transport.write(b"pong")
        client, _ = await self.connect(server=server)
        client.transport.write(b"ping")
        await self.ends(client, "made", b"pong")

    async def test_text(self) -> None:
        """Only octets can be written."""
        client, _ = await self.connect()
        self.assertRaises(TypeError, client.transport.write, "text")
        self.assertRaises(TypeError, client.transport.writeSequence, ["text"])

    async def test_client_closes(self) -> None:
        """What was written before the close arrives before the end."""
        client, server = await self.connect()
        client.transport.write(b"bye")
        client.transport.loseConnection()
        self.assertEqual(client.events, ["made"])
        await self.ends(client, "made", "lost: ConnectionDone")
        await self.ends(server, "made", b"bye", "lost: ConnectionDone")

    async def test_server_closes(self) -> None:
        """The server closes in the same way."""
        client, server = await self.connect()
        server.transport.write(b"bye")
        server.transport.loseConnection()
        await self.ends(client, "made", b"bye", "lost: ConnectionDone")
        await self.ends(server, "made", "lost: ConnectionDone")

    async def test_close_at_once(self) -> None:
        """An end that writes and closes as soon as it is connected is heard."""
        server = Talker()

        def turn_away(end: Talker) -> None:
            end.transport.write(b"busy")
            end.transport.loseConnection()

        server.on["made"] = turn_away
        client, _ = await self.connect(server=server)
        await self.ends(server, "made", "lost: ConnectionDone")
        await self.ends(client, "made", b"busy", "lost: ConnectionDone")

    async def test_large_farewell(self) -> None:
        """Closing waits until all is written."""
        client, server = await self.connect()
        client.transport.write(bytes(1_000_000))
        client.transport.loseConnection()
        await self.happen(server.story.reached("lost: ConnectionDone"))
        self.assertEqual(server.size, 1_000_000)

    async def test_close_again(self) -> None:
        """Whatever is done to a closed connection does nothing."""
        client, server = await self.connect()
        client.transport.loseConnection()
        client.transport.loseConnection()
        await self.ends(client, "made", "lost: ConnectionDone")
        transport = client.transport
        for act in (transport.loseConnection, transport.abortConnection, transport.stopProducing):
            act()
        transport.write(b"too late")
        await self.ends(server, "made", "lost: ConnectionDone")
        self.assertEqual(client.events, ["made", "lost: ConnectionDone"])

    async def test_abort(self) -> None:
        """Who aborts is told so in the next turn, the other end loses its connection."""
        client, server = await self.connect()
        client.transport.abortConnection()
        client.transport.abortConnection()
        self.assertEqual(client.events, ["made"])
        await self.ends(client, "made", "lost: ConnectionAborted")
        await self.ends(server, "made", "lost: ConnectionLost")

    async def test_abort_is_deaf(self) -> None:
        """Between the abort and its end nothing is read or written, whatever is asked for."""
        client, server = await self.connect()
        client.transport.pauseProducing()
        server.transport.write(b"unheard")
        await self.settle()
        client.transport.abortConnection()
        client.transport.resumeProducing()
        client.transport.write(b"unsaid")
        await self.ends(client, "made", "lost: ConnectionAborted")
        await self.ends(server, "made", "lost: ConnectionLost")

    async def test_abort_throws_away(self) -> None:
        """What waits in the buffer of an aborted connection is lost."""
        client, server = await self.connect()
        server.transport.pauseProducing()
        client.transport.write(bytes(MEGABYTES))
        client.transport.loseConnection()
        client.transport.abortConnection()
        await self.ends(client, "made", "lost: ConnectionAborted")
        server.transport.resumeProducing()
        await self.happen(server.story.reached("lost: ConnectionLost"))
        self.assertLess(server.size, MEGABYTES)

    async def test_failing_protocol(self) -> None:
        """A protocol that fails on its data loses its connection for that reason."""
        server = Talker()
        server.on[b"bad"] = fail
        client, _ = await self.connect(server=server)
        client.transport.write(b"bad")
        await self.ends(server, "made", b"bad", "lost: KeyError")
        await self.ends(client, "made", "lost: ConnectionDone")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    async def test_failing_farewell(self) -> None:
        """A protocol that fails on its end is logged, and that is all."""
        client, server = await self.connect()
        server.on["lost: ConnectionDone"] = fail
        client.transport.loseConnection()
        await self.ends(client, "made", "lost: ConnectionDone")
        await self.settle()
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    async def test_failing_farewell_of_a_client(self) -> None:
        """A client that fails on its end keeps its factory from hearing of the end."""
        client, factory = Talker(), Maker()
        factory.prepared = [client]
        client.on["lost: ConnectionDone"] = fail
        server = Talker()
        self.dial(self.listen(Maker(server)), factory)
        await self.happen(server.story.reached("made"))
        server.transport.loseConnection()
        await self.ends(client, "made", "lost: ConnectionDone")
        await self.settle()
        self.assertEqual(factory.events, ["start", "connecting", "build"])
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    async def settle(self) -> None:
        """Exchange something, so that all that came before it is over."""
        client, server = await self.connect()
        client.transport.write(b"?")
        await self.ends(server, "made", b"?")
        server.transport.write(b"!")
        await self.ends(client, "made", b"!")


class HalfContract(StreamBase):
    """Closing one direction."""

    async def test_both_halves(self) -> None:
        """The other direction goes on until it is closed as well."""
        client, server = await self.connect(HalfTalker(), HalfTalker())
        client.transport.write(b"question")
        client.transport.loseWriteConnection()
        await self.ends(server, "made", b"question", "read end")
        await self.ends(client, "made", "write end")
        client.transport.write(b"not any more")
        server.transport.write(b"answer")
        server.transport.loseConnection()
        await self.ends(client, "made", "write end", b"answer", "read end")
        await self.ends(server, "made", b"question", "read end", "lost: ConnectionDone")
        client.transport.loseConnection()
        await self.ends(client, "made", "write end", b"answer", "read end", "lost: ConnectionDone")

    async def test_whole_protocol(self) -> None:
        """To a protocol that knows no halves it is the end of all."""
        client, server = await self.connect(HalfTalker())
        client.transport.loseWriteConnection()
        await self.ends(server, "made", "lost: ConnectionDone")
        await self.ends(client, "made", "write end", "read end")

    async def test_reset(self) -> None:
        """A reset ends both directions, for everybody."""
        client, server = await self.connect(server=HalfTalker())
        client.transport.abortConnection()
        await self.ends(server, "made", "lost: ConnectionLost")

    async def test_failing_read_end(self) -> None:
        """A protocol that fails on the end of its reading loses its connection."""
        server = HalfTalker()
        server.on["read end"] = fail
        client, _ = await self.connect(server=server)
        client.transport.loseWriteConnection()
        await self.ends(server, "made", "read end", "lost: KeyError")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    async def test_failing_write_end(self) -> None:
        """A protocol that fails on the end of its writing loses its connection."""
        client = HalfTalker()
        client.on["write end"] = fail
        _, server = await self.connect(client, HalfTalker())
        client.transport.loseWriteConnection()
        await self.ends(client, "made", "write end", "lost: KeyError")
        await self.ends(server, "made", "read end")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        server.transport.loseConnection()
        await self.ends(server, "made", "read end", "lost: ConnectionDone")


class MemoryTalkTests(MemoryBase, TalkContract, TestCase):
    """Talking, in memory."""


class RealTalkTests(RealBase, TalkContract, TestCase):
    """Talking, on the real reactor."""


class MemoryHalfTests(MemoryBase, HalfContract, TestCase):
    """Closing one direction, in memory."""


class RealHalfTests(RealBase, HalfContract, TestCase):
    """Closing one direction, on the real reactor."""
