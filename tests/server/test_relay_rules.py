"""
The rules of the relay, on numbers.
"""

from __future__ import annotations

import random
from collections import Counter
from itertools import count

import attrs
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.server.relay_rig import CLIENT, DEVICE, DID, DSK, OTHER_DID, STRANGER
from tests.wire.strategies import QUICK
from trailcam.server.admission import Admission
from trailcam.server.relay_rules import Limits, Outcome, Pairing, Quota, RelayRules
from trailcam.wire.constants import Result
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import RlyPkt


class Strict(Admission):
    """Knows one device, and wants its secret of everybody."""

    def __init__(self) -> None:
        super().__init__({}, clients_show_secret=True)

    def client(self, did: DeviceID, dsk: bytes | None) -> Result:
        """OK with the secret."""
        if did != DID:
            return Result.INVALID_ID
        return Result.OK if dsk == DSK else Result.INVALID_DSK


def rules(admission: Admission | None = None, **limits: float) -> RelayRules:
    """Rules, open to all unless said otherwise, with small limits."""
    small = Limits(pairs=3, pairs_per_address=2, octets=100, idle=30.0, wait=10.0)
    rng = random.Random(1)
    admission = admission or Admission.open_to_all()
    return RelayRules(admission, attrs.evolve(small, **limits), rng.getrandbits)


def opened(table: RelayRules, host: str = CLIENT, now: float = 0.0) -> Pairing:
    """A new pairing."""
    pairing = table.open(host, now)
    assert pairing is not None
    return pairing


def client(pairing: Pairing, did: DeviceID = DID) -> RlyPkt:
    """What the client says."""
    return RlyPkt(pairing.magic, did, False)


def device(pairing: Pairing, did: DeviceID = DID) -> RlyPkt:
    """What the device says."""
    return RlyPkt(pairing.magic, did, True)


class QuotaTests(SynchronousTestCase):
    """Counting what addresses hold."""

    def test_each(self) -> None:
        """One address gets so many and no more, until it gives one back."""
        quota = Quota(total=9, each=2)
        self.assertEqual([quota.take("a") for _ in range(3)], [True, True, False])
        self.assertTrue(quota.take("b"))
        quota.give_back("a")
        self.assertEqual([quota.take("a"), quota.take("a")], [True, False])

    def test_total(self) -> None:
        """Together they get so many and no more."""
        quota = Quota(total=2, each=2)
        self.assertEqual([quota.take(host) for host in "abc"], [True, True, False])
        quota.give_back("b")
        self.assertTrue(quota.take("c"))
        self.assertEqual(quota.taken, 2)

    def test_forgets(self) -> None:
        """Nothing is kept of addresses that hold nothing, whether they got anything or not."""
        quota = Quota(total=1, each=1)
        for number in range(1000):
            self.assertTrue(quota.take(f"host {number}"))
            self.assertFalse(quota.take(f"other host {number}"))
            quota.give_back(f"host {number}")
        self.assertEqual((quota.taken, len(quota._held)), (0, 0))

    @given(st.lists(st.tuples(st.sampled_from("abc"), st.booleans()), max_size=60))
    @QUICK
    def test_never_more(self, steps: list[tuple[str, bool]]) -> None:
        """Whatever they do, the limits hold, and what is given back can be had again."""
        quota, held = Quota(total=4, each=2), Counter[str]()
        for host, take in steps:
            if take:
                possible = held[host] < 2 and held.total() < 4
                self.assertEqual(quota.take(host), possible)
                held[host] += possible
            elif held[host]:
                quota.give_back(host)
                held[host] -= 1
            self.assertEqual(quota.taken, held.total())


