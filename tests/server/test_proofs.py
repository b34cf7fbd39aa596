"""Proofs of addresses, and what is remembered of them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.wire.strategies import QUICK, ipv4_addresses
from trailcam.link.recent import Recent
from trailcam.server.proofs import KEY_SIZE, Proofs
from trailcam.wire.codec import decode
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import HelloAck
from trailcam.wire.sockaddr import SocketAddress

KEY = bytes(range(KEY_SIZE))
PEER = ("203.0.113.7", 40000)
NOW = 1_000_000.0


def token(proofs: Proofs, peer: tuple[str, int] = PEER, now: float = NOW) -> bytes:
    """The token in the HELLO_ACK for ``peer``."""
    answer = decode(proofs.hello_ack(peer, now))
    assert isinstance(answer, HelloAck)
    return answer.token


class TokenTests(SynchronousTestCase):
    """Tokens that are given, and come back."""

    def setUp(self) -> None:
        """Nobody has proved anything."""
        self.proofs = Proofs(KEY)

    @QUICK
    @given(ipv4_addresses)
    def test_address(self, address: SocketAddress) -> None:
        """The datagram is a HELLO_ACK with the address, whatever that is."""
        datagram = self.proofs.hello_ack((address.host, address.port), NOW)
        answer = decode(datagram)
        assert isinstance(answer, HelloAck)
        if address.port or address.host != "0.0.0.0":
            self.assertEqual(answer.address, address)
        self.assertEqual(len(datagram), 20)

    def test_comes_back(self) -> None:
        """Who sends his token back has proved his address."""
        self.assertFalse(self.proofs.proven(PEER, NOW))
        self.assertTrue(self.proofs.prove(PEER, token(self.proofs), NOW + 0.1))
        self.assertTrue(self.proofs.proven(PEER, NOW + 0.1))

    def test_two_minutes(self) -> None:
        """A proof is good for two minutes, and can be prolonged."""
        self.proofs.prove(PEER, token(self.proofs), NOW)
        self.assertTrue(self.proofs.proven(PEER, NOW + 119.9))
        self.assertFalse(self.proofs.proven(PEER, NOW + 120.0))
        self.proofs.prove(PEER, token(self.proofs, now=NOW + 100), NOW + 100)
        self.assertTrue(self.proofs.proven(PEER, NOW + 219.9))

    def test_other_address(self) -> None:
        """A token is good for one host and one port."""
        for other in (("203.0.113.7", 40001), ("203.0.113.8", 40000), ("7.113.0.203", 40000)):
            self.assertFalse(self.proofs.prove(other, token(self.proofs), NOW))
            self.assertFalse(self.proofs.proven(other, NOW))

    def test_guessed(self) -> None:
        """Anything else is no token: zeros, one bit off, another size."""
        right = token(self.proofs)
        for wrong in (bytes(8), right[:-1] + bytes([right[-1] ^ 1]), right[:-1], right + b"\0"):
            self.assertFalse(self.proofs.prove(PEER, wrong, NOW))
        self.assertFalse(self.proofs.proven(PEER, NOW))

    def test_border(self) -> None:
        """A token that was given just before its time was over is still good."""
        border = NOW // 120 * 120 + 120
        given = token(self.proofs, now=border - 0.01)
        self.assertNotEqual(given, token(self.proofs, now=border))
        self.assertTrue(self.proofs.prove(PEER, given, border + 0.01))

    def test_replayed(self) -> None:
        """An old token proves nothing: after four minutes at most."""
        given = token(self.proofs)
        self.assertTrue(self.proofs.prove(PEER, given, NOW + 1))
        self.assertFalse(self.proofs.prove(PEER, given, NOW + 240))
        self.assertFalse(self.proofs.proven(PEER, NOW + 240))

    def test_from_the_future(self) -> None:
        """Neither does one of a time to come."""
        self.assertFalse(self.proofs.prove(PEER, token(self.proofs, now=NOW + 240), NOW))

    def test_key(self) -> None:
        """Another server's tokens are of no use here."""
        other = Proofs(bytes(KEY_SIZE))
        self.assertFalse(self.proofs.prove(PEER, token(other), NOW))


class AuthorisationTests(SynchronousTestCase):
    """Who has shown a device's secret."""

    def test_pair(self) -> None:
        """It holds for one address and one device, for two minutes."""
        proofs, pond, gate = Proofs(KEY), DeviceID("A", 1, "B"), DeviceID("A", 2, "B")
        proofs.authorise(PEER, pond, NOW)
        self.assertTrue(proofs.authorised(PEER, pond, NOW + 119))
        self.assertFalse(proofs.authorised(PEER, pond, NOW + 120))
        self.assertFalse(proofs.authorised(PEER, gate, NOW))
        self.assertFalse(proofs.authorised(("203.0.113.7", 1), pond, NOW))


class RecentTests(SynchronousTestCase):
    """The bounded memory behind it."""

    def setUp(self) -> None:
        """Ten seconds, four keys."""
        self.recent: Recent[int] = Recent(10.0, 4)

    def kept(self, now: float = 0.0) -> list[int]:
        """The keys that are held."""
        return [key for key in range(100) if self.recent.holds(key, now)]

    def test_lifetime(self) -> None:
        """A note lasts as long as it was said, from its last time on."""
        self.recent.note(1, 0.0)
        self.recent.note(1, 5.0)
        self.assertTrue(self.recent.holds(1, 14.9))
        self.assertFalse(self.recent.holds(1, 15.0))
        self.assertFalse(self.recent.holds(2, 0.0))

    def test_limit(self) -> None:
        """One key too many drives out the one that was noted longest ago."""
        for key in (1, 2, 3, 4, 1, 5):
            self.recent.note(key, 0.0)
        self.assertEqual(self.kept(), [1, 3, 4, 5])

    def test_bounded(self) -> None:
        """However many come, no more are kept."""
        for key in range(100):
            self.recent.note(key, 0.0)
            self.assertLessEqual(len(self.recent), 4)
        self.assertEqual(self.kept(), [96, 97, 98, 99])

    def test_shrinks(self) -> None:
        """What is too old goes when others come."""
        for key in (1, 2, 3, 4):
            self.recent.note(key, 0.0)
        self.recent.note(5, 20.0)
        self.recent.note(6, 20.0)
        self.assertEqual(len(self.recent), 2)
        self.assertEqual(self.kept(20.0), [5, 6])

    def test_never_itself(self) -> None:
        """What was noted just now stays, even where there is room for nothing else."""
        recent: Recent[int] = Recent(10.0, 1)
        for key in (1, 2):
            recent.note(key, 0.0)
            self.assertTrue(recent.holds(key, 0.0))

    @QUICK
    @given(st.lists(st.tuples(st.integers(0, 9), st.floats(0.0, 8.0)), max_size=60))
    def test_like_a_plain_table(self, steps: list[tuple[int, float]]) -> None:
        """With room for all, it says what a table of last times says."""
        recent: Recent[int] = Recent(10.0, 10)
        last: dict[int, float] = {}
        now = 0.0
        for key, pause in steps:
            now += pause
            recent.note(key, now)
            last[key] = now
            for each in range(10):
                held = each in last and now - last[each] < 10.0
                self.assertEqual(recent.holds(each, now), held)
