"""The configuration of HAProxy for one splice: one thread, one way through."""

from __future__ import annotations

_TEMPLATE = """
global
  nbthread 1
  maxconn 3000
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend in
  bind 127.0.0.1:{own}
  default_backend out
backend out
  server it 127.0.0.1:{to}
"""


def configuration(own: int, to: int) -> str:
    """
    Its file.

    :param own: the port that it listens on.
    :param to: the port that it connects to.
    """
    return _TEMPLATE.format(own=own, to=to)
