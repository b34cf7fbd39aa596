"""What a simulated camera does in a session, and how the session ends."""

from __future__ import annotations

import attrs

from tests.simulator.rig import PUNCH, READY, Client, RigTestCase
from trailcam.simulator import Behaviour
from trailcam.wire.messages import Alive, AliveAck, Close, Drw, DrwAck, LanSearch, Psr


def drw(index: int, channel: int = 0) -> Drw:
    """A DRW whose payload does not matter."""
    return Drw(channel, index, b"x")


class KeepaliveTests(RigTestCase):
    """ALIVE, in both directions."""

    def test_answered_at_once(self) -> None:
        """Each ALIVE is answered with one ALIVE_ACK, in the same turn."""
        self.camera()
        client = self.connected()
        client.say(Alive(), Alive())
        self.network.advance(0.0)
        self.assertEqual(client.times(AliveAck), [0.0, 0.0])

    def test_not_answered(self) -> None:
        """A camera may be told not to answer ALIVE; it lives on otherwise."""
        self.camera(answers_alive=False)
        client = self.connected()
        for _ in range(10):
            client.say(Alive())
            self.network.advance(1.1)
        self.assertEqual((client.count(AliveAck), client.count(Close)), (0, 0))
        self.assertGreater(client.count(Alive), 8)

    def test_own(self) -> None:
        """The camera's first ALIVE comes 1.03 s after the banner, the others 1.03 s apart."""
        self.camera()
        client = self.connected()
        self.network.advance(3.3)
        for expected, time in zip([1.16, 2.19, 3.22], client.times(Alive), strict=True):
            self.assertAlmostEqual(time, expected)

    def test_put_off_by_traffic(self) -> None:
        """A DRW_ACK puts off the camera's ALIVE; its ALIVE_ACK does not."""
        self.camera(Behaviour.prompt())
        client = self.connected()
        self.network.advance(0.5)
        client.say(drw(0))
        self.network.advance(0.5)
        client.say(Alive())
        self.network.advance(0.6)
        self.assertEqual(len(client.times(Alive)), 1)
        self.assertAlmostEqual(client.times(Alive)[0], 1.53)

    def test_never(self) -> None:
        """Without an interval the camera never sends ALIVE, whatever else it sends."""
        self.camera(alive_interval=None)
        client = self.connected()
        client.say(drw(0))
        self.network.advance(7.0)
        self.assertEqual((client.count(Alive), client.count(DrwAck)), (0, 1))


class AcknowledgementTests(RigTestCase):
    """DRW_ACK."""

    def setUp(self) -> None:
        """A camera and a client that acked the banner."""
        super().setUp()
        self.camera()
        self.peer = self.connected()
        self.peer.say(DrwAck(0, (0,)))

    def acks(self) -> list[tuple[float, int, tuple[int, ...]]]:
        """Time, channel and entries of each DRW_ACK."""
        return [
            (round(time, 6), ack.channel, ack.indexes)
            for time, ack, _ in self.peer.heard
            if isinstance(ack, DrwAck)
        ]

    def test_tick(self) -> None:
        """All copies within 10 ms of the first are listed in one DRW_ACK, duplicates too."""
        self.peer.say(drw(3))
        self.network.advance(0.009)
        self.peer.say(drw(3), drw(1), drw(3))
        self.network.advance(0.5)
        self.assertEqual(self.acks(), [(0.01, 0, (3, 3, 1, 3))])

    def test_next_tick(self) -> None:
        """What comes after a tick starts the next one."""
        self.peer.say(drw(0))
        self.network.advance(0.02)
        self.peer.say(drw(1))
        self.network.advance(0.02)
        self.assertEqual(self.acks(), [(0.01, 0, (0,)), (0.03, 0, (1,))])

    def test_channels(self) -> None:
        """Each channel has its own DRW_ACK."""
        self.peer.say(drw(0, 0), drw(0, 4), drw(1, 0))
        self.network.advance(0.02)
        self.assertEqual(self.acks(), [(0.01, 0, (0, 1)), (0.01, 4, (0,))])

    def test_seventeen(self) -> None:
        """17 entries go out at once; the rest waits for the tick."""
        self.peer.say(*(drw(index) for index in range(20)))
        self.network.advance(0.0)
        self.assertEqual(self.acks(), [(0.0, 0, tuple(range(17)))])
        self.network.advance(0.02)
        self.assertEqual(self.acks()[1:], [(0.01, 0, (17, 18, 19))])

    def test_tick_without_entries(self) -> None:
        """A tick whose entries have all gone out already sends nothing."""
        self.peer.say(*(drw(index) for index in range(17)))
        self.network.advance(0.02)
        self.assertEqual(len(self.acks()), 1)

    def test_prompt(self) -> None:
        """A prompt camera acknowledges each DRW in its turn."""
        prompt = self.camera_elsewhere()
        prompt.say(drw(0), drw(1))
        self.network.advance(0.0)
        self.assertEqual([m.indexes for m in prompt.messages(DrwAck)], [(0,), (1,)])

    def camera_elsewhere(self) -> Client:
        """A client of a prompt camera that takes the first one's place."""
        self.result(self.cameras.pop().stop())
        self.camera(Behaviour.prompt())
        return self.connected()

    def test_unreliable(self) -> None:
        """PSR is not acknowledged."""
        self.peer.say(Psr(0, 0, b"x"))
        self.network.advance(0.5)
        self.assertEqual(self.acks(), [])


