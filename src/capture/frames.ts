import { addressBytes } from '../lib/ip-address.ts';
import { allocateSummed, type SummedMemory } from '../wire/checksum.ts';

/** Largest generated headers, in bytes: IPv6 and TCP. */
const MAX_HEAD = 60;

const PROTO_TCP = 6;
const PROTO_UDP = 17;
const IP4_HEADER = 20;
const IP6_HEADER = 40;
const TCP_HEADER = 20;
const UDP_HEADER = 8;
const HOPS = 64;
const WINDOW = 65_535;

/** Most bytes to sum at once. */
const MAX_SUMMED = 65_536;

/** Most stream bytes in one synthetic segment. */
export const MAX_SEGMENT = 65_000;

export const TcpFlag = { Fin: 1, Syn: 2, Rst: 4, Push: 8, Ack: 16 } as const;

/** Address in bytes and port: one end of a captured connection. */
export interface FrameEnd {
  readonly address: Buffer;
  readonly port: number;
}

const NOWHERE = Buffer.alloc(4);

/** Converts a textual address and a port; drops a zone, and treats IPv4-mapped IPv6 as IPv4. */
export function frameEnd(address: string | undefined, port: number | undefined): FrameEnd {
  const plain = (address ?? '').replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/i, '');
  return { address: addressBytes(plain) ?? NOWHERE, port: port ?? 0 };
}

/** Both ends in one family: maps an IPv4 address to IPv6 if the other end is IPv6. */
export function sameFamily(from: FrameEnd, to: FrameEnd): readonly [FrameEnd, FrameEnd] {
  if (from.address.length === to.address.length) return [from, to];
  return [mapped(from), mapped(to)];
}

function mapped(end: FrameEnd): FrameEnd {
  if (end.address.length === 16) return end;
  const address = Buffer.alloc(16);
  address.fill(0xff, 10, 12);
  end.address.copy(address, 12);
  return { address, port: end.port };
}

/** Sums 16-bit words; an odd trailing byte counts as the high one. */
function addWords(sum: number, bytes: Buffer, offset: number, length: number): number {
  const even = offset + (length & ~1);
  for (let at = offset; at < even; at += 2) sum += (bytes[at]! << 8) | bytes[at + 1]!;
  if (length & 1) sum += bytes[even]! << 8;
  return sum;
}

function checksum(sum: number): number {
  let folded = sum;
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000);
  return ~folded & 0xffff;
}

interface Payload {
  readonly buffer: Buffer;
  readonly offset: number;
  readonly length: number;
}

/** Generates the headers of packets whose payload was captured above them. Reuses its memory for each packet. */
export class FrameHead {
  readonly bytes = Buffer.alloc(MAX_HEAD);
  #length = 0;
  #memory: SummedMemory | undefined;

  get length(): number {
    return this.#length;
  }

  /** Headers of a segment. @param sequence number of its first byte; `acknowledged`: next number expected from the other side */
  tcp(
    ends: readonly [from: FrameEnd, to: FrameEnd],
    {
      sequence,
      acknowledged,
      flags,
    }: { readonly sequence: number; readonly acknowledged: number; readonly flags: number },
    payload: Payload,
  ): void {
    const at = this.#ip(ends, PROTO_TCP, TCP_HEADER + payload.length);
    const { bytes } = this;
    bytes.writeUInt16BE(ends[0].port, at);
    bytes.writeUInt16BE(ends[1].port, at + 2);
    bytes.writeUInt32BE(sequence >>> 0, at + 4);
    bytes.writeUInt32BE(acknowledged >>> 0, at + 8);
    bytes[at + 12] = (TCP_HEADER / 4) << 4;
    bytes[at + 13] = flags;
    bytes.writeUInt16BE(WINDOW, at + 14);
    bytes.writeUInt32BE(0, at + 16);
    this.#length = at + TCP_HEADER;
    bytes.writeUInt16BE(this.#sum(ends, PROTO_TCP, at, payload), at + 16);
  }

  /** Headers of a datagram. */
  udp(ends: readonly [from: FrameEnd, to: FrameEnd], payload: Payload): void {
    const at = this.#ip(ends, PROTO_UDP, UDP_HEADER + payload.length);
    const { bytes } = this;
    bytes.writeUInt16BE(ends[0].port, at);
    bytes.writeUInt16BE(ends[1].port, at + 2);
    bytes.writeUInt16BE(UDP_HEADER + payload.length, at + 4);
    bytes.writeUInt16BE(0, at + 6);
    this.#length = at + UDP_HEADER;
    bytes.writeUInt16BE(this.#sum(ends, PROTO_UDP, at, payload) || 0xffff, at + 6);
  }

  #ip([from, to]: readonly [FrameEnd, FrameEnd], protocol: number, length: number): number {
    const { bytes } = this;
    if (from.address.length === 16) {
      bytes.writeUInt32BE(0x6000_0000, 0);
      bytes.writeUInt16BE(length, 4);
      bytes[6] = protocol;
      bytes[7] = HOPS;
      from.address.copy(bytes, 8);
      to.address.copy(bytes, 24);
      return IP6_HEADER;
    }
    bytes.writeUInt16BE(0x4500, 0);
    bytes.writeUInt16BE(IP4_HEADER + length, 2);
    // Not fragmented.
    bytes.writeUInt32BE(0x4000, 4);
    bytes[8] = HOPS;
    bytes[9] = protocol;
    bytes.writeUInt16BE(0, 10);
    from.address.copy(bytes, 12);
    to.address.copy(bytes, 16);
    bytes.writeUInt16BE(checksum(addWords(0, bytes, 0, IP4_HEADER)), 10);
    return IP4_HEADER;
  }

  /** Copied to memory where the sum is many times faster. */
  #payloadSum({ buffer, offset, length }: Payload): number {
    if (length === 0) return 0;
    this.#memory ??= allocateSummed(MAX_SUMMED);
    buffer.copy(this.#memory.bytes, 0, offset, offset + length);
    const sum = this.#memory.sum(0, length);
    // In the machine's byte order.
    return ((sum & 0xff) << 8) | (sum >>> 8);
  }

  #sum([from, to]: readonly [FrameEnd, FrameEnd], protocol: number, at: number, payload: Payload): number {
    const header = this.#length - at;
    let sum = protocol + header + payload.length;
    sum = addWords(sum, from.address, 0, from.address.length);
    sum = addWords(sum, to.address, 0, to.address.length);
    sum = addWords(sum, this.bytes, at, header);
    return checksum(sum + this.#payloadSum(payload));
  }
}
