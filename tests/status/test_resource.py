"""
The status over HTTP.
"""

from __future__ import annotations

from typing import Any

from treq.testing import StubTreq
from twisted.trial.unittest import SynchronousTestCase

from tests.status.sources import Source
from trailcam.status.page import page
from trailcam.status.resource import status_resource

HERE = "http://127.0.0.1:8650"


class ResourceTests(SynchronousTestCase):
    """Requests, and the answers to them."""

    def setUp(self) -> None:
        """A client, and the pages of a source."""
        self.source = Source(peer="10.0.0.1:5")
        self.treq = StubTreq(status_resource(self.source))

    def ask(self, path: str, method: str = "GET") -> Any:
        """The response to a request."""
        return self.successResultOf(self.treq.request(method, f"{HERE}{path}"))

    def header(self, response: Any, name: str) -> str:
        """One header, which is there once."""
        [value] = response.headers.getRawHeaders(name)
        return str(value)

    def test_json(self) -> None:
        """Programs get the snapshot itself."""
        response = self.ask("/status.json")
        self.assertEqual(response.code, 200)
        self.assertEqual(self.header(response, "content-type"), "application/json")
        self.assertEqual(self.successResultOf(response.json()), self.source.picture)

    def test_html(self) -> None:
        """People get a page of the same snapshot."""
        response = self.ask("/")
        self.assertEqual(response.code, 200)
        self.assertEqual(self.header(response, "content-type"), "text/html; charset=utf-8")
        self.assertEqual(self.successResultOf(response.text()), page(self.source.picture))

    def test_one_snapshot_per_answer(self) -> None:
        """Every answer asks the source once, so it never mixes two moments."""
        self.ask("/")
        self.ask("/status.json")
        self.assertEqual(self.source.asked, 2)

    def test_head(self) -> None:
        """HEAD is answered as well, without a body."""
        for path in ("/", "/status.json"):
            response = self.ask(path, "HEAD")
            self.assertEqual(response.code, 200)
            self.assertEqual(self.successResultOf(response.content()), b"")

    def test_other_methods(self) -> None:
        """Nothing can be changed here: 405, known method or not."""
        for path in ("/", "/status.json"):
            for method in ("POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW"):
                response = self.ask(path, method)
                self.assertEqual(response.code, 405)
                self.assertEqual(self.header(response, "allow"), "GET, HEAD")
        self.assertEqual(self.source.asked, 0)

    def test_other_paths(self) -> None:
        """There is nothing else."""
        for path in ("/status", "/status.json/", "/x/../status.xml"):
            self.assertEqual(self.ask(path).code, 404)

    def test_careful_headers(self) -> None:
        """Browsers neither keep it, nor guess its type, nor run anything in it."""
        response = self.ask("/")
        self.assertEqual(self.header(response, "cache-control"), "no-store")
        self.assertEqual(self.header(response, "x-content-type-options"), "nosniff")
        self.assertIn("default-src 'none'", self.header(response, "content-security-policy"))
