"""
The snapshot as a value.
"""

from __future__ import annotations

import json

import attrs
from twisted.trial.unittest import SynchronousTestCase

from trailcam.model import ConnectionMode
from trailcam.status.snapshot import Snapshot, State


class SnapshotTests(SynchronousTestCase):
    """What it is, and what it is in JSON."""

    def test_frozen(self) -> None:
        """A moment does not change afterwards."""
        snapshot = Snapshot(state=State.WAITING, since=1.0)
        self.assertRaises(
            attrs.exceptions.FrozenInstanceError, setattr, snapshot, "state", State.STOPPED
        )

    def test_as_json(self) -> None:
        """Enums become their values; everything else stays, ``None`` included."""
        report = {"winner": "lan", "threads_info": {}}
        picture = Snapshot(
            state=State.CONNECTED, since=2.5, mode=ConnectionMode.LAN, last_report=report
        ).as_json()
        self.assertEqual(
            picture,
            {
                "state": "connected",
                "since": 2.5,
                "mode": "lan",
                "peer": None,
                "local_port": None,
                "silent_for": None,
                "reconnects": 0,
                "last_loss": None,
                "last_report": report,
                "next_try_in": None,
                "sync": None,
            },
        )
        self.assertEqual(json.loads(json.dumps(picture)), picture)

    def test_states(self) -> None:
        """The states have the names that the documentation gives them."""
        self.assertEqual(
            [state.value for state in State], ["connecting", "connected", "waiting", "stopped"]
        )
