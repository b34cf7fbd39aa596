"""
The agent: a rendezvous socket, connections to relays, and who may come in through either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
from twisted.application.service import IService, MultiService, Service

from trailcam.agent.control import Control
from trailcam.agent.doorkeeper import DEFAULT_CLIENTS, Doorkeeper
from trailcam.agent.identity import Identity
from trailcam.agent.presence import Presence
from trailcam.agent.relays import Relays
from trailcam.connect.connector import Connector
from trailcam.connect.relay_address import RelayAddress
from trailcam.connect.target import Target
from trailcam.interfaces import Address
from trailcam.link.addresses import address_towards

#: Seconds that the way to the camera may take; a camera that is awake needs half a second.
CAMERA_LIMIT = 10.0


@attrs.frozen
class Post:
    """
    An agent's place.

    :ivar camera: the camera that it serves.
    :ivar identity: the id that clients ask for, and the right to it.
    :ivar rendezvous: servers that introduce clients.
    :ivar relays: relays that clients wait at.
    :ivar max_clients: clients that are served at a time.
    """

    camera: Target
    identity: Identity
    rendezvous: tuple[Address, ...] = ()
    relays: tuple[RelayAddress, ...] = ()
    max_clients: int = DEFAULT_CLIENTS


def agent_service(
    reactor: Any,
    post: Post,
    *,
    local_address: Callable[[str], str] = address_towards,
) -> IService:
    """
    The agent that serves at ``post``.

    :param reactor: provides IReactorTime, IReactorUDP, IReactorTCP and, for host names,
        IReactorPluggableNameResolver.
    :param local_address: our own address on the way to a host.
    """
    identity = post.identity
    connector = Connector(reactor, post.camera, max_time=CAMERA_LIMIT)
    door = Doorkeeper(reactor, identity.did, post.camera.did, connector.connect, post.max_clients)
    relays = Relays(reactor, identity, post.relays, door.arrived)
    parts: list[Service] = []
    if post.rendezvous:
        presence = Presence(
            reactor,
            identity,
            post.rendezvous,
            arrived=door.arrived,
            called=relays.called,
            listed=relays.listed,
            local_address=local_address,
        )
        parts.append(presence)
    for relay in post.relays:
        control = Control(
            reactor, relay, identity, reached=relays.reached, announced=relays.announced
        )
        parts.append(control)
    whole: IService = MultiService()
    # Stopped in the reverse order: clients are told CLOSE while their sockets are still there.
    for part in (*parts, relays, door):
        part.setServiceParent(whole)
    return whole