class TimeoutTests(RigTestCase):
    """Clients that fall silent."""

    def test_close(self) -> None:
        """CLOSE comes 7.3 s after the client's last datagram, not sooner and not later."""
        camera = self.camera()
        client = self.connected(confirm=False)
        self.network.advance(3.0)
        client.say(Alive())
        self.network.advance(7.299)
        self.assertEqual((client.count(Close), camera.open_sessions), (0, 1))
        self.network.advance(0.002)
        self.assertEqual(client.kinds()[-1], "CLOSE")
        self.assertAlmostEqual(client.times(Close)[0], 10.3)
        self.assertEqual((camera.open_sessions, camera.counters.sessions_timed_out), (0, 1))

    def test_unconfirmed(self) -> None:
        """A client that never confirms is told P2P_RDY, banner and ALIVE until then."""
        self.camera()
        client = self.connected(confirm=False)
        self.network.advance(7.31)
        self.assertAlmostEqual(client.times(Close)[0], 7.3)
        self.assertEqual((client.count(Drw), client.count(Alive)), (175, 6))
        self.assertGreater(client.count(type(READY)), 170)

    def test_nothing_after_close(self) -> None:
        """After CLOSE there is silence."""
        self.camera()
        client = self.connected()
        self.network.advance(60.0)
        self.assertEqual(client.count(Close), 1)
        self.assertEqual(client.kinds()[-1], "CLOSE")

    def test_any_datagram_puts_it_off(self) -> None:
        """Whatever the client sends within the session puts the timeout off."""
        self.camera()
        client = self.connected()
        for message in (Alive(), AliveAck(), drw(0), DrwAck(0, (0,)), PUNCH, READY):
            self.network.advance(7.0)
            client.say(message)
        self.network.advance(7.0)
        self.assertEqual(client.count(Close), 0)

    def test_search_does_not(self) -> None:
        """A search belongs to no session."""
        self.camera()
        client = self.connected()
        self.network.advance(7.0)
        client.search()
        client.say(LanSearch())
        self.network.advance(0.5)
        self.assertEqual(client.count(Close), 1)

    def test_other_timeout(self) -> None:
        """The timeout is an option."""
        self.camera(timeout=1.0)
        client = self.connected()
        self.network.advance(1.1)
        self.assertEqual(client.count(Close), 1)


