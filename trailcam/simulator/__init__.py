"""
A camera to test against: found by search, punched, kept alive, and faulty where asked.

:class:`SimulatedCamera` follows rules, :class:`ReplayedCamera` a recording.
"""

from __future__ import annotations

from trailcam.simulator.behaviour import Behaviour, Door
from trailcam.simulator.counters import Counters
from trailcam.simulator.replay import ReplayedCamera
from trailcam.simulator.simulated import SimulatedCamera

__all__ = ["Behaviour", "Counters", "Door", "ReplayedCamera", "SimulatedCamera"]
