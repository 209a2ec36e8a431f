import { addressBytes, addressText } from './ip-address.ts';
import { parseRange, rangeBytes } from './ip-range.ts';

/**
 * The host addresses of a network, numbered from 1: all except the network's own and, in IPv4, the broadcast address. Only the first
 * 2^32 addresses of a larger network count.
 *
 * @example
 * ```ts
 * new AddressBlock('10.20.240.0/20').at(1); // 10.20.240.1
 * ```
 */
export class AddressBlock {
  readonly network: string;
  readonly family: 4 | 6;
  /** Number of addresses. */
  readonly size: number;
  readonly #base: Buffer;
  /** Offset of the last four bytes, and their value in the network's own address. */
  readonly #tail: number;
  readonly #first: number;

  /** @param network in CIDR form, validated by the configuration */
  constructor(network: string) {
    const range = parseRange(network);
    if (range === undefined) throw new TypeError(`${network} is not a network`);
    this.network = network;
    this.#base = Buffer.from(rangeBytes(range).network);
    this.family = this.#base.length === 4 ? 4 : 6;
    this.#tail = this.#base.length - 4;
    this.#first = this.#base.readUInt32BE(this.#tail);
    const hostBits = this.#base.length * 8 - range[1];
    this.size = Math.max(0, 2 ** Math.min(hostBits, 32) - (this.family === 4 ? 2 : 1));
  }

  /** The address with this number. */
  at(number: number): string {
    const bytes = Buffer.from(this.#base);
    bytes.writeUInt32BE(this.#first + number, this.#tail);
    return addressText(bytes);
  }

  /** The number of an address; undefined if it is not in this block. */
  numberOf(address: string): number | undefined {
    const bytes = addressBytes(address);
    if (bytes?.length !== this.#base.length || bytes.compare(this.#base, 0, this.#tail, 0, this.#tail) !== 0) {
      return undefined;
    }
    const number = bytes.readUInt32BE(this.#tail) - this.#first;
    return number >= 1 && number <= this.size ? number : undefined;
  }
}
