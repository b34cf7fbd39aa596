"""Tests of the ``info`` dictionary: exactly the guide's keys and types, and ours beside them."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.connect.cameras import CAMERA, NetworkTestCase
from trailcam.connect.connector import Connector
from trailcam.connect.target import Target
from trailcam.info import as_json, failure_info, success_info, threads_info
from trailcam.model import AttemptReport, AttemptState, ConnectionMode, Report
from trailcam.simulator import SimulatedCamera

P2P, LAN, RELAY = ConnectionMode.P2P, ConnectionMode.LAN, ConnectionMode.RELAY
THREADS = ["p2pConnectThread", "lanConnectThread", "relayConnectThread"]

GUIDES_KEYS = {"mode", "port", "destination_port", "elapsed_time", "winning_thread", "threads_info"}
GUIDES_THREAD_KEYS = {"mode", "state", "port", "retries", "elapsed", "error"}
OUR_THREAD_KEYS = {"code", "phase"}
GUIDES_STATES = {"not_started", "pending", "running", "success", "failed", "cancelled"}

NONE = type(None)
THREAD_TYPES: dict[str, tuple[type, ...]] = {
    "mode": (str,),
    "state": (str,),
    "port": (int, NONE),
    "retries": (int,),
    "elapsed": (float, NONE),
    "error": (str, NONE),
    "code": (str, NONE),
    "phase": (str, NONE),
}


class Winner:
    """As much of a link as is needed."""

    mode = P2P
    local = ("0.0.0.0", 56799)
    peer = ("192.168.1.100", 40611)


REPORT = Report(
    winner=P2P,
    elapsed=2.34,
    attempts=(
        AttemptReport(P2P, AttemptState.SUCCESS, 56799, 1, 2.34, None, None, "ready", 0.002),
        AttemptReport(LAN, AttemptState.FAILED, 56800, 6, 1.5, "nothing", "no_answer", "searching"),
        AttemptReport(RELAY),
    ),
)


class SuccessTests(SynchronousTestCase):
    """The guide's example of a success."""

    info = success_info(Winner(), REPORT)  # type: ignore[arg-type]

    def test_top(self) -> None:
        """The six keys of the guide."""
        expected = {
            "mode": ConnectionMode.P2P,
            "port": 56799,
            "destination_port": 40611,
            "elapsed_time": 2.34,
            "winning_thread": "p2pConnectThread",
            "threads_info": self.info["threads_info"],
        }
        self.assertEqual(self.info, expected)
        self.assertEqual(self.info["mode"].value, "p2p")

    def test_threads(self) -> None:
        """All three threads, with all that is known of each."""
        self.assertEqual(
            self.info["threads_info"],
            {
                "p2pConnectThread": {
                    "mode": "p2p",
                    "state": "success",
                    "port": 56799,
                    "retries": 1,
                    "elapsed": 2.34,
                    "error": None,
                    "code": None,
                    "phase": "ready",
                },
                "lanConnectThread": {
                    "mode": "lan",
                    "state": "failed",
                    "port": 56800,
                    "retries": 6,
                    "elapsed": 1.5,
                    "error": "nothing",
                    "code": "no_answer",
                    "phase": "searching",
                },
                "relayConnectThread": {
                    "mode": "relay",
                    "state": "not_started",
                    "port": None,
                    "retries": 0,
                    "elapsed": None,
                    "error": None,
                    "code": None,
                    "phase": None,
                },
            },
        )

    def test_json(self) -> None:
        """Only the mode has to be put in words for JSON; the original stays as it is."""
        plain = as_json(self.info)
        self.assertEqual(json.loads(json.dumps(plain)), plain)
        self.assertEqual(plain, {**self.info, "mode": "p2p"})
        self.assertIs(self.info["mode"], ConnectionMode.P2P)


class FailureTests(SynchronousTestCase):
    """The guide's example of a failure."""

    info = failure_info(Report(None, 30.01, REPORT.attempts))

    def test_top(self) -> None:
        """Two keys."""
        self.assertEqual(self.info["elapsed_time"], 30.01)
        self.assertEqual(set(self.info), {"elapsed_time", "threads_info"})
        self.assertEqual(self.info["threads_info"], threads_info(REPORT))

    def test_json(self) -> None:
        """Nothing has to be changed for JSON."""
        self.assertEqual(json.loads(json.dumps(as_json(self.info))), self.info)


class RaceTests(NetworkTestCase):
    """The dictionary of real races."""

    def check(self, info: dict[str, Any]) -> None:
        """Keys, order of threads, types and states."""
        self.assertIs(type(info["elapsed_time"]), float)
        self.assertEqual(list(info["threads_info"]), THREADS)
        for name, thread in info["threads_info"].items():
            self.assertEqual(set(thread), GUIDES_THREAD_KEYS | OUR_THREAD_KEYS)
            self.assertEqual(f"{thread['mode']}ConnectThread", name)
            self.assertIn(thread["state"], GUIDES_STATES)
            for key, value in thread.items():
                self.assertIn(type(value), THREAD_TYPES[key], key)

    def test_success(self) -> None:
        """A race that is won."""
        self.simulated(SimulatedCamera(self.camera_host))
        watch = self.watch(Connector(self.client, Target(CAMERA)).connect())
        self.network.advance(0.1)
        link, report = watch.result
        self.closers.append(link.abandon)
        info = success_info(link, report)
        self.check(info)
        self.assertEqual(set(info), GUIDES_KEYS)
        self.assertEqual([type(info[key]) for key in ("port", "destination_port")], [int, int])
        winner = info["threads_info"][info["winning_thread"]]
        self.assertEqual((winner["state"], winner["port"]), ("success", info["port"]))
        states = [thread["state"] for thread in info["threads_info"].values()]
        self.assertEqual(states, ["success", "cancelled", "not_started"])

    def test_failure(self) -> None:
        """A race that is lost: six of six ports, and a diagnosis in words."""
        self.camera_host.silent = True
        watch = self.watch(Connector(self.client, Target(CAMERA), max_time=2.0).connect())
        self.network.advance(2.1)
        info = failure_info(watch.error.report)
        self.check(info)
        for name in THREADS[:2]:
            thread = info["threads_info"][name]
            self.assertEqual((thread["retries"], thread["elapsed"]), (6, 2.0))
            self.assertIn("nothing answered", thread["error"])

    def test_nothing_enabled(self) -> None:
        """Always a dictionary, also without a race."""
        watch = self.watch(Connector(self.client, Target(CAMERA)).connect(()))
        info = failure_info(watch.error.report)
        self.check(info)
        self.assertEqual(info["elapsed_time"], 0.0)
        states = {thread["state"] for thread in info["threads_info"].values()}
        self.assertEqual(states, {"not_started"})
