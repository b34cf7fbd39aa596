"""Whole recordings, and what is wrong with some."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.decode.builders import (
    CAMERA,
    CLIENT,
    Address,
    ack,
    answer,
    command,
    decoded,
    drws,
    escaped,
    from_camera,
    from_client,
    ipv4,
    line,
    pcap,
    pieces,
    tcp,
)
from trailcam.artemis.record import Record, RecordKind
from trailcam.decode import Decoded, render_text
from trailcam.wire.constants import LAN_SEARCH_PORT
from trailcam.wire.did import DeviceID
from trailcam.wire.messages import (
    Alive,
    AliveAck,
    DevLgnDsk,
    Drw,
    Hello,
    LanSearch,
    Message,
    P2PRdy,
    PunchPkt,
    ReportSessionReady,
    RlyHello,
    RlyHelloAck,
    RlyPkt,
    RlyPort,
    RlyPortAck,
    RlyRdy,
    TcpRlyReq,
    TcpRlyReqAck,
    TcpRsStart,
)
from trailcam.wire.sockaddr import SocketAddress
from trailcam.wire.stream import ClearFraming, encode_frame

DID = DeviceID.parse("LBCS-000000-CCCJJ")
HEARTBEAT = {"cmdId": 525}
#: Many pieces long.
LONG = {"cmdId": 768, "mediaFiles": [{"mediaNum": number} for number in range(400)]}


class DecodeTestCase(SynchronousTestCase):
    """Decodes content without a file of its own."""

    def decode(self, content: bytes, name: str = "made.jsonl") -> Decoded:
        """Decode a file with this content."""
        return decoded(self.mktemp(), content, name)

    def bodies(self, content: bytes) -> list[Any]:
        """The JSON objects in a recording."""
        return [entry["json"] for entry in self.decode(content).as_json()["json"]]


class CountTests(DecodeTestCase):
    """Counting messages."""

    def test_messages(self) -> None:
        """Messages are counted by sender and name, in alphabetical order."""
        content = from_client(Alive(), AliveAck(), Alive()) + from_camera(AliveAck())
        found = self.decode(content)
        expected = {"camera ALIVE_ACK": 1, "client ALIVE": 2, "client ALIVE_ACK": 1}
        self.assertEqual(list(found.ops.items()), list(expected.items()))
        self.assertEqual((found.packets, found.file, found.source), (4, "made.jsonl", "jsonl"))

    def test_acknowledgements(self) -> None:
        """Entries are counted by sender and channel, every one of them."""
        content = from_client(ack(1, 1, 2), ack(7, channel=4), ack()) + from_camera(ack(0, 0))
        found = self.decode(content)
        expected = {"camera ch0": 2, "client ch0": 3, "client ch4": 1}
        self.assertEqual((found.ack_entries, found.ack_max_entries), (expected, 3))

    def test_span(self) -> None:
        """The span is from the earliest time to the latest, in milliseconds."""
        content = line("client", Alive(), 5.0004) + line("camera", Alive(), 2)
        self.assertEqual(self.decode(content).span, 3.0)
        self.assertEqual(self.decode(content + from_client(Alive())).span, 3.0)
        self.assertIsNone(self.decode(from_client(Alive())).span)

    def test_blank_file(self) -> None:
        """A recording of nothing is counted as nothing, without channels or notes."""
        found = self.decode(b"\n\n").as_json()
        self.assertEqual((found["packets"], found["ops"], found["span_s"]), (0, {}, None))
        self.assertEqual((found["json"], found["notes"], found["bad"]), ([], [], []))

    def test_reports(self) -> None:
        """What a client tells the servers is a note; an unknown address has family 0."""
        report = ReportSessionReady(DID, -3, elapsed_ms=9, local=SocketAddress("10.0.0.1", 5))
        self.assertEqual(
            self.decode(from_client(report)).notes,
            (
                "report handle=-3 max=256 active=1 ms=9 flags=00003f00 "
                "local=2/10.0.0.1:5 wan=0/0.0.0.0:0 remote=0/0.0.0.0:0",
            ),
        )

    def test_json(self) -> None:
        """The result can be written as JSON."""
        content = from_camera(Alive(), b"", Drw(0, 1, escaped({"name": "\ud800é"})))
        again = json.loads(json.dumps(self.decode(content).as_json(), allow_nan=False))
        self.assertEqual((again["packets"], again["json"][0]["json"]), (3, {"name": "\ud800é"}))


class ChannelTests(DecodeTestCase):
    """Channels, put together again."""

    def test_session(self) -> None:
        """A banner, a command and its answer."""
        content = from_camera(Drw(0, 0, b"ACK")) + from_client(*drws([command(1, {"cmdId": 0})]))
        content += from_camera(*drws([answer(1, {"cmdId": 0, "result": 0})], first=1))
        found = self.decode(content).as_json()
        self.assertEqual(found["notes"], ["camera ch0 seq0 is the 3-byte banner"])
        self.assertEqual(
            found["json"],
            [
                {
                    "dir": "camera",
                    "ch": 0,
                    "seq": 1,
                    "kind": 3,
                    "record_seq": 1,
                    "json": {"cmdId": 0, "result": 0},
                },
                {
                    "dir": "client",
                    "ch": 0,
                    "seq": 0,
                    "kind": 2,
                    "record_seq": 1,
                    "json": {"cmdId": 0},
                },
            ],
        )
        self.assertEqual(found["records"], 2)
        self.assertEqual(found["record_kinds"], {"camera ch0 answer": 1, "client ch0 command": 1})

    def test_long_answer(self) -> None:
        """An answer in many DRW, out of order and some twice, past the wrap of the index."""
        parts = drws(pieces(answer(7, LONG)), first=65530)
        self.assertGreater(len(parts), 8)
        content = from_camera(*parts[::-1], *parts[2:5])
        found = self.decode(content)
        (text,) = found.texts
        self.assertEqual((text.body, text.index), (LONG, parts[-1].index))
        self.assertLess(text.index, 10)
        self.assertEqual(found.drw_distinct, {"camera ch0": len(parts)})
        self.assertEqual(found.drw_repeats, {"camera ch0": 3})
        self.assertEqual((found.drw_missing, found.bad), ({}, ()))

    def test_only_the_end_of_a_long_answer(self) -> None:
        """Where a long answer's beginning is missing, the answers around it are read."""
        parts = drws([answer(1, HEARTBEAT), *pieces(answer(2, LONG)), answer(3, HEARTBEAT)])
        found = self.decode(from_camera(parts[0], *parts[-2:]))
        self.assertEqual([text.sequence for text in found.texts], [1, 3])
        self.assertEqual(found.drw_missing, {"camera ch0": len(parts) - 3})
        self.assertEqual(found.skipped_octets, {"camera ch0": len(parts[-2].payload)})
        self.assertEqual((found.notes, found.bad), ((), ()))

    def test_stream_that_begins_in_the_middle(self) -> None:
        """A recording may begin anywhere."""
        content = from_client(*drws([b"end of something", command(9, HEARTBEAT)], first=300))
        self.assertEqual(self.bodies(content), [HEARTBEAT])

    def test_several_records_in_one_packet(self) -> None:
        """Borders of records and of packets are not related."""
        stream = b"".join(command(number, {"cmdId": number}) for number in range(5))
        for size in (1, 7, 100, 1024):
            content = from_client(*drws(pieces(stream, size)))
            self.assertEqual([body["cmdId"] for body in self.bodies(content)], list(range(5)))

    def test_different_copy(self) -> None:
        """A copy that differs from the first is named with its line; the first one counts."""
        first, other = command(1, HEARTBEAT), command(1, {"cmdId": 259})
        content = from_client(Drw(0, 3, first), Drw(0, 3, first), Drw(0, 3, other))
        found = self.decode(content)
        self.assertEqual(found.bad, ("line 3: channel 0: DRW index 3 differs from its first copy",))
        self.assertEqual([text.body for text in found.texts], [HEARTBEAT])
        self.assertEqual(found.drw_repeats, {"client ch0": 2})

    def test_unfinished_answer(self) -> None:
        """An answer that ends too early is a note with the beginning of its text."""
        found = self.decode(from_camera(*drws(pieces(answer(6, LONG)))[:1]))
        self.assertEqual(
            found.notes,
            (
                f"unfinished record kind 3 seq 6: 1004 of {len(answer(6, LONG)) - 20} bytes, clear "
                'text begins {"cmdId":768,"mediaFiles":[{"mediaNum":0},{"mediaNum":1},{"m',
            ),
        )
        self.assertEqual((found.records, found.bad), (0, ()))

    def test_unfinished_without_text(self) -> None:
        """Where no text can be read none is quoted: another kind, or too little."""
        other = Record(5, 1, bytes(300)).to_bytes()[:200]
        little = answer(2, LONG)[:30]
        content = from_camera(*drws([other], channel=3), *drws([little]))
        length = len(answer(2, LONG)) - 20
        self.assertEqual(
            self.decode(content).notes,
            (
                f"unfinished record kind 3 seq 2: 10 of {length} bytes",
                "unfinished record kind 5 seq 1: 180 of 300 bytes",
            ),
        )

    def test_event(self) -> None:
        """An event is in clear, and listed with the commands."""
        event = Record(RecordKind.EVENT, 1, b'{"evtId":4}\0').to_bytes()
        self.assertEqual(self.bodies(from_camera(*drws([event], channel=6))), [{"evtId": 4}])

    def test_records_that_cannot_be_read(self) -> None:
        """A record that is not what its kind says is counted and named; the next one is read."""
        broken = Record(2, 5, b"!!").to_bytes()
        no_frame = Record(0, 6, b"short").to_bytes()
        content = from_client(*drws([broken, command(6, HEARTBEAT)]))
        content += from_camera(*drws([no_frame], channel=1))
        found = self.decode(content)
        self.assertEqual((found.records, len(found.texts)), (3, 1))
        one, other = found.bad
        self.assertTrue(one.startswith("line 1: channel 0: record 5: the payload is not base64"))
        self.assertEqual(
            other, "line 3: channel 1: record 6: 5 octets are too few for a frame's head"
        )

    def test_frames(self) -> None:
        """Live and playback frames are notes; other media records are only counted."""
        frame = b"".join(n.to_bytes(4, "little") for n in (1, 0, 2, 0, 6, 2, 1, 640, 480))
        payload = frame.ljust(108, b"\0") + b"\0\0\0\1\x65!" + b"aa"
        content = from_camera(
            *drws([Record(0, 1, payload).to_bytes()], channel=1),
            *drws([Record(4, 1, payload).to_bytes()], channel=2),
            *drws([Record(8, 1, payload).to_bytes(), Record(99, 1, b"").to_bytes()], channel=4),
        )
        found = self.decode(content)
        rest = "record: video 6 audio 2 key 1 640x480, clear head 0000000165"
        self.assertEqual(found.notes, (f"live {rest}", f"playback {rest}"))
        kinds = ("ch1 live", "ch2 playback", "ch4 kind 99", "ch4 thumbnail")
        self.assertEqual(found.record_kinds, {f"camera {kind}": 1 for kind in kinds})

    def test_second_session_on_the_same_ports(self) -> None:
        """After a punch the indexes begin anew, and so do the channels."""
        punch = PunchPkt(DID)
        first = from_client(punch, Drw(0, 0, command(1, {"cmdId": 0})), ack(0))
        first += from_camera(Drw(0, 0, b"ACK"), ack(0), Drw(0, 1, answer(1, {"cmdId": 0})))
        second = from_client(punch) + from_camera(P2PRdy(DID), Drw(0, 0, b"ACK"))
        second += from_client(Drw(0, 0, command(2, HEARTBEAT)), ack(0))
        found = self.decode(first + second)
        self.assertEqual([text.sequence for text in found.texts], [1, 1, 2])
        self.assertEqual(found.drw_distinct, {"camera ch0": 3, "client ch0": 2})
        self.assertEqual((found.drw_repeats, found.bad), ({}, ()))
        self.assertEqual(found.notes, ("camera ch0 seq0 is the 3-byte banner",) * 2)

    def test_late_punch(self) -> None:
        """A punch in the middle of a session does not end it."""
        drw = Drw(0, 0, command(1, HEARTBEAT))
        content = from_client(drw, PunchPkt(DID), drw, ack(0), PunchPkt(DID))
        content += from_client(Drw(0, 1, command(2, HEARTBEAT)))
        found = self.decode(content)
        self.assertEqual(found.drw_distinct, {"client ch0": 2})
        self.assertEqual(found.drw_repeats, {"client ch0": 1})


