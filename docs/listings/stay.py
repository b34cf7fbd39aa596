"""Stay connected to a camera: when the connection ends, make another one."""

import sys

from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater, react

from trailcam import Connector, Session, Target
from trailcam.errors import AllAttemptsFailed

PAUSE = 2.0  # seconds between the end of one connection and the next try


class Stay:
    """Holds a camera as long as it runs; ``tell`` gets a line for everything that happens."""

    def __init__(self, reactor, target, tell=print):
        self._reactor = reactor
        self._connector = Connector(reactor, target, max_time=5.0)
        self._tell = tell

    async def run(self):
        """Connect again and again, until cancelled."""
        while True:
            try:
                link, _ = await self._connector.connect()
            except AllAttemptsFailed as failed:
                self._tell(f"not connected: {failed}")
            else:
                await self._hold(Session(self._reactor, link))
            await deferLater(self._reactor, PAUSE)

    async def _hold(self, session):
        self._tell(f"connected to {session.link.peer[0]}")
        try:
            reason = await session.when_closed()
        finally:
            await session.close()
        self._tell(f"gone: {reason}")


def main(reactor, address="127.0.0.1"):
    running = Deferred.fromCoroutine(Stay(reactor, Target(address)).run())
    reactor.addSystemEventTrigger("before", "shutdown", running.cancel)
    return running


if __name__ == "__main__":
    react(main, sys.argv[1:])
