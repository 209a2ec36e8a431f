import { hostText } from '../lib/endpoint.ts';
import { addressBytes } from '../lib/ip-address.ts';
import type { RefusalAnswer, Resolver, ResourceBroker } from '../resources/index.ts';
import type { OnPremises, Onward } from '../services/index.ts';

/** How a decision appears to a client that cannot see the reason. */
const CLOSED: Readonly<Partial<Record<RefusalAnswer, 'refused' | 'timeout'>>> = { reset: 'refused', drop: 'timeout' };

interface OnwardParts {
  readonly broker: () => ResourceBroker;
  readonly resolver: () => Resolver;
  readonly onPremises: () => OnPremises;
}

/** Services that forward connections: from one to another would be a loop. */
const isProxy = (service: string | undefined): boolean =>
  service?.startsWith('proxy') === true && service !== 'proxy-http';

/** Outgoing connections of the proxies of the mock network: names use the clients' resolver, and each connection is a request like a client's. */
export class OnwardPath {
  readonly #parts: OnwardParts;
  /** Whose share of the sockets to upstreams is used, by session. */
  readonly #owners = new Map<string | undefined, object>();

  constructor(parts: OnwardParts) {
    this.#parts = parts;
  }

  /** A session has ended. */
  forget(session: string): void {
    this.#owners.delete(session);
  }

  readonly open: Onward = ({ host, port }, visitor, request) => {
    let gone = false;
    let giveUp = (): void => {
      gone = true;
    };
    const { session, person } = visitor;
    void this.#addressOf(host, session).then((found) => {
      if (gone) return;
      if ('failure' in found) {
        request.refuse({ kind: 'unknown', explanation: found.failure });
        return;
      }
      const { address } = found;
      if (isProxy(this.#parts.onPremises().hostAt(address)?.tcp[port])) {
        const explanation = `${hostText(host)} port ${port} is a proxy of the mock network: the request would loop.`;
        request.refuse({ kind: 'denied', explanation });
        return;
      }
      const owner = this.#owners.get(session) ?? {};
      this.#owners.set(session, owner);
      giveUp = this.#parts.broker().connect(
        {
          owner,
          accept: () => request.accept(),
          // A closed port of a mock host looks like one, whatever decided that.
          refuse: ({ kind, answer, explanation }) =>
            request.refuse({ kind: kind === 'denied' ? (CLOSED[answer] ?? kind) : kind, explanation }),
        },
        {
          protocol: 'tcp',
          channel: 'http-proxy',
          requester: { session, person },
          // The resource sees the proxy as the client.
          source: { address: visitor.destinationAddress, port: visitor.sourcePort },
          destination: { address, port },
        },
      );
    });
    return () => giveUp();
  };

  async #addressOf(
    host: string,
    session: string | undefined,
  ): Promise<{ readonly address: string } | { readonly failure: string }> {
    if (addressBytes(host)) return { address: host };
    const found = await this.#parts.resolver().addressesOf(host, session);
    if ('failure' in found) return found;
    return { address: found.addresses[0]! };
  }
}
