"""Tests for :mod:`trailcam.session.channel`, in a session."""

from __future__ import annotations

from twisted.internet.interfaces import IConsumer, IPushProducer
from zope.interface.verify import verifyObject

from tests.session.rig import Reader, SessionTestCase, drw
from trailcam.errors import ChannelClosed, SessionClosedByPeer, SessionError
from trailcam.interfaces import IChannel
from trailcam.session.channel import MOST_UNSENT, Channel
from trailcam.session.incoming import MOST_WAITING, Incoming
from trailcam.wire.messages import Close, Drw, DrwAck


class Producer:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def pauseProducing(self) -> None:
        """Note it."""
        self.told.append("pause")

    def resumeProducing(self) -> None:
        """Note it."""
        self.told.append("resume")

    def stopProducing(self) -> None:
        """Note it."""
        self.told.append("stop")


class ReadingTests(SessionTestCase):
    """What comes."""

    def test_interfaces(self) -> None:
        """A channel is what Twisted knows."""
        for interface in (IChannel, IConsumer, IPushProducer):
            verifyObject(interface, self.session.channel(0))

    def test_numbers(self) -> None:
        """There are eight."""
        self.assertEqual([self.session.channel(n).number for n in range(8)], list(range(8)))
        for number in (-1, 8):
            self.assertRaises(ValueError, self.session.channel, number)

    def test_acknowledged_without_a_reader(self) -> None:
        """The camera need not repeat itself while nobody reads yet, and nothing is lost."""
        self.hear(drw(0), drw(1), drw(1))
        self.clock.advance(0.01)
        self.assertEqual(self.link.messages, [DrwAck(0, (0, 1, 1))])
        reader = Reader()
        self.session.channel(0).attach(reader)
        self.assertEqual(reader.data, drw(0).payload * 2)

    def test_before_the_session(self) -> None:
        """What waited in the link is not lost."""
        self.restart(drw(0))
        reader = Reader()
        self.session.channel(0).attach(reader)
        self.assertEqual(reader.data, drw(0).payload)

    def test_its_own_channel(self) -> None:
        """A reader hears its channel."""
        reader = Reader()
        self.session.channel(1).attach(reader)
        self.hear(drw(0), Drw(1, 0, b"mine"))
        self.assertEqual(reader.pieces, [b"mine"])

    def test_paused(self) -> None:
        """A reader that pauses gets nothing, and what came when it goes on."""
        reader, channel = Reader(), self.session.channel(0)
        channel.attach(reader)
        channel.pauseProducing()
        self.hear(drw(0), drw(1))
        self.assertEqual(reader.pieces, [])
        channel.resumeProducing()
        self.assertEqual(reader.pieces, [drw(0).payload * 2])

    def test_paused_from_within(self) -> None:
        """A reader may pause while it is given something."""
        channel = self.session.channel(0)
        reader = Reader(channel.pauseProducing)
        channel.attach(reader)
        self.hear(drw(0), drw(1))
        self.assertEqual(len(reader.pieces), 1)

    def test_slow_reader(self) -> None:
        """
        A reader that pauses for long holds the camera up, and the session lives on.

        What the camera sends again and again is neither acknowledged nor kept.
        """
        channel = self.session.channel(2)
        reader = Reader()
        channel.attach(reader)
        channel.pauseProducing()
        count = MOST_WAITING // 1024 + 50
        for index in range(count):
            self.hear(Drw(2, index, bytes(1024)))
        self.assertTrue(channel.full)
        self.wait(20, Drw(2, count - 1, bytes(1024)))
        entries = [i for m in self.link.messages if isinstance(m, DrwAck) for i in m.indexes]
        self.assertEqual(sorted(entries), list(range(MOST_WAITING // 1024)))
        self.assertEqual(self.session.state, "established")
        channel.resumeProducing()
        for index in range(len(entries), count):
            self.hear(Drw(2, index, bytes(1024)))
        self.assertEqual(len(reader.data), count * 1024)

    def test_stopped(self) -> None:
        """What nobody wants is acknowledged and thrown away."""
        channel = self.session.channel(1)
        channel.stopProducing()
        for index in range(1000):
            self.hear(Drw(1, index, bytes(1024)))
        self.assertFalse(channel.full)
        reader = Reader()
        channel.attach(reader)
        self.assertEqual(reader.pieces, [])

    def test_closed_from_within(self) -> None:
        """A reader may close the session; it gets no more then, and hears of the end once."""

        def close() -> None:
            self.successResultOf(self.session.close())

        reader = Reader(close)
        self.hear(drw(0))
        self.session.channel(0).attach(reader)
        self.hear(drw(1))
        self.assertEqual((len(reader.pieces), reader.closed), (1, [None]))

    def test_end(self) -> None:
        """A reader hears why the session ended."""
        reader = Reader()
        self.session.channel(0).attach(reader)
        self.hear(Close(), drw(0))
        [reason] = reader.closed
        self.assertIsInstance(reason, SessionClosedByPeer)
        self.assertEqual(reader.pieces, [])

    def test_bug(self) -> None:
        """A reader or a producer that raises keeps nobody from hearing of the end."""

        class Broken(Reader, Producer):
            def channel_closed(self, reason: SessionError | None) -> None:
                raise KeyError("reader")

            def stopProducing(self) -> None:
                raise ValueError("producer")

        readers = [Reader() for _ in range(2)]
        self.session.channel(0).attach(Broken())
        for number, reader in enumerate(readers, 1):
            self.session.channel(number).attach(reader)
        broken = Broken()
        self.session.channel(1).registerProducer(broken, True)
        ended = self.session.when_closed()
        self.hear(Close())
        self.assertIsInstance(self.successResultOf(ended), SessionClosedByPeer)
        self.assertEqual([len(reader.closed) for reader in readers], [1, 1])
        self.assertEqual(len(self.flushLoggedErrors(KeyError, ValueError)), 2)

    def test_acknowledged_although_the_reader_raises(self) -> None:
        """What a reader did wrong with is not sent again for that."""

        def fail() -> None:
            raise KeyError("reader")

        self.session.channel(0).attach(Reader(fail))
        self.assertRaises(KeyError, self.hear, drw(0))
        self.clock.advance(0.01)
        self.assertEqual(self.link.messages, [DrwAck(0, (0,))])

    def test_empty_pieces(self) -> None:
        """They are acknowledged, and nothing of them is kept or given to anybody."""
        reader = Reader()
        self.hear(drw(0), *(Drw(0, index, b"") for index in range(1, 2000)))
        self.session.channel(0).attach(reader)
        self.hear(Drw(0, 2001, b"late"), Drw(0, 2000, b""))
        self.assertEqual(reader.pieces, [drw(0).payload, b"late"])
        self.hear(Drw(0, 2002, b""))
        self.assertEqual(len(reader.pieces), 2)
        self.clock.advance(0.01)
        entries = [i for m in self.link.messages if isinstance(m, DrwAck) for i in m.indexes]
        self.assertEqual(len(entries), 2003)

    def test_empty_pieces_are_not_kept(self) -> None:
        """However many come while nobody reads."""
        incoming = Incoming()
        for index in range(1000):
            self.assertTrue(incoming.receive(index, b""))
        self.assertEqual((incoming.ready, incoming.waiting), ([], 0))

    def test_last_acknowledgments(self) -> None:
        """Who leaves acknowledges what it got, before CLOSE."""
        self.hear(drw(0))
        self.successResultOf(self.session.close())
        self.assertEqual(self.link.messages, [DrwAck(0, (0,))])


class WritingTests(SessionTestCase):
    """What goes."""

    def test_written(self) -> None:
        """Octets are sent at once, in pieces; again after 100 ms; no more when acknowledged."""
        self.session.channel(0).write(bytes(1025))
        pieces = [Drw(0, 0, bytes(1024)), Drw(0, 1, bytes(1))]
        self.assertEqual(self.link.messages, pieces)
        self.clock.advance(0.1)
        self.assertEqual(self.link.messages, pieces * 2)
        self.hear(DrwAck(0, (0, 1)))
        self.clock.advance(0.9)
        self.assertEqual(self.link.messages, pieces * 2)

    def test_answer_from_within(self) -> None:
        """A reader may write while it is given something."""
        channel = self.session.channel(0)
        channel.attach(Reader(lambda: channel.write(b"answer")))
        self.hear(drw(0))
        self.assertEqual(self.link.messages, [Drw(0, 0, b"answer")])

    def test_after_the_end(self) -> None:
        """There is nobody to write to."""
        channel = self.session.channel(0)
        self.successResultOf(self.session.close())
        self.assertRaises(ChannelClosed, channel.write, b"x")

    def test_link_gone(self) -> None:
        """A link that is found closed while something is written ends the session at once."""
        self.link.abandoned = 1
        self.session.channel(0).write(b"x")
        self.assertEqual(self.session.state, "lost")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_producer(self) -> None:
        """A producer pauses while much waits, goes on at half of it, and is stopped at the end."""
        channel, producer = self.session.channel(0), Producer()
        channel.registerProducer(producer, True)
        channel.write(bytes(MOST_UNSENT + 65 * 1024))
        self.assertEqual(producer.told, ["pause"])
        for first in range(0, 140, 10):
            self.hear(DrwAck(0, tuple(range(first, first + 10))))
        self.assertEqual(producer.told, ["pause", "resume"])
        channel.write(b"x")
        self.successResultOf(self.session.close())
        self.assertEqual(producer.told, ["pause", "resume", "stop"])

    def test_pulled(self) -> None:
        """A producer that wants to be asked is asked, for as long as little waits."""
        channel, producer = self.session.channel(0), Producer()
        channel.registerProducer(producer, False)
        channel.write(b"x")
        self.hear(DrwAck(0, (0,)))
        self.assertEqual(producer.told, ["resume", "resume"])
        channel.unregisterProducer()
        channel.write(b"y")
        self.hear(DrwAck(0, (1,)))
        self.assertEqual(producer.told, ["resume", "resume"])

    def test_two_producers(self) -> None:
        """There can be one."""
        channel = self.session.channel(0)
        channel.registerProducer(Producer(), True)
        self.assertRaises(RuntimeError, channel.registerProducer, Producer(), True)

    def test_first_asked_for_after_the_end(self) -> None:
        """A channel that nobody had used is closed like the others."""
        self.successResultOf(self.session.close())
        self.assertRaises(ChannelClosed, self.session.channel(3).write, b"x")

    def test_first_asked_for_during_the_end(self) -> None:
        """A reader that hears of the end may still ask for another channel."""
        others: list[Channel] = []

        class Asking(Reader):
            def channel_closed(self, reason: SessionError | None) -> None:
                others.append(session.channel(3))

        session = self.session
        session.channel(0).attach(Asking())
        self.successResultOf(session.close())
        [other] = others
        self.assertRaises(ChannelClosed, other.write, b"x")

    def test_producer_after_the_end(self) -> None:
        """It is told at once."""
        channel, producer = self.session.channel(0), Producer()
        self.successResultOf(self.session.close())
        channel.registerProducer(producer, True)
        self.assertEqual(producer.told, ["stop"])


class TrafficTests(SessionTestCase):
    """Channels and keeping alive."""

    def test_puts_off_alive(self) -> None:
        """Who talks on a channel need not say ALIVE."""
        channel = self.session.channel(0)
        for index in range(6):
            self.clock.advance(0.5)
            channel.write(b"x")
            self.hear(DrwAck(0, (index,)))
        self.assertEqual({type(message) for message in self.link.messages}, {Drw})

    def test_garbage(self) -> None:
        """No number or size that fits the wire does harm."""
        reader = Reader()
        self.session.channel(7).attach(reader)
        for index in (65535, 32768, 1, 0, 0, 500):
            self.hear(Drw(7, index, b"a"), DrwAck(7, (index,) * 900))
        self.assertEqual(reader.data, b"aa")
