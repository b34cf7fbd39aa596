"""Watch a race: one line for each thing that happens."""

import sys

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from trailcam import Connector, Target
from trailcam.connect.events import HeatAborted, HeatFailed, HeatStarted, HeatWon, ProbeSent
from trailcam.errors import AllAttemptsFailed


def describe(event):
    match event:
        case HeatStarted(mode=mode):
            return f"{mode.label} starts"
        case ProbeSent(mode=mode, local_port=ours, destination_port=theirs):
            return f"{mode.label} asks port {theirs} from port {ours}"
        case HeatWon(mode=mode, elapsed=elapsed):
            return f"{mode.label} wins after {elapsed:.2f} s"
        case HeatFailed(mode=mode, error=error):
            return f"{mode.label} gives up: {error}"
        case HeatAborted(mode=mode):
            return f"{mode.label} is called off"


async def watch(reactor, target):
    def observer(event):
        line = describe(event)
        if line:
            print(line)

    connector = Connector(reactor, target, max_time=5.0, observer=observer)
    try:
        link, _ = await connector.connect()
    except AllAttemptsFailed:
        return
    await link.abandon()  # the link is ours now: give it to a Session, or let it go


def main(reactor, address="127.0.0.1"):
    return Deferred.fromCoroutine(watch(reactor, Target(address)))


if __name__ == "__main__":
    react(main, sys.argv[1:])