class BadPacketTests(DecodeTestCase):
    """Packets that cannot be read."""

    def test_counted_and_named(self) -> None:
        """Bad lines and bad messages are counted, named in order, and passed over."""
        content = from_client(Alive(), b"\xf1\x99\x00\x00") + b"nonsense\n"
        content += from_camera(b"\xf1\xd0\x00\x09\xd1", b"", Alive())
        found = self.decode(content)
        self.assertEqual(found.packets, 6)
        self.assertEqual(found.ops, {"camera ALIVE": 1, "client ALIVE": 1})
        self.assertEqual(
            [bad.split(":")[0] for bad in found.bad], [f"line {n}" for n in (2, 3, 4, 5)]
        )
        self.assertIn("0x99", found.bad[0])
        self.assertEqual(found.bad[1], "line 3: not JSON")

    def test_malformed_acknowledgement(self) -> None:
        """An acknowledgement that says it has no entry, and has one, is bad."""
        found = self.decode(from_client(bytes.fromhex("f1d10006d10000000001")))
        self.assertEqual((len(found.bad), found.ack_entries, found.ops), (1, {}, {}))

    def test_every_cut_of_a_message(self) -> None:
        """A message cut anywhere is bad and nothing else."""
        whole = bytes.fromhex("f1d00007d100000041434b")
        found = self.decode(from_camera(*(whole[:size] for size in range(len(whole)))))
        self.assertEqual((len(found.bad), found.packets, found.ops), (11, 11, {}))


