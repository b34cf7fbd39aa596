"""
What a user wants of a camera: log in, ask, list, fetch, watch and delete.

It works over the channels of any :class:`~trailcam.interfaces.ISession`.
"""
