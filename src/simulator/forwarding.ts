import { isIP } from 'node:net';
import type { ForwardPort } from '../gateway/index.ts';
import { personOf } from '../lib/person.ts';
import type { PendingStream, Resolver, ResourceBroker } from '../resources/index.ts';

interface ForwardingOptions {
  readonly broker: ResourceBroker;
  readonly resolver: Resolver;
  /** The suffix that clients append to short names; null = none. */
  readonly defaultDomain: () => string | null;
}

/** Whose share of the sockets is used by a stream without a session: its user's. */
interface Owner {
  streams: number;
}

/**
 * Connects HTTP CONNECT at the gateway to the requests for resources. Names are resolved as for a client in the tunnel, so that both
 * produce the same request.
 */
export function forwardPort({ broker, resolver, defaultDomain }: ForwardingOptions): ForwardPort {
  const owners = new Map<string, Owner>();
  const addressOf = async (host: string, session: string | undefined): Promise<string> => {
    const domain = defaultDomain();
    const full = host.includes('.') || isIP(host) || domain === null ? host : `${host}.${domain.toLowerCase()}`;
    const found = isIP(full) ? { addresses: [full] } : await resolver.addressesOf(full, session);
    // A destination without an address is decided on by its name, and the decision says so.
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
