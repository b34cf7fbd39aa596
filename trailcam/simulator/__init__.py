"""
A camera to test against: found by search, punched, kept alive, and faulty where asked.

:class:`SimulatedCamera` follows rules, :class:`ReplayedCamera` a recording.  What a camera says
within a session is :class:`Firmware`'s, what it has to show is on its :class:`Card`.
"""

from __future__ import annotations

from trailcam.simulator.behaviour import Behaviour, Door
from trailcam.simulator.card import Card, Contents
from trailcam.simulator.counters import Counters
from trailcam.simulator.firmware import Firmware
from trailcam.simulator.manners import Manners, Quirk
from trailcam.simulator.replay import ReplayedCamera
from trailcam.simulator.settings import Settings
from trailcam.simulator.simulated import SimulatedCamera

__all__ = [
    "Behaviour",
    "Card",
    "Contents",
    "Counters",
    "Door",
    "Firmware",
    "Manners",
    "Quirk",
    "ReplayedCamera",
    "Settings",
    "SimulatedCamera",
]
