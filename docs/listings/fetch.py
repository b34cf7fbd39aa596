"""Fetch the newest photo, on Twisted's reactor."""

import sys

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from trailcam import Credentials, Target, open_camera
from trailcam.connect.request import Request
from trailcam.model import MediaKind


class Picture:
    """A consumer that keeps what it gets."""

    def __init__(self):
        self.data = b""

    def registerProducer(self, producer, streaming):
        pass

    def unregisterProducer(self):
        pass

    def write(self, data):
        self.data += data


async def fetch(reactor, address):
    camera = await open_camera(reactor, Request(Target(address)), Credentials())
    try:
        items = await camera.media()
        newest = next(item for item in items if item.kind == MediaKind.PHOTO)
        picture = Picture()
        await camera.download(newest, picture)
        print(f"{newest.name}: {len(picture.data)} octets, of {len(items)} items")
    finally:
        await camera.close()


def main(reactor, address="127.0.0.1"):
    return Deferred.fromCoroutine(fetch(reactor, address))


if __name__ == "__main__":
    react(main, sys.argv[1:])
