import { SharedTable } from '../lib/shared-table.ts';

/** A socket to an upstream. */
export interface UpstreamSocket {
  /** When it was used last; Infinity for a connection, which cannot be opened again. */
  readonly usedAt: number;
  /** Closes it, before this returns. Who needs it again opens another; a connection is over. */
  suspend(): void;
}

/**
 * What happened at the limit, and to whom. `refused`: the owner has its share and gets no more; `replaced`: it gave one up for another of
 * its own; `evicted`: it had most, and gave one up for somebody else.
 */
export interface SocketLimitReached {
  readonly action: 'refused' | 'replaced' | 'evicted';
  readonly owner: object | undefined;
}

interface UpstreamSocketsOptions {
  readonly limit: number;
  readonly onLimit: (reached: SocketLimitReached) => void;
}

/**
 * The sockets to upstreams, by the session that they are for: each takes a file descriptor, of which the process has only so many. One
 * session alone may have all that there are; none keeps another from its share.
 */
export class UpstreamSockets {
  readonly #table: SharedTable<object | undefined, UpstreamSocket>;
  readonly #onLimit: UpstreamSocketsOptions['onLimit'];

  constructor({ limit, onLimit }: UpstreamSocketsOptions) {
    this.#table = new SharedTable(limit);
    this.#onLimit = onLimit;
  }

  /** Takes account of one that is about to be opened. False: it must not be. */
  open(owner: object | undefined, socket: UpstreamSocket): boolean {
    const table = this.#table;
    if (table.full) {
      const sated = table.hasShare(owner);
      const giver = sated ? owner : table.largest();
      const given = table.cheapest(giver, ({ usedAt }) => usedAt);
      // For another one of its own nobody gives up a connection.
      if (given === undefined || (sated && given.usedAt === Number.POSITIVE_INFINITY)) {
        this.#onLimit({ action: 'refused', owner });
        return false;
      }
      given.suspend();
      this.#onLimit({ action: sated ? 'replaced' : 'evicted', owner: giver });
    }
    table.add(owner, socket);
    return true;
  }

  /** Harmless for one that is closed already. */
  closed(owner: object | undefined, socket: UpstreamSocket): void {
    this.#table.delete(owner, socket);
  }
}
