"""
The status over HTTP: ``/`` for people, ``/status.json`` for programs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from twisted.web.http import NOT_ALLOWED
from twisted.web.resource import Resource

from trailcam.interfaces import IStatusSource
from trailcam.status.page import page

_HEADERS = {
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; style-src 'unsafe-inline'",
    b"x-content-type-options": b"nosniff",
}


class View(Resource):
    """One way to show the snapshots of a source.  It can be looked at, and nothing else."""

    def __init__(
        self, source: IStatusSource, media_type: str, show: Callable[[Mapping[str, Any]], str]
    ) -> None:
        """
        :param show: makes the body from a snapshot.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self._source = source
        self._media_type = media_type.encode("ascii")
        self._show = show

    def render(self, request: Any) -> bytes:
        """
        Answer GET and HEAD; anything else gets 405.

        :param request: provides IRequest.
        """
        for name, value in _HEADERS.items():
            request.setHeader(name, value)
        if request.method not in (b"GET", b"HEAD"):
            request.setResponseCode(NOT_ALLOWED)
            request.setHeader(b"allow", b"GET, HEAD")
            return b""
        request.setHeader(b"content-type", self._media_type)
        body = self._show(self._source.snapshot()).encode("utf-8")
        request.setHeader(b"content-length", b"%d" % len(body))
        return b"" if request.method == b"HEAD" else body


def status_resource(source: IStatusSource) -> Resource:
    """The root of the status pages of ``source``."""
    root = Resource()
    root.putChild(b"", View(source, "text/html; charset=utf-8", page))
    root.putChild(b"status.json", View(source, "application/json", _as_json))
    return root


def _as_json(picture: Mapping[str, Any]) -> str:
    return json.dumps(picture, indent=2) + "\n"
