"""
The wire: octets to values and back, without any input or output.

Import what you need from its modules: :mod:`~trailcam.wire.codec` (datagrams),
:mod:`~trailcam.wire.stream` (TCP), :mod:`~trailcam.wire.messages` (the values).
"""
