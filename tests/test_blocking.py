"""Tests for :mod:`trailcam.blocking`: connecting."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from zope.interface.verify import verifyObject

from tests.connect.relaying import DATA_PORT, DID, ScriptedRelay
from tests.facade import THREADS, ManagerTestCase
from trailcam import ConnectionMode
from trailcam.errors import CalledFromReactorThread, ReactorUnavailable
from trailcam.interfaces import IRuntime


class SuccessTests(ManagerTestCase):
    """A camera answers."""

    def test_runtime(self) -> None:
        """The runtime of these tests is one."""
        verifyObject(IRuntime, self.runtime)

    def test_info(self) -> None:
        """The dictionary of the contract, key by key and type by type."""
        self.camera()
        manager = self.manager()
        success, info = manager.connect_parallel()
        self.assertIs(success, True)
        self.assertIn(info["mode"], (ConnectionMode.P2P, ConnectionMode.LAN))
        (port,) = self.phone.ports()
        self.assertEqual(info["port"], port.getHost().port)
        self.assertEqual(info["destination_port"], 40611)
        self.assertIsInstance(info["elapsed_time"], float)
        self.assertTrue(0 < info["elapsed_time"] < 0.1, info)
        self.assertEqual(info["winning_thread"], f"{info['mode'].value}ConnectThread")
        self.assertEqual(info["threads_info"].keys(), THREADS)
        for name, thread in info["threads_info"].items():
            self.assertEqual(name, f"{thread['mode']}ConnectThread")
            self.assertIsInstance(thread["retries"], int)
            self.assertLessEqual(
                {"mode", "state", "port", "retries", "elapsed", "error", "code", "phase"},
                thread.keys(),
            )

    def test_states(self) -> None:
        """One winner; the other was stopped; what was not enabled did not start."""
        self.camera()
        _, info = self.manager().connect_parallel()
        threads = info["threads_info"]
        winner = threads.pop(info["winning_thread"])
        self.assertEqual((winner["state"], winner["port"]), ("success", info["port"]))
        self.assertEqual((winner["retries"], winner["error"], winner["code"]), (0, None, None))
        self.assertLessEqual(winner["elapsed"], info["elapsed_time"])
        relay = threads.pop("relayConnectThread")
        self.assertEqual(
            relay,
            {
                "mode": "relay",
                "state": "not_started",
                "port": None,
                "retries": 0,
                "elapsed": None,
                "error": None,
                "code": None,
                "phase": None,
            },
        )
        (loser,) = threads.values()
        self.assertEqual(loser["state"], "cancelled")

    def test_one_mode(self) -> None:
        """Each direct mode can do it alone, and only what is enabled starts."""
        self.camera()
        for mode, lan in ((ConnectionMode.P2P, False), (ConnectionMode.LAN, True)):
            manager = self.manager()
            success, info = manager.connect_parallel(enable_p2p=not lan, enable_lan=lan)
            self.assertTrue(success)
            self.assertEqual(info["mode"], mode)
            states = {name: thread["state"] for name, thread in info["threads_info"].items()}
            self.assertEqual(states.pop(mode.thread_name), "success")
            self.assertEqual(set(states.values()), {"not_started"})
            manager.close()

    def test_any_port_position(self) -> None:
        """The camera may listen on the last port of the list; those before it are its retries."""
        self.camera()
        ports = (1, 2, 3, 4, 5, 40611)
        _, info = self.manager(destination_ports=ports).connect_parallel(enable_lan=False)
        thread = info["threads_info"]["p2pConnectThread"]
        self.assertEqual((info["destination_port"], thread["retries"]), (40611, 5))
        self.assertLess(info["elapsed_time"], 0.05)

    def test_answer_from_another_port(self) -> None:
        """The camera chooses the port of the session."""
        camera = self.camera(answer_port=50123)
        _, info = self.manager().connect_parallel()
        self.assertEqual(info["destination_port"], camera.answer_port)

    def test_name(self) -> None:
        """A host name will do."""
        self.camera()
        self.assertTrue(self.connected(camera_ip="camera.local").connected)

    def test_search(self) -> None:
        """Without an address the camera is found by broadcast; P2P says what it lacks."""
        self.camera()
        success, info = self.manager(None).connect_parallel()
        self.assertTrue(success)
        self.assertEqual(info["mode"], ConnectionMode.LAN)
        self.assertEqual(info["threads_info"]["p2pConnectThread"]["code"], "not_possible")

    def test_losers_are_gone(self) -> None:
        """When the call returns, the camera has one session, and this machine one port."""
        camera = self.camera()
        self.connected()
        self.assertEqual(len(list(self.phone.ports())), 1)
        self.network.advance(0.01)
        self.assertEqual(camera.open_sessions, 1)

    def test_weights(self) -> None:
        """A mode of weight 0 is not used."""
        self.camera()
        _, info = self.manager(mode_weights={"p2p": 0, ConnectionMode.LAN: 1}).connect_parallel()
        self.assertEqual(info["mode"], ConnectionMode.LAN)
        self.assertEqual(info["threads_info"]["p2pConnectThread"]["state"], "not_started")

    def test_adaptive(self) -> None:
        """What was learnt about a camera is kept in the user's state folder."""
        folder = Path(self.mktemp())
        self.patch(os, "environ", {**os.environ, "XDG_STATE_HOME": str(folder.absolute())})
        self.camera()
        self.connected(adaptive_timeout=True)
        self.assertEqual(len([path for path in folder.rglob("*") if path.is_file()]), 1)


