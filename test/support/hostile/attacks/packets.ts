import { icmpMessage, ipPacket, udpDatagram } from '../../ip-packets.ts';
import { ACK, buildPacket, type RawSegment } from '../../raw-tcp-peer.ts';

/** Hosts of the default configuration, and one that nobody may reach. */
export const INTRANET = '10.20.0.10';
export const TOOLS = '10.20.0.20';
export const RESOLVER = '10.20.0.53';
export const FORBIDDEN = '10.20.9.9';

export const ECHO = 7;
export const DISCARD = 9;
export const GENERATOR = 19;
export const DNS = 53;

const NOTHING = Buffer.alloc(0);

/** A TCP segment as an IP packet; an acknowledgement without data where nothing else is said. */
export function tcp(source: string, destination: string, segment: Partial<RawSegment>): Buffer {
  const plain = { seq: 0, ack: 0, flags: ACK, window: 65_535, payload: NOTHING, options: NOTHING };
  return buildPacket({ ...plain, sourcePort: 0, destinationPort: ECHO, ...segment }, source, destination);
}

export function udp(
  source: string,
  sourcePort: number,
  destination: string,
  destinationPort: number,
  payload: Buffer,
): Buffer {
  const datagram = udpDatagram({ source, sourcePort, destination, destinationPort, payload });
  return ipPacket({ source, destination, protocol: 17, payload: datagram });
}

export function echoRequest(source: string, destination: string, body: Buffer): Buffer {
  return ipPacket({ source, destination, protocol: 1, payload: icmpMessage({ source, destination, type: 8, body }) });
}

/** Ports from `first` on that a session can send from. */
export function* ports(count: number, first = 1024): Generator<number> {
  for (let i = 0; i < count; i++) yield first + i;
}
