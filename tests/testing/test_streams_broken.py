"""
Tests for connections that break, and for those that are left behind.
"""

from __future__ import annotations

from tests.testing.recorder import Recorder
from tests.testing.stream_case import StreamTestCase
from tests.testing.streams import Maker, Talker
from trailcam.testing import Fate


class CutTests(StreamTestCase):
    """Cables that are cut."""

    def test_nothing_passes(self) -> None:
        """Nothing arrives, and nobody hears why."""
        client, server = self.connect()
        mend = self.network.cut(self.client, self.server)
        client.transport.write(b"hello")
        server.transport.write(b"hello")
        self.network.advance(3600.0)
        self.assertEqual((client.events, server.events), (["made"], ["made"]))
        mend()

    def test_under_way(self) -> None:
        """What is under way at the cut does not arrive either."""
        client, server = self.connect()
        client.transport.write(b"hello")
        self.network.advance(0.25)
        mend = self.network.cut(self.client, self.server)
        self.network.advance(1.0)
        self.assertEqual(server.events, ["made"])
        mend()
        self.network.advance(0.499)
        self.assertEqual(server.events, ["made"])
        self.network.advance(0.001)
        self.assertEqual(server.events, ["made", b"hello"])

    def test_order_over_a_cut(self) -> None:
        """What waited, what was under way and what comes later keep their order."""
        client, server = self.connect()
        mend = self.network.cut(self.server, self.client)
        client.transport.write(b"1")
        self.network.advance(0.75)
        client.transport.write(b"2")
        self.network.advance(0.25)
        mend()
        client.transport.write(b"3")
        client.transport.loseConnection()
        self.network.advance(2.0)
        self.assertEqual(server.events, ["made", b"123", "lost: ConnectionDone"])

    def test_half_open(self) -> None:
        """An end that aborts beyond a cut leaves the other one alone until it is mended."""
        client, server = self.connect()
        mend = self.network.cut(self.client, self.server)
        client.transport.abortConnection()
        self.network.advance(3600.0)
        self.assertEqual(client.events, ["made", "lost: ConnectionAborted"])
        self.assertEqual(server.events, ["made"])
        mend()
        self.network.advance(0.5)
        self.assertEqual(server.events, ["made", "lost: ConnectionLost"])

    def test_connecting(self) -> None:
        """Whoever connects meanwhile gives up in time, or is connected after the mending."""
        server = Talker()
        self.serve(server)
        mend = self.network.cut(self.client)
        hasty, patient = self.dial(timeout=5), self.dial(timeout=50)
        self.network.advance(10.0)
        self.assertEqual(hasty.events[-2:], ["failed: TimeoutError", "stop"])
        self.assertEqual(patient.made, [])
        mend()
        self.network.advance(1.5)
        self.assertEqual((len(patient.made), server.events), (1, ["made"]))

    def test_around_a_host(self) -> None:
        """A host without others is cut off from all of them, but not from itself."""
        third = self.network.host("10.0.0.3")
        self.serve(Talker(), Talker())
        mend = self.network.cut(self.server)
        outside, inside = self.dial(third), self.dial(self.server, "127.0.0.1")
        self.network.advance(2.0)
        self.assertEqual((len(outside.made), len(inside.made)), (0, 1))
        mend()
        self.network.advance(2.0)
        self.assertEqual(len(outside.made), 1)

    def test_others_are_not_cut(self) -> None:
        """A cut between two hosts concerns these two."""
        third = self.network.host("10.0.0.3")
        self.serve(Talker())
        mend = self.network.cut(self.client, third)
        factory = self.dial()
        self.network.advance(1.0)
        self.assertEqual(len(factory.made), 1)
        mend()

    def test_two_cuts(self) -> None:
        """Every cut must be mended, once."""
        client, server = self.connect()
        mends = [self.network.cut(self.client), self.network.cut(self.client, self.server)]
        client.transport.write(b"hello")
        for mend in mends:
            self.network.advance(5.0)
            self.assertEqual(server.events, ["made"])
            mend()
        self.network.advance(0.5)
        self.assertEqual(server.events, ["made", b"hello"])
        self.assertRaises(ValueError, mends[0])

    def test_datagrams(self) -> None:
        """Datagrams get lost at a cut, broadcasts on the way to that host."""
        heard, heard_too = Recorder(), Recorder()
        third = self.network.host("10.0.0.3")
        sender = self.client.listenUDP(0, Recorder())
        ports = [sender, self.server.listenUDP(9, heard), third.listenUDP(9, heard_too)]
        sender.setBroadcastAllowed(True)
        mend = self.network.cut(self.client, self.server)
        for to in ((self.server.address, 9), (self.server.address, 10), ("10.0.0.255", 9)):
            sender.write(b"?", to)
        self.network.advance(1.0)
        self.assertEqual(self.fates(), [Fate.LOST, Fate.LOST, Fate.DELIVERED])
        self.assertEqual((heard.payloads, heard_too.payloads), ([], [b"?"]))
        mend()
        sender.write(b"!", (self.server.address, 9))
        self.network.advance(1.0)
        self.assertEqual(heard.payloads, [b"!"])
        for port in ports:
            port.stopListening()


