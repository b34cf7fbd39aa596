"""Tests of :mod:`trailcam.library`."""
