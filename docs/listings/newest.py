"""Fetch the newest photo, without Twisted: as the original guide has it, over one session."""

import sys

from trailcam import CameraClient, ParallelConnectionManager
from trailcam.model import MediaKind

address, path = sys.argv[1:]
manager = ParallelConnectionManager(camera_ip=address)
success, info = manager.connect_parallel()
if not success:
    sys.exit("not connected")
with CameraClient(camera_ip=address, source_port=info["port"]) as camera:
    if not camera.login():
        sys.exit("not let in")
    newest = next(item for item in camera.media() if item.kind == MediaKind.PHOTO)
    print(f"{newest.name}: {camera.download(newest, path)} octets")
