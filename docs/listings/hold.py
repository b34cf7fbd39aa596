"""Hold one connection, on Twisted's reactor, until it ends."""

import sys

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from trailcam import Connector, Session, Target
from trailcam.errors import AllAttemptsFailed


async def hold(reactor, target):
    try:
        link, report = await Connector(reactor, target, max_time=5.0).connect()
    except AllAttemptsFailed as failed:
        for failure in failed.failures:
            print(f"{failure.mode.label}: {failure}")
        sys.exit(1)
    session = Session(reactor, link)  # from here on it answers and sends ALIVE by itself
    reactor.addSystemEventTrigger("before", "shutdown", session.close)
    print(f"{report.winner.label} won in {report.elapsed:.2f} s; holding {link.peer[0]}")
    reason = await session.when_closed()
    print("the session ended:", reason or "we closed it")


def main(reactor, address="127.0.0.1"):
    return Deferred.fromCoroutine(hold(reactor, Target(address)))


if __name__ == "__main__":
    react(main, sys.argv[1:])
