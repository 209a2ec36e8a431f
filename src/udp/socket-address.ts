import ipaddr from 'ipaddr.js';
import { type Endpoint, endpointOf, MAX_ENDPOINTS } from './datagram-socket.ts';

/** Linux address families. */
export const AF_INET = 2;
export const AF_INET6 = 10;

/** Bytes of `struct sockaddr_in` and `struct sockaddr_in6`. */
export const SOCKADDR_IN = 16;
export const SOCKADDR_IN6 = 28;

/** An endpoint with its `struct sockaddr` as eight 32-bit words. */
export interface RawEndpoint extends Endpoint {
  readonly raw: Uint32Array;
}

/** Writes `struct sockaddr_in` or `sockaddr_in6` (ip(7), ipv6(7)) for an address in text form. */
export function encodeSocketAddress(family: 4 | 6, address: string, port: number): Uint32Array {
  const raw = new Uint32Array(8);
  const bytes = new Uint8Array(raw.buffer);
  raw[0] = (family === 4 ? AF_INET : AF_INET6) | ((port & 0xff) << 24) | ((port >> 8) << 16);
  const parsed = ipaddr.parse(address);
  if (family === 4) bytes.set(parsed.toByteArray(), 4);
  else bytes.set((parsed.kind() === 'ipv4' ? (parsed as ipaddr.IPv4).toIPv4MappedAddress() : parsed).toByteArray(), 8);
  return raw;
}

/** Reads a `struct sockaddr` that the system has written at `words[at]`. */
export function decodeSocketAddress(words: Uint32Array, at: number): RawEndpoint {
  const raw = words.slice(at, at + 8);
  const bytes = new Uint8Array(raw.buffer);
  const port = ((bytes[2] as number) << 8) | (bytes[3] as number);
  let address: string;
  if (((raw[0] as number) & 0xffff) === AF_INET) {
    raw.fill(0, 2);
    address = `${bytes[4]}.${bytes[5]}.${bytes[6]}.${bytes[7]}`;
  } else {
    raw[7] = 0;
    const parsed = ipaddr.fromByteArray([...bytes.subarray(8, 24)]) as ipaddr.IPv6;
    address = parsed.isIPv4MappedAddress() ? parsed.toIPv4Address().toString() : parsed.toString();
  }
  return { ...endpointOf(address, port), raw };
}

/** Keeps one object per remote endpoint, so that receiving a datagram creates none. */
export class EndpointTable {
  readonly #v4 = new Map<number, RawEndpoint>();
  readonly #v6 = new Map<string, RawEndpoint>();
  #last: RawEndpoint | undefined;

  /** The endpoint whose `struct sockaddr` is at `words[at]`, a view of the same memory as `bytes`. */
  lookup(words: Uint32Array, at: number, bytes: Buffer): RawEndpoint {
    const head = words[at] as number;
    const last = this.#last;
    if ((head & 0xffff) === AF_INET) {
      const ip = words[at + 1] as number;
      if (last && last.raw[0] === head && last.raw[1] === ip) return last;
      const id = (head >>> 16) * 0x1_0000_0000 + ip;
      let found = this.#v4.get(id);
      if (!found) {
        if (this.#v4.size >= MAX_ENDPOINTS) this.#v4.clear();
        found = decodeSocketAddress(words, at);
        this.#v4.set(id, found);
      }
      this.#last = found;
      return found;
    }
    if (
      last &&
      last.raw[0] === head &&
      last.raw[5] === words[at + 5] &&
      last.raw[4] === words[at + 4] &&
      last.raw[3] === words[at + 3] &&
      last.raw[2] === words[at + 2] &&
      last.raw[6] === words[at + 6]
    ) {
      return last;
    }
    const id = bytes.toString('latin1', at * 4 + 2, at * 4 + SOCKADDR_IN6);
    let found = this.#v6.get(id);
    if (!found) {
      if (this.#v6.size >= MAX_ENDPOINTS) this.#v6.clear();
      found = decodeSocketAddress(words, at);
      this.#v6.set(id, found);
    }
    this.#last = found;
    return found;
  }
}
