"""
Asks a server over UDP as fast as it answers, with a number of requests always in flight.

Requests leave in trains where the system can cut them: this side costs less than the server's.
"""

from __future__ import annotations

import select
import socket
import time
from typing import Any

from benchmarks.answering import serve
from benchmarks.peers.datagrams import TRAIN, send_all, udp_socket

#: Seconds after which what is in flight is lost.
_LOST = 0.05

#: Octets that a HELLO has to have room for, and how long its answer may take.
_HELLO = b"\xf1\x00\x00\x10" + bytes(16)
_ANSWER = 2.0


def load(
    host: str, port: int, request: str, answer: str, seconds: float, flying: int, prove: bool
) -> dict[str, Any]:
    """
    Ask for some seconds.

    :param request: hexadecimal digits of a datagram.
    :param answer: those that a datagram that answers it begins with; no other counts.
    :param flying: requests in flight.
    :param prove: first say HELLO, and send back its answer.
    """
    with udp_socket(("", 0)) as bound:
        bound.connect((host, port))
        if prove:
            _prove(bound)
        return _load(bound, bytes.fromhex(request), bytes.fromhex(answer), seconds, flying)


def _prove(bound: socket.socket) -> None:
    bound.send(_HELLO)
    if not select.select([bound], [], [], _ANSWER)[0]:
        raise TimeoutError("no answer to HELLO")
    bound.send(bound.recv(2048))


def _load(
    bound: socket.socket, request: bytes, answer: bytes, seconds: float, flying: int
) -> dict[str, Any]:
    requests = [request] * flying
    answered = lost = 0
    began = now = time.perf_counter()
    send_all(bound, requests, None, TRAIN)
    while now - began < seconds:
        come = _drained(bound, answer)
        if come:
            answered += come
            send_all(bound, requests[: min(come, flying)], None, TRAIN)
        elif not select.select([bound], [], [], _LOST)[0]:
            lost += flying
            send_all(bound, requests, None, TRAIN)
        now = time.perf_counter()
    return {"per_second": answered / (now - began), "answered": answered, "lost": lost}


def _drained(bound: socket.socket, answer: bytes) -> int:
    """How many answers have come."""
    come = 0
    try:
        while True:
            come += bound.recv(2048).startswith(answer)
    except OSError:
        return come


if __name__ == "__main__":
    serve({"load": load})
