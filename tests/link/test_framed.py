"""Tests of messages over TCP."""

from __future__ import annotations

from twisted.internet.address import UNIXAddress
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.logger import LogLevel
from twisted.trial.unittest import SynchronousTestCase

from tests.connect.logs import LogCapture
from tests.link.rig import drw
from tests.link.streams import HERE, PORT, RELAY, StreamTestCase
from trailcam.errors import BadMagic, LinkClosed
from trailcam.link.framed import FramedConnection
from trailcam.wire.messages import Alive, Close, Message
from trailcam.wire.stream import ClearFraming, encode_frame

UNKNOWN = b"\x00\x04\x68\x00\x00\x00\x00\x00" + b"\xf1\xef\x00\x00"


def frame(message: Message) -> bytes:
    """The octets of one message."""
    return encode_frame(message, ClearFraming())


class TrafficTests(StreamTestCase):
    """While it is open."""

    def test_addresses(self) -> None:
        """Both ends know where they are; small messages do not wait."""
        self.assertEqual(self.connection.peer, (RELAY, PORT))
        self.assertEqual(self.connection.local[0], HERE)
        self.assertEqual(self.far.connection.peer, self.connection.local)
        self.assertTrue(self.near.transport.getTcpNoDelay())

    def test_messages(self) -> None:
        """Messages pass both ways, in order."""
        for index in range(5):
            self.connection.send(drw(index))
            self.far.connection.send(drw(index + 100))
        self.turn()
        self.assertEqual(self.far.heard, [drw(index) for index in range(5)])
        self.assertEqual(self.near.heard, [drw(index) for index in range(100, 105)])

    def test_octet_by_octet(self) -> None:
        """However a stream is cut up, the messages are the same."""
        for octet in frame(drw(1)) + frame(Alive()):
            self.far.transport.write(bytes([octet]))
            self.turn()
        self.assertEqual(self.near.heard, [drw(1), Alive()])

    def test_unknown_message(self) -> None:
        """A frame in order with an unknown message is left out, and told once."""
        log = LogCapture(self)
        self.far.transport.write(UNKNOWN + frame(Alive()) + UNKNOWN)
        self.turn()
        self.assertEqual(self.near.heard, [Alive()])
        self.assertEqual(len(log.lines()), 1)
        self.assertIn(f"{RELAY} sends: unknown_message", log.lines()[0])

    def test_other_ears(self) -> None:
        """Who hears may change between two messages of one piece."""
        second: list[Message] = []

        def first(message: Message) -> None:
            self.near.heard.append(message)
            self.connection.hear = second.append

        self.connection.hear = first
        self.far.transport.write(frame(drw(1)) + frame(drw(2)))
        self.turn()
        self.assertEqual((self.near.heard, second), ([drw(1)], [drw(2)]))

    def test_ears_that_raise(self) -> None:
        """A receiver that raises is a bug of its own, not the connection's end."""
        self.connection.hear = raise_error
        self.far.connection.send(drw(1))
        self.turn()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.connection.hear = self.near.heard.append
        self.far.connection.send(drw(2))
        self.turn()
        self.assertEqual(self.near.heard, [drw(2)])

    def test_congested(self) -> None:
        """It says when more waits to be sent than the transport likes, and when no longer."""
        self.assertFalse(self.connection.congested)
        self.fill()
        self.assertTrue(self.connection.congested)
        self.far.connection.dataReceived = lambda data: None
        self.far.transport.startReading()
        self.turn(0.1)
        self.assertFalse(self.connection.congested)


