"""
Those to be measured against, and the camera that all of them talk to.

Nothing here shares code with the package: what they agree on is on the wire.
"""