class EndTests(RigTestCase):
    """All other ends of a session."""

    def test_client_closes(self) -> None:
        """The client's CLOSE frees the slot and is not answered."""
        camera = self.camera()
        client = self.connected()
        client.say(drw(0), Close())
        self.network.advance(10.0)
        self.assertEqual(client.heard, [])
        self.assertEqual((camera.open_sessions, camera.counters.sessions_closed_by_client), (0, 1))

    def test_after_the_end(self) -> None:
        """What an ended client still sends is nobody's."""
        camera = self.camera()
        client = self.connected()
        client.say(Close(), Alive(), drw(0))
        self.network.advance(1.0)
        self.assertEqual((client.heard, camera.counters.strays), ([], 2))

    def test_close_after(self) -> None:
        """A camera may close by itself, some time after P2P_RDY."""
        camera = self.camera(close_after=2.0)
        client = self.connected()
        for _ in range(30):
            client.say(Alive())
            self.network.advance(0.1)
        self.assertAlmostEqual(client.times(Close)[0], 2.0)
        self.assertEqual((camera.open_sessions, camera.counters.sessions_closed_by_camera), (0, 1))

    def test_silent_after(self) -> None:
        """A camera may fall silent: no answer, no ALIVE, no CLOSE; the slot is freed in the end."""
        camera = self.camera(silent_after=2.0)
        client = self.connected()
        self.network.advance(1.99)
        client.say(Alive())
        self.network.advance(0.02)
        self.assertEqual(client.kinds()[-1], "ALIVE_ACK")
        client.forget()
        for _ in range(7):
            client.say(Alive(), drw(0), PUNCH, READY, LanSearch())
            self.network.advance(1.0)
        self.assertEqual((client.heard, camera.open_sessions), ([], 1))
        self.network.advance(0.3)
        self.assertEqual((client.heard, camera.open_sessions), ([], 0))
        self.assertEqual(camera.counters.sessions_timed_out, 1)

    def test_silent_session_closed(self) -> None:
        """The slot of a session that fell silent is freed by the client's CLOSE."""
        camera = self.camera(silent_after=0.5)
        client = self.connected()
        self.network.advance(1.0)
        client.say(Close())
        self.network.advance(0.0)
        self.assertEqual(camera.open_sessions, 0)

    def test_again_after_silence(self) -> None:
        """Only the session is silent: another client is served."""
        self.camera(silent_after=0.5)
        self.connected()
        self.network.advance(1.0)
        self.connected()


class SlotTests(RigTestCase):
    """A camera has few slots."""

    def test_full(self) -> None:
        """When all slots are taken, a new client gets CLOSE; a search is still answered."""
        camera = self.camera()
        for _ in range(4):
            self.connected()
        late = self.client()
        late.say(LanSearch(), PUNCH, READY)
        self.network.advance(0.0)
        self.assertEqual(late.kinds(), ["PUNCH_PKT", "CLOSE", "CLOSE"])
        self.assertEqual((camera.open_sessions, camera.counters.sessions_refused_full), (4, 2))

    def test_known_client(self) -> None:
        """A full camera still knows its clients."""
        camera = self.camera(slots=1)
        client = self.connected()
        self.network.advance(0.1)
        client.say(PUNCH)
        self.network.advance(0.0)
        self.assertEqual((client.count(Close), camera.counters.sessions_refused_full), (0, 0))

    def test_free_again(self) -> None:
        """A slot that was freed can be had."""
        camera = self.camera(slots=1)
        self.connected().say(Close())
        self.network.advance(0.0)
        self.connected()
        self.assertEqual(camera.counters.sessions_opened, 2)

    def test_counters_agree(self) -> None:
        """Every session that was opened ended in one way or is open."""
        camera = self.camera(slots=3)
        clients = [self.connected() for _ in range(3)]
        clients[0].say(Close())
        self.network.advance(5.0)
        clients[1].say(Alive())
        self.network.advance(5.0)
        totals = attrs.asdict(camera.counters)
        self.assertEqual(totals["sessions_opened"], 3)
        self.assertEqual(totals["sessions_closed_by_client"], 1)
        self.assertEqual(totals["sessions_timed_out"], 1)
        self.assertEqual(camera.open_sessions, 1)
