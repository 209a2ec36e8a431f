import { addressText } from '../lib/ip-address.ts';
import type { Person } from '../lib/person.ts';
import type { PassingDatagram } from '../udp/index.ts';
import type { Passing } from './types.ts';

const TCP = 6;
const UDP = 17;
const KINDS: Readonly<Record<number, string>> = { 1: 'icmp', [TCP]: 'tcp', [UDP]: 'udp', 58: 'icmp' };

/** IPv6 extension headers that precede the payload (RFC 8200 §4.1), and the fragment header. */
const EXTENSIONS: ReadonlySet<number> = new Set([0, 43, 60]);
const FRAGMENT = 44;
/** Most extension headers that are followed. */
const MAX_EXTENSIONS = 8;

/** Offset and protocol of an IP packet's payload; -1 if unknown. */
interface Payload {
  readonly protocol: number;
  /** -1 for a later fragment or a packet without payload. */
  readonly at: number;
}

const NONE: Payload = { protocol: -1, at: -1 };

function payloadOf(buffer: Buffer, offset: number, length: number): Payload {
  const version = length >= 20 ? buffer[offset]! >>> 4 : 0;
  if (version === 4) {
    const header = (buffer[offset]! & 0x0f) * 4;
    if (header < 20 || header > length) return NONE;
    const later = (buffer.readUInt16BE(offset + 6) & 0x1fff) !== 0;
    return { protocol: buffer[offset + 9]!, at: later ? -1 : offset + header };
  }
  if (version !== 6 || length < 40) return NONE;
  const end = offset + length;
  let protocol = buffer[offset + 6]!;
  let at = offset + 40;
  for (let i = 0; i < MAX_EXTENSIONS; i++) {
    const fragment = protocol === FRAGMENT;
    if (!fragment && !EXTENSIONS.has(protocol)) break;
    if (at + 8 > end) return NONE;
    const later = fragment && (buffer.readUInt16BE(at + 2) & 0xfff8) !== 0;
    protocol = buffer[at]!;
    if (later) return { protocol, at: -1 };
    at += fragment ? 8 : (buffer[at + 1]! + 1) * 8;
  }
  return { protocol, at: at > end ? -1 : at };
}

/** An IP packet of the tunnel as rules see it, well-formed or not; rarely used properties are computed on access. */
export class PacketPassing implements Passing {
  readonly seam = 'packet';
  readonly kind: string;
  readonly #datagram: PassingDatagram;
  readonly #personOf: (session: string) => Person | undefined;
  readonly #payload: Payload;

  constructor(datagram: PassingDatagram, personOf: (session: string) => Person | undefined) {
    this.#datagram = datagram;
    this.#personOf = personOf;
    this.#payload = payloadOf(datagram.buffer, datagram.offset, datagram.length);
    this.kind = KINDS[this.#payload.protocol] ?? 'other';
  }

  get direction(): 'in' | 'out' {
    return this.#datagram.direction;
  }

  get session(): string | undefined {
    return this.#datagram.session;
  }

  get person(): Person | undefined {
    const { session } = this.#datagram;
    return session === undefined ? undefined : this.#personOf(session);
  }

  get length(): number {
    return this.#datagram.length;
  }

  get bytes(): Buffer {
    const { buffer, offset, length } = this.#datagram;
    return buffer.subarray(offset, offset + length);
  }

  /** Address of the end that is not the client. */
  get address(): string | undefined {
    const { buffer, offset, length, direction } = this.#datagram;
    const version = length >= 20 ? buffer[offset]! >>> 4 : 0;
    const size = version === 4 ? 4 : 16;
    if (version !== 4 && (version !== 6 || length < 40)) return undefined;
    const at = offset + (version === 4 ? 12 : 8) + (direction === 'in' ? size : 0);
    return addressText(buffer.subarray(at, at + size));
  }

  get port(): number | undefined {
    const { buffer, offset, length, direction } = this.#datagram;
    const { protocol, at } = this.#payload;
    if ((protocol !== TCP && protocol !== UDP) || at < 0 || at + 4 > offset + length) return undefined;
    return buffer.readUInt16BE(direction === 'in' ? at + 2 : at);
  }

  get flags(): number | undefined {
    const { buffer, offset, length } = this.#datagram;
    const { protocol, at } = this.#payload;
    return protocol === TCP && at >= 0 && at + 14 <= offset + length ? buffer[at + 13] : undefined;
  }
}
