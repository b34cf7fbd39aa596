"""Recordings, played."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred

from tests.captures import CAPTURES, MISSING, datagrams
from tests.simulator.rig import PUNCH, READY, Client, RigTestCase, from_camera, from_client
from trailcam.simulator import ReplayedCamera
from trailcam.simulator.replay import MAX_HEARD
from trailcam.simulator.script import PACE, Barrier, read_script
from trailcam.wire.codec import encode
from trailcam.wire.constants import MessageType
from trailcam.wire.messages import (
    Alive,
    AliveAck,
    Close,
    Drw,
    DrwAck,
    LanSearch,
    LanTcpOffer,
    Message,
    P2PRdy,
    PunchPkt,
)

LOGIN = "lan_handshake_login.jsonl"


class ReplayTestCase(RigTestCase):
    """A replayed camera and one client of it."""

    def play(self, *packets: Mapping[str, Any], **options: Any) -> tuple[ReplayedCamera, Client]:
        """A started camera with a script, and a client that said nothing yet."""
        replayed = self.start(ReplayedCamera(self.camera_host, packets, **options))
        return replayed, self.client()

    def sent(self, client: Client) -> list[Message]:
        """What the client heard."""
        return [message for _, message, _ in client.heard]

    def outcome(self, finished: Deferred[bool]) -> bool | None:
        """What ``finished`` fired with, ``None`` when it did not."""
        results: list[bool] = []

        def keep(result: bool) -> bool:
            results.append(result)
            return result

        finished.addCallback(keep)
        return results[0] if results else None


class PlayTests(ReplayTestCase):
    """The right packet at the right moment."""

    def test_waits_for_somebody(self) -> None:
        """Nothing is sent, however long, before a client asks."""
        replayed, client = self.play(from_camera(PUNCH))
        self.network.advance(60.0)
        client.say(Alive(), Close(), b"garbage")
        self.network.advance(1.0)
        self.assertEqual((client.heard, replayed.client, replayed.strangers), ([], None, 2))

    def test_begins(self) -> None:
        """LAN_SEARCH on either port, PUNCH_PKT and P2P_RDY each begin the play."""
        for opening, port in (
            (LanSearch(), 32108),
            (LanSearch(), 40611),
            (PUNCH, 40611),
            (READY, 40611),
        ):
            replayed, client = self.play(from_camera(PUNCH))
            client.say(opening, port=port)
            self.network.advance(0.01)
            self.assertEqual(self.sent(client), [PUNCH], opening)
            self.assertEqual(replayed.client, client.address)
            self.result(replayed.stop())

    def test_pace(self) -> None:
        """Recorded times are kept."""
        _, client = self.play(
            from_camera(PUNCH, 5.0), from_camera(READY, 5.5), from_camera(READY, 7.5)
        )
        client.search()
        self.network.advance(3.0)
        times = [time for time, message, _ in client.heard if not isinstance(message, Alive)]
        for time, expected in zip(times, [PACE, PACE + 0.5, PACE + 2.5], strict=True):
            self.assertAlmostEqual(time, expected)

    def test_barrier(self) -> None:
        """What follows a client's packet waits for one of the same kind, and no longer."""
        replayed, client = self.play(from_camera(PUNCH), from_client(PUNCH), from_camera(READY))
        client.search()
        self.network.advance(0.1)
        client.say(Drw(0, 0, b"x"), DrwAck(0, (0,)))
        self.network.advance(0.05)
        self.assertEqual(self.sent(client), [PUNCH])
        client.say(PUNCH)
        self.network.advance(PACE)
        self.assertEqual(self.sent(client), [PUNCH, READY])
        self.assertEqual((replayed.barriers_met, replayed.barriers_missed), (1, 0))

    def test_barrier_met_early(self) -> None:
        """A message that came before its barrier meets it; each message meets one."""
        replayed, client = self.play(
            from_camera(PUNCH), from_client(PUNCH), from_client(PUNCH), from_camera(READY)
        )
        client.say(PUNCH)
        self.network.advance(0.1)
        self.assertEqual((replayed.barriers_met, self.sent(client)), (1, [PUNCH]))
        client.say(PUNCH)
        self.network.advance(0.01)
        self.assertEqual((replayed.barriers_met, self.sent(client)), (2, [PUNCH, READY]))

    def test_barrier_missed(self) -> None:
        """A barrier that the client does not meet is given up after 0.2 s, and counted."""
        replayed, client = self.play(from_client(Drw(0, 0, b"x")), from_camera(READY))
        client.say(LanSearch())
        self.network.advance(0.2)
        self.assertEqual(client.heard, [])
        self.network.advance(0.005)
        self.assertEqual(self.sent(client), [READY])
        self.assertEqual((replayed.barriers_met, replayed.barriers_missed), (0, 1))

    def test_patience(self) -> None:
        """How long to wait is an option."""
        _, client = self.play(from_client(PUNCH), from_camera(READY), barrier_timeout=5.0)
        client.search()
        self.network.advance(4.9)
        self.assertEqual(client.heard, [])
        self.network.advance(0.2)
        self.assertEqual(self.sent(client), [READY])

    def test_strangers(self) -> None:
        """The play is for the first client; others are counted."""
        replayed, client = self.play(from_camera(PUNCH), from_client(PUNCH), from_camera(READY))
        other = self.client()
        client.search()
        other.search()
        other.say(PUNCH)
        self.network.advance(0.1)
        self.assertEqual((other.heard, replayed.strangers), ([], 2))
        self.assertEqual(self.sent(client), [PUNCH])

    def test_heard(self) -> None:
        """The kinds of what the client said are kept, in order, and not without end."""
        replayed, client = self.play(from_camera(PUNCH))
        client.say(LanSearch(), PUNCH, Alive(), b"\xf1")
        self.network.advance(0.0)
        kinds = [MessageType.LAN_SEARCH, MessageType.PUNCH_PKT, MessageType.ALIVE]
        self.assertEqual(list(replayed.heard), kinds)
        for _ in range(MAX_HEARD):
            replayed._hear(b"\xf1\xe1\0\0", client.address, None)  # type: ignore[arg-type]
        self.assertEqual(set(replayed.heard), {MessageType.ALIVE_ACK})

    def test_alive_during_play(self) -> None:
        """ALIVE is answered between the packets of the script."""
        _, client = self.play(from_camera(PUNCH, 0.0), from_camera(READY, 9.0))
        client.search()
        self.network.advance(1.0)
        client.say(Alive())
        self.network.advance(0.0)
        self.assertEqual(self.sent(client), [PUNCH, AliveAck()])


