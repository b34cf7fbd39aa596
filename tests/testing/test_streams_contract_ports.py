"""
What TCP in memory and the reactor's own have in common: ports, connectors and factories.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from twisted.internet.error import CannotListenError, NotConnectingError
from twisted.trial.unittest import TestCase

from tests.testing.stream_contract import LOOPBACK, MemoryBase, RealBase, StreamBase, fail
from tests.testing.streams import Clumsy, Event, Maker, Talker


class PortContract(StreamBase):
    """Ports, connectors and factories."""

    async def failed(self, factory: Maker, *events: Event) -> None:
        """Wait until a factory has this story."""
        await self.happen(factory.story.told(*events))

    async def unused(self) -> int:
        """A number that nobody listens to."""
        port = self.listen(Maker())
        number = port.getHost().port
        await self.close(port)
        return number

    async def test_refused(self) -> None:
        """Nobody listens: the factory hears of it, in a later turn."""
        factory = Maker()
        self.reactor.connectTCP(LOOPBACK, await self.unused(), factory)
        self.assertEqual(factory.events, ["start", "connecting"])
        await self.failed(factory, "start", "connecting", "failed: ConnectionRefusedError", "stop")

    async def test_stop_connecting(self) -> None:
        """Giving up is reported at once, and possible only once."""
        for method in ("stopConnecting", "disconnect"):
            factory, server = Maker(), Maker()
            connector = self.dial(self.listen(server), factory)
            getattr(connector, method)()
            self.assertEqual(factory.events, ["start", "connecting", "failed: UserError", "stop"])
            self.assertRaises(NotConnectingError, connector.stopConnecting)

    async def test_disconnect(self) -> None:
        """A connector closes its connection."""
        factory, server = Maker(), Maker(Talker())
        connector = self.dial(self.listen(server), factory)
        await self.happen(server.story.reached("build"))
        await self.happen(factory.story.reached("build"))
        connector.disconnect()
        await self.failed(factory, "start", "connecting", "build", "lost: ConnectionDone", "stop")

    async def test_reconnect(self) -> None:
        """A factory may connect again from within the news of its loss or failure."""
        port = self.listen(Maker())
        factory = Maker()
        again: list[Callable[[], None]] = []
        connector = self.dial(port, factory)
        factory.clientConnectionLost = lambda connector, reason: again.pop()()  # type: ignore[method-assign]
        again.append(connector.connect)
        await self.happen(factory.story.reached("build"))
        connector.disconnect()
        await self.happen(factory.story.when(lambda: len(factory.made) == 2))
        self.assertEqual(factory.events, ["start", "connecting", "build", "connecting", "build"])
        self.assertRaises(RuntimeError, connector.connect)
        del factory.clientConnectionLost

    async def test_get_destination(self) -> None:
        """A connector knows where it goes."""
        port = self.listen(Maker())
        connector = self.dial(port, Maker())
        self.assertEqual(connector.getDestination(), port.getHost())
        connector.disconnect()

    async def test_no_server_protocol(self) -> None:
        """A server's factory without a protocol closes the connection."""
        server, client = Maker(None), Talker()
        self.dial(self.listen(server), Maker(client))
        await self.ends(client, "made", "lost: ConnectionDone")

    async def test_no_client_protocol(self) -> None:
        """A client's factory without a protocol closes the connection."""
        factory, server = Maker(None), Talker()
        self.dial(self.listen(Maker(server)), factory)
        await self.failed(factory, "start", "connecting", "build", "lost: ConnectionDone", "stop")
        await self.ends(server, "made", "lost: ConnectionDone")

    async def test_failing_client_factory(self) -> None:
        """A client's factory that fails has failed to connect."""
        factory, server = Clumsy(), Talker()
        self.dial(self.listen(Maker(server)), factory)
        await self.failed(factory, "start", "connecting", "build", "failed: ConnectError", "stop")
        await self.ends(server, "made", "lost: ConnectionDone")
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)

    async def test_failing_connection_made(self) -> None:
        """A client that fails at once loses its connection, a server that does so keeps it."""
        client, server = Talker(), Talker()
        client.on["made"] = fail
        factory = Maker(client)
        self.dial(self.listen(Maker(server)), factory)
        await self.ends(client, "made", "lost: KeyError")
        await self.ends(server, "made", "lost: ConnectionDone")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)
        client, server = Talker(), Talker()
        server.on["made"] = fail
        self.dial(self.listen(Maker(server)), Maker(client))
        await self.ends(client, "made")
        client.transport.write(b"still here?")
        await self.ends(server, "made", b"still here?")
        self.assertEqual(len(self.flushLoggedErrors(KeyError)), 1)

    def test_get_host(self) -> None:
        """Port 0 becomes a real number, and without an interface the address is 0.0.0.0."""
        host = self.listen(Maker()).getHost()
        self.assertEqual((host.type, host.host), ("TCP", LOOPBACK))
        self.assertIn(host.port, range(1024, 65536))
        self.assertEqual(self.listen(Maker(), interface="").getHost().host, "0.0.0.0")

    async def test_all_interfaces(self) -> None:
        """A port on all addresses hears the loopback address too."""
        server = Talker()
        port = self.listen(Maker(server), interface="")
        self.dial(port, Maker())
        await self.ends(server, "made")
        self.assertEqual(server.transport.getHost().host, LOOPBACK)

    def test_taken_number(self) -> None:
        """Two ports cannot have the same number."""
        number = self.listen(Maker()).getHost().port
        factory = Maker()
        failure = self.assertRaises(CannotListenError, self.listen, factory, number)
        self.assertEqual((failure.interface, failure.port), (LOOPBACK, number))
        self.assertEqual(failure.socketError.errno, errno.EADDRINUSE)
        self.assertEqual(factory.events, [])

    def test_foreign_interface(self) -> None:
        """The interface must be the host's."""
        failure = self.assertRaises(CannotListenError, self.listen, Maker(), interface="192.0.2.1")
        self.assertEqual(failure.socketError.errno, errno.EADDRNOTAVAIL)

    def test_impossible_number(self) -> None:
        """Numbers end at 65535."""
        for number in (65536, -1):
            self.assertRaises(OverflowError, self.listen, Maker(), number)

    async def test_stop_listening(self) -> None:
        """Stopping takes a turn; then the factory is stopped and the number is free."""
        factory = Maker()
        port = self.listen(factory)
        number = port.getHost().port
        stopped = port.stopListening()
        assert stopped is not None
        self.assertNoResult(stopped)
        self.assertEqual(factory.events, ["start"])
        await self.happen(stopped)
        self.assertEqual(factory.events, ["start", "stop"])
        self.assertIsNone(port.stopListening())
        self.assertRaises(AttributeError, port.getHost)
        self.assertEqual(self.listen(Maker(), number).getHost().port, number)

    async def test_stop_listening_twice(self) -> None:
        """Stopping again in the same turn is a mistake that only the second Deferred notices."""
        port = self.listen(Maker())
        stopped, again = port.stopListening(), port.stopListening()
        assert stopped is not None
        assert again is not None
        await self.happen(stopped)
        await self.assertFailure(again, AttributeError)

    async def test_connections_stay(self) -> None:
        """A port that closes leaves alone what it accepted."""
        server, client = Talker(), Talker()
        port = self.listen(Maker(server))
        self.dial(port, Maker(client))
        await self.ends(server, "made")
        await self.close(port)
        client.transport.write(b"still here?")
        await self.ends(server, "made", b"still here?")

    async def test_bind_address(self) -> None:
        """A client may ask for its own address and number."""
        number, server = await self.unused(), Talker()
        port, factory = self.listen(Maker(server)), Maker()
        self.reactor.connectTCP(
            LOOPBACK, port.getHost().port, factory, bindAddress=(LOOPBACK, number)
        )
        self.addCleanup(self.hang_up, factory)
        await self.ends(server, "made")
        peer = server.transport.getPeer()
        self.assertEqual((peer.host, peer.port), (LOOPBACK, number))

    async def test_taken_bind_address(self) -> None:
        """A client cannot have the number of a port."""
        port, factory = self.listen(Maker()), Maker()
        taken = (LOOPBACK, port.getHost().port)
        self.reactor.connectTCP(*taken, factory, bindAddress=taken)
        self.assertEqual(factory.events, ["start", "connecting"])
        await self.failed(factory, "start", "connecting", "failed: ConnectBindError", "stop")


class MemoryPortTests(MemoryBase, PortContract, TestCase):
    """Ports, connectors and factories, in memory."""


class RealPortTests(RealBase, PortContract, TestCase):
    """Ports, connectors and factories, on the real reactor."""
