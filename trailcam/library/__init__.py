"""
The folder of pictures: what is on the camera's card, kept on the disk.

:func:`~trailcam.library.sync.sync` is one run over one connection,
:func:`~trailcam.library.sync.sync_until_done` goes on over lost ones.
"""