class EndTests(StreamTestCase):
    """How it ends."""

    def test_close(self) -> None:
        """What was sent before the end arrives; both ends hear of it once, last."""
        self.connection.send(drw(1))
        closing = self.connection.close()
        self.assertNoResult(closing)
        self.turn()
        self.successResultOf(closing)
        self.assertEqual(self.far.heard, [drw(1)])
        for end in (self.near, self.far):
            [ending] = end.endings
            self.assertTrue(ending.check(ConnectionDone))
        self.assertEqual(self.network.delayed_calls(), [])

    def test_close_again(self) -> None:
        """It may be closed any number of times, before and after the end."""
        waiters = [self.connection.close(), self.connection.close()]
        self.turn()
        for waiter in (*waiters, self.connection.close()):
            self.successResultOf(waiter)
        self.assertEqual(len(self.near.endings), 1)

    def test_send_after_close(self) -> None:
        """Nothing can be said after that."""
        self.connection.close()
        self.assertRaises(LinkClosed, self.connection.send, Alive())
        self.turn()
        self.assertRaises(LinkClosed, self.connection.send, Alive())

    def test_deaf_after_close(self) -> None:
        """Nothing is heard either, not even the rest of one piece."""

        def close(message: Message) -> None:
            self.near.heard.append(message)
            self.connection.close()

        self.connection.hear = close
        self.far.transport.write(frame(drw(1)) + frame(drw(2)))
        self.turn()
        self.assertEqual(self.near.heard, [drw(1)])

    def test_data_after_close(self) -> None:
        """What a transport still brings is not looked at."""
        self.connection.close()
        self.connection.dataReceived(b"nonsense")
        self.turn()
        self.assertTrue(self.near.endings[0].check(ConnectionDone))

    def test_cut_off(self) -> None:
        """When nothing moves any more, it is over after a second all the same."""
        self.fill()
        closing = self.connection.close()
        self.turn(0.9)
        self.assertNoResult(closing)
        self.turn(0.2)
        self.successResultOf(closing)
        self.assertEqual(len(self.near.endings), 1)

    def test_short_farewell(self) -> None:
        """Or as soon as whoever made the connection wants."""
        clock = Clock()
        connection = FramedConnection(clock, farewell=0.2)
        transport = LingeringTransport()
        transport.protocol = connection
        connection.makeConnection(transport)
        closing = connection.close()
        clock.advance(0.19)
        self.assertNoResult(closing)
        clock.advance(0.02)
        self.successResultOf(closing)

    def test_peer_closes(self) -> None:
        """The peer's end is ours."""
        self.far.connection.close()
        self.turn()
        self.assertTrue(self.near.endings[0].check(ConnectionDone))
        self.assertRaises(LinkClosed, self.connection.send, Alive())

    def test_reset(self) -> None:
        """So is the network's."""
        self.network.reset(self.host, self.relay_host)
        self.turn()
        self.assertTrue(self.near.endings[0].check(ConnectionLost))

    def test_out_of_order(self) -> None:
        """What is no frame is the end, with the reason, and is told once."""
        log = LogCapture(self)
        self.far.transport.write(frame(drw(1)))
        self.turn()
        self.far.transport.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        self.turn()
        self.assertEqual(self.near.heard, [drw(1)])
        [ending] = self.near.endings
        self.assertTrue(ending.check(BadMagic))
        self.assertEqual(len(log.lines(LogLevel.warn)), 1)
        self.assertTrue(self.far.endings[0].check(ConnectionLost))

    def test_close_while_out_of_order(self) -> None:
        """To close what is about to end waits for that end."""
        self.connection.dataReceived(b"nonsense")
        closing = self.connection.close()
        self.assertNoResult(closing)
        self.turn()
        self.successResultOf(closing)


class AloneTests(SynchronousTestCase):
    """Without a network."""

    def test_never_connected(self) -> None:
        """What was never connected can be closed, and takes no messages."""
        connection = FramedConnection(Clock())
        self.assertRaises(LinkClosed, connection.send, Alive())
        self.successResultOf(connection.close())

    def test_sudden_end(self) -> None:
        """A transport that is gone as soon as it is told to go leaves no call behind."""
        clock = Clock()
        connection = FramedConnection(clock)
        transport = SuddenTransport()
        transport.protocol = connection
        connection.makeConnection(transport)
        self.successResultOf(connection.close())
        self.assertEqual(clock.getDelayedCalls(), [])

    def test_nobody_listens(self) -> None:
        """Nobody has to hear or to know of the end."""
        connection = FramedConnection(Clock())
        transport = SuddenTransport()
        transport.protocol = connection
        connection.makeConnection(transport)
        connection.dataReceived(frame(Close()))
        connection.close()

    def test_without_numbers(self) -> None:
        """A socket that is no Internet address has none."""
        connection = FramedConnection(Clock())
        connection.makeConnection(SuddenTransport(peerAddress=UNIXAddress(b"/run/x")))
        self.assertEqual(connection.peer, ("", 0))


class LingeringTransport(StringTransportWithDisconnection):
    """A transport that waits for a goodbye, as TLS does, and gets none."""

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Nothing ever waits."""

    def loseConnection(self) -> None:
        """Wait."""

    def abortConnection(self) -> None:
        """Wait no longer."""
        super().loseConnection()


class SuddenTransport(StringTransportWithDisconnection):
    """A transport that knows no delay."""

    def setTcpNoDelay(self, enabled: bool) -> None:
        """Nothing ever waits."""

    def abortConnection(self) -> None:
        """As sudden as the other way."""
        self.loseConnection()


def raise_error(message: Message) -> None:
    """A receiver with a bug."""
    raise RuntimeError("broken")
