import { SharedTable } from '../lib/shared-table.ts';

/** A socket to an upstream. */
export interface UpstreamSocket {
  /** Time of last use; Infinity for a connection, which cannot be reopened. */
  readonly usedAt: number;
  /** Closes it synchronously. Its owner can open another; a connection is over. */
  suspend(): void;
}

/**
 * Event at the limit, and its owner. `refused`: the owner has used up its share; `replaced`: it gave one up for another of
 * its own; `evicted`: it had the most, and gave one up for another owner.
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
 * The sockets to upstreams, by session: each uses a file descriptor, which are limited. One
 * session alone may use all of them; none keeps another from its share.
 */
export class UpstreamSockets {
  readonly #table: SharedTable<object | undefined, UpstreamSocket>;
  readonly #onLimit: UpstreamSocketsOptions['onLimit'];

  constructor({ limit, onLimit }: UpstreamSocketsOptions) {
    this.#table = new SharedTable(limit);
    this.#onLimit = onLimit;
  }

  /** Registers a socket to be opened. False: it must not be opened. */
  open(owner: object | undefined, socket: UpstreamSocket): boolean {
    const table = this.#table;
    if (table.full) {
      const sated = table.hasShare(owner);
      const giver = sated ? owner : table.largest();
      const given = table.cheapest(giver, ({ usedAt }) => usedAt);
      // A session does not give up a connection for another of its own.
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

  /** No effect on a closed one. */
  closed(owner: object | undefined, socket: UpstreamSocket): void {
    this.#table.delete(owner, socket);
  }
}
