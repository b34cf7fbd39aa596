"""Look at the live view for some frames, on Twisted's reactor."""

import sys

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from trailcam import Credentials, Target, open_camera
from trailcam.connect.request import Request


async def look(reactor, address, count=30):
    camera = await open_camera(reactor, Request(Target(address)), Credentials())
    try:
        number = octets = 0
        async for frame in camera.live():
            number += 1
            octets += len(frame.unit)
            if number == count:
                break  # this stops the live view, too
        print(f"{number} frames, {octets} octets of H.264")
    finally:
        await camera.close()


def main(reactor, address="127.0.0.1"):
    return Deferred.fromCoroutine(look(reactor, address))


if __name__ == "__main__":
    react(main, sys.argv[1:])
