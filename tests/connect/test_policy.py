"""Tests of who starts when, and for how long."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from trailcam.connect.policy import WeightedPolicy
from trailcam.interfaces import IRacePolicy
from trailcam.model import ConnectionMode, Heat, Outcome

P2P, LAN, RELAY = ConnectionMode.P2P, ConnectionMode.LAN, ConnectionMode.RELAY
ALL = (P2P, LAN, RELAY)


def won(mode: ConnectionMode, elapsed: float) -> Outcome:
    """A past success."""
    return Outcome(mode, True, elapsed)


def lost(mode: ConnectionMode, times: int = 1) -> list[Outcome]:
    """Past failures."""
    return [Outcome(mode, False, 30.0)] * times


class WeightTests(SynchronousTestCase):
    """Weights and start delays."""

    def test_interface(self) -> None:
        """It is a policy."""
        verifyObject(IRacePolicy, WeightedPolicy())

    def test_no_weights(self) -> None:
        """All at once, with the whole time, in the order of the modes."""
        heats = WeightedPolicy().plan({RELAY, LAN, P2P}, 30.0, ())
        self.assertEqual(list(heats), [Heat(mode, 0.0, 30.0) for mode in ALL])

    def test_equal_weights(self) -> None:
        """Equal weights are as good as none."""
        heats = WeightedPolicy({P2P: 0.3, LAN: 0.3}).plan({P2P, LAN}, 30.0, ())
        self.assertEqual([heat.delay for heat in heats], [0.0, 0.0])

    def test_the_guides_weights(self) -> None:
        """1.0, 0.8 and 0.5: starts at 0, 50 and 125 ms; the end is the same for all."""
        heats = WeightedPolicy({P2P: 1.0, LAN: 0.8, RELAY: 0.5}).plan(ALL, 30.0, ())
        self.assertEqual([heat.mode for heat in heats], [P2P, LAN, RELAY])
        for heat, delay in zip(heats, (0.0, 0.05, 0.125), strict=True):
            self.assertAlmostEqual(heat.delay, delay, places=9)
            self.assertAlmostEqual(heat.delay + heat.budget, 30.0, places=9)

    def test_order_of_start(self) -> None:
        """Heats come in the order of their start, whatever the order of the modes."""
        heats = WeightedPolicy({P2P: 0.5, LAN: 1.0, RELAY: 0.8}).plan(ALL, 30.0, ())
        self.assertEqual([heat.mode for heat in heats], [LAN, RELAY, P2P])

    def test_relative(self) -> None:
        """Only the ratio to the heaviest that runs counts."""
        heats = WeightedPolicy({P2P: 100.0, LAN: 40.0, RELAY: 20.0}).plan({LAN, RELAY}, 30.0, ())
        self.assertEqual([(heat.mode, heat.delay) for heat in heats], [(LAN, 0.0), (RELAY, 0.125)])

    def test_zero(self) -> None:
        """A mode of weight 0 does not run."""
        heats = WeightedPolicy({P2P: 0.0, LAN: 0.5}).plan({P2P, LAN}, 30.0, ())
        self.assertEqual([heat.mode for heat in heats], [LAN])

    def test_all_zero(self) -> None:
        """With nothing left there are no heats."""
        self.assertEqual(list(WeightedPolicy({P2P: 0.0, LAN: 0.0}).plan({P2P, LAN}, 30.0, ())), [])
        self.assertEqual(list(WeightedPolicy().plan((), 30.0, ())), [])

    def test_not_mentioned(self) -> None:
        """A mode without a weight has that of the heaviest, also when that is 0."""
        heats = WeightedPolicy({P2P: 0.5}).plan({P2P, LAN}, 30.0, ())
        self.assertEqual([heat.delay for heat in heats], [0.0, 0.0])
        heats = WeightedPolicy({P2P: 0.0}).plan({P2P, LAN}, 30.0, ())
        self.assertEqual([(heat.mode, heat.delay) for heat in heats], [(LAN, 0.0)])

    def test_short_deadline(self) -> None:
        """A head start never reaches beyond the deadline."""
        (first, last) = WeightedPolicy({P2P: 1.0, LAN: 0.2}).plan({P2P, LAN}, 0.1, ())
        self.assertEqual((first.delay, first.budget), (0.0, 0.1))
        self.assertEqual((last.delay, last.budget), (0.1, 0.0))

    def test_outranks(self) -> None:
        """Only a heavier mode is worth waiting for."""
        policy = WeightedPolicy({P2P: 1.0, LAN: 0.8})
        self.assertTrue(policy.outranks(P2P, LAN))
        self.assertFalse(policy.outranks(LAN, P2P))
        self.assertFalse(policy.outranks(P2P, RELAY))
        self.assertFalse(WeightedPolicy().outranks(P2P, LAN))


class AdaptiveTests(SynchronousTestCase):
    """What history teaches."""

    def heat(self, past: list[Outcome], deadline: float = 30.0) -> Heat:
        """The heat of LAN."""
        (heat,) = WeightedPolicy(adaptive=True).plan({LAN}, deadline, past)
        return heat

    def test_not_adaptive(self) -> None:
        """Without the option the past does not count."""
        past = [*lost(LAN, 9), won(LAN, 0.1)]
        self.assertEqual(list(WeightedPolicy().plan({LAN}, 30.0, past)), [Heat(LAN, 0.0, 30.0)])

    def test_nothing_known(self) -> None:
        """Nothing known, nothing changed."""
        self.assertEqual(self.heat([]), Heat(LAN, 0.0, 30.0))

    def test_five_failures_running(self) -> None:
        """After the fifth failure running a mode starts a second late; not after the fourth."""
        self.assertEqual(self.heat(lost(LAN, 4)).delay, 0.0)
        self.assertEqual(self.heat(lost(LAN, 5)), Heat(LAN, 1.0, 29.0))
        self.assertEqual(self.heat(lost(LAN, 50)).delay, 1.0)

    def test_until_it_works_again(self) -> None:
        """One success among the last five clears a mode."""
        self.assertEqual(self.heat([*lost(LAN, 50), won(LAN, 5.0)]).delay, 0.0)
        self.assertEqual(self.heat([*lost(LAN, 50), won(LAN, 5.0), *lost(LAN, 4)]).delay, 0.0)
        self.assertEqual(self.heat([won(LAN, 5.0), *lost(LAN, 5)]).delay, 1.0)

    def test_other_modes_do_not_count(self) -> None:
        """Each mode answers for itself."""
        self.assertEqual(self.heat([*lost(P2P, 9), won(P2P, 0.1)]), Heat(LAN, 0.0, 30.0))

    def test_penalty_and_weight(self) -> None:
        """The penalty comes on top of the head start, and changes the order."""
        policy = WeightedPolicy({P2P: 1.0, LAN: 0.8}, adaptive=True)
        heats = policy.plan({P2P, LAN}, 30.0, lost(P2P, 5))
        self.assertEqual([heat.mode for heat in heats], [LAN, P2P])
        self.assertAlmostEqual(heats[0].delay, 0.05, places=9)
        self.assertEqual(heats[1].delay, 1.0)

    def test_budget(self) -> None:
        """Four times the 95th percentile: of twenty successes the nineteenth."""
        past = [won(LAN, 0.5 + n / 10) for n in range(20)]
        self.assertAlmostEqual(self.heat(past).budget, 4 * (0.5 + 18 / 10), places=9)

    def test_budget_of_few(self) -> None:
        """Of fewer than twenty successes the slowest counts."""
        self.assertAlmostEqual(self.heat([won(LAN, 0.4), won(LAN, 2.0)]).budget, 8.0, places=9)
        self.assertAlmostEqual(self.heat([won(LAN, 2.0), won(LAN, 0.4)]).budget, 8.0, places=9)

    def test_budget_floor(self) -> None:
        """At least a second."""
        self.assertEqual(self.heat([won(LAN, 0.002)]).budget, 1.0)

    def test_budget_ceiling(self) -> None:
        """At most what there is, also under the floor."""
        self.assertEqual(self.heat([won(LAN, 20.0)]).budget, 30.0)
        self.assertEqual(self.heat([won(LAN, 0.002)], deadline=0.5).budget, 0.5)

    def test_failures_teach_no_budget(self) -> None:
        """How long a failure took says nothing."""
        self.assertEqual(self.heat(lost(LAN, 3)).budget, 30.0)

    def test_penalty_beyond_the_deadline(self) -> None:
        """A penalty leaves half of the time, or the mode could never work again."""
        self.assertEqual(self.heat(lost(LAN, 5), deadline=0.5), Heat(LAN, 0.25, 0.25))

    def test_same_question_same_answer(self) -> None:
        """A policy is pure."""
        policy = WeightedPolicy({P2P: 1.0, LAN: 0.7}, adaptive=True)
        past = [*lost(P2P, 5), won(LAN, 0.9)]
        self.assertEqual(policy.plan(ALL, 9.0, past), policy.plan(ALL, 9.0, tuple(past)))
