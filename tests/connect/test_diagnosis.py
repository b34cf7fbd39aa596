"""Tests of the words in which an attempt says why it failed."""

from __future__ import annotations

import errno
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from tests.connect.cameras import OTHER_DID
from trailcam.connect import diagnosis
from trailcam.connect.diagnosis import Evidence, diagnose
from trailcam.errors import (
    AttemptFailed,
    ClosedByCamera,
    NeverReady,
    NothingAnswered,
    PortsRefused,
    Unreachable,
    WrongDevice,
)
from trailcam.interfaces import Address
from trailcam.model import ConnectionMode
from trailcam.wire.did import TRAILCAM_DID

HOST = "192.168.43.1"
A, B, C = (HOST, 40611), (HOST, 32108), (HOST, 80)
BROADCASTS: tuple[Address, ...] = (("255.255.255.255", 32108), ("192.168.43.255", 32108))


def evidence(*tried: Address, broadcast: bool = False) -> Evidence:
    """What was seen when nothing was seen."""
    return Evidence(tried=tried or (A, B), broadcast=broadcast)


class DiagnosisTestCase(SynchronousTestCase):
    """Diagnoses of one and the same attempt."""

    def diagnose(self, seen: Evidence) -> AttemptFailed:
        """The diagnosis, whose fields are checked."""
        failure = diagnose(
            seen,
            mode=ConnectionMode.LAN,
            phase="searching",
            elapsed=2.04,
            target=HOST,
            wanted=TRAILCAM_DID,
        )
        fields = (failure.mode, failure.phase, failure.elapsed)
        self.assertEqual(fields, (ConnectionMode.LAN, "searching", 2.04))
        self.assertLess(len(str(failure)), 600)
        return failure

    def check(self, seen: Evidence, kind: type[AttemptFailed], *texts: str) -> None:
        """The diagnosis is of a kind and says certain things."""
        failure = self.diagnose(seen)
        self.assertIs(type(failure), kind)
        for text in texts:
            self.assertIn(text, str(failure))


class DiagnosisTests(DiagnosisTestCase):
    """One test for each kind of end."""

    def test_nothing_answered(self) -> None:
        """From whom, where, and how long it was waited for."""
        self.check(
            evidence(), NothingAnswered, f"answered from {HOST} on ports 40611, 32108 within 2.0 s"
        )

    def test_one_port(self) -> None:
        """One port is not called ports."""
        self.check(evidence(A), NothingAnswered, "on port 40611 within")

    def test_many_ports(self) -> None:
        """Eight ports are named, the others left out."""
        many = [(HOST, 1000 + n) for n in range(500)]
        self.check(evidence(*many), NothingAnswered, "1007, ... within")

    def test_partly_refused(self) -> None:
        """Silent and refusing ports are told apart."""
        seen = evidence(A, B, C)
        seen.note_refused(B, errno.ECONNREFUSED)
        self.check(seen, NothingAnswered, "on ports 40611, 80 within", "refused port 32108 (ICMP)")

    def test_partly_unreachable(self) -> None:
        """A broadcast that could not leave did not refuse, and is named with the reason."""
        seen = evidence(*BROADCASTS, broadcast=True)
        seen.note_refused(BROADCASTS[0], errno.ENETUNREACH)
        self.check(
            seen,
            NothingAnswered,
            "on port 32108 within",
            "255.255.255.255:32108 could not be reached (Network is unreachable)",
        )
        self.assertNotIn("ICMP", str(self.diagnose(seen)))

    def test_strangers(self) -> None:
        """Where a camera with this id is instead."""
        seen = evidence()
        seen.note_stranger("192.168.43.9")
        self.check(seen, NothingAnswered, "a camera with this id answered from 192.168.43.9")

    def test_many_strangers(self) -> None:
        """The first eight will do."""
        seen = evidence()
        for number in range(500):
            seen.note_stranger(f"10.0.{number // 256}.{number % 256}")
        self.check(seen, NothingAnswered, "10.0.0.7, ...")

    def test_deaf_system(self) -> None:
        """Where refusals cannot be heard, silence is not called proof."""
        with mock.patch.object(diagnosis, "REFUSALS_HEARD", False):
            self.check(evidence(), NothingAnswered, "cannot be told from silent ones")
        with mock.patch.object(diagnosis, "REFUSALS_HEARD", True):
            self.assertNotIn("cannot be told", str(self.diagnose(evidence())))

    def test_refused(self) -> None:
        """All ports, by number."""
        seen = evidence()
        seen.note_refused(B, errno.ECONNREFUSED)
        seen.note_refused(A, errno.ECONNREFUSED)
        self.check(seen, PortsRefused, f"{HOST} refused ports", "40611", "32108", "(ICMP)")

    def test_unreachable(self) -> None:
        """Whatever the reasons, each is told once."""
        seen = evidence(A, B, C)
        seen.note_refused(A, errno.EHOSTUNREACH)
        seen.note_refused(B, errno.EHOSTUNREACH)
        seen.note_refused(C, errno.ECONNREFUSED)
        self.check(seen, Unreachable, "(Connection refused, No route to host)")

    def test_wrong_device(self) -> None:
        """Who answered, as whom, instead of whom."""
        seen = evidence()
        seen.note_wrong_id(A, OTHER_DID)
        text = f"{HOST}:40611 answered with another device id: ABCD-000007-EFGHJ instead of LBCS-"
        self.check(seen, WrongDevice, text)

    def test_wrong_device_before_refused(self) -> None:
        """That a camera was there says more than that other ports were closed."""
        seen = evidence()
        seen.note_wrong_id(A, OTHER_DID)
        seen.note_refused(B, errno.ECONNREFUSED)
        self.check(seen, WrongDevice)

    def test_never_ready(self) -> None:
        """Who answered and what was missing."""
        seen = evidence()
        seen.note_answered(A)
        text = f"punched but never ready: {HOST}:40611 answered, but did not send P2P_RDY"
        self.check(seen, NeverReady, text, "within 2.0 s")
        self.assertNotIn("although", str(self.diagnose(seen)))

    def test_never_ready_on_another_port(self) -> None:
        """An answer from a port that was not asked is worth a word."""
        seen = evidence(A, B)
        seen.note_answered((HOST, 50000))
        text = "it answered from port 50000 although it was asked on ports 40611, 32108"
        self.check(seen, NeverReady, text)

    def test_never_ready_after_broadcast(self) -> None:
        """Nobody asked a port of its own there."""
        seen = evidence(*BROADCASTS, broadcast=True)
        seen.note_answered(A)
        self.assertNotIn("although", str(self.diagnose(seen)))

    def test_closed(self) -> None:
        """CLOSE is told before all else, with what to do about it."""
        seen = evidence()
        seen.note_wrong_id(B, OTHER_DID)
        seen.note_answered(A)
        seen.note_closed(A)
        self.check(seen, ClosedByCamera, f"{HOST}:40611", "sent CLOSE", "session slots")