class FailureTests(ManagerTestCase):
    """No camera answers."""

    def test_refused(self) -> None:
        """Closed ports are told, at once, with their numbers, and all of them are retries."""
        success, info = self.manager().connect_parallel()
        self.assertIs(success, False)
        self.assertLess(info["elapsed_time"], 0.05)
        for name in ("p2pConnectThread", "lanConnectThread"):
            thread = info["threads_info"][name]
            self.assertEqual((thread["state"], thread["code"]), ("failed", "refused"))
            self.assertEqual(thread["retries"], 6)
            self.assertIsInstance(thread["port"], int)
            self.assertIn("40611, 32100, 32108, 10000, 80, 57743", thread["error"])

    def test_info(self) -> None:
        """The dictionary of the contract has these keys, whatever the reason."""
        _, info = self.manager().connect_parallel()
        self.assertLessEqual({"elapsed_time", "threads_info"}, info.keys())
        self.assertFalse({"mode", "port", "winning_thread", "destination_port"} & info.keys())
        self.assertEqual(info["threads_info"].keys(), THREADS)

    def test_silence(self) -> None:
        """Silence takes as long as was allowed, and half a second more at most."""
        self.camera_host.silent = True
        began = self.network.clock.seconds()
        success, info = self.manager(max_connection_time=3.0).connect_parallel()
        took = self.network.clock.seconds() - began
        self.assertFalse(success)
        self.assertTrue(3.0 <= took <= 3.5, took)
        self.assertAlmostEqual(info["elapsed_time"], 3.0, delta=0.5)
        thread = info["threads_info"]["p2pConnectThread"]
        self.assertEqual((thread["state"], thread["code"]), ("failed", "no_answer"))

    def test_nothing_enabled(self) -> None:
        """Nothing to do is done at once."""
        success, info = self.manager().connect_parallel(False, False, False)
        self.assertFalse(success)
        self.assertEqual(info["elapsed_time"], 0.0)
        states = {thread["state"] for thread in info["threads_info"].values()}
        self.assertEqual(states, {"not_started"})
        self.assertEqual(self.network.clock.seconds(), 0.0)

    def test_relay_without_server(self) -> None:
        """A mode that lacks what it needs says what."""
        success, info = self.manager().connect_parallel(False, False, True)
        self.assertFalse(success)
        relay = info["threads_info"]["relayConnectThread"]
        self.assertEqual((relay["state"], relay["code"]), ("failed", "not_possible"))
        self.assertIn("relay server", relay["error"])

    def test_relay(self) -> None:
        """The guide's call with a relay: the port is negotiated, and close() says CLOSE."""
        relay = ScriptedRelay(self.network.host("10.0.0.5"))
        manager = self.manager(
            None, uid=str(DID), relay_server="10.0.0.5", relay_port=65527, secret="correcthorse"
        )
        success, info = manager.connect_parallel(False, False, enable_relay=True)
        self.assertTrue(success, info)
        self.assertTrue(manager.connected)
        self.assertEqual((info["mode"].value, info["destination_port"]), ("relay", DATA_PORT))
        self.assertEqual(info["winning_thread"], "relayConnectThread")
        thread = info["threads_info"]["relayConnectThread"]
        self.assertEqual((thread["port"], thread["retries"]), (info["port"], 0))
        self.assertIn("TCP_RLY_REQ_DSK", relay.kinds())
        attempts = [line for line in self.lines.texts(logging.DEBUG) if "Attempt" in line]
        self.assertEqual([line.rpartition("=")[2] for line in attempts], ["65527", str(DATA_PORT)])
        manager.close()
        relay.close()
        self.network.advance(1.0)
        self.assertEqual(relay.kinds(DATA_PORT)[-1], "CLOSE")

    def test_relay_failure(self) -> None:
        """Why it failed, with how many relays were tried."""
        self.network.host("10.0.0.5")
        manager = self.manager(None, relay_server="10.0.0.5", relay_port=65527)
        success, info = manager.connect_parallel(False, False, True)
        self.assertFalse(success)
        thread = info["threads_info"]["relayConnectThread"]
        self.assertEqual((thread["code"], thread["retries"]), ("relay_unreachable", 1))
        self.assertEqual(thread["phase"], "dialling")

    def test_wrong_device(self) -> None:
        """Another camera is not the one."""
        self.camera()
        manager = self.manager(uid="ABCD-000001-EFGHJ", max_connection_time=2.0)
        success, info = manager.connect_parallel(enable_p2p=False)
        self.assertFalse(success)
        self.assertEqual(info["threads_info"]["lanConnectThread"]["code"], "wrong_device")

    def test_unknown_name(self) -> None:
        """A name without an address is named."""
        success, info = self.manager("nowhere.local").connect_parallel()
        self.assertFalse(success)
        thread = info["threads_info"]["lanConnectThread"]
        self.assertEqual(thread["code"], "unresolved")
        self.assertIn("nowhere.local", thread["error"])

    def test_no_reactor(self) -> None:
        """What a program did wrong is raised: before anything is done."""
        manager = self.manager()
        for kind in (CalledFromReactorThread, ReactorUnavailable):
            self.runtime.refusal = kind("no")
            self.assertRaises(kind, manager.connect_parallel)
            self.assertRaises(kind, manager.connect_parallel, False, False, False)
        self.assertEqual(self.network.log, [])

    def test_close_on_the_reactor_thread(self) -> None:
        """So is a close() that would wait for itself; the connection stays."""
        self.camera()
        manager = self.connected()
        self.runtime.refusal = CalledFromReactorThread("no")
        self.assertRaises(CalledFromReactorThread, manager.close)
        self.assertTrue(manager.connected)