class EndTests(ReplayTestCase):
    """After the script."""

    def test_finished(self) -> None:
        """``finished`` fires with True after the last packet, not before."""
        replayed, client = self.play(from_camera(PUNCH), from_camera(READY))
        client.search()
        self.network.advance(PACE)
        self.assertIsNone(self.outcome(replayed.finished))
        self.network.advance(PACE)
        self.assertIs(self.successResultOf(replayed.finished), True)
        self.assertEqual(replayed.sent, 2)

    def test_lives_on(self) -> None:
        """The session lives on: ALIVE both ways, DRW acknowledged, no P2P_RDY, no banner."""
        replayed, client = self.play(from_camera(READY))
        client.say(PUNCH)
        self.network.advance(0.01)
        client.forget()
        client.say(Alive(), Drw(0, 0, b"x"))
        self.network.advance(1.1)
        self.assertEqual(self.sent(client), [AliveAck(), DrwAck(0, (0,)), Alive()])
        self.assertEqual(replayed.open_sessions, 1)

    def test_times_out(self) -> None:
        """A client that falls silent after the script gets CLOSE."""
        replayed, client = self.play(from_camera(READY))
        client.say(PUNCH)
        self.network.advance(PACE + 7.31)
        self.assertEqual((client.kinds()[-1], replayed.open_sessions), ("CLOSE", 0))

    def test_client_leaves_after(self) -> None:
        """CLOSE ends the session that lived on; the camera says nothing more."""
        replayed, client = self.play(from_camera(READY))
        client.say(PUNCH)
        self.network.advance(0.01)
        client.say(Close())
        self.network.advance(10.0)
        self.assertEqual((self.sent(client), replayed.open_sessions), ([READY], 0))
        self.assertIs(self.successResultOf(replayed.finished), True)

    def test_client_leaves_during(self) -> None:
        """CLOSE ends the play: ``finished`` fires with False."""
        replayed, client = self.play(from_camera(PUNCH), from_client(PUNCH), from_camera(READY))
        client.search()
        self.network.advance(0.01)
        client.say(Close(), PUNCH)
        self.network.advance(10.0)
        self.assertEqual((self.sent(client), replayed.open_sessions), ([PUNCH], 0))
        self.assertIs(self.successResultOf(replayed.finished), False)

    def test_recorded_close(self) -> None:
        """After a recorded CLOSE there is no session that could live on."""
        replayed, client = self.play(from_camera(READY), from_camera(Close()))
        client.say(PUNCH)
        self.network.advance(0.1)
        client.say(Alive())
        self.network.advance(10.0)
        self.assertEqual(self.sent(client)[:2], [READY, Close()])
        self.assertEqual(replayed.open_sessions, 0)
        self.assertNotIn("ALIVE", client.kinds())

    def test_stopped(self) -> None:
        """A stop in the middle ends everything: ``finished`` fires with False."""
        replayed, client = self.play(from_camera(PUNCH), from_camera(READY))
        client.search()
        self.network.advance(PACE)
        self.result(replayed.stop())
        self.assertIs(self.successResultOf(replayed.finished), False)
        self.assertEqual(self.network.delayed_calls(), [])

    def test_stopped_after(self) -> None:
        """A stop after the script tells the client, and needs no second time."""
        replayed, client = self.play(from_camera(READY))
        client.say(PUNCH)
        self.network.advance(0.01)
        self.result(replayed.stop())
        self.assertEqual(self.sent(client), [READY, Close()])
        self.result(replayed.stop())

    def test_ports(self) -> None:
        """Its ports are known as those of the other camera are."""
        replayed, _ = self.play(from_camera(READY))
        self.assertEqual((replayed.search_port, replayed.session_port), (32108, 40611))


