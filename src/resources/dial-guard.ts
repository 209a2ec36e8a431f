import { isIP } from 'node:net';
import { endpointText } from '../lib/endpoint.ts';
import { type SpecialUse, specialUse } from '../lib/special-address.ts';
import type { HostAddresses } from './host-lookup.ts';
import type { ResourceTarget } from './types.ts';

type Upstream = Extract<ResourceTarget, { kind: 'upstream' }>;

/** In words what listens at an address and port, if that is a listener of this simulator that must not be reached from the tunnel. */
export type OwnListener = (address: string, port: number) => string | undefined;

const MEANING: Readonly<Record<SpecialUse, string>> = {
  loopback: 'this machine itself',
  'link-local': 'a link-local address',
  metadata: 'the metadata service of a cloud',
};

/**
 * Of the addresses that the resolver gave, those that may be dialled for an upstream. What a name resolves to is up to whoever answers for it,
 * and may change from one moment to the next (DNS rebinding): so this is about the addresses that are dialled, each time. An address, and
 * `localhost`, mean what they say.
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
      refusals.push(`${endpointText(address, port)} is ${own} itself: the connection would go in a circle`);
      return false;
    }
    const use = isIP(host) ? undefined : specialUse(address);
    if (use === undefined || isNamedSo(host, use, local)) return true;
    refusals.push(
      `${host} resolves to ${address}, which is ${MEANING[use]}: ${use === 'metadata' ? 'only a rule with that address itself leads there' : 'give the upstream that address itself or, if the name is right, local: true'}`,
    );
    return false;
  });
  return allowed.length > 0 ? { addresses: allowed } : { failure: refusals.join('; '), kind: 'denied' };
}

function isNamedSo(host: string, use: SpecialUse, local: boolean | undefined): boolean {
  if (use === 'loopback' && /(^|\.)localhost\.?$/i.test(host)) return true;
  return local === true && use !== 'metadata';
}
