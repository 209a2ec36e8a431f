import { networkInterfaces } from 'node:os';
import { isWildcard } from '../lib/endpoint.ts';
import { canonicalAddress } from '../lib/ip-address.ts';
import { embeddedIpv4, specialUse } from '../lib/special-address.ts';

interface Listener {
  /** In words: `the gateway`. */
  readonly what: string;
  readonly host: string;
  readonly port: number;
}

/** Listeners of this simulator that lead back into it: a request for one of them would go in a circle. */
export class OwnListeners {
  readonly #listeners: (() => Listener)[] = [];

  /** @param listener asked each time, since ports are known only once they are bound */
  add(listener: () => Listener): void {
    this.#listeners.push(listener);
  }

  /** What listens at an address and port of this machine, in words; undefined for anything else. */
  find(address: string, port: number): string | undefined {
    for (const listener of this.#listeners) {
      const { what, host, port: own } = listener();
      if (port === own && reaches(embeddedIpv4(address) ?? canonicalAddress(address), host)) return what;
    }
    return undefined;
  }
}

/** Whether a connection to an address ends at who listens on `host`. */
function reaches(address: string, host: string): boolean {
  if (!isWildcard(host))
    return address === canonicalAddress(host) || (isWildcard(address) && specialUse(host) === 'loopback');
  if (specialUse(address) === 'loopback') return true;
  const own = Object.values(networkInterfaces()).flat();
  return own.some((one) => one !== undefined && canonicalAddress(one.address) === address);
}