class ResetTests(StreamTestCase):
    """Connections that a router forgot."""

    def test_both_ends(self) -> None:
        """Both ends lose the connection in the next turn, whatever they were doing."""
        client, server = self.connect()
        server.transport.pauseProducing()
        client.transport.write(bytes(1_000_000))
        self.network.reset(self.client, self.server)
        self.assertEqual((client.events, server.events), (["made"], ["made"]))
        self.network.advance(0)
        for end in (client, server):
            self.assertEqual(end.events, ["made", "lost: ConnectionLost"])

    def test_over_a_cut(self) -> None:
        """A reset needs no way between the ends."""
        client, server = self.connect()
        mend = self.network.cut(self.client)
        self.network.reset(self.client)
        self.network.advance(0)
        self.assertEqual((client.lost, server.lost), (True, True))
        mend()

    def test_only_these(self) -> None:
        """Other connections of the hosts stay, those of a host with itself among them."""
        third = self.network.host("10.0.0.3")
        self.serve(Talker(), Talker(), Talker())
        factories = [self.dial(), self.dial(third), self.dial(self.server, "127.0.0.1")]
        self.network.advance(2.0)
        self.network.reset(self.client, self.server)
        self.network.advance(2.0)
        self.assertEqual([factory.events[-1] for factory in factories], ["stop", "build", "build"])
        self.network.reset(self.server)
        self.network.advance(2.0)
        self.assertEqual([factory.events[-1] for factory in factories], ["stop", "stop", "build"])

    def test_again(self) -> None:
        """A new connection can be made at once."""
        server = Talker()
        self.serve(Talker(), server)
        self.dial()
        self.network.advance(2.0)
        self.network.reset(self.client)
        self.dial()
        self.network.advance(2.0)
        self.assertEqual(server.events, ["made"])

    def test_connecting(self) -> None:
        """An attempt is no connection yet."""
        server = Talker()
        self.serve(server)
        self.dial()
        self.network.advance(0.75)
        self.network.reset(self.client)
        self.network.advance(2.0)
        self.assertEqual(server.events, ["made"])


class LeftoverTests(StreamTestCase):
    """What assert_quiet() has to say of TCP."""

    def complaint(self) -> list[str]:
        """The lines, without the headline."""
        failure = self.assertRaises(AssertionError, self.network.assert_quiet)
        return [line.strip() for line in str(failure).splitlines()[1:]]

    def test_listener(self) -> None:
        """An open port is named, with the line that opened it."""
        listener = self.server.listenTCP(80, Maker())
        (line,) = self.complaint()
        self.assertIn("open port <MemoryListener of server (10.0.0.2) for <", line)
        self.assertRegex(line, r"on 0\.0\.0\.0:80>, opened at .*broken\.py:\d+ in test_listener$")
        listener.stopListening()
        self.assertIn("delayed call in 0.000 s", self.complaint()[1])
        self.network.advance(0)
        self.network.assert_quiet()
        self.assertRegex(repr(listener), "closed>$")

    def test_attempt(self) -> None:
        """An attempt to connect is named, beside its timeout."""
        connector = self.client.connectTCP(self.server.address, 80, Maker())
        attempt, timeout = self.complaint()
        self.assertRegex(
            attempt,
            r"^pending connection <MemoryClient of 10\.0\.0\.1, not connected>,"
            r" opened at .*broken\.py:\d+ in test_attempt$",
        )
        self.assertIn("delayed call in 30.000 s of MemoryClient.failIfNotConnected", timeout)
        connector.stopConnecting()
        self.network.assert_quiet()

    def test_connection(self) -> None:
        """Both ends of a connection are named, without what they said."""
        listener = self.server.listenTCP(80, Maker())
        factory = Maker()
        connector = self.client.connectTCP(
            self.server.address, 80, factory, bindAddress=("0.0.0.0", 4000)
        )
        self.network.advance(2.0)
        listener.stopListening()
        self.network.advance(0)
        ends = self.complaint()
        self.assertEqual(len(ends), 2)
        self.assertRegex(
            ends[0],
            r"^open connection <MemoryClient of 10\.0\.0\.1 for <.*>, 10\.0\.0\.1:4000 to"
            r" 10\.0\.0\.2:80>, opened at .* in test_connection$",
        )
        self.assertRegex(
            ends[1],
            r"^open connection <MemoryStream of server \(10\.0\.0\.2\) for <.*>, 10\.0\.0\.2:80 to"
            r" 10\.0\.0\.1:4000>, opened at .* in test_connection$",
        )
        connector.disconnect()
        self.network.advance(0)
        self.assertEqual(len(self.complaint()), 1)
        self.network.advance(0.5)
        self.network.assert_quiet()
