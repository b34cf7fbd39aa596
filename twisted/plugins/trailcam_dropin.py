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
trailcam_relay = ServiceMaker(
    "trailcam relay",
    "trailcam.tap.relay",
    "Carry connections between clients and trail cameras that cannot reach each other.",
    "trailcam-relay",
)
trailcam_rendezvous = ServiceMaker(
    "trailcam rendezvous",
    "trailcam.tap.rendezvous",
    "Introduce clients to trail cameras behind NATs.",
    "trailcam-rendezvous",
)
trailcam_agent = ServiceMaker(
    "trailcam agent",
    "trailcam.tap.agent",
    "Beside a trail camera, let clients in to it from anywhere.",
    "trailcam-agent",
)
