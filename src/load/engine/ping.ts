import { addressBytes } from '../../lib/ip-address.ts';

/* ICMP echo (RFC 792) in IPv4 (RFC 791): the smallest request that any gateway's network answers. */

const IP_HEADER = 20;
const ICMP_HEADER = 8;
const ECHO_REPLY = 0;
const ECHO_REQUEST = 8;
const ICMP = 1;
/** Ours: the beginning of the payload: which run, which client, which request. */
const MARK = 12;
export const LEAST_PING = IP_HEADER + ICMP_HEADER + MARK;

/** The client whose request was answered. */
export interface PingAnswer {
  readonly client: number;
  readonly request: number;
}

/** One's complement sum of 16-bit words (RFC 1071). */
function checksum(buffer: Buffer, from: number, to: number): number {
  let sum = 0;
  let at = from;
  for (; at + 1 < to; at += 2) sum += buffer.readUInt16BE(at);
  if (at < to) sum += buffer[at]! << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

/** Writes requests into one buffer, and recognizes their answers. */
export class PingCodec {
  /** The last request is here, from `offset` on. */
  readonly buffer: Buffer;
  readonly offset: number;
  readonly size: number;
  readonly #run: number;

  /**
   * @param size bytes of a whole packet
   * @param headroom bytes before the packet that its sender needs
   * @param run a random number that identifies this run's answers
   */
  constructor(size: number, headroom: number, run: number) {
    this.size = Math.max(size, LEAST_PING);
    this.offset = headroom;
    this.#run = run;
    this.buffer = Buffer.alloc(headroom + this.size, 0x61);
    const packet = this.buffer.subarray(headroom);
    packet.fill(0, 0, LEAST_PING);
    packet[0] = 0x45;
    packet.writeUInt16BE(this.size, 2);
    packet[8] = 64;
    packet[9] = ICMP;
    packet[IP_HEADER] = ECHO_REQUEST;
    packet.writeUInt32BE(run, IP_HEADER + ICMP_HEADER);
  }

  /** @param source and target: four bytes each */
  write(source: Buffer, target: Buffer, client: number, request: number): void {
    const { buffer, offset } = this;
    const icmp = offset + IP_HEADER;
    buffer.writeUInt16BE(request & 0xffff, offset + 4);
    source.copy(buffer, offset + 12);
    target.copy(buffer, offset + 16);
    buffer.writeUInt16BE(0, offset + 10);
    buffer.writeUInt16BE(checksum(buffer, offset, icmp), offset + 10);
    buffer.writeUInt16BE(client & 0xffff, icmp + 4);
    buffer.writeUInt16BE(request & 0xffff, icmp + 6);
    buffer.writeUInt32BE(client, icmp + ICMP_HEADER + 4);
    buffer.writeUInt32BE(request, icmp + ICMP_HEADER + 8);
    buffer.writeUInt16BE(0, icmp + 2);
    buffer.writeUInt16BE(checksum(buffer, icmp, offset + this.size), icmp + 2);
  }

  /** An answer to a request of this run; undefined for any other packet. */
  read(buffer: Buffer, offset: number, length: number): PingAnswer | undefined {
    if (length < LEAST_PING || buffer[offset]! >>> 4 !== 4 || buffer[offset + 9] !== ICMP) return undefined;
    const icmp = offset + (buffer[offset]! & 15) * 4;
    const mark = icmp + ICMP_HEADER;
    if (mark + MARK > offset + length || buffer[icmp] !== ECHO_REPLY || buffer.readUInt32BE(mark) !== this.#run)
      return undefined;
    return { client: buffer.readUInt32BE(mark + 4), request: buffer.readUInt32BE(mark + 8) };
  }
}

/** The first address of an address's network, as bytes: that of the gateway's own end. */
export function firstAddress(address: string, netmask: string): Buffer | undefined {
  const own = addressBytes(address);
  const mask = addressBytes(netmask);
  if (own?.length !== 4 || mask?.length !== 4) return undefined;
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((((own.readUInt32BE(0) & mask.readUInt32BE(0)) >>> 0) + 1) >>> 0);
  return bytes;
}