class OpenTests(SynchronousTestCase):
    """Getting a pairing, and getting rid of it."""

    def test_limits(self) -> None:
        """An address gets its number of pairings, all together get theirs."""
        table = rules()
        self.assertIsNotNone(table.open(CLIENT, 0.0))
        first = opened(table)
        self.assertIsNone(table.open(CLIENT, 0.0))
        self.assertIsNotNone(table.open(STRANGER, 0.0))
        self.assertIsNone(table.open(DEVICE, 0.0))
        table.change(first, Outcome.EXPIRED)
        self.assertIsNone(table.open(DEVICE, 0.0))  # its port is not closed yet
        table.close(first)
        self.assertIsNotNone(table.open(DEVICE, 0.0))
        expected = {Outcome.WAITING: 4, Outcome.REFUSED: 3, Outcome.EXPIRED: 1}
        self.assertEqual(table.pairings, expected)

    def test_close_twice(self) -> None:
        """Closing again changes nothing."""
        table = rules()
        first, _ = opened(table), opened(table)
        for _ in range(3):
            table.close(first)
        self.assertIsNotNone(table.open(CLIENT, 0.0))
        self.assertIsNone(table.open(CLIENT, 0.0))

    def test_magics(self) -> None:
        """Two open pairings never have the same magic, whatever the generator says."""
        numbers = iter([7, 7, 7, 8])
        asked = []

        def randbits(bits: int) -> int:
            asked.append(bits)
            return next(numbers)

        table = RelayRules(Admission.open_to_all(), Limits(), randbits)
        self.assertEqual([opened(table).magic, opened(table).magic], [7, 8])
        self.assertEqual(asked, [32] * 4)

    def test_carried(self) -> None:
        """What closed pairings carried is summed up."""
        table = rules()
        for octets in (30, 12):
            pairing = opened(table)
            pairing.carry(octets, is_device=True)
            table.close(pairing)
        self.assertEqual(table.carried, 42)

    def test_secret(self) -> None:
        """The magic is not shown to those who read logs."""
        table = RelayRules(Admission.open_to_all(), Limits(), lambda _: 0xC0FFEE11)
        self.assertNotIn(str(0xC0FFEE11), repr(opened(table)))


class JoinTests(SynchronousTestCase):
    """Who may join."""

    def named(self, table: RelayRules) -> Pairing:
        """A pairing for the device."""
        pairing = opened(table)
        self.assertIs(table.name(pairing, DID, None), Result.OK)
        return pairing

    def test_both_ways(self) -> None:
        """Either party may come first."""
        for first, second in ((client, device), (device, client)):
            table = rules()
            pairing = self.named(table)
            verdicts = [table.join(pairing, say(pairing), CLIENT, 1.0) for say in (first, second)]
            self.assertEqual(verdicts, [Outcome.WAITING, Outcome.PAIRED])
            self.assertIs(pairing.outcome, Outcome.PAIRED)
            self.assertEqual(table.pairings, {Outcome.WAITING: 1, Outcome.PAIRED: 1})
            self.assertEqual(table.turned_away, {})

    def test_client_from_elsewhere(self) -> None:
        """The client comes from where it asked; the device from anywhere."""
        table = rules()
        pairing = self.named(table)
        self.assertIs(table.join(pairing, client(pairing), STRANGER, 1.0), Outcome.REFUSED)
        self.assertIs(table.join(pairing, device(pairing), STRANGER, 1.0), Outcome.WAITING)
        self.assertIs(table.join(pairing, client(pairing), CLIENT, 1.0), Outcome.PAIRED)

    def test_wrong(self) -> None:
        """Another magic, or another device, is refused, and changes nothing."""
        table = rules()
        pairing, other = self.named(table), self.named(table)
        for packet in (
            RlyPkt(pairing.magic ^ 1, DID, True),
            RlyPkt(other.magic, DID, True),
            device(pairing, OTHER_DID),
            client(pairing, OTHER_DID),
        ):
            self.assertIs(table.join(pairing, packet, CLIENT, 1.0), Outcome.REFUSED)
        self.assertEqual(table.turned_away, {Outcome.REFUSED: 4})
        self.assertIs(table.join(pairing, device(pairing), DEVICE, 1.0), Outcome.WAITING)

    def test_redundant(self) -> None:
        """A double, or a third party, is redundant."""
        table = rules()
        pairing = self.named(table)
        table.join(pairing, client(pairing), CLIENT, 1.0)
        self.assertIs(table.join(pairing, client(pairing), CLIENT, 1.0), Outcome.REDUNDANT)
        table.join(pairing, device(pairing), DEVICE, 1.0)
        for packet in (client(pairing), device(pairing)):
            self.assertIs(table.join(pairing, packet, CLIENT, 1.0), Outcome.REDUNDANT)
        self.assertEqual(table.turned_away, {Outcome.REDUNDANT: 3})

    def test_replayed(self) -> None:
        """A magic is good for one pairing: when that has ended, it is good for nothing."""
        for outcome in (Outcome.FINISHED, Outcome.EXPIRED, Outcome.REFUSED):
            table = rules()
            pairing = self.named(table)
            table.change(pairing, outcome)
            self.assertIs(table.join(pairing, client(pairing), CLIENT, 1.0), Outcome.REFUSED)
            self.assertIs(pairing.outcome, outcome)


