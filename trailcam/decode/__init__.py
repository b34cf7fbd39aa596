"""
The engine of ``trailcam decode``: recordings of packets to counts and clear text.

Only files are read; nothing is sent or received.
"""

from trailcam.decode.analysis import decode_file
from trailcam.decode.decoded import Decoded
from trailcam.decode.render import render_text

__all__ = ["Decoded", "decode_file", "render_text"]
