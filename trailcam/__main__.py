"""
``python -m trailcam``: the command ``trailcam``.
"""

from __future__ import annotations

from trailcam.cli import main

raise SystemExit(main())
