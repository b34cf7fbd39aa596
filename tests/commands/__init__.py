"""Tests of :mod:`trailcam.commands`."""
