"""
Reach Wi-Fi trail cameras of the PPPP/PPCS kind from Twisted.

The public names are loaded when they are first used, so that importing this package costs
nothing and installs no reactor.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from trailcam._version import __version__

if TYPE_CHECKING:
    from trailcam.blocking import ParallelConnectionManager
    from trailcam.blockingcamera import CameraClient
    from trailcam.camera.camera import Camera
    from trailcam.connect.connector import Connector
    from trailcam.connect.target import Target
    from trailcam.model import ConnectionMode, Credentials, MediaItem
    from trailcam.opening import open_camera
    from trailcam.session.session import Session

_HOMES = {
    "Camera": "trailcam.camera.camera",
    "CameraClient": "trailcam.blockingcamera",
    "ConnectionMode": "trailcam.model",
    "Connector": "trailcam.connect.connector",
    "Credentials": "trailcam.model",
    "MediaItem": "trailcam.model",
    "ParallelConnectionManager": "trailcam.blocking",
    "Session": "trailcam.session.session",
    "Target": "trailcam.connect.target",
    "open_camera": "trailcam.opening",
}

__all__ = [
    "Camera",
    "CameraClient",
    "ConnectionMode",
    "Connector",
    "Credentials",
    "MediaItem",
    "ParallelConnectionManager",
    "Session",
    "Target",
    "__version__",
    "open_camera",
]


def __getattr__(name: str) -> Any:
    """Load a public name on its first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'trailcam' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