class PcapTests(DecodeTestCase):
    """What only pcap files have: addresses."""

    def test_two_cameras(self) -> None:
        """Channels of different conversations are kept apart, and added up."""
        other = ("192.168.43.9", 40611)
        frames = [
            ipv4(CLIENT, camera, Drw(0, 0, command(1, {"cmdId": number})))
            for number, camera in enumerate((CAMERA, other))
        ]
        frames += [ipv4(camera, CLIENT, Drw(0, 0, b"ACK")) for camera in (CAMERA, other)]
        found = self.decode(pcap(frames), "two.pcap")
        self.assertEqual([text.body["cmdId"] for text in found.texts], [0, 1])
        self.assertEqual(found.drw_distinct, {"camera ch0": 2, "client ch0": 2})
        self.assertEqual((found.drw_repeats, found.bad, found.source), ({}, (), "pcap"))
        self.assertEqual(
            found.as_json()["conversations"],
            [
                {
                    "client": "192.168.43.20:15054",
                    "camera": f"{host}:40611",
                    "packets": 2,
                }
                for host in ("192.168.43.1", "192.168.43.9")
            ],
        )

    def test_camera_on_any_port(self) -> None:
        """A session that was recorded from its middle tells by its records who is who."""
        this, that = ("10.0.0.1", 5000), ("10.0.0.2", 6000)
        for first, second in ((this, that), (that, this)):
            frames = [
                ipv4(first, second, Drw(0, 8, answer(3, HEARTBEAT))),
                ipv4(second, first, Drw(0, 9, command(4, HEARTBEAT))),
            ]
            found = self.decode(pcap(frames), "middle.pcap")
            self.assertEqual(
                [(t.direction, t.sequence) for t in found.texts], [("camera", 3), ("client", 4)]
            )

    def test_banner_tells(self) -> None:
        """A camera is known by its banner alone, and a search by the one who searches."""
        this, that = ("10.0.0.1", 5000), ("10.0.0.2", 6000)
        found = self.decode(pcap([ipv4(this, that, Drw(0, 0, b"ACK"))]), "banner.pcap")
        self.assertEqual(found.ops, {"camera DRW": 1})
        search = ipv4(this, ("255.255.255.255", LAN_SEARCH_PORT), LanSearch())
        answered = ipv4(that, this, PunchPkt(DID))
        found = self.decode(pcap([answered, search]), "search.pcap")
        self.assertEqual(found.ops, {"camera PUNCH_PKT": 1, "client LAN_SEARCH": 1})

    def test_other_traffic(self) -> None:
        """What is not ours is counted apart, and what may be ours is named."""
        frames = [
            ipv4(CLIENT, CAMERA, Hello()),
            ipv4(CLIENT, CAMERA, b"", protocol=1),
            ipv4(CLIENT, ("10.0.0.1", 53), b"\xf1\xfe\x00\x00"),
            ipv4(CLIENT, CAMERA, Alive(), fragment=0x2000),
        ]
        found = self.decode(pcap(frames), "other.pcap")
        self.assertEqual((found.packets, found.ops), (2, {"client HELLO": 1}))
        self.assertEqual(found.ignored, {"neither UDP nor TCP": 1, "not PPPP": 1})
        self.assertEqual([bad.split(":")[0] for bad in found.bad], ["frame 4"])

    def test_one_end_only(self) -> None:
        """A datagram from an end to itself is counted like others."""
        found = self.decode(pcap([ipv4(CLIENT, CLIENT, Alive())]), "self.pcap")
        self.assertEqual((found.packets, sum(found.ops.values())), (1, 1))

    def test_times_of_texts(self) -> None:
        """Texts have the time since the first packet."""
        frames = [ipv4(CLIENT, CAMERA, Alive()), ipv4(CLIENT, CAMERA, Drw(0, 0, command(1, {})))]
        found = self.decode(pcap(frames, times=[1000.5, 1002.25]), "times.pcap")
        self.assertEqual([text.time for text in found.texts], [1.75])
        self.assertEqual(found.span, 1.75)


