"""Whole races from the client to the camera."""

from __future__ import annotations

from typing import Any

from twisted.python.failure import Failure

from tests.connect.cameras import CAMERA, NetworkTestCase, Watch
from trailcam.connect.connector import Connector
from trailcam.connect.events import ProbeSent, RaceEvent
from trailcam.connect.target import Target
from trailcam.errors import AllAttemptsFailed
from trailcam.model import ConnectionMode, Report

ALL = tuple(ConnectionMode)


class ConnectorTestCase(NetworkTestCase):
    """Connectors from the client to the camera."""

    def setUp(self) -> None:
        """Keep the events."""
        super().setUp()
        self.events: list[RaceEvent] = []

    def connector(self, target: Target | None = None, **options: Any) -> Connector:
        """A connector that tells its events here."""
        options.setdefault("observer", self.events.append)
        return Connector(self.client, target or Target(CAMERA), **options)

    def finished(self, watch: Watch, limit: float = 31.0) -> Any:
        """The link and report of a race that was won; the link is abandoned in the end."""
        self.network.run_until(lambda: watch.at is not None, limit)
        if isinstance(watch.result, Failure):
            watch.result.raiseException()
        link, report = watch.result
        self.closers.append(link.abandon)
        return link, report

    def failed(self, watch: Watch, limit: float = 31.0) -> AllAttemptsFailed:
        """The error of a race that nobody won; nothing is left open."""
        self.network.run_until(lambda: watch.at is not None, limit)
        self.assertEqual(watch.ports, 0)
        self.assertIsInstance(watch.error, AllAttemptsFailed)
        error: AllAttemptsFailed = watch.error
        return error

    def states(self, report: Report) -> list[str]:
        """The states of P2P, LAN and relay."""
        self.assertEqual([attempt.mode for attempt in report.attempts], list(ALL))
        return [attempt.state.value for attempt in report.attempts]

    def kinds(self) -> list[str]:
        """The kinds of events without the probes."""
        return [type(e).__name__ for e in self.events if not isinstance(e, ProbeSent)]
