import { isIP } from 'node:net';
import type { ForwardPort } from '../gateway/index.ts';
import { personOf } from '../lib/person.ts';
import type { PendingStream, Resolver, ResourceBroker } from '../resources/index.ts';

interface ForwardingOptions {
  readonly broker: ResourceBroker;
  readonly resolver: Resolver;
  /** What clients append to short names; null = nothing. */
  readonly defaultDomain: () => string | null;
}

/** Whose share of the sockets a stream takes that came without a session: its user's. */
interface Owner {
  streams: number;
}

/**
 * Joins HTTP CONNECT at the gateway to the requests for resources. A name is resolved as for a client in the tunnel, so that it is the same
 * request here and there.
 */
export function forwardPort({ broker, resolver, defaultDomain }: ForwardingOptions): ForwardPort {
  const owners = new Map<string, Owner>();
  const addressOf = async (host: string, session: string | undefined): Promise<string> => {
    const domain = defaultDomain();
    const full = host.includes('.') || isIP(host) || domain === null ? host : `${host}.${domain.toLowerCase()}`;
    const found = isIP(full) ? { addresses: [full] } : await resolver.addressesOf(full, session);
    // What has no address goes to the decision by its name, which says so.
    return 'addresses' in found ? found.addresses[0]! : full;
  };
  return ({ host, port, person, session, source, trace }, client) => {
    let cancel: (() => void) | undefined;
    let gone = false;
    const key = person.username;
    const owner = owners.get(key) ?? { streams: 0 };
    owners.set(key, owner);
    owner.streams++;
    const over = (): void => {
      if (--owner.streams === 0) owners.delete(key);
    };
    const pending: PendingStream = {
      owner: session ?? owner,
      accept() {
        const accepted = client.accept();
        accepted.stream.once('close', over);
        return accepted;
      },
      refuse(refusal) {
        over();
        client.refuse(refusal);
      },
    };
    void addressOf(host, session?.id).then((address) => {
      if (gone) {
        over();
        return;
      }
      cancel = broker.connect(pending, {
        protocol: 'tcp',
        channel: 'http-connect',
        requester: { session: session?.id, person: personOf(person) },
        source,
        destination: { address, port },
        name: isIP(host) ? undefined : isIP(address) ? host : address,
        trace,
      });
    });
    return () => {
      gone = true;
      cancel?.();
    };
  };
}
