"""Tests for what :mod:`trailcam.blocking` takes, and what it logs."""

from __future__ import annotations

import logging
import math
from typing import Any

from tests.facade import CAMERA, Lines, ManagerTestCase
from trailcam import ConnectionMode, ParallelConnectionManager

#: Argument and values that are refused; the message begins with the argument's name.
REFUSED: list[tuple[str, list[Any]]] = [
    (
        "camera_ip",
        ["", "  ", "256.1.1.1", "1.2.3", "a..b", "-a.b", "1.2.3.4:80", "::1", b"1.2.3.4"],
    ),
    ("camera_ip", ["224.0.0.1", "239.255.255.250", "255.255.255.255", "0.0.0.0", 5, "x" * 300]),
    ("destination_ports", [(), [], None, 40611, "40611", (0,), (-1,), (65536,), (1, 70000)]),
    ("destination_ports", [("80",), (1.5,), (True,), (None,), range(1, 3000)]),
    ("max_connection_time", [0, -1, 0.0, math.nan, math.inf, -math.inf, "30", None, True]),
    ("logger", ["ConnectionManager", 5, object()]),
    ("mode_weights", [{"wlan": 1}, {"p2p": -0.1}, {"p2p": math.nan}, {"p2p": math.inf}]),
    ("mode_weights", [{"p2p": "1"}, {"p2p": None}, {5: 1}, "p2p", [("p2p", 1)]]),
    ("uid", ["", "LBCS", "LBCS-000000", "LBCS-x-CCCJJ", 5, "LBCS-000000-CCCJJ-X"]),
    (
        "rendezvous",
        ["host:1", ["host"], ["host:0"], ["host:x"], [":1"], [5], None, ["h:1", "h:-1"]],
    ),
    ("relay_server", ["", "a b", "224.0.0.1", 5, "tls:", "tls:a b", "tls:a:colour=blue"]),
    ("relay_server", ["tls:a:trustRoots=/nonexistent"]),
    ("relay_directory", ["", "relays.example", "ftp://a.example/", 5, "http://a:b@c.example/"]),
    ("secret", ["", "short", "s" * 25, "with a space", b"correcthorse", 5]),
    ("relay_port", [0, 70000, "80", 1.5, None]),
]


class ArgumentTests(ManagerTestCase):
    """What a constructor refuses, and what it takes."""

    def test_refused(self) -> None:
        """Each wrong value is a ValueError that begins with the argument's name."""
        for name, values in REFUSED:
            for value in values:
                options: dict[str, Any] = {"camera_ip": CAMERA, name: value}
                if name == "relay_server":
                    options["relay_port"] = 8000
                if name == "relay_port":
                    options["relay_server"] = "relay.example"
                try:
                    ParallelConnectionManager(**options)
                except ValueError as problem:
                    self.assertTrue(str(problem).startswith(f"{name}: "), f"{value!r}: {problem}")
                else:
                    self.fail(f"{name}={value!r} was taken")

    def test_relay_port_alone(self) -> None:
        """A relay's port without its server is half a relay."""
        problem = self.assertRaises(ValueError, ParallelConnectionManager, CAMERA, relay_port=8000)
        self.assertTrue(str(problem).startswith("relay_port: "), problem)

    def test_taken(self) -> None:
        """What the contract allows."""
        allowed: tuple[dict[str, Any], ...] = (
            {"camera_ip": None},
            {"camera_ip": "camera"},
            {"camera_ip": " 192.168.43.1 "},
            {"destination_ports": [1, 65535]},
            {"destination_ports": iter([5, 5])},
            {"max_connection_time": 1},
            {"relay_server": "relay.example", "relay_port": 8000},
            {"relay_server": "tls:relay.example", "relay_port": 8000},
            {"relay_server": "tls:relay.example:trustRoots=/", "relay_port": 8000},
            {"relay_directory": "https://relays.example/list.json"},
            {"secret": "correcthorse"},
            {"adaptive_timeout": True},
            {"mode_weights": {}},
            {"mode_weights": {"p2p": 1.0, "lan": 0.8, "relay": 0.5}},
            {"mode_weights": {ConnectionMode.P2P: 0}},
            {"uid": "LBCS-000000-CCCJJ"},
            {"rendezvous": ["a.example:32100", "10.0.0.1:1"]},
            {"broadcast": True},
        )
        for options in allowed:
            self.manager(**options)
        self.assertEqual(self.runtime.asked, 0)

    def test_defaults(self) -> None:
        """The guide's ports, in the guide's order."""
        _, info = self.manager().connect_parallel(enable_p2p=False)
        attempts = [line for line in self.lines.texts(logging.DEBUG) if "Attempt" in line]
        self.assertEqual(
            [int(line.rpartition("=")[2]) for line in attempts],
            [40611, 32100, 32108, 10000, 80, 57743],
        )
        self.assertEqual(info["threads_info"]["lanConnectThread"]["retries"], 6)

    def test_duplicates(self) -> None:
        """Of equal ports the first one counts."""
        manager = self.manager(destination_ports=(7, 8, 7, 8, 9))
        _, info = manager.connect_parallel(enable_p2p=False)
        self.assertEqual(info["threads_info"]["lanConnectThread"]["retries"], 3)

    def test_positional(self) -> None:
        """The guide's four arguments may be given in its order."""
        manager = ParallelConnectionManager(CAMERA, (40611,), 15.0, self.logger)
        self.assertFalse(manager.connected)
        self.assertRaises(
            TypeError, ParallelConnectionManager, CAMERA, (40611,), 15.0, self.logger, "relay"
        )


