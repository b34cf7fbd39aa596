"""
A network in memory for UDP and TCP, with a clock: delay, loss, duplication, reordering, refusals,
cut cables and NATs.

Nothing here waits for real time, and everything random comes from one seed, so a test that fails
once fails always::

    network = MemoryNetwork(seed=7, loss=0.2)
    client, camera = network.host("192.168.43.20"), network.host("192.168.43.1", name="camera")
    ports = [camera.listenUDP(32108, CameraProtocol()), client.listenUDP(0, search)]
    network.run_until(lambda: search.found, limit=5.0)
    for port in ports:
        port.stopListening()
    network.advance(1.0)
    network.assert_quiet()

For TCP a host serves Twisted's endpoints and services as a reactor does::

    TCP4ServerEndpoint(relay, 443).listen(factory)
    connected = TCP4ClientEndpoint(client, relay.address, 443).connect(client_factory)

A connection takes a round trip to make.  Its octets arrive after the latency, in order, and for
them there is no loss, duplication, filter or log: a real network would hide all that behind
delays.  At most :attr:`MemoryNetwork.window` octets each way are under way or unread.
:meth:`MemoryNetwork.cut` and :meth:`MemoryNetwork.reset` do to connections what cables and
routers do.
"""

from __future__ import annotations

import errno
import random
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import attrs
from twisted.internet.abstract import isIPAddress
from twisted.internet.error import ConnectionLost
from twisted.internet.interfaces import IDelayedCall, IHostnameResolver
from twisted.internet.task import Clock

from trailcam.interfaces import Address
from trailcam.testing.cuts import Cut, Cuts
from trailcam.testing.datagram import Datagram, DatagramLog, Fate
from trailcam.testing.flights import Flights
from trailcam.testing.host import MemoryHost
from trailcam.testing.nat import Nat
from trailcam.testing.port import MemoryPort
from trailcam.testing.ports import EPHEMERAL
from trailcam.testing.quiet import (
    describe_calls,
    describe_flights,
    describe_ports,
    describe_streams,
)
from trailcam.testing.resolver import MemoryResolver
from trailcam.testing.topology import Landing, Topology
from trailcam.testing.wires import Wires

LOG_LIMIT = 10_000
"""Datagrams that :attr:`MemoryNetwork.log` remembers."""

_SLACK = 1e-9
"""Seconds by which sums of floats may miss: ten steps of 0.1 s do reach a call at 1.0 s."""

Predicate: TypeAlias = Callable[[Datagram], bool]
Plan: TypeAlias = Sequence[tuple[float, Datagram]]
Filter: TypeAlias = "Callable[[Datagram], Plan | None]"

_not_negative = attrs.validators.ge(0.0)
_probability = attrs.validators.and_(attrs.validators.ge(0.0), attrs.validators.le(1.0))


def _clock_or_new(clock: Clock | None) -> Clock:
    """The clock given, or one of the network's own."""
    return Clock() if clock is None else clock


@attrs.define(eq=False)
class _Journey:
    """
    One datagram on its way.

    :ivar number: its number in the log.
    :ivar seen_from: its source as the receiver will see it.
    :ivar fate: what to call a delivery.
    """

    sender: MemoryPort
    datagram: Datagram
    number: int
    seen_from: Address
    fate: Fate


