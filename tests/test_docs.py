"""The listings of the documentation run, and do what the pages say."""

from __future__ import annotations

import importlib
import io
import os
import re
import runpy
import shlex
import sys
import unittest
from pathlib import Path
from types import ModuleType
from typing import Any

from twisted.internet import reactor as global_reactor
from twisted.internet.error import CannotListenError
from twisted.trial.unittest import SkipTest, SynchronousTestCase
from twisted.web.server import Site
from zope.interface import implementer

from tests.scripts import ROOT, Script, ScriptTestCase
from trailcam.commands.options import SyncOptions
from trailcam.interfaces import IStatusSource
from trailcam.model import ConnectionMode
from trailcam.simulator import Behaviour, SimulatedCamera
from trailcam.status.resource import status_resource
from trailcam.status.snapshot import Snapshot, State
from trailcam.tap import connect as tap_connect
from trailcam.testing import MemoryHost, MemoryNetwork

DOCS = ROOT / "docs"
LISTINGS = DOCS / "listings"
CAMERA = "192.168.43.1"

reactor: Any = global_reactor


def source(name: str) -> str:
    """The text of a listing."""
    return (LISTINGS / name).read_text(encoding="utf-8")


def load(test: SynchronousTestCase, name: str) -> ModuleType:
    """Import a listing, and those that it imports, for the time of one test."""
    for path in LISTINGS.glob("*.py"):
        test.addCleanup(sys.modules.pop, path.stem, None)
    test.patch(sys, "path", [str(LISTINGS), *sys.path])
    return importlib.import_module(name)


class CoverageTests(SynchronousTestCase):
    """No listing is left alone."""

    def test_each_is_run(self) -> None:
        """Each listing has a test here, named after it."""
        tests = {name for case in (ProgramTests, MemoryTests) for name in dir(case)}
        listings = {f"test_{path.stem}" for path in LISTINGS.glob("*.py")}
        self.assertEqual(listings - tests, set())

    def test_each_is_shown(self) -> None:
        """Each listing is included by a page."""
        pages = "".join(path.read_text(encoding="utf-8") for path in DOCS.rglob("*.rst"))
        shown = set(re.findall(r"literalinclude:: \.\./listings/(\S+)", pages))
        there = {path.name for path in LISTINGS.iterdir() if path.is_file()}
        self.assertEqual(shown, there)