class LogTests(ManagerTestCase):
    """What a logger is told."""

    def test_success(self) -> None:
        """The lines of the guide, in their levels and order, each once."""
        self.camera()
        _, info = self.manager(destination_ports=(40611, 32100)).connect_parallel()
        label = info["mode"].label
        infos = self.lines.texts(logging.INFO)
        self.assertEqual(infos[0], "[CONNECT] Starting parallel connection attempt...")
        self.assertRegex(
            infos[1],
            rf"^\[{label}\] ✓ {label} connection succeeded: "
            rf"port={info['port']}, dest_port=40611, time=\d+\.\d\ds$",
        )
        self.assertRegex(infos[2], r"^\[CONNECT\] Parallel connection attempt completed in \d")
        self.assertEqual(len(infos), 3)
        debug = self.lines.texts(logging.DEBUG)
        self.assertEqual(len(set(debug)), len(debug), debug)
        for thread, way in (("p2p", "P2P direct"), ("lan", "LAN direct")):
            self.assertIn(f"[CONNECT] Started thread: {thread}ConnectThread", debug)
            self.assertIn(f"[{thread.upper()}] Starting {way} connection thread", debug)
        attempts = [line for line in debug if f"[{label}] Attempt" in line]
        self.assertEqual(
            attempts,
            [
                f"[{label}] Attempt {n}: local_port={info['port']}, dest_port={port}"
                for n, port in ((1, 40611), (2, 32100))
            ],
        )
        other = "LAN" if label == "P2P" else "P2P"
        self.assertIn(
            f"[{other}] Another thread succeeded ({info['winning_thread']}), "
            f"aborting {other} attempts",
            debug,
        )
        self.assertEqual(self.lines.texts(logging.WARNING), [])

    def test_failure(self) -> None:
        """Each mode that failed is a warning, with its diagnosis."""
        _, info = self.manager().connect_parallel()
        error = info["threads_info"]["lanConnectThread"]["error"]
        warnings = self.lines.texts(logging.WARNING)
        self.assertIn(f"[LAN] ✗ LAN connection failed: {error}", warnings)
        self.assertEqual(len(warnings), 2)

    def test_each_handler_once(self) -> None:
        """A second handler gets the same lines, and neither gets any twice."""
        second = Lines()
        self.logger.addHandler(second)
        self.camera()
        self.connected(destination_ports=(40611,))
        texts = [record.getMessage() for record in self.lines.records]
        self.assertEqual([record.getMessage() for record in second.records], texts)
        self.assertEqual(len(set(texts)), len(texts))

    def test_loss(self) -> None:
        """A connection that is lost is a warning, with the reason; once."""
        self.camera(silent_after=0.1)
        self.connected()
        self.network.advance(30)
        (line,) = self.lines.texts(logging.WARNING)
        self.assertEqual(line, "[CONNECT] Connection lost: the camera has been silent for 7.0 s")

    def test_closed_by_camera(self) -> None:
        """So is one that the camera closed."""
        self.camera(close_after=1.0)
        self.connected()
        self.network.advance(2)
        (line,) = self.lines.texts(logging.WARNING)
        self.assertEqual(line, "[CONNECT] Connection lost: the camera closed the session")

    def test_own_close(self) -> None:
        """Our own end is no loss."""
        self.camera()
        self.connected().close()
        self.assertEqual(self.lines.texts(logging.WARNING), [])

    def test_default_logger(self) -> None:
        """Without a logger, the one called ConnectionManager is told."""
        logger = logging.getLogger("ConnectionManager")
        logger.addHandler(self.lines)
        self.addCleanup(logger.removeHandler, self.lines)
        self.patch(logger, "propagate", False)
        self.manager(logger=None).connect_parallel()
        self.assertEqual({record.name for record in self.lines.records}, {"ConnectionManager"})

    def test_adapter(self) -> None:
        """What logs like a logger is one."""
        self.camera(close_after=1.0)
        adapter = logging.LoggerAdapter(self.logger, {})
        self.connected(logger=adapter)
        self.network.advance(2)
        self.assertEqual(len(self.lines.texts(logging.WARNING)), 1)
