"""Tests of datagrams from people who mean no good, in every phase of an attempt."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import LogLevel

from tests.connect.cameras import (
    CAMERA,
    CLIENT,
    OFFER,
    OTHER_DID,
    PUNCH,
    READY,
    NetworkTestCase,
    ScriptedCamera,
    Watch,
)
from tests.connect.logs import LogCapture
from trailcam.connect.attempt import DatagramAttempt
from trailcam.connect.target import Target
from trailcam.errors import AttemptFailed, WireError
from trailcam.testing import MemoryHost
from trailcam.wire.codec import decode, encode
from trailcam.wire.did import TRAILCAM_DID, DeviceID
from trailcam.wire.messages import (
    Alive,
    AliveAck,
    Close,
    Drw,
    DrwAck,
    Hello,
    LanSearch,
    LanTcpOffer,
    Message,
    P2PRdy,
    PunchPkt,
)

ONE_PORT = Target(CAMERA, ports=(40611,))
PORTS = range(40611, 40631)
NEAR_MISSES = (
    PUNCH,
    READY,
    OFFER,
    PunchPkt(OTHER_DID),
    P2PRdy(OTHER_DID),
    PunchPkt(TRAILCAM_DID, 1),
    Close(),
    Alive(),
    AliveAck(),
    Hello(),
    LanSearch(),
    Drw(0, 0, b"ACK"),
    DrwAck(0, (0,) * 17),
)


def mutated(octets: bytes, at: int, value: int, cut: int) -> bytes:
    """One octet changed, and the end cut off or padded."""
    changed = bytearray(octets)
    changed[at % len(changed)] ^= value
    return bytes(changed[: len(changed) - cut] if cut >= 0 else changed + b"\0" * -cut)


good = st.sampled_from([encode(message) for message in NEAR_MISSES])
bad = st.builds(mutated, good, st.integers(0, 60), st.integers(0, 255), st.integers(-4, 30))
datagrams = st.lists(good | bad | st.binary(max_size=80), max_size=25)


def readable(octets: bytes) -> Message | None:
    """The message in a datagram, if it is one."""
    try:
        return decode(octets)
    except WireError:
        return None


def is_handshake(script: list[bytes], opening: bool) -> bool:
    """
    Whether the right words come in the right order: the camera's id twice, and P2P_RDY last.

    :param opening: whether P2P_RDY has to have something before it.
    """
    answered = not opening
    for message in map(readable, script):
        if getattr(message, "did", None) == TRAILCAM_DID:
            if isinstance(message, P2PRdy) and answered:
                return True
            answered = answered or isinstance(message, PunchPkt | LanTcpOffer)
        elif isinstance(message, Close) and opening:
            answered = False
    return False


class HostileTestCase(NetworkTestCase):
    """One attempt at a time, and somebody who talks to it."""

    def setUp(self) -> None:
        """Add a stranger, and listen to the log."""
        super().setUp()
        self.camera_host.silent = True
        self.stranger_host = self.network.host("10.0.0.1")
        self.log = LogCapture(self)

    def begin(self, attempt: DatagramAttempt) -> Watch:
        """Start an attempt."""
        return self.watch(attempt.connect(1.0))

    def check_end(self, watch: Watch) -> bool:
        """The attempt ended in a link or in a proper failure, without bugs; whether it won."""
        self.network.advance(1.1)
        self.assertIsNotNone(watch.at)
        self.assertEqual(self.flushLoggedErrors(), [])
        if hasattr(watch.result, "abandon"):
            watch.result.abandon()
            self.network.advance(0.01)
            return True
        self.assertIsInstance(watch.error, AttemptFailed)
        self.assertEqual(watch.ports, 0)
        return False


class FuzzTests(HostileTestCase):
    """Good, bad and random datagrams in any order."""

    def run_script(
        self, attempt: Any, speaker: ScriptedCamera, script: list[bytes], answer: Message | None
    ) -> bool:
        """Let somebody say all of it to an attempt; whether it won."""
        if answer is not None:
            speaker.on(LanSearch, answer).on(PunchPkt, answer)
        watch = self.begin(attempt)
        self.network.advance(0.01)
        speaker.on(LanSearch).on(PunchPkt)
        for octets in script:
            speaker.say((CLIENT, attempt.port), octets)
            self.network.advance(0.001)
        return self.check_end(watch)

    def fuzz(
        self,
        attempt: Any,
        script: list[bytes],
        answer: Message | None = None,
        host: MemoryHost | None = None,
    ) -> bool:
        """As ``run_script``, with a speaker of its own that is closed afterwards."""
        speaker = ScriptedCamera(host or self.camera_host, 40611)
        won = self.run_script(attempt, speaker, script, answer)
        speaker.close()
        self.network.advance(0.01)
        self.network.assert_quiet()
        return won

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(script=datagrams)
    def test_lan_searching(self, script: list[bytes]) -> None:
        """From the camera's address while searching: won only by a handshake."""
        won = self.fuzz(self.lan(ONE_PORT), script)
        self.assertEqual(won, is_handshake(script, opening=True))

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(script=datagrams)
    def test_lan_punching(self, script: list[bytes]) -> None:
        """While punching: never won without P2P_RDY under the right id."""
        won = self.fuzz(self.lan(ONE_PORT), script, PUNCH)
        if not is_handshake(script, opening=False):
            self.assertFalse(won)

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(script=datagrams)
    def test_p2p_searching(self, script: list[bytes]) -> None:
        """P2P: won by P2P_RDY under the right id, and by nothing else."""
        won = self.fuzz(self.p2p(ONE_PORT), script)
        if not is_handshake(script, opening=False):
            self.assertFalse(won)

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(script=datagrams)
    def test_stranger(self, script: list[bytes]) -> None:
        """From another address nothing at all helps."""
        for attempt in (self.lan(ONE_PORT), self.p2p(ONE_PORT)):
            self.assertFalse(self.fuzz(attempt, script, host=self.stranger_host))


