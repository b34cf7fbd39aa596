"""
How the agent stands with one server, told in the log when it changes.
"""

from __future__ import annotations

from twisted.logger import Logger
from twisted.python.failure import Failure

from trailcam.agent.identity import Identity
from trailcam.wire.constants import Result

#: Seconds before a server that refused us is asked again.
REFUSED_PAUSE = 60.0

#: Kinds of trouble that are told until we are registered again.
_MOST_TOLD = 16


class Standing:
    """
    Whether a server has us registered.

    :ivar registered: whether it has accepted us, and nothing has come between since.
    """

    _log = Logger()

    def __init__(self, identity: Identity, server: str) -> None:
        """:param server: the server's name for people."""
        self.registered = False
        self._identity = identity
        self._server = server
        self._told: set[str] = set()

    def answered(self, result: int) -> bool:
        """The server answered a login; returns whether it accepted us."""
        if result == Result.OK:
            self._accepted()
        else:
            self._refused(result)
        return self.registered

    def trouble(self, text: str) -> None:
        """
        The server cannot be reached, or does not answer.

        Told once, and again only when we have been registered in between.
        """
        if self._is_news(text):
            self._log.warn("not registered: {trouble}; trying on", trouble=text)

    def broke(self, failure: Failure) -> None:
        """Something went wrong that nobody thought of; told as :meth:`trouble` is."""
        if self._is_news(repr(failure.value)):
            server = self._server
            self._log.failure("bug: no login at {server}; trying on", failure, server=server)

    def _is_news(self, text: str) -> bool:
        self.registered = False
        if text in self._told or len(self._told) >= _MOST_TOLD:
            return False
        self._told.add(text)
        return True

    def _accepted(self) -> None:
        if not self.registered:
            self.registered = True
            self._told.clear()
            did = str(self._identity.did)
            self._log.info("registered as {did} at {server}", did=did, server=self._server)

    def _refused(self, result: int) -> None:
        self.registered = False
        problem = self._identity.refusal(result, self._server)
        self._log.error(
            "{problem}; trying again in {pause:.0f} s",
            problem=str(problem),
            pause=REFUSED_PAUSE,
            code=problem.code,
        )


def words(reason: Failure) -> str:
    """What a failure says, for the middle of a sentence."""
    return reason.getErrorMessage().rstrip(".")