class RelayTests(DecodeTestCase):
    """What passed through a relay."""

    RELAY, DATA = ("203.0.113.5", 65527), ("203.0.113.5", 50123)
    CLIENT, CLIENT_DATA = ("198.51.100.7", 40000), ("198.51.100.7", 40001)
    AGENT_DATA = ("192.0.2.9", 41000)

    def tcp_frames(self, *turns: tuple[Address, Address, Message]) -> list[bytes]:
        """Segments of clear frames, the octets of each direction counted from 1."""
        said: dict[tuple[Address, Address], int] = {}
        segments = []
        for source, destination, message in turns:
            sequence = said.get((source, destination), 1)
            data = encode_frame(message, ClearFraming())
            segments.append(tcp(source, destination, sequence, data))
            said[source, destination] = sequence + len(data)
        return segments

    def control(self, port: int) -> list[bytes]:
        """The control connection of a client, up to the data port."""
        asking, answering = (self.CLIENT, self.RELAY), (self.RELAY, self.CLIENT)
        return self.tcp_frames(
            (*asking, RlyHello()),
            (*answering, RlyHelloAck()),
            (*asking, RlyPort()),
            (*answering, RlyPortAck(0x1A2B3C4D, port)),
        )

    def data(self, near: Address, is_device: bool) -> list[bytes]:
        """The data connection of one party: joining, then a command and its answer."""
        to_relay, from_relay = (near, self.DATA), (self.DATA, near)
        of_camera, of_client = (to_relay, from_relay) if is_device else (from_relay, to_relay)
        return self.tcp_frames(
            (*to_relay, RlyPkt(0x1A2B3C4D, DID, is_device)),
            (*from_relay, RlyRdy(DID)),
            (*of_camera, P2PRdy(DID)),
            (*of_camera, Drw(0, 0, b"ACK")),
            (*of_client, Drw(0, 0, command(1, HEARTBEAT))),
            (*of_camera, Drw(0, 1, answer(1, {"cmdId": 525, "result": 0}))),
        )

    def test_data_port(self) -> None:
        """The port that was negotiated is found, and who is the server."""
        found = self.decode(pcap(self.control(self.DATA[1])), "relay.pcap")
        expected = {"relay": "203.0.113.5:65527", "client": "198.51.100.7:40000"}
        self.assertEqual(
            found.as_json()["relay_ports"], [{**expected, "port": 50123, "magic": 0x1A2B3C4D}]
        )
        self.assertEqual(
            found.ops,
            {
                "client RLY_HELLO": 1,
                "client RLY_PORT": 1,
                "server RLY_HELLO_ACK": 1,
                "server RLY_PORT_ACK": 1,
            },
        )
        self.assertEqual((found.packets, found.bad), (4, ()))

    def test_data_port_over_udp(self) -> None:
        """So is one that was negotiated over UDP."""
        content = pcap([ipv4(self.RELAY, self.CLIENT, RlyPortAck(7, 9))])
        (opened,) = self.decode(content, "relay.pcap").relay_ports
        self.assertEqual((opened.port, opened.magic), (9, 7))

    def test_relayed_session(self) -> None:
        """What passes behind RLY_RDY is decoded, on either side of the relay."""
        for near, is_device in ((self.CLIENT_DATA, False), (self.AGENT_DATA, True)):
            found = self.decode(pcap(self.data(near, is_device)), "relay.pcap")
            self.assertEqual(
                [(text.direction, text.body) for text in found.texts],
                [("camera", {"cmdId": 525, "result": 0}), ("client", HEARTBEAT)],
            )
            self.assertEqual(found.drw_distinct, {"camera ch0": 2, "client ch0": 1})
            self.assertEqual(found.bad, ())

    def test_both_sides_of_the_relay(self) -> None:
        """Where both data connections were recorded, in either order, all is seen twice."""
        client, agent = self.data(self.CLIENT_DATA, False), self.data(self.AGENT_DATA, True)
        for frames in (client + agent, agent + client):
            found = self.decode(pcap(frames), "relay.pcap")
            ends = [dict(talk.ends) for talk in found.talks]
            self.assertIn({"camera": "192.0.2.9:41000", "client": "203.0.113.5:50123"}, ends)
            self.assertIn({"camera": "203.0.113.5:50123", "client": "198.51.100.7:40001"}, ends)
            self.assertEqual(found.drw_distinct, {"camera ch0": 4, "client ch0": 2})
            self.assertEqual(len(found.texts), 4)

    def test_waiting_party(self) -> None:
        """The one that announces the other party is a server, as long as nothing has passed."""
        for near, name in ((self.CLIENT_DATA, "client"), (self.AGENT_DATA, "camera")):
            found = self.decode(pcap(self.data(near, name == "camera")[:2]), "relay.pcap")
            self.assertEqual(found.ops, {f"{name} RLY_PKT": 1, "server RLY_RDY": 1})

    def test_asking_and_telling(self) -> None:
        """Who asks a relay for a device is a client; who is sent to a data port is not."""
        here, relay = SocketAddress(*self.CLIENT), SocketAddress(*self.DATA)
        turns = [
            (self.CLIENT, self.RELAY, TcpRlyReq(DID, here)),
            (self.RELAY, self.CLIENT, TcpRlyReqAck(0)),
            (self.AGENT_DATA, self.RELAY, DevLgnDsk(bytes(68))),
            (self.RELAY, self.AGENT_DATA, TcpRsStart(DID, 1, relay)),
        ]
        found = self.decode(pcap(self.tcp_frames(*turns)), "relay.pcap")
        self.assertEqual(
            found.ops,
            {
                "camera DEV_LGN_DSK": 1,
                "client TCP_RLY_REQ": 1,
                "server TCP_RLY_REQ_ACK": 1,
                "server TCP_RS_START": 1,
            },
        )

    def test_text(self) -> None:
        """People are shown the data port, or that there was none."""
        text = render_text(self.decode(pcap(self.control(self.DATA[1])), "relay.pcap"))
        self.assertIn(
            "relay ports\n  203.0.113.5:65527 gave 198.51.100.7:40000 data port 50123, "
            "magic 1a2b3c4d\n",
            text,
        )
        full = render_text(self.decode(pcap(self.control(0)), "full.pcap"))
        self.assertIn("  203.0.113.5:65527 gave 198.51.100.7:40000 no port\n", full)

    def test_damaged_stream(self) -> None:
        """A stream that cannot be read to its end is one bad packet, and the others are read."""
        damaged = tcp(self.CLIENT, self.RELAY, 25, bytes(8))
        found = self.decode(pcap([*self.control(50123), damaged]), "relay.pcap")
        self.assertEqual((found.packets, found.bad_count), (5, 1))
        self.assertIn("frame 5: TCP 198.51.100.7:40000 > 203.0.113.5:65527: ", found.bad[0])
        self.assertEqual(len(found.relay_ports), 1)

    def test_bad_message(self) -> None:
        """A message that cannot be read is named, and the stream goes on."""
        odd = b"\x00\x04\x68" + bytes(5) + b"\xf1\x7f\x00\x00"
        content = pcap([*self.control(50123), tcp(self.CLIENT, self.RELAY, 25, odd + odd)])
        found = self.decode(content, "relay.pcap")
        self.assertEqual((found.packets, found.bad_count), (6, 2))
