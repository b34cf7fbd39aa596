"""What was found in a recording, as text for people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from trailcam.artemis.commands import command_name
from trailcam.decode.decoded import Decoded, RelayPort, Text, some
from trailcam.decode.printable import printable
from trailcam.decode.roles import CAMERA, CLIENT

#: Relay ports, notes, and packets that cannot be read, shown of each; the JSON form has more.
MOST_LINES = 50

#: Columns before a JSON object; one long name must not move all the others.
MOST_PLACE = 80

_PLAIN, _BOLD, _RED, _GREEN, _CYAN = "", "1", "31", "32", "36"
_PEER = {CAMERA: CLIENT, CLIENT: CAMERA}


def render_text(decoded: Decoded, *, colour: bool = False) -> str:
    """
    Everything found in a recording, passwords and tokens included.

    :param colour: whether to use the escape sequences of terminals.
    :return: lines, the last one ended too.
    """
    lines = (_paint(code if colour else _PLAIN, line) for code, line in _lines(decoded))
    return "\n".join(lines) + "\n"


def _lines(decoded: Decoded) -> Iterator[tuple[str, str]]:
    """The lines, each with its colour."""
    yield _BOLD, _headline(decoded)
    for talk in decoded.talks:
        ends = ", ".join(f"{name} {address}" for name, address in talk.ends.items())
        yield _PLAIN, f"  {ends}: {_count(talk.packets, 'packet')}"
    yield from _section("messages", _plain(_messages(decoded)))
    yield from _section("channels", _plain(_channels(decoded)))
    yield from _section("commands and answers", _texts(decoded.texts))
    relay_ports = [_relay_port(opened) for opened in decoded.relay_ports]
    yield from _section("relay ports", _plain(some(relay_ports, MOST_LINES, len(relay_ports))))
    yield from _section("notes", _plain(some(decoded.notes, MOST_LINES, len(decoded.notes))))
    bad = some(decoded.bad, MOST_LINES, decoded.bad_count)
    yield from _section("could not be read", [(_RED, line) for line in bad])


def _section(title: str, lines: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    if lines:
        yield _PLAIN, ""
        yield _BOLD, title
        yield from ((code, f"  {line}") for code, line in lines)


def _headline(decoded: Decoded) -> str:
    parts = [_count(decoded.packets, "packet"), _count(decoded.records, "record")]
    if decoded.span is not None:
        parts.append(f"{decoded.span:.3f} s")
    if decoded.bad_count:
        parts.append(f"{decoded.bad_count} bad")
    parts += [f"{count} passed over ({why})" for why, count in sorted(decoded.ignored.items())]
    return f"{decoded.file}: {', '.join(parts)}"


def _messages(decoded: Decoded) -> list[str]:
    """A row for every message, a column for every sender."""
    senders = sorted({key.split(" ")[0] for key in decoded.ops})
    names = sorted({key.split(" ")[1] for key in decoded.ops})
    rows = [[name, *(_cell(decoded.ops, f"{s} {name}") for s in senders)] for name in names]
    return _table(["", *senders], rows)


def _channels(decoded: Decoded) -> list[str]:
    """A row for every channel and sender."""
    columns = {
        "DRW": decoded.drw_distinct,
        "repeated": decoded.drw_repeats,
        "missing": decoded.drw_missing,
        "acks sent": decoded.ack_entries,
    }
    labels = sorted({label for counts in columns.values() for label in counts})
    rows = [[label, *(_cell(counts, label) for counts in columns.values())] for label in labels]
    return _table(["", *columns], rows)


def _cell(counts: Mapping[str, int], key: str) -> str:
    return str(counts.get(key, "-"))


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """Lines with the first column to the left and the others to the right; none without rows."""
    if not rows:
        return []
    lines = [heads, *rows]
    first, *others = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return [
        "  ".join([cells[0].ljust(first), *map(str.rjust, cells[1:], others)]) for cells in lines
    ]


def _texts(texts: Sequence[Text]) -> list[tuple[str, str]]:
    """One line for each command, answer and event, in the order of their arrival."""
    in_order = sorted(texts, key=lambda text: text.number)
    places = [_place(text) for text in in_order]
    width = min(MOST_PLACE, max(map(len, places), default=0))
    return [
        (_GREEN if text.direction == CAMERA else _CYAN, f"{place.ljust(width)}  {_body(text)}")
        for text, place in zip(in_order, places, strict=True)
    ]


def _place(text: Text) -> str:
    """When, who, where and what."""
    time = "" if text.time is None else f"{text.time:+10.3f} s  "
    peer = _PEER.get(text.direction, "?")
    name = command_name(text.body)
    return f"{time}{text.direction} -> {peer}  ch{text.channel}  #{text.sequence:<5}  {name}"


def _body(text: Text) -> str:
    return json.dumps(text.body, separators=(",", ":"), ensure_ascii=False)


def _relay_port(opened: RelayPort) -> str:
    what = f"data port {opened.port}, magic {opened.magic:08x}" if opened.port else "no port"
    return f"{opened.relay} gave {opened.client} {what}"


def _plain(lines: Sequence[str]) -> list[tuple[str, str]]:
    return [(_PLAIN, line) for line in lines]


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _paint(code: str, line: str) -> str:
    """A line that a terminal cannot mistake for orders, then the order for its colour."""
    safe = printable(line)
    return f"\x1b[{code}m{safe}\x1b[0m" if code and safe else safe
