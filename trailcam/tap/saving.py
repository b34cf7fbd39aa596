"""
How pictures are saved where nothing else was asked for.
"""

from __future__ import annotations

from trailcam.camera.mp4 import available
from trailcam.camera.saving import save_mp4
from trailcam.library.saver import Settings


def usual_settings() -> Settings:
    """Videos become MP4 files where there is something to make them with."""
    return Settings(save_video=save_mp4) if available() else Settings()
