"""
A network in memory for UDP and TCP, for the tests of this package and of whoever uses it.

Give a :class:`MemoryHost` to the code under test as its reactor, and move the time of all hosts
with :meth:`MemoryNetwork.advance`.
"""

from trailcam.interfaces import Address
from trailcam.testing.datagram import Datagram, Fate
from trailcam.testing.host import MemoryHost
from trailcam.testing.listener import MemoryListener
from trailcam.testing.nat import Nat, NatKind
from trailcam.testing.network import MemoryNetwork
from trailcam.testing.port import MemoryPort
from trailcam.testing.stream import MemoryStream

__all__ = [
    "Address",
    "Datagram",
    "Fate",
    "MemoryHost",
    "MemoryListener",
    "MemoryNetwork",
    "MemoryPort",
    "MemoryStream",
    "Nat",
    "NatKind",
]
