"""
Where a relay listens.
"""

from __future__ import annotations

import errno
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory
from twisted.internet.testing import MemoryReactor
from twisted.trial.unittest import SynchronousTestCase

from trailcam.errors import NoFreePort
from trailcam.server.relay_ports import DATA_PORTS, DataPorts, Place, port_number


class Taken(MemoryReactor):  # type: ignore[misc]
    """A reactor on which some numbers are taken."""

    def __init__(self, *numbers: int, problem: OSError | None = None) -> None:
        super().__init__()
        self.problem = problem or OSError(errno.EADDRINUSE, "taken")
        self.taken = set(numbers)
        self.tried: list[int] = []

    def listenTCP(self, port: int, *args: Any, **kwargs: Any) -> IListeningPort:
        """Listen, unless the number is taken."""
        self.tried.append(port)
        if port in self.taken:
            raise CannotListenError("", port, self.problem)
        listening: IListeningPort = super().listenTCP(port, *args, **kwargs)
        return listening


class PlaceTests(SynchronousTestCase):
    """From a template to an endpoint."""

    def listened(self, place: Place, port: int) -> tuple[Any, ...]:
        """Number and interface that are listened on."""
        reactor = MemoryReactor()
        self.successResultOf(place.endpoint(reactor, port).listen(Factory()))
        [(number, _, _, interface)] = reactor.tcpServers
        return number, interface

    def test_default(self) -> None:
        """TCP at the given number, everywhere."""
        self.assertEqual(self.listened(Place(), 65527), (65527, ""))

    def test_interface(self) -> None:
        """The interface is put in, whatever it looks like."""
        self.assertEqual(self.listened(Place(interface="127.0.0.1"), 7), (7, "127.0.0.1"))
        self.assertEqual(self.listened(Place(interface="a:b=c"), 7), (7, "a:b=c"))

    def test_template(self) -> None:
        """Any endpoint will do."""
        place = Place(template="tcp:interface={interface}:port={port}", interface="10.0.0.1")
        self.assertEqual(self.listened(place, 61000), (61000, "10.0.0.1"))

    def test_wrong(self) -> None:
        """What is no endpoint says so."""
        self.assertRaises(ValueError, Place(template="tpc:{port}").endpoint, object(), 1)

    def test_no_number(self) -> None:
        """Some ports have no number."""

        class Path:
            def getHost(self) -> object:
                return object()

        path: Any = Path()
        self.assertEqual(port_number(path), 0)


class DataPortsTests(SynchronousTestCase):
    """The numbers of data ports."""

    def tried(self, ports: DataPorts, times: int = 1) -> list[bool]:
        """For so many attempts, whether a port could be opened."""
        opened = []
        for _ in range(times):
            opening = Deferred.fromCoroutine(ports.open(Factory()))
            opening.addCallbacks(
                lambda _: True, lambda failure: not failure.trap(CannotListenError)
            )
            opened.append(self.successResultOf(opening))
        return opened

    def test_next(self) -> None:
        """Each gets the next number, and after the last one the one that was given back first."""
        reactor = Taken()
        ports = DataPorts(reactor, Place(data_ports=range(61000, 61003)))
        self.assertEqual(self.tried(ports, 3), [True] * 3)
        for number in (61002, 61000):
            ports.give_back(number)
        self.assertEqual(self.tried(ports, 2), [True] * 2)
        self.assertEqual(reactor.tried, [61000, 61001, 61002, 61002, 61000])

    def test_none_free(self) -> None:
        """When all are in use here, nothing is tried, however often somebody asks."""
        reactor = Taken()
        ports = DataPorts(reactor, Place(data_ports=range(61000, 61002)))
        self.tried(ports, 2)
        for _ in range(1000):
            self.failureResultOf(Deferred.fromCoroutine(ports.open(Factory())), NoFreePort)
        self.assertEqual(reactor.tried, [61000, 61001])

    def test_no_more_files(self) -> None:
        """A process that may not open more files tries no other number."""
        reactor = Taken(*DATA_PORTS, problem=OSError(errno.EMFILE, "Too many open files"))
        self.assertEqual(self.tried(DataPorts(reactor, Place())), [False])
        self.assertEqual(len(reactor.tried), 1)

    def test_given_back_by_strangers(self) -> None:
        """A number that is none of the relay's is not taken in."""
        reactor = Taken()
        ports = DataPorts(reactor, Place(data_ports=(61000,)))
        ports.give_back(0)
        self.assertEqual(self.tried(ports), [True])
        self.assertEqual(reactor.tried, [61000])

    def test_taken(self) -> None:
        """A number that is taken is passed over."""
        reactor = Taken(61000, 61002)
        ports = DataPorts(reactor, Place(data_ports=range(61000, 61004)))
        self.assertEqual(self.tried(ports, 2), [True, True])
        self.assertEqual(reactor.tried, [61000, 61001, 61002, 61003])

    def test_all_taken(self) -> None:
        """When all are taken, each was tried once."""
        reactor = Taken(61000, 61001)
        ports = DataPorts(reactor, Place(data_ports=range(61000, 61002)))
        self.assertEqual(self.tried(ports), [False])
        self.assertEqual(reactor.tried, [61000, 61001])

    def test_bounded(self) -> None:
        """No more than a few are tried for one pair."""
        reactor = Taken(*DATA_PORTS)
        self.assertEqual(self.tried(DataPorts(reactor, Place())), [False])
        self.assertEqual(len(reactor.tried), 4)

    def test_systems_choice(self) -> None:
        """With 0 the system chooses, each time."""
        reactor = Taken()
        ports = DataPorts(reactor, Place(data_ports=(0,)))
        self.assertEqual(self.tried(ports, 2), [True, True])
        self.assertEqual(reactor.tried, [0, 0])
