"""
``python -m trailcam``: the command ``trailcam``.
"""

from __future__ import annotations

_INTERRUPTED = 130  # 128 and the number of SIGINT; importing signal costs time


def main() -> int:
    """The command; Ctrl-C while it is still being loaded is no traceback."""
    try:
        from trailcam.cli import main as command

        return command()
    except KeyboardInterrupt:
        return _INTERRUPTED


if __name__ == "__main__":
    raise SystemExit(main())
