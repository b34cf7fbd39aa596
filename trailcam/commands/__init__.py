"""
The commands that work with a camera's pictures: their options, and what they do with a camera.

How the camera is reached is not decided here: each command is given one that is logged in, and
``sync`` is given a way to connect.
"""