class BurstTests(HostileTestCase):
    """Ten thousand datagrams within the budget."""

    def burst(self, attempt: Any, sources: list[ScriptedCamera], wrong_only: bool) -> None:
        """Say ten thousand things, then look at the tables."""
        rng = random.Random(5)
        target = (CLIENT, attempt.port)
        for number in range(10_000):
            octets = self.invent(rng, number, wrong_only)
            rng.choice(sources).say(target, octets, port=rng.choice(PORTS))
            if number % 500 == 0:
                self.network.advance(0.002)
        self.network.advance(0.01)
        evidence, link = attempt._evidence, attempt._link
        tables = (evidence.answered, evidence.wrong_ids, evidence.closed, evidence.strangers)
        for table in (*tables, link._handover._kept, *link.noise._told.values()):
            self.assertLessEqual(len(table), 64)
        self.assertLessEqual(len(link.noise.counts), 20)

    def invent(self, rng: random.Random, number: int, wrong_only: bool) -> bytes:
        """One more datagram; ``wrong_only``: nothing that could be an answer."""
        kind = rng.randrange(4)
        if kind == 0:
            return rng.randbytes(rng.randrange(100))
        if kind == 1:
            return encode(PunchPkt(DeviceID("EVIL", number, "XXXXX")))
        if kind == 2 or wrong_only:
            return mutated(encode(READY), 0, 1 + rng.randrange(255), rng.randrange(3))
        return encode(rng.choice([PUNCH, OFFER, Close(), Alive()]))

    def check_log(self) -> None:
        """The log has few lines, none of them long, and nothing of what was said."""
        lines = self.log.lines(LogLevel.warn)
        self.assertLessEqual(len(lines), 64)
        for line in lines:
            self.assertLess(len(line), 200)
            self.assertNotIn("EVIL", line)

    def strangers(self) -> list[ScriptedCamera]:
        """Five hosts with many ports each."""
        hosts = [self.stranger_host, *(self.network.host(f"10.0.0.{n}") for n in range(2, 6))]
        return [self.scripted(*PORTS, host=host) for host in hosts]

    def test_from_the_camera(self) -> None:
        """The camera's own host talks nonsense from twenty ports."""
        for attempt in (self.lan(ONE_PORT), self.p2p(ONE_PORT)):
            camera = ScriptedCamera(self.camera_host, *PORTS)
            watch = self.begin(attempt)
            self.burst(attempt, [camera], wrong_only=False)
            self.assertFalse(self.check_end(watch))
            camera.close()
            self.network.advance(0.01)
        self.check_log()

    def test_from_strangers(self) -> None:
        """Strangers talk from a hundred ports at once; the camera is found all the same."""
        attempt = self.lan(ONE_PORT)
        watch = self.begin(attempt)
        self.burst(attempt, self.strangers(), wrong_only=False)
        self.assertIsNone(watch.at)
        camera = self.scripted(40611).on(LanSearch, PUNCH).on(PunchPkt, READY)
        self.assertTrue(self.check_end(watch))
        self.assertGreater(len(camera.heard), 1)
        self.check_log()

    def test_broadcast(self) -> None:
        """On a network full of other devices the camera is found by broadcast."""
        attempt = self.lan(Target(), broadcasts=lambda: ["192.168.43.255"])
        watch = self.begin(attempt)
        self.burst(attempt, self.strangers(), wrong_only=True)
        self.assertIsNone(watch.at)
        self.scripted(32108).on(LanSearch, PUNCH).on(PunchPkt, READY)
        self.assertTrue(self.check_end(watch))
        self.check_log()

    def test_after_the_win(self) -> None:
        """A proven link keeps at most 64 messages, and only the camera's."""
        camera = self.scripted(40611).on(PunchPkt, READY)
        attempt: Any = self.p2p(ONE_PORT)
        watch = self.begin(attempt)
        self.network.advance(0.01)
        link = self.won(watch)
        stranger = self.scripted(40611, host=self.stranger_host)
        for number in range(1000):
            camera.say((CLIENT, attempt.port), Drw(0, number, b"x"))
            stranger.say((CLIENT, attempt.port), Drw(1, number, b"y"))
        self.network.advance(0.01)
        kept = [message for message, _ in link._handover._kept]
        self.assertEqual(len(kept), 64)
        self.assertEqual({getattr(m, "channel", 0) for m in kept}, {0})


class FloodOfRefusalsTests(HostileTestCase):
    """Refusals are written by whoever is on the way."""

    def test_refusals_of_what_was_not_asked(self) -> None:
        """They are bounded and change nothing."""
        attempt: Any = self.p2p(ONE_PORT)
        watch = self.begin(attempt)
        for number in range(10_000):
            attempt._link.refused((CAMERA, number % 40000), 111)
            if number % 1000 == 0:
                self.network.advance(0.01)
        self.assertIsNone(watch.at)
        self.scripted(40611).on(PunchPkt, READY)
        self.network.advance(0.3)
        self.won(watch)
        self.assertEqual(attempt._evidence.refused, {})