class ProgramTests(ScriptTestCase):
    """Listings that are programs: run as such, on loopback, with the default ports."""

    def setUp(self) -> None:
        """Choose an address that no other process has; only Linux has more than one."""
        high, low = divmod(os.getpid() & 0xFFFF, 256)
        linux = sys.platform.startswith("linux")
        self.address = f"127.{high}.{low}.1" if linux else "127.0.0.1"

    def camera(self, **options: Any) -> SimulatedCamera:
        """A camera on the default ports of that address."""
        camera = SimulatedCamera(reactor, Behaviour.recorded(**options))
        try:
            camera.start(self.address)
        except CannotListenError as taken:
            raise SkipTest(str(taken)) from taken
        self.addCleanup(camera.stop)
        return camera

    def run_listing(self, name: str) -> Script:
        """Start a listing, with that address as its argument."""
        return self.start(source(name), self.address)

    async def test_connect(self) -> None:
        """It holds the connection until Enter is pressed, and then takes leave."""
        camera = self.camera()
        script = self.run_listing("connect.py")
        await script.when_printed("press Enter")
        self.assertEqual(camera.open_sessions, 1)
        script.transport.write(b"\n")
        finished = await script.ended
        self.assertEqual((finished.status, finished.errors), (0, ""), finished)
        self.assertRegex(finished.output, r"p2pConnectThread +success")
        self.assertIn("to the camera's port 40611\n", finished.output)
        self.assertEqual(camera.open_sessions, 0)
        self.assertEqual(camera.counters.sessions_timed_out, 0)

    async def test_newest(self) -> None:
        """It takes over the manager's session, and fetches a whole photo."""
        camera = self.camera()
        path = Path(self.mktemp()).resolve()
        script = self.start(source("newest.py"), self.address, str(path))
        finished = await script.ended
        self.assertEqual((finished.status, finished.errors), (0, ""), finished)
        self.assertEqual(finished.output, "DSCF0012.JPG: 1048449 octets\n")
        self.assertEqual(path.stat().st_size, 1_048_449)
        self.assertEqual(camera.open_sessions, 0)

    async def test_connect_fails(self) -> None:
        """Without a camera it says why, mode by mode."""
        finished = await self.run_listing("connect.py").ended
        self.assertEqual(finished.status, 1)
        self.assertRegex(finished.output, rf"p2pConnectThread +failed +.*{self.address}")
        self.assertRegex(finished.output, rf"lanConnectThread +failed +.*{self.address}")
        self.assertIn("not connected after", finished.errors)

    async def test_connect_logged(self) -> None:
        """The log has the lines that the page shows."""
        self.camera()
        finished = await self.run_listing("connect_logged.py").ended
        self.assertEqual((finished.status, finished.output), (0, ""), finished)
        for line in (
            r"\[INFO\] \[CONNECT\] Starting parallel connection attempt\.\.\.",
            r"\[DEBUG\] \[CONNECT\] Started thread: p2pConnectThread",
            r"\[DEBUG\] \[P2P\] Attempt 2: local_port=\d+, dest_port=32100",
            r"\[INFO\] \[P2P\] ✓ P2P connection succeeded: port=\d+, dest_port=40611, time=",
            r"\[INFO\] \[CONNECT\] Parallel connection attempt completed in ",
        ):
            self.assertRegex(finished.errors, line)

    async def test_hold_program(self) -> None:
        """As a program, it ends when the camera closes the session."""
        self.camera(close_after=0.3)
        finished = await self.run_listing("hold.py").ended
        self.assertEqual((finished.status, finished.errors), (0, ""), finished)
        self.assertIn("the session ended: the camera closed the session", finished.output)

    async def test_read_status(self) -> None:
        """It reads what the status page of a kept connection says."""
        connected = Snapshot(
            state=State.CONNECTED,
            since=0.0,
            mode=ConnectionMode.LAN,
            peer=f"{CAMERA}:40611",
            local_port=50000,
            silent_for=0.25,
        )
        finished = await self._read_status(connected)
        self.assertEqual((finished.status, finished.errors), (0, ""), finished)
        self.assertRegex(finished.output, rf"^connected to {CAMERA}:40611 by lan, heard 0.[23] s")

    async def test_read_status_waiting(self) -> None:
        """It exits with 1 while there is no connection."""
        waiting = Snapshot(state=State.WAITING, since=0.0, last_loss="silent", next_try_in=1.0)
        finished = await self._read_status(waiting)
        self.assertEqual(finished.status, 1)
        self.assertEqual(finished.errors.strip(), "waiting; last loss: silent; last race: {}")

    async def _read_status(self, snapshot: Snapshot) -> Any:
        site: Any = Site(status_resource(Still(snapshot)))
        port = reactor.listenTCP(0, site, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        return await self.start(source("read_status.py"), f"127.0.0.1:{port.getHost().port}").ended


@implementer(IStatusSource)
class Still:
    """A status that does not change."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def snapshot(self) -> dict[str, Any]:
        """The one there is."""
        return self._snapshot.as_json()


class MemoryTests(SynchronousTestCase):
    """Listings that take their reactor as an argument: run on a network in memory."""

    def setUp(self) -> None:
        """Make a network with a client."""
        self.network = MemoryNetwork()
        self.client: MemoryHost = self.network.host("192.168.43.20")
        self.printed = io.StringIO()

    def camera(self, **options: Any) -> SimulatedCamera:
        """A camera on a host of its own."""
        camera = SimulatedCamera(self.network.host(CAMERA), Behaviour.recorded(**options))
        camera.start(interface="")
        return camera

    def run_main(self, name: str) -> Any:
        """Start ``main`` of a listing; what it prints is kept from now on."""
        main = load(self, name).main
        self.patch(sys, "stdout", self.printed)
        return main(self.client, CAMERA)

    def leave_quiet(self, camera: SimulatedCamera) -> None:
        """Stop the camera; nothing else may be left."""
        camera.stop()
        self.network.advance(0.1)
        self.network.assert_quiet()

    def test_hold(self) -> None:
        """It holds the camera, and says why that ended."""
        camera = self.camera(close_after=60.0)
        running = self.run_main("hold")
        self.network.advance(59.0)
        self.assertNoResult(running)
        self.assertIn(f"holding {CAMERA}", self.printed.getvalue())
        self.network.advance(5.0)
        self.successResultOf(running)
        self.assertIn("ended: the camera closed the session", self.printed.getvalue())
        self.leave_quiet(camera)

    def test_fetch(self) -> None:
        """It fetches a photo, and takes leave."""
        camera = self.camera()
        running = self.run_main("fetch")
        self.network.run_until(lambda: running.called, 30.0)
        self.successResultOf(running)
        self.assertEqual(self.printed.getvalue(), "DSCF0012.JPG: 1048449 octets, of 12 items\n")
        self.leave_quiet(camera)

    def test_look(self) -> None:
        """It counts thirty frames, and leaves nothing behind."""
        camera = self.camera()
        running = self.run_main("look")
        self.network.run_until(lambda: running.called, 30.0)
        self.successResultOf(running)
        self.assertEqual(self.printed.getvalue(), "30 frames, 208493 octets of H.264\n")
        self.leave_quiet(camera)

    def test_hold_until_shutdown(self) -> None:
        """When its reactor stops, it tells the camera."""
        camera = self.camera()
        running = self.run_main("hold")
        self.network.advance(5.0)
        self.client.fireSystemEvent("shutdown")
        self.network.advance(1.0)
        self.successResultOf(running)
        self.assertIn("the session ended: we closed it", self.printed.getvalue())
        self.assertEqual(camera.open_sessions, 0)
        self.leave_quiet(camera)

    def test_hold_without_camera(self) -> None:
        """Without a camera it says why."""
        running = self.run_main("hold")
        self.network.advance(6.0)
        self.assertEqual(self.failureResultOf(running, SystemExit).value.code, 1)
        self.assertIn(f"P2P: nothing answered from {CAMERA}", self.printed.getvalue())
        self.network.assert_quiet()

    def test_stay(self) -> None:
        """As a program, it stays connected until its reactor stops."""
        camera = self.camera(close_after=20.0)
        running = self.run_main("stay")
        self.network.advance(30.0)
        lines = self.printed.getvalue().splitlines()
        self.assertEqual(
            lines,
            [
                f"connected to {CAMERA}",
                "gone: the camera closed the session",
                f"connected to {CAMERA}",
            ],
        )
        running.addErrback(lambda _: None)  # react() does not care, once the reactor stops
        self.client.fireSystemEvent("shutdown")
        self.network.advance(1.0)
        self.leave_quiet(camera)

    def test_test_stay(self) -> None:
        """The tests that the how-to shows pass."""
        suite = unittest.defaultTestLoader.loadTestsFromModule(load(self, "test_stay"))
        result = unittest.TestResult()
        suite.run(result)
        self.assertEqual([report for _, report in result.errors + result.failures], [])
        self.assertGreaterEqual(result.testsRun, 6)

    def test_watch_race(self) -> None:
        """It tells of each thing that the page shows."""
        camera = self.camera()
        running = self.run_main("watch_race")
        self.network.advance(1.0)
        self.successResultOf(running)
        told = self.printed.getvalue()
        self.assertRegex(told, r"^P2P starts\nP2P asks port 40611 from port \d+\n")
        self.assertRegex(told, r"P2P wins after 0\.\d\d s\nLAN is called off\n$")
        self.leave_quiet(camera)

    def test_watch_race_without_camera(self) -> None:
        """It tells why a mode gives up."""
        running = self.run_main("watch_race")
        self.network.advance(6.0)
        self.successResultOf(running)
        self.assertRegex(self.printed.getvalue(), r"LAN gives up: nothing answered from")
        self.network.assert_quiet()

    def test_wire(self) -> None:
        """It prints what the page shows."""
        self.patch(sys, "stdout", self.printed)
        runpy.run_path(str(LISTINGS / "wire.py"))
        self.assertEqual(self.printed.getvalue(), source("wire.txt"))


class UnitTests(SynchronousTestCase):
    """The unit for systemd."""

    def test_command_line(self) -> None:
        """Its command is one that ``twist`` understands."""
        unit = source("trailcam-connect.service")
        command = re.search(r"^ExecStart=(.+)$", unit, re.MULTILINE)
        assert command is not None
        words = shlex.split(command.group(1))
        plugin = words.index("trailcam-connect")
        self.assertEqual(words[:plugin], ["/opt/trailcam/bin/twist", "--log-format=text"])
        options = tap_connect.Options()
        options.parseOptions(words[plugin + 1 :])
        self.assertEqual(options.target.host, CAMERA)

    def test_sync(self) -> None:
        """That of the pictures is one that ``trailcam`` understands."""
        command = re.search(
            r"^ExecStart=/opt/trailcam/bin/trailcam sync (.+)$",
            source("trailcam-sync.service"),
            re.MULTILINE,
        )
        assert command is not None
        options = SyncOptions()
        options.parseOptions(shlex.split(command.group(1)))
        self.assertEqual(options.target.host, CAMERA)
