"""
Messages and their bodies, typed in from the protocol's tables.

They keep the layouts honest: one mistake in writing and in reading would pass every round trip.
"""

from __future__ import annotations

from trailcam.wire import messages as m
from trailcam.wire.did import DeviceID
from trailcam.wire.sockaddr import SocketAddress

DID = DeviceID("LBCS", 0x0102, "CCCJJ")
HOST = SocketAddress("192.168.43.1", 40611)
OTHER = SocketAddress("10.20.30.40", 1)
VERSION = b"\x04\x02\x01"
DSK = bytes(range(24))
TOKEN = bytes(range(8))
NONCE = bytes(range(32))
SIGNATURE = bytes(range(32, 64))

_DID = "4c42435300000000 00000102 4343434a4a000000"
_HOST = "0002 a39e 012ba8c0 0000000000000000"
_OTHER = "0002 0100 281e140a 0000000000000000"
_HOST_CS2 = "0002 a39e 012ba8c0 00000000000000000000000000000000"
_HOST_NETWORK = "0200 9ea3 c0a82b01 0000000000000000"

_TYPED: list[tuple[m.Message, str]] = [
    (m.Hello(), ""),
    (m.Hello(bytes(16)), "00" * 16),
    (m.HelloAck(HOST), _HOST),
    (m.HelloAck(HOST, TOKEN), "0002 a39e 012ba8c0" + TOKEN.hex()),
    (m.HelloTo(HOST, OTHER), _HOST + _OTHER),
    (m.HelloToAck(), ""),
    (m.QueryDid(b"my camera"), b"my camera".hex() + "00" * 55),
    (m.QueryDidAck(b"LBCS-000000-CCCJJ"), b"LBCS-000000-CCCJJ".hex() + "00" * 47),
    (m.DevLgn(DID, 3, VERSION, HOST), _DID + "03 040201" + _HOST),
    (m.DevLgnAck(0xFD), "fd000000"),
    (m.DevLgnCrc(bytes(range(44))), bytes(range(44)).hex()),
    (m.DevLgnAckCrc(bytes(range(8))), bytes(range(8)).hex()),
    (
        m.DevLgnKey(DID, 1, VERSION, HOST, NONCE, SIGNATURE),
        _DID + "01 040201" + _HOST + NONCE.hex() + SIGNATURE.hex(),
    ),
    (m.DevLgnKeyAck(-1, 30), "ff 1e 0000"),
    (m.DevLgnDsk(bytes(range(68))), bytes(range(68)).hex()),
    (m.DevOnlineReq(DID), _DID),
    (m.DevOnlineReqAck(0x01020304, -2), "01020304 fe 000000"),
    (m.P2PReq(DID, HOST), _DID + _HOST),
    (m.P2PReqAck(0xFF, VERSION), "ff 040201"),
    (m.P2PReqAck(0), "00 000000"),
    (m.P2PReqDsk(DID, HOST, 2, VERSION, DSK), _DID + _HOST + "02 040201" + DSK.hex()),
    (m.LanSearch(), ""),
    (m.LanSearchExt(), ""),
    (m.LanSearchExt(DID), _DID),
    (m.PunchTo(HOST), _HOST),
    (m.PunchPkt(DID), _DID),
    (m.PunchPkt(DID, 0x04020100), _DID + "04020100"),
    (m.P2PRdy(DID), _DID),
    (m.P2PRdy(DID, 0), _DID + "00000000"),
    (m.LanTcpOffer(DID, HOST), _DID + _HOST_CS2),
    (
        m.TcpRsLgn(DID, 0x01020304, 5, 6, 7, 8, HOST),
        _DID + "01020304 0005 0006 0007 0008" + _HOST_CS2,
    ),
    (m.TcpRsLgnAck(1), "01 000000"),
    (m.TcpRsStart(DID, 0xCAFEBABE, HOST), _DID + "cafebabe" + _HOST_CS2),
    (m.TcpRlyReq(DID, HOST, 1, VERSION, 9), _DID + _HOST_CS2 + "01 040201 09 000000"),
    (
        m.TcpRlyReqDsk(DID, HOST, 1, VERSION, 9, DSK),
        _DID + _HOST_CS2 + "01 040201 09 000000" + DSK.hex(),
    ),
    (m.TcpRlyReqAck(0xFE, 2), "fe 02 0000"),
    (m.RsLgn(DID, 1000, 3), _DID + "000003e8 00000003"),
    (m.RsLgnAck(0), "00 000000"),
    (m.RsLgn1(DID, 1000, 3, HOST), _DID + "000003e8 00000003" + _HOST),
    (m.RsLgn1Ack(0xFC), "fc 000000"),
    (m.ListReq1(DID), _DID),
    (m.ListReq(), ""),
    (m.ListReqAck(()), "00 000000"),
    (m.ListReqAck((HOST, OTHER)), "02 000000" + _HOST + _OTHER),
    (m.ListReqDsk(DID, DSK), _DID + DSK.hex()),
    (m.RlyHello(), ""),
    (m.RlyHelloAck(), ""),
    (m.RlyPort(), ""),
    (m.RlyPortAck(0xCAFEBABE, 40611), "cafebabe 9ea3 0000"),
    (m.RlyPortKey(DID, NONCE, SIGNATURE), _DID + NONCE.hex() + SIGNATURE.hex()),
    (m.RlyPortKeyAck(0xCAFEBABE, 40611, -1), "cafebabe 9ea3 ff 00"),
    (m.RlyByteCount(0x01020304), "01020304"),
    (m.RlyReq(DID, HOST, 0xCAFEBABE), _DID + _HOST + "cafebabe"),
    (m.RlyReqAck(0xFE), "fe 000000"),
    (m.RlyTo(HOST, 0xCAFEBABE), _HOST + "cafebabe"),
    (m.RlyPkt(0xCAFEBABE, DID, True), "cafebabe" + _DID + "01 000000"),
    (m.RlyRdy(DID), _DID),
    (m.RlyToAck(0xCAFEBABE, DID, True, False), "cafebabe" + _DID + "01 00 0000"),
    (m.RlyServerReq(DID), _DID),
    (m.RlyServerReqAck(-3, ()), "00 fd 0000"),
    (
        m.RlyServerReqAck(0, (m.RelayServer(HOST, True, False), m.RelayServer(HOST, False, True))),
        "02 00 0000" + _HOST_NETWORK + "01 00 0000" + _HOST_NETWORK + "00 01 0000",
    ),
    (m.Drw(7, 0x0102, b"ACK"), "d1 07 0102 41434b"),
    (m.Drw(0, 65535, b""), "d1 00 ffff"),
    (m.DrwAck(1, (3, 3, 0x0102)), "d1 01 0003 0003 0003 0102"),
    (m.DrwAck(1, ()), "d1 01 0000"),
    (m.Psr(2, 0x0102, b"\0"), "d1 02 0102 00"),
    (m.Alive(), ""),
    (m.AliveAck(), ""),
    (m.Close(), ""),
]

#: Message, and the octets of its body.
BODIES: list[tuple[m.Message, bytes]] = [(made, bytes.fromhex(body)) for made, body in _TYPED]

#: Message, and what is under the table cipher in its body.
ENCIPHERED: list[tuple[m.Message, bytes]] = [
    (m.SmartPunchTo(HOST, 0x0102, 3, 4), bytes.fromhex(_HOST + "0102 03 04")),
    (
        m.ReportSessionReady(
            DID,
            -3,
            elapsed_ms=1454,
            mode=1,
            unknown_31=2,
            lan_search=0x7F,
            unknown_33=4,
            local=HOST,
            wan=OTHER,
        ),
        bytes.fromhex(
            _DID + "fffffffd 0100 0001 05ae 01 02 7f 04 0000" + _HOST + _OTHER + "00" * 16
        ),
    ),
]