class App(Client):
    """A client that answers as the app does: echoes the punch, ALIVE per P2P_RDY, acks DRW."""

    def datagramReceived(self, datagram: bytes, addr: tuple[str, int]) -> None:
        """Keep it and answer."""
        super().datagramReceived(datagram, addr)
        message = self.heard[-1][1]
        ready = any(isinstance(m, P2PRdy) for _, m, _ in self.heard)
        if isinstance(message, PunchPkt) and not ready:
            self.say(message)
        elif isinstance(message, P2PRdy):
            self.say(Alive())
        elif isinstance(message, Drw):
            self.say(DrwAck(message.channel, (message.index,)))


class RecordingTests(ReplayTestCase):
    """Real recordings."""

    skip = MISSING

    def test_login(self) -> None:
        """To a client like the app every recorded packet is sent, in order, at the usual pace."""
        replayed = self.start(ReplayedCamera(self.camera_host, CAPTURES / LOGIN))
        app = App(self.network.host("192.168.43.200"))
        self.clients.append(app)
        app.search()
        self.network.run_until(lambda: replayed.finished.called, limit=30.0)
        recorded = datagrams(LOGIN, "camera")
        heard = [encode(m) for _, m, _ in app.heard if not isinstance(m, AliveAck)]
        self.assertEqual(heard, recorded)
        self.assertEqual(replayed.sent, len(recorded))
        offers = app.times(LanTcpOffer)
        self.assertEqual(len(offers), 51)
        self.assertAlmostEqual(offers[-1] - offers[0], 0.325)
        kinds = [step.kind for step in read_script(CAPTURES / LOGIN) if isinstance(step, Barrier)]
        said = kinds.count(MessageType.PUNCH_PKT) + kinds.count(MessageType.DRW_ACK)
        self.assertEqual(replayed.barriers_met, said)
        self.assertEqual(replayed.barriers_missed, len(kinds) - said)

    def test_mute_client(self) -> None:
        """Every recording ends, even for a client that only searches."""
        for path in sorted(CAPTURES.glob("*.jsonl")):
            recorded = datagrams(path.name, "camera")
            replayed, client = ReplayedCamera(self.camera_host, path), self.client()
            self.start(replayed)
            client.search()
            self.network.run_until(lambda r=replayed: r.finished.called, limit=300.0)
            self.assertIs(self.successResultOf(replayed.finished), True)
            self.assertEqual(replayed.sent, len(recorded), path)
            self.result(replayed.stop())

    def test_silent_client_times(self) -> None:
        """Where times were recorded the camera's last packets come at these times."""
        name = "camera_close_silent_client.jsonl"
        _, client = self.start(ReplayedCamera(self.camera_host, CAPTURES / name)), self.client()
        client.say(PUNCH)
        self.network.advance(3.2)
        client.say(DrwAck(0, (0, 0, 0)), DrwAck(0, (0,)))
        self.network.advance(4.0)
        client.say(Drw(0, 1, b"x"))
        self.network.run_until(lambda: "CLOSE" in client.kinds(), limit=20.0)
        alives = client.times(Alive)
        self.assertAlmostEqual(client.times(Close)[0] - alives[-1], 13.827 - 13.809, places=3)
