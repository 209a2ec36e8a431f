import { isIPv4 } from 'node:net';
import { scriptError } from './values.ts';

/**
 * Addresses of this machine for the users of one worker: the addresses of a network in turn; each of n workers uses every n-th one, so that workers
 * on one machine share none.
 */
export class SourceAddresses {
  readonly #first: number;
  readonly #size: number;
  readonly #worker: number;
  readonly #workers: number;
  #next = 0;

  /**
   * @param network IPv4 in CIDR form, such as `127.1.0.0/16`
   * @param worker counts from 1
   * @throws EngineError `ERR_ENGINE_SCRIPT`
   */
  constructor(network: string, worker: number, workers: number) {
    const [, address = '', bits = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(network) ?? [];
    if (!isIPv4(address) || Number(bits) < 8 || Number(bits) > 30) {
      throw scriptError(`"source" is "${network}", which is no IPv4 network such as 127.1.0.0/16.`);
    }
    const number = address.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
    const room = 2 ** (32 - Number(bits));
    this.#first = number - (number % room) + 1;
    this.#size = room - 2;
    this.#worker = worker;
    this.#workers = workers;
  }

  /** An address that no other user of this worker has, until all have been assigned. */
  next(): string {
    const place = (this.#worker - 1 + this.#next++ * this.#workers) % this.#size;
    const number = this.#first + place;
    return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');
  }
}
