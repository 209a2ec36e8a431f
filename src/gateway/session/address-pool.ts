import ipaddr from 'ipaddr.js';
import { TunneliteError } from '../../lib/errors.ts';
import { addressBytes } from '../../lib/ip-address.ts';
import { keep } from '../../lib/keep.ts';

/** Properties of one address family that are sent to clients. */
export interface PoolFacts {
  readonly family: 4 | 6;
  readonly prefix: number;
  /** Dotted netmask; IPv4 only. */
  readonly netmask: string | undefined;
  /** The first host address: the gateway's own. */
  readonly gateway: string;
  /** Number of addresses for clients. */
  readonly capacity: number;
}

/** A tunnel address in the forms compared on hot paths. */
export interface TunnelAddress {
  readonly index: number;
  readonly text: string;
  readonly bytes: Buffer;
}

interface Released {
  readonly index: number;
  readonly at: number;
}

const MAX_INDEX = 0xffff_fffe;

/**
 * Assigns the addresses of one network by index: 1 is the gateway, clients get 2, 3, 4… A released address is not reused before
 * `coolDown` has passed unless no other is left. Unused addresses come first, so the order is the same in every run.
 */
export class AddressPool {
  readonly facts: PoolFacts;
  readonly #base: Uint8Array;
  readonly #lastIndex: number;
  readonly #coolDown: number;
  readonly #taken = new Set<number>();
  readonly #released: Released[] = [];
  #next = 2;

  /**
   * @param cidr network in CIDR form; IPv4 up to /30, IPv6 up to /126
   * @param coolDown milliseconds
   * @throws TunneliteError `ERR_GATEWAY_POOL_INVALID`
   */
  constructor(cidr: string, coolDown: number) {
    const [address, prefix] = parseCidr(cidr);
    const family = address.kind() === 'ipv4' ? 4 : 6;
    const bits = family === 4 ? 32 : 128;
    const hostBits = bits - prefix;
    if (hostBits < 2) {
      throw new TunneliteError(
        'ERR_GATEWAY_POOL_INVALID',
        `The address pool ${cidr} is too small for a gateway and a client.`,
      );
    }
    this.#base = maskBytes(address.toByteArray(), prefix);
    const total = 2 ** Math.min(hostBits, 32);
    // The last IPv4 address is the broadcast address.
    this.#lastIndex = Math.min(MAX_INDEX, total - (family === 4 ? 2 : 1));
    this.#coolDown = coolDown;
    this.facts = {
      family,
      prefix,
      netmask: family === 4 ? ipaddr.IPv4.subnetMaskFromPrefixLength(prefix).toString() : undefined,
      gateway: this.addressOf(1),
      capacity: this.#lastIndex - 1,
    };
  }

  /** Addresses in use. */
  get taken(): number {
    return this.#taken.size;
  }

  /** The next address, or undefined when all are in use. */
  allocate(now: number): number | undefined {
    while (this.#next <= this.#lastIndex) {
      const index = this.#next++;
      if (!this.#taken.has(index)) {
        this.#taken.add(index);
        return index;
      }
    }
    let at = this.#released.findIndex((entry) => now - entry.at >= this.#coolDown);
    if (at < 0) at = this.#released.length > 0 ? 0 : -1;
    if (at < 0) return undefined;
    const [entry] = this.#released.splice(at, 1);
    this.#taken.add(entry!.index);
    return entry!.index;
  }

  /** Takes a certain address for a session that had it before. False: another session has it, or it is not in this pool. */
  reserve(address: string): boolean {
    const index = this.indexOfText(address);
    if (index < 2 || index > this.#lastIndex || this.#taken.has(index)) return false;
    const released = this.#released.findIndex((entry) => entry.index === index);
    if (released >= 0) this.#released.splice(released, 1);
    this.#taken.add(index);
    return true;
  }

  release(index: number, now: number): void {
    if (!this.#taken.delete(index)) return;
    this.#released.push({ index, at: now });
  }

  /** Starts again with the first address; addresses in use stay taken. */
  reset(): void {
    this.#released.length = 0;
    this.#next = 2;
  }

  address(index: number): TunnelAddress {
    return { index, text: this.addressOf(index), bytes: keep(this.bytesOf(index)) };
  }

  /** The address as text. */
  addressOf(index: number): string {
    const bytes = this.bytesOf(index);
    return ipaddr.fromByteArray([...bytes]).toString();
  }

  /** The address in network byte order: 4 or 16 bytes. */
  bytesOf(index: number): Buffer {
    const bytes = Buffer.from(this.#base);
    const at = bytes.length - 4;
    bytes.writeUInt32BE((bytes.readUInt32BE(at) | index) >>> 0, at);
    return bytes;
  }

  /** The index of an address in a packet; -1 when it is not of this network. */
  indexAt(buffer: Buffer, offset: number): number {
    const base = this.#base;
    const tail = base.length - 4;
    for (let i = 0; i < tail; i++) if (buffer[offset + i] !== base[i]) return -1;
    const value = buffer.readUInt32BE(offset + tail);
    const low = ((base[tail]! << 24) | (base[tail + 1]! << 16) | (base[tail + 2]! << 8) | base[tail + 3]!) >>> 0;
    const index = (value ^ low) >>> 0;
    return index <= this.#lastIndex ? index : -1;
  }

  /** The index of an address given as text; -1 when it is not of this network. */
  indexOfText(address: string): number {
    const bytes = addressBytes(address);
    return bytes?.length === this.#base.length ? this.indexAt(bytes, 0) : -1;
  }
}

function parseCidr(cidr: string): [ipaddr.IPv4 | ipaddr.IPv6, number] {
  try {
    return ipaddr.parseCIDR(cidr);
  } catch (cause) {
    throw new TunneliteError('ERR_GATEWAY_POOL_INVALID', `The address pool "${cidr}" is not a network in CIDR form.`, {
      cause,
    });
  }
}

function maskBytes(bytes: number[], prefix: number): Uint8Array {
  return Uint8Array.from(bytes, (byte, i) => {
    const keep = Math.min(8, Math.max(0, prefix - i * 8));
    return byte & (0xff00 >> keep) & 0xff;
  });
}
