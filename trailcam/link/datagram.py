"""
A path to one camera over UDP: datagrams on one side, messages on the other.
"""

from __future__ import annotations

import errno
from typing import TYPE_CHECKING, Any, cast

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from trailcam.errors import LinkClosed, LinkUnavailable, WireError
from trailcam.interfaces import Address, ILink, IMessageReceiver
from trailcam.link.errorqueue import listen_udp
from trailcam.link.handover import Handover
from trailcam.link.noise import Noise
from trailcam.link.receivebuffer import enlarge_receive_buffer
from trailcam.wire.codec import decode, encode
from trailcam.wire.constants import MAX_DRW_PAYLOAD
from trailcam.wire.messages import Close, Message

if TYPE_CHECKING:
    from twisted.internet.interfaces import IDelayedCall, IListeningPort

    from trailcam.model import ConnectionMode

_MOST_REFUSALS = 2048  # in one turn: room for a refusal of every port that was asked, twice
_PASSING = (errno.EAGAIN, errno.EWOULDBLOCK, errno.ENOBUFS, errno.ENOMEM, errno.EINTR)
_CLOSE_COPIES = 3  # a lost CLOSE holds one of the camera's few slots for 7 s


@implementer(ILink)
class DatagramLink(DatagramProtocol):
    """
    One UDP socket of its own, first open to many addresses, then bound to the proven one.

    ``open()`` -> ``attach(attempt)`` -> ``send_to(...)`` to candidates -> ``confirm(peer)`` ->
    ``attach(session)`` -> ``send(...)`` -> ``abandon()``.
    """

    noisy = False
    max_payload = MAX_DRW_PAYLOAD
    _log = Logger()

    def __init__(self, reactor: Any, mode: ConnectionMode) -> None:
        """
        :param reactor: provides IReactorTime and IReactorUDP.
        :param mode: the mode this link is made for.
        """
        self.mode = mode
        self.peer: Address | None = None
        self.noise = Noise(self._log)
        self._reactor = reactor
        self._port: IListeningPort | None = None
        self._local: Address = ("", 0)
        self._handover = Handover(self._log)
        self._refusals: list[tuple[Address, int]] = []
        self._flush: IDelayedCall | None = None
        self._waiting: list[Deferred[None]] = []
        self._gone = True

    @property
    def local(self) -> Address:
        """Our own host (``"0.0.0.0"`` for all) and port; still known after the end."""
        return self._local

    def open(self, local: Address = ("", 0), broadcast: bool = False) -> None:
        """
        Open the socket.

        :param local: interface and port to bind; port 0 takes any free one.
        :param broadcast: allow datagrams to broadcast addresses.
        :raises LinkUnavailable: when the system gives no such port.
        """
        try:
            self._port = listen_udp(self._reactor, self, local)
        except CannotListenError as problem:
            raise LinkUnavailable(f"cannot open a UDP port: {problem.socketError}") from problem
        self._gone = False
        bound = cast(Any, self._port.getHost())
        self._local = (bound.host, bound.port)
        if broadcast:
            cast(Any, self.transport).setBroadcastAllowed(True)

    def attach(self, receiver: IMessageReceiver) -> None:
        """Make ``receiver`` the one who hears, and give it at once what was kept."""
        self._handover.attach(receiver)

    def confirm(self, peer: Address, proof: Message) -> None:
        """
        ``peer`` has proved itself: from now on hear it alone, and keep what it says.

        :param proof: the message that did it; the next receiver answers it.
        """
        self.peer = peer
        if self._port is not None:
            enlarge_receive_buffer(self._port)
        self._handover.detach()
        self._handover.message(proof, peer)

    def send(self, message: Message) -> None:
        """Send to the proven peer; raises :class:`~trailcam.errors.LinkClosed` after the end."""
        if self.peer is None:
            raise LinkClosed("this link has no peer yet")
        self.send_to(message, self.peer)

    def send_to(self, message: Message, peer: Address) -> None:
        """Send to any address; what the system refuses is reported, later, as a refusal."""
        if self._port is None:
            raise LinkClosed("this link is closed")
        try:
            cast(Any, self.transport).write(encode(message), peer)
        except OSError as problem:
            if problem.errno not in _PASSING:  # those are as good as lost on the way
                self.refused(peer, problem.errno or 0)

    def abandon(self) -> Deferred[None]:
        """Tell a proven peer CLOSE, and let go of the socket."""
        if self._port is not None:
            if self.peer is not None:
                self.send_close(self.peer)
            self._release(self._port)
        waiter: Deferred[None] = Deferred()
        if self._gone:
            waiter.callback(None)
        else:
            self._waiting.append(waiter)
        return waiter

    def send_close(self, peer: Address) -> None:
        """Tell ``peer`` that we leave: its slot becomes free at once.  A closed link cannot."""
        if self._port is None:
            return
        for _ in range(_CLOSE_COPIES):
            self.send_to(Close(), peer)

    def datagramReceived(self, datagram: bytes, addr: Address) -> None:
        """Decode and pass on; whatever is wrong is counted, logged once, and dropped."""
        if self.peer is not None and addr != self.peer:
            self.noise.note(addr, "not from the camera")
            return
        try:
            message = decode(datagram)
        except WireError as problem:
            self.noise.note(addr, problem.code)
            return
        self._handover.message(message, addr)

    def stopProtocol(self) -> None:
        """The socket is gone; when we did not ask for that, the receiver hears of it."""
        if self._port is None:
            return
        self._port = None
        self._stop_flush()
        self._released(None)
        self._handover.lost(Failure(LinkClosed("the UDP port was closed")))

    def refused(self, address: Address, error: int) -> None:
        """
        A datagram to ``address`` was refused.

        Told to the receiver in a later turn: this may happen within :meth:`send_to`, and a
        receiver is never called from within its own call.
        """
        if self._port is None or len(self._refusals) >= _MOST_REFUSALS:
            return
        self._refusals.append((address, error))
        if self._flush is None:
            self._flush = self._reactor.callLater(0, self._tell_refusals)

    def _tell_refusals(self) -> None:
        self._flush = None
        refusals, self._refusals = self._refusals, []
        for address, error in refusals:
            # Once the peer is proven, closed ports beside its own are nobody's concern.
            if self.peer in (None, address):
                self._handover.refused(address, error)

    def _release(self, port: IListeningPort) -> None:
        self._port = None
        self._handover.forget()
        self._stop_flush()
        maybeDeferred(port.stopListening).addBoth(self._released)

    def _stop_flush(self) -> None:
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None

    def _released(self, _: object) -> None:
        self._gone = True
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(None)
