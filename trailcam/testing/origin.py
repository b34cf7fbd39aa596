"""
Where a call came from, so that a test which leaves something behind can be told what.
"""

from __future__ import annotations

import sys

_BELOW = ("twisted.internet.", "trailcam.testing.")


def origin() -> str:
    """``file:line in function`` of the nearest caller outside Twisted's core and this package."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").startswith(_BELOW):
        frame = frame.f_back
    code = frame.f_code
    return f"{code.co_filename}:{frame.f_lineno} in {code.co_name}"
