"""
What trailcam adds to ``twist``.  Every ``twist`` and ``twistd`` loads this: it loads nothing more.
"""

from twisted.application.service import ServiceMaker

trailcam_connect = ServiceMaker(
    "trailcam connect",
    "trailcam.tap.connect",
    "Stay connected to a trail camera, and show how it stands.",
    "trailcam-connect",
)
trailcam_simulator = ServiceMaker(
    "trailcam simulator",
    "trailcam.tap.simulator",
    "Simulate a trail camera.",
    "trailcam-simulator",
)
