"""
All that a user can say about one connection, checked, and the connector that does it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from trailcam.connect.connector import DIRECT_MODES, Connector
from trailcam.connect.events import Observer, ignore
from trailcam.connect.history import FileHistory, history_path
from trailcam.connect.policy import WeightedPolicy
from trailcam.connect.target import DEFAULT_MAX_TIME, Target
from trailcam.interfaces import IHistory
from trailcam.model import ConnectionMode


@attrs.frozen
class Request:
    """
    One wish to connect.

    :ivar max_time: seconds that one race may take.
    :ivar modes: the modes that are enabled.
    :ivar weights: see :class:`~trailcam.connect.policy.WeightedPolicy`.
    :ivar adaptive: times from measurements and from the camera's history, which is kept on disk.
    """

    target: Target
    max_time: float = DEFAULT_MAX_TIME
    modes: frozenset[ConnectionMode] = frozenset(DIRECT_MODES)
    weights: Mapping[ConnectionMode, float] = attrs.field(factory=dict)
    adaptive: bool = False

    def connector(self, reactor: Any, observer: Observer = ignore) -> Connector:
        """
        A connector for this wish.

        :param reactor: see :class:`~trailcam.connect.connector.Connector`.
        """
        return Connector(
            reactor,
            self.target,
            max_time=self.max_time,
            policy=WeightedPolicy(self.weights, self.adaptive),
            history=self._history() if self.adaptive else None,
            adaptive=self.adaptive,
            observer=observer,
        )

    def _history(self) -> IHistory:
        # All TrailCams share one id, so the address has to tell them apart.
        from platformdirs import user_state_path

        camera = f"{self.target.host} {self.target.did}"
        return FileHistory(history_path(Path(user_state_path("trailcam")), camera))
