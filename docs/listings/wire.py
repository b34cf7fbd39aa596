"""Values to octets and back: the envelope, a device id, a socket address."""

from trailcam.errors import WireError
from trailcam.wire.codec import decode, encode
from trailcam.wire.did import TRAILCAM_DID
from trailcam.wire.messages import Drw, HelloAck, LanSearch, PunchPkt
from trailcam.wire.sockaddr import SocketAddress

for message in (
    LanSearch(),
    PunchPkt(TRAILCAM_DID),
    HelloAck(SocketAddress("192.168.43.1", 40611)),
    Drw(channel=0, index=0, payload=b"ACK"),
):
    datagram = encode(message)
    print(f"{message.type.name:10} {datagram.hex(' ')}")
    assert decode(datagram) == message

for damaged in (
    b"GET / HTTP/1.1",
    bytes.fromhex("f1 41 00 14 4c 42"),
    bytes.fromhex("f1 99 00 00"),
):
    try:
        decode(damaged)
    except WireError as error:
        print(f"{error.code:15} {error}")
