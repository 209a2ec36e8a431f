import { Buffer } from 'node:buffer';
import { internetChecksum } from './checksum.ts';
import { IpProtocol, pseudoHeaderSum } from './ip.ts';
import { MalformedPacket } from './malformed.ts';
import type { IpEnds } from './udp.ts';

/** Types of ICMP that hosts meet (RFC 792). */
export const IcmpType = {
  EchoReply: 0,
  Unreachable: 3,
  Redirect: 5,
  Echo: 8,
  TimeExceeded: 11,
  ParameterProblem: 12,
} as const;

/** Types of ICMPv6 that hosts meet (RFC 4443). */
export const Icmpv6Type = {
  Unreachable: 1,
  TooBig: 2,
  TimeExceeded: 3,
  ParameterProblem: 4,
  Echo: 128,
  EchoReply: 129,
} as const;

/** A message of ICMP or ICMPv6. */
export interface IcmpMessage {
  readonly version: 4 | 6;
  readonly type: number;
  readonly code: number;
  /** The 32 bits after the checksum: identifier and sequence number of an echo, the MTU of “packet too big”. */
  readonly rest: number;
  /** Data of an echo, or the start of the packet that an error is about. */
  readonly body: Buffer;
}

const HEADER = 8;

/** The sum that a message's checksum starts from: ICMPv6 includes the pseudo-header (RFC 4443 §2.3), ICMP none. */
function initialSum(version: 4 | 6, ends: IpEnds, length: number): number {
  return version === 4 ? 0 : pseudoHeaderSum(ends.source, ends.destination, IpProtocol.Icmpv6, length);
}

/**
 * Reads a message, the payload of an IP packet. `body` is a view of the input.
 *
 * @param ends given: the checksum is verified; left out: it is not looked at
 * @throws MalformedPacket
 */
export function parseIcmp(version: 4 | 6, bytes: Buffer, ends?: IpEnds): IcmpMessage {
  if (bytes.length < HEADER) throw new MalformedPacket('An ICMP message is too short.');
  if (ends && internetChecksum(bytes, initialSum(version, ends, bytes.length)) !== 0) {
    throw new MalformedPacket('An ICMP checksum is wrong.');
  }
  return { version, type: bytes[0]!, code: bytes[1]!, rest: bytes.readUInt32BE(4), body: bytes.subarray(HEADER) };
}

/** The message as new bytes with its checksum. @throws MalformedPacket when it fits no packet */
export function serializeIcmp(message: IcmpMessage, ends: IpEnds): Buffer {
  const bytes = Buffer.alloc(HEADER + message.body.length);
  if (bytes.length > 65_535) throw new MalformedPacket('The body does not fit an ICMP message.');
  bytes[0] = message.type;
  bytes[1] = message.code;
  bytes.writeUInt32BE(message.rest, 4);
  message.body.copy(bytes, HEADER);
  bytes.writeUInt16BE(internetChecksum(bytes, initialSum(message.version, ends, bytes.length)), 2);
  return bytes;
}

/** One line about a message, for logs. */
export function describeIcmp(message: IcmpMessage): string {
  const types: Readonly<Record<string, number>> = message.version === 4 ? IcmpType : Icmpv6Type;
  const name = Object.entries(types).find(([, type]) => type === message.type)?.[0] ?? 'unknown';
  const words = name.replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  const echo = /^Echo/.test(name) ? `, id ${message.rest >>> 16} seq ${message.rest & 0xffff}` : '';
  return `ICMP${message.version === 6 ? 'v6' : ''} ${words} (${message.type}/${message.code})${echo}, ${message.body.length} bytes`;
}
