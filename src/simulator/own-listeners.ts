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

/** Listeners of this simulator: an upstream that leads to one of them would create a loop. */
export class OwnListeners {
  readonly #listeners: (() => Listener)[] = [];

  /** @param listener called each time, since ports are known only once they are bound */
  add(listener: () => Listener): void {
    this.#listeners.push(listener);
  }

  /** Describes the listener at an address and port of this machine; undefined for anything else. */
  find(address: string, port: number): string | undefined {
    for (const listener of this.#listeners) {
      const { what, host, port: own } = listener();
      if (port === own && reaches(embeddedIpv4(address) ?? canonicalAddress(address), host)) return what;
    }
    return undefined;
  }
}

/** Whether a connection to an address reaches a listener on `host`. */
function reaches(address: string, host: string): boolean {
  if (!isWildcard(host))
    return address === canonicalAddress(host) || (isWildcard(address) && specialUse(host) === 'loopback');
  if (specialUse(address) === 'loopback') return true;
  const own = Object.values(networkInterfaces()).flat();
  return own.some((one) => one !== undefined && canonicalAddress(one.address) === address);
}
