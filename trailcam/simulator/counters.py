"""What a simulated camera counts."""

from __future__ import annotations

from collections import Counter
from typing import Any

import attrs

from trailcam.wire.constants import MessageType


@attrs.define
class Counters:
    """
    Totals since the camera was made.

    :ivar searches: LAN_SEARCH heard.
    :ivar punches: PUNCH_PKT heard, copies and wrong ids included.
    :ivar sessions_opened: clients that were given a slot.
    :ivar sessions_closed_by_client: sessions that ended with the client's CLOSE.
    :ivar sessions_closed_by_camera: sessions ended by ``close_after`` or by a stop.
    :ivar sessions_timed_out: sessions whose client fell silent.
    :ivar sessions_refused_full: CLOSE sent because every slot was taken.
    :ivar wrong_did: PUNCH_PKT and P2P_RDY that named another device.
    :ivar malformed: datagrams that are no message.
    :ivar strays: messages that mean nothing here: another port's, or of nobody's session.
    :ivar lost: datagrams that the impairment took, either way.
    :ivar resent: pieces of reliable channels that were sent again, of sessions that have ended.
    :ivar unsendable: datagrams that the system refused to send.
    :ivar received: messages heard, by type.
    """

    searches: int = 0
    punches: int = 0
    sessions_opened: int = 0
    sessions_closed_by_client: int = 0
    sessions_closed_by_camera: int = 0
    sessions_timed_out: int = 0
    sessions_refused_full: int = 0
    wrong_did: int = 0
    malformed: int = 0
    strays: int = 0
    lost: int = 0
    resent: int = 0
    unsendable: int = 0
    received: Counter[MessageType] = attrs.field(factory=Counter)

    def as_dict(self) -> dict[str, Any]:
        """The totals, JSON-able: ``received`` is a dict from the protocol's names to numbers."""
        totals = attrs.asdict(self, recurse=False)
        totals["received"] = {kind.name: number for kind, number in sorted(self.received.items())}
        return totals
