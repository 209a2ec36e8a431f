import { isIP } from 'node:net';
import { endpointText } from '../lib/endpoint.ts';
import { type SpecialUse, specialUse } from '../lib/special-address.ts';
import type { HostAddresses } from '../network/index.ts';
import type { ResourceTarget } from './types.ts';

type Upstream = Extract<ResourceTarget, { kind: 'upstream' }>;

/** Describes a listener of this simulator that the tunnel must not reach, if there is one at this address and port. */
export type OwnListener = (address: string, port: number) => string | undefined;

const MEANING: Readonly<Record<SpecialUse, string>> = {
  loopback: 'this machine itself',
  'link-local': 'a link-local address',
  metadata: 'the metadata service of a cloud',
};

/**
 * Filters resolved addresses to those that may be dialed for an upstream. The owner of a name controls its addresses,
 * and can change them at any time (DNS rebinding): so every dialed address is checked, each time. A literal address, and
 * `localhost`, are always taken literally.
 */
export function dialable(
  { host, port, local }: Pick<Upstream, 'host' | 'port' | 'local'>,
  addresses: readonly string[],
  ownListener: OwnListener,
): HostAddresses {
  const refusals: string[] = [];
  const allowed = addresses.filter((address) => {
    const own = ownListener(address, port);
    if (own !== undefined) {
      refusals.push(`${endpointText(address, port)} is ${own} itself: the connection would loop`);
      return false;
    }
    const use = isIP(host) ? undefined : specialUse(address);
    if (use === undefined || isNamedSo(host, use, local)) return true;
    refusals.push(
      `${host} resolves to ${address}, which is ${MEANING[use]}: ${use === 'metadata' ? 'only a rule with that address itself can reach it' : 'use that address itself as the target or, if the name is correct, set local: true'}`,
    );
    return false;
  });
  return allowed.length > 0 ? { addresses: allowed } : { failure: refusals.join('; '), kind: 'denied' };
}

function isNamedSo(host: string, use: SpecialUse, local: boolean | undefined): boolean {
  if (use === 'loopback' && /(^|\.)localhost\.?$/i.test(host)) return true;
  return local === true && use !== 'metadata';
}