class HopelessTests(SynchronousTestCase):
    """When nothing more can come."""

    def test_not_yet(self) -> None:
        """As long as one port is silent there is hope."""
        seen = evidence()
        self.assertFalse(seen.hopeless)
        seen.note_refused(A, errno.ECONNREFUSED)
        self.assertFalse(seen.hopeless)

    def test_all_refused(self) -> None:
        """All ports refused, for whatever reasons; once each."""
        seen = evidence()
        seen.note_refused(A, errno.ECONNREFUSED)
        seen.note_refused(A, errno.EHOSTUNREACH)
        self.assertFalse(seen.hopeless)
        seen.note_refused(B, errno.EHOSTUNREACH)
        self.assertTrue(seen.hopeless)

    def test_refused_what_was_not_asked(self) -> None:
        """A refusal of something else proves nothing."""
        seen = evidence(A)
        seen.note_refused(B, errno.ECONNREFUSED)
        self.assertEqual((seen.hopeless, seen.refused), (False, {}))

    def test_refused_or_wrong(self) -> None:
        """A wrong device settles a port as well, also when it answers from another."""
        seen = evidence()
        seen.note_refused(A, errno.ECONNREFUSED)
        seen.note_wrong_id((HOST, 50000), OTHER_DID)
        self.assertTrue(seen.hopeless)

    def test_answered(self) -> None:
        """Whoever answered may still become ready."""
        seen = evidence(A)
        seen.note_answered((HOST, 50000))
        seen.note_refused(A, errno.ECONNREFUSED)
        self.assertFalse(seen.hopeless)

    def test_broadcast(self) -> None:
        """Somebody else may still answer a broadcast, whoever did."""
        seen = evidence(*BROADCASTS, broadcast=True)
        for number in range(64):
            seen.note_wrong_id((f"10.0.0.{number}", 40611), OTHER_DID)
        self.assertFalse(seen.hopeless)

    def test_broadcast_that_cannot_leave(self) -> None:
        """Nobody can answer what was never sent."""
        seen = evidence(*BROADCASTS, broadcast=True)
        for address in BROADCASTS:
            self.assertFalse(seen.hopeless)
            seen.note_refused(address, errno.ENETUNREACH)
        self.assertTrue(seen.hopeless)


class BoundTests(SynchronousTestCase):
    """Peers fill the tables, so the tables are bounded."""

    def test_tables(self) -> None:
        """Sixty-four entries each; the first ones stay."""
        seen = evidence(A)
        for number in range(1000):
            peer = (HOST, number)
            seen.note_answered(peer)
            seen.note_wrong_id(peer, OTHER_DID)
            seen.note_closed(peer)
            seen.note_stranger(f"host {number}")
            seen.note_refused(peer, errno.ECONNREFUSED)
        for table in (seen.answered, seen.wrong_ids, seen.closed, seen.strangers):
            self.assertEqual(len(table), 64)
        self.assertEqual(next(iter(seen.answered)), (HOST, 0))
        self.assertEqual(seen.refused, {})
