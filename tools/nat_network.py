"""
Hosts, routers with NAT and cables between them, in network namespaces of this machine.

All addresses are of documentation or private networks, and no cable leads out of the namespaces.
"""

from __future__ import annotations

import contextlib
import ctypes
import enum
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

SERVER: Final = "203.0.113.2"
CAMERA: Final = "192.168.43.1"
_BESIDE_CAMERA = "192.168.43.2"

#: Seconds that a tool may take.
_PATIENCE = 10.0

#: Signals that end the laboratory.
ENDINGS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_CLONE_NEWNET = 0x40000000


class LaboratoryError(Exception):
    """The laboratory itself does not work; what it says is for people."""


class Kind(enum.Enum):
    """What stands between a site and the internet."""

    NONE = "none"
    """Nothing: the host has a public address."""
    FULL_CONE = "full-cone"
    """One public port per inside port, and everybody may send to it."""
    PORT_RESTRICTED = "port-restricted"
    """One public port per inside port; only who was written to may answer, from that port."""
    SYMMETRIC = "symmetric"
    """Another public port for every destination; only that one may answer."""


@dataclass(frozen=True)
class Site:
    """
    A host, and the addresses that it has with and without a NAT before it.

    :ivar public: of the host, or of the router before it.
    :ivar gateway: the internet's address on the same segment.
    :ivar private: of the host behind a NAT.
    :ivar router: of the router on the host's side.
    """

    name: str
    public: str
    gateway: str
    private: str = ""
    router: str = ""


SERVERS: Final = Site("server", SERVER, "203.0.113.1")
CLIENTS: Final = Site("client", "203.0.113.66", "203.0.113.65", "10.1.0.2", "10.1.0.1")
AGENTS: Final = Site("agent", "203.0.113.130", "203.0.113.129", "10.2.0.2", "10.2.0.1")

#: What is unsolicited is dropped before the kernel remembers it: a punch that comes too early must
#: not take the port that the punch in the other direction needs.
_ROUTER = """
table ip natlab {{
  chain to_router {{
    type filter hook input priority filter; policy drop;
    ct state established,related accept
  }}
  chain through {{
    type filter hook forward priority filter; policy drop;
    ct state established,related accept
    iifname "lan" oifname "wan" accept
    ct status dnat accept
  }}
  chain outbound {{
    type nat hook postrouting priority srcnat;
    oifname "wan" masquerade {masquerade}
  }}
  chain inbound {{
    type nat hook prerouting priority dstnat;
    {inbound}
  }}
}}
"""


def ruleset(kind: Kind, host: str) -> str:
    """
    The rules of a router, for nft.

    :param host: address of the one host behind it.
    """
    full_cone = f'iifname "wan" udp dport 1024-65535 dnat to {host}'
    return _ROUTER.format(
        masquerade="random,fully-random" if kind is Kind.SYMMETRIC else "",
        inbound=full_cone if kind is Kind.FULL_CONE else "",
    )


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Signals that would end the laboratory wait until the context is left."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDINGS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _order(command: Sequence[str], text: str | None = None) -> None:
    """Run a tool that is done at once."""
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=_PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LaboratoryError(f"{command[0]}: {error}") from error
    if done.returncode:
        raise LaboratoryError(f"{' '.join(command)}: {done.stderr.strip()}")


class Network:
    """Namespaces, which are called by short names here, and removed at the end."""

    def __init__(self) -> None:
        self._prefix = f"natlab-{os.getpid()}-"
        self._names: list[str] = []

    def __enter__(self) -> Network:
        return self

    def __exit__(self, *reason: object) -> None:
        with undisturbed():
            for name in reversed(self._names):
                with contextlib.suppress(LaboratoryError):
                    _order(["ip", "netns", "delete", self.namespace(name)])

    def namespace(self, name: str) -> str:
        """What the machine calls it."""
        return self._prefix + name

    def add(self, name: str) -> None:
        """A new namespace, with nothing in it but itself."""
        self._names.append(name)
        _order(["ip", "netns", "add", self.namespace(name)])
        self.set(name, "net/ipv6/conf/all/disable_ipv6", "1")
        self.ip(name, "link set lo up")

    def ip(self, name: str, command: str) -> None:
        """Run ``ip`` in a namespace."""
        _order(["ip", "-n", self.namespace(name), *command.split()])

    def set(self, name: str, key: str, value: str) -> None:
        """Set one of the kernel's values in a namespace."""
        with self.inside(name):
            Path("/proc/sys", key).write_text(value)

    def filter(self, name: str, rules: str) -> None:
        """Load the rules of nft in a namespace."""
        _order(["ip", "netns", "exec", self.namespace(name), "nft", "-f", "-"], rules)

    def cable(self, one: str, port: str, other: str, other_port: str) -> None:
        """Connect two namespaces by a cable, which has an interface at both ends."""
        names = self.namespace(one), self.namespace(other)
        ends = f"{port} netns {names[0]} type veth peer name {other_port} netns {names[1]}"
        _order(["ip", "link", "add", *ends.split()])

    def address(self, name: str, port: str, address: str) -> None:
        """Give an interface its address (``203.0.113.2/26``), and switch it on."""
        self.ip(name, f"address add {address} dev {port}")
        self.ip(name, f"link set {port} up")

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """This thread is in the namespace for as long as the context lasts."""
        with open("/proc/thread-self/ns/net") as home:
            with open(f"/run/netns/{self.namespace(name)}") as there:
                _enter(there.fileno())
            try:
                yield
            finally:
                _enter(home.fileno())


def _enter(descriptor: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(descriptor, _CLONE_NEWNET):
        raise LaboratoryError(f"cannot enter a namespace: {os.strerror(ctypes.get_errno())}")


def build(network: Network, client: Kind, agent: Kind) -> None:
    """The internet, the server, both sites, and the camera beside the agent."""
    network.add("internet")
    network.set("internet", "net/ipv4/ip_forward", "1")
    _site(network, SERVERS, Kind.NONE)
    _site(network, CLIENTS, client)
    _site(network, AGENTS, agent)
    network.add("camera")
    network.cable("agent", "camera", "camera", "wifi")
    network.address("agent", "camera", f"{_BESIDE_CAMERA}/24")
    network.address("camera", "wifi", f"{CAMERA}/24")


def _site(network: Network, site: Site, kind: Kind) -> None:
    network.add(site.name)
    if kind is Kind.NONE:
        _uplink(network, site.name, site)
        return
    router = f"{site.name}-nat"
    network.add(router)
    network.set(router, "net/ipv4/ip_forward", "1")
    network.filter(router, ruleset(kind, site.private))
    _uplink(network, router, site)
    network.cable(router, "lan", site.name, "wan")
    network.address(router, "lan", f"{site.router}/24")
    network.address(site.name, "wan", f"{site.private}/24")
    network.ip(site.name, f"route add default via {site.router}")


def _uplink(network: Network, name: str, site: Site) -> None:
    network.cable("internet", site.name, name, "wan")
    network.address("internet", site.name, f"{site.gateway}/26")
    network.address(name, "wan", f"{site.public}/26")
    network.ip(name, f"route add default via {site.gateway}")