class NameTests(SynchronousTestCase):
    """Which device a pairing is for."""

    def test_once(self) -> None:
        """A client may repeat the name, not change it."""
        table = rules()
        pairing = opened(table)
        self.assertIs(table.name(pairing, DID, None), Result.OK)
        self.assertIs(table.name(pairing, OTHER_DID, None), Result.INVALID_ID)
        self.assertIs(table.name(pairing, DID, None), Result.OK)
        self.assertEqual(pairing.did, DID)

    def test_secret(self) -> None:
        """Where the secret is wanted, only who shows it names the device."""
        table = rules(Strict())
        pairing = opened(table)
        self.assertIs(table.name(pairing, OTHER_DID, DSK), Result.INVALID_ID)
        for dsk in (None, bytes(24)):
            self.assertIs(table.name(pairing, DID, dsk), Result.INVALID_DSK)
        self.assertIsNone(pairing.did)
        self.assertIs(table.name(pairing, DID, DSK), Result.OK)
        self.assertEqual(pairing.did, DID)

    def test_named_by_joining(self) -> None:
        """Who knows the magic names the device, if no secret is wanted."""
        table = rules()
        pairing = opened(table)
        table.join(pairing, RlyPkt(pairing.magic ^ 1, OTHER_DID, True), DEVICE, 1.0)
        self.assertIsNone(pairing.did)
        self.assertIs(table.join(pairing, device(pairing), DEVICE, 1.0), Outcome.WAITING)
        self.assertEqual(pairing.did, DID)
        self.assertIs(table.join(pairing, client(pairing), CLIENT, 1.0), Outcome.PAIRED)

    def test_no_way_around_the_secret(self) -> None:
        """Where a secret is wanted, joining names nothing."""
        table = rules(Strict())
        pairing = opened(table)
        for packet in (client(pairing), device(pairing)):
            self.assertIs(table.join(pairing, packet, CLIENT, 1.0), Outcome.REFUSED)
        self.assertIsNone(pairing.did)


class TimeTests(SynchronousTestCase):
    """When a pairing is overdue."""

    def paired(self, now: float) -> tuple[RelayRules, Pairing]:
        """A pairing of which both parties come at ``now``."""
        table = rules()
        pairing = opened(table)
        table.join(pairing, client(pairing), CLIENT, now)
        table.join(pairing, device(pairing), DEVICE, now)
        return table, pairing

    def test_waiting(self) -> None:
        """The time to wait counts from the beginning, whoever comes."""
        table = rules(wait=10.0)
        pairing = opened(table, now=5.0)
        table.name(pairing, DID, None)
        self.assertFalse(pairing.overdue(14.9))
        table.join(pairing, client(pairing), CLIENT, 14.9)
        self.assertTrue(pairing.overdue(15.0))

    def test_unnamed(self) -> None:
        """Who does not say which device he wants does not keep a port for long."""
        pairing = opened(rules(wait=10.0), now=5.0)
        self.assertFalse(pairing.overdue(6.9))
        self.assertTrue(pairing.overdue(7.0))

    def test_silent(self) -> None:
        """The time of silence counts from when both were there."""
        _, pairing = self.paired(9.0)
        self.assertFalse(pairing.overdue(38.9))
        self.assertTrue(pairing.overdue(39.0))

    def test_not_silent(self) -> None:
        """Octets of either party are no silence."""
        _, pairing = self.paired(0.0)
        for now, is_device in zip(count(20.0, 20.0), [True, False, True]):
            pairing.carry(1, is_device)
            self.assertFalse(pairing.overdue(now))
        self.assertFalse(pairing.overdue(89.0))
        self.assertTrue(pairing.overdue(90.0))


class CarryTests(SynchronousTestCase):
    """How much a pair may carry."""

    def test_limit(self) -> None:
        """Both ways together; what is too much is not counted."""
        pairing = opened(rules(octets=100))
        self.assertTrue(pairing.carry(60, is_device=True))
        self.assertFalse(pairing.carry(41, is_device=False))
        self.assertTrue(pairing.carry(40, is_device=False))
        self.assertFalse(pairing.carry(1, is_device=True))
        self.assertEqual((pairing.from_device, pairing.from_client), (60, 40))

    def test_no_limit(self) -> None:
        """By default any number."""
        table = RelayRules(Admission.open_to_all(), Limits(), random.Random(1).getrandbits)
        pairing = opened(table)
        self.assertTrue(pairing.carry(1 << 60, is_device=True))
        self.assertTrue(pairing.carry(1, is_device=True))
        self.assertEqual(pairing.carried, (1 << 60) + 1)