@attrs.define(eq=False, kw_only=True)
class MemoryNetwork:
    """
    Hosts that reach each other; all but ``seed`` and ``clock`` may be changed at any time.

    :ivar seed: what the network's own randomness starts from.
    :ivar latency: seconds from a write to the arrival.
    :ivar jitter: at most so many seconds more, evenly spread; more than the distance between two
        writes means that datagrams overtake each other.
    :ivar loss: probability, 0 to 1, that a datagram gets lost.
    :ivar duplicate: probability that a datagram that is not lost arrives twice.
    :ivar clock: the time of all hosts; a new :class:`~twisted.internet.task.Clock` by default.
        Move it by :meth:`advance` or :meth:`run_until`, else events happen late.
    :ivar refusals: whether senders hear of refusals: a protocol that has a method
        ``refused((host, port), errno)`` gets it called one round trip after the write, like a
        socket that asks its system for the ICMP errors it receives.
    :ivar unreachable: addresses that a router reports as unreachable (``EHOSTUNREACH``), hosts or
        not.  What is sent to other addresses without a host vanishes.
    :ivar window: how many octets of a connection, each way, are under way or unread at most.
    :ivar filter: decides alone about each datagram that no :meth:`drop` took: ``None`` leaves it
        to chance, otherwise the list says what travels instead, each with its delay in seconds.
        Make changed copies with ``attrs.evolve``; a changed source is what the receiver sees.
    :ivar wires: for the ends of connections; tests have no use for it.
    """

    seed: int = attrs.field(default=0, on_setattr=attrs.setters.frozen)
    latency: float = attrs.field(default=0.001, validator=_not_negative)
    jitter: float = attrs.field(default=0.0, validator=_not_negative)
    loss: float = attrs.field(default=0.0, validator=_probability)
    duplicate: float = attrs.field(default=0.0, validator=_probability)
    clock: Clock = attrs.field(
        default=None,
        converter=_clock_or_new,
        on_setattr=attrs.setters.frozen,
    )
    refusals: bool = True
    unreachable: set[str] = attrs.field(factory=set)
    window: int = attrs.field(default=65536, validator=attrs.validators.ge(1))
    filter: Filter | None = None
    _random: random.Random = attrs.field(init=False, repr=False)
    _flights: Flights = attrs.field(init=False, repr=False)
    wires: Wires = attrs.field(init=False, repr=False)
    _cuts: Cuts = attrs.field(init=False, factory=Cuts, repr=False)
    _topology: Topology = attrs.field(init=False, repr=False)
    _log: DatagramLog = attrs.field(init=False, factory=lambda: DatagramLog(LOG_LIMIT), repr=False)
    _drops: list[Predicate] = attrs.field(init=False, factory=list, repr=False)
    _names: dict[str, tuple[str, ...]] = attrs.field(init=False, factory=dict, repr=False)

    def __attrs_post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._flights = Flights(self.clock)
        self._topology = Topology(self._cuts.sever)
        self.wires = Wires(self.clock, self._flights, self._topology, self._cuts, self._delay)

    # Building

    def host(self, address: str, name: str | None = None, nat: Nat | None = None) -> MemoryHost:
        """
        Add a host.

        :param address: an IPv4 address; unique among the hosts behind the same NAT.
        :param name: a name that resolvers shall know it by.
        :param nat: what it is behind; nothing for a host with a public address, and for the
            usual local network without a way out.
        :raises ValueError: when the address is malformed or in use.
        """
        if not isIPAddress(address):
            raise ValueError(f"not an IPv4 address: {address!r}")
        first_port = self._random.choice(EPHEMERAL)
        host = MemoryHost(self, address, name, nat, self._resolver, first_port)
        self._topology.add(host)
        if name is not None:
            self.name(name, address)
        return host

    def name(self, name: str, *addresses: str) -> None:
        """Teach all resolvers the addresses of a host name; none at all makes them forget it."""
        self._names[name.lower()] = addresses

    def _resolver(self, host: MemoryHost) -> IHostnameResolver:
        """The resolver of one host."""
        return MemoryResolver(host, self._names, lambda: self.latency)

    # Time

    def advance(self, seconds: float) -> None:
        """
        Let time pass; everything that is due happens at its own time, in order.

        What a delayed call raises comes out here, and time stops there.
        """
        if seconds < 0:
            raise ValueError(f"time only moves on: {seconds} s")
        self._advance_to(self.clock.seconds() + seconds)

    def run_until(self, predicate: Callable[[], object], limit: float = 60.0) -> float:
        """
        Let time pass from event to event until ``predicate()`` is true.

        :param limit: seconds to wait at most.
        :returns: the seconds that passed.
        :raises AssertionError: when the limit is reached, with all that is still open.
        """
        start = self.clock.seconds()
        while not predicate():
            if not self._step(start + limit):
                self._advance_to(start + limit)
                if not predicate():
                    raise AssertionError(
                        "\n  ".join([f"not within {limit} s: {predicate!r}", *self._leftovers()])
                    )
        return self.clock.seconds() - start

    def delayed_calls(self) -> list[IDelayedCall]:
        """The calls that are still to come, the network's own excepted."""
        return [c for c in self.clock.getDelayedCalls() if not self._flights.owns(c)]

    def _advance_to(self, end: float) -> None:
        """Let happen what is due until ``end``."""
        while self._step(end):
            pass
        self.clock.advance(max(0.0, end - self.clock.seconds()))

    def _step(self, end: float) -> bool:
        """Go to the next event, unless it comes after ``end``."""
        calls = self.clock.getDelayedCalls()
        if not calls:
            return False
        due = min(call.getTime() for call in calls)
        if due > end + _SLACK:
            return False
        self.clock.advance(max(0.0, due - self.clock.seconds()))
        return True

    # Looking

    @property
    def log(self) -> list[Datagram]:
        """The last :data:`LOG_LIMIT` datagrams, in the order of their writing."""
        return self._log.entries()

    def assert_quiet(self, *, in_flight: bool = False) -> None:
        """
        Check that nothing was left behind: no open port or connection, no delayed call, no
        datagram in flight.

        :param in_flight: allow datagrams in flight.
        :raises AssertionError: with one line for each leftover, and where it came from.
        """
        if leftovers := self._leftovers(in_flight):
            raise AssertionError("\n  ".join(["the network is not quiet:", *leftovers]))

    def _leftovers(self, ignore_flights: bool = False) -> list[str]:
        """What is going on, a line each."""
        now = self.clock.seconds()
        hosts = list(self._topology.hosts())
        return [
            *describe_ports(port for host in hosts for port in host.ports()),
            *describe_ports(port for host in hosts for port in host.tcp.listeners()),
            *describe_streams(stream for host in hosts for stream in host.tcp.streams),
            *describe_calls(self.delayed_calls(), now),
            *describe_flights(() if ignore_flights else self._flights.pending(), now),
        ]

    # Breaking

    def cut(self, host: MemoryHost, other: MemoryHost | None = None) -> Callable[[], None]:
        """
        Cut the way between two hosts, or between one and all others.

        Datagrams get lost there.  Connections stay open and nobody hears anything; what was
        written waits, and goes on when the cut is mended.

        :returns: call it, once, to mend the cut.
        """
        self._cuts.add(cut := Cut(host, other))
        return partial(self._mend, cut)

    def reset(self, host: MemoryHost, other: MemoryHost | None = None) -> None:
        """
        End the connections between two hosts, or between one and all others.

        Both ends lose their connection in the next turn, with
        :class:`~twisted.internet.error.ConnectionLost`.  New ones can be made at once.
        """
        cut = Cut(host, other)
        for stream in [s for h in self._topology.hosts() for s in h.tcp.streams]:
            if stream.connected and cut.severs(stream.host, stream.peer_host):
                stream.lose(ConnectionLost())

    def _mend(self, cut: Cut) -> None:
        """Remove a cut and let go on what waited there."""
        self._cuts.remove(cut)
        self.wires.retry()

    # Carrying

    def drop(self, predicate: Predicate) -> Callable[[], None]:
        """
        Lose every datagram for which ``predicate(datagram)`` is true.

        :returns: call it to stop that.
        """
        self._drops.append(predicate)
        return partial(self._drops.remove, predicate)

    def carry(
        self, sender: MemoryPort, source: Address, destination: Address, payload: bytes
    ) -> None:
        """Take over a datagram from a port; tests have no need to call this."""
        datagram = Datagram(self.clock.seconds(), source, destination, payload)
        plan = self._plan(datagram)
        if not plan:
            # It was lost beyond the sender's NAT, so it opened the way back all the same.
            self._seen_from(sender, source, datagram)
            self._log.add(datagram.met(Fate.LOST))
        for index, (delay, travelling) in enumerate(plan):
            is_copy = index > 0 and travelling == datagram
            fate = Fate.DUPLICATED if is_copy else Fate.DELIVERED
            self._launch(sender, source, travelling, delay, fate)

    def _launch(
        self, sender: MemoryPort, source: Address, datagram: Datagram, delay: float, fate: Fate
    ) -> None:
        """Send a datagram through the sender's NAT and on its way."""
        seen_from = self._seen_from(sender, source, datagram)
        if seen_from is None:
            self._log.add(datagram.met(Fate.FILTERED))
            return
        journey = _Journey(sender, datagram, self._log.add(datagram), seen_from, fate)
        self._flights.launch(delay, datagram, partial(self._arrive, journey))

    def _plan(self, datagram: Datagram) -> Plan:
        """What shall travel in the place of a datagram, and how long."""
        if any(drop(datagram) for drop in tuple(self._drops)):
            return ()
        if self.filter is not None and (plan := self.filter(datagram)) is not None:
            return plan
        if self._happens(self.loss):
            return ()
        copies = 2 if self._happens(self.duplicate) else 1
        return [(self._delay(), datagram) for _ in range(copies)]

    def _happens(self, probability: float) -> bool:
        """Toss a coin, but leave the random numbers alone where none is needed."""
        return probability > 0 and self._random.random() < probability

    def _delay(self) -> float:
        """Seconds that one datagram travels."""
        return self.latency + (self._random.uniform(0, self.jitter) if self.jitter else 0.0)

    def _seen_from(self, sender: MemoryPort, source: Address, datagram: Datagram) -> Address | None:
        """The source as the receiver sees it; ``None`` when the sender's NAT is full."""
        if datagram.source != source:
            return datagram.source
        return self._topology.outbound(
            sender.host, source, datagram.destination, self.clock.seconds()
        )

    def _arrive(self, journey: _Journey) -> None:
        """Hand a datagram over, or let its sender know why not."""
        landing = self._land(journey)
        delivered = landing.fate is Fate.DELIVERED
        self._log.settle(journey.number, journey.fate if delivered else landing.fate)
        for port in landing.listeners:
            port.deliver(journey.datagram.payload, journey.seen_from)
        if landing.error and self.refusals:
            tell = partial(journey.sender.refuse, journey.datagram.destination, landing.error)
            self._flights.launch(self._delay(), journey.datagram, tell)

    def _land(self, journey: _Journey) -> Landing:
        """Where a datagram ends."""
        destination = journey.datagram.destination
        if destination[0] in self.unreachable:
            return Landing(Fate.NO_ROUTE, error=errno.EHOSTUNREACH)
        return self._topology.land(
            journey.sender.host, journey.seen_from, destination, self.clock.seconds()
        )
