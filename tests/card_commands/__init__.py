"""Tests of :mod:`trailcam.commands`; ``tests.commands`` is what starts processes."""
