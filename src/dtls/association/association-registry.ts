import { HANDOVER_MIN_MS } from '../protocol/constants.ts';
import type { Connection } from './connection.ts';
import { type PeerSlot, PeerTable } from './peer-table.ts';
import type { DropReason, DtlsPeer } from './types.ts';

/** What the registry stores about a connection. */
interface Entry {
  readonly sessionKey: unknown;
  /** Derived from the client's random; identifies a repeated ClientHello. */
  readonly helloTag: string;
  readonly startedAt: number;
  complete: boolean;
}

/**
 * All connections, indexed by address and by session. Both an address and a session have at most one association in use
 * and one pending handshake.
 */
export class AssociationRegistry<C> {
  readonly #entries = new Map<Connection<C>, Entry>();
  readonly #peers = new PeerTable<C>();
  readonly #sessions = new Map<unknown, PeerSlot<C>>();
  /** Connections whose handshake is complete. */
  completed = 0;

  get size(): number {
    return this.#entries.size;
  }

  all(): IterableIterator<Connection<C>> {
    return this.#entries.keys();
  }

  find(peer: DtlsPeer): PeerSlot<C> | undefined {
    return this.#peers.find(peer);
  }

  atAddress(address: string): Iterable<Connection<C>> {
    return this.#peers.atAddress(address);
  }

  /** True when the ClientHello with that tag started this connection. */
  cameOf(connection: Connection<C> | undefined, helloTag: string): boolean {
    return connection !== undefined && this.#entries.get(connection)?.helloTag === helloTag;
  }

  /** The connections that a new one of this session would replace; without a session, those of this peer. */
  rivals(sessionKey: unknown, peer: DtlsPeer): PeerSlot<C> | undefined {
    return sessionKey === undefined ? this.#peers.find(peer) : this.#sessions.get(sessionKey);
  }

  /** Why a ClientHello must wait or is a repetition, given the other associations of its session (as ocserv 1.3.0). */
  refusal(rivals: PeerSlot<C> | undefined, helloTag: string, now: number): DropReason | undefined {
    for (const rival of [rivals?.current, rivals?.pending]) {
      const entry = rival && this.#entries.get(rival);
      if (!entry) continue;
      if (entry.helloTag === helloTag) return 'repeated-hello';
      if (now - entry.startedAt < HANDOVER_MIN_MS) return 'too-soon';
    }
    return undefined;
  }

  /** Registers a pending handshake and ends the handshakes that it replaces. */
  begin(connection: Connection<C>, sessionKey: unknown, helloTag: string, now: number): void {
    this.#peers.find(connection.peer)?.pending?.end('replaced');
    if (sessionKey !== undefined) this.#sessions.get(sessionKey)?.pending?.end('replaced');
    // Looked up again: ending a connection may have removed the slot.
    this.#peers.at(connection.peer).pending = connection;
    const session = this.#session(sessionKey);
    if (session) session.pending = connection;
    this.#entries.set(connection, { sessionKey, helloTag, startedAt: now, complete: false });
  }

  /**
   * Marks the handshake as complete. Returns the association that it replaces, and the one previously at its address, which
   * is no longer there, whichever session it belongs to.
   */
  complete(connection: Connection<C>): {
    readonly replaced: Connection<C> | undefined;
    readonly neighbour: Connection<C> | undefined;
  } {
    const entry = this.#entries.get(connection)!;
    const slot = this.#peers.at(connection.peer);
    const session = this.#session(entry.sessionKey);
    const neighbour = slot.current;
    const replaced = session ? session.current : neighbour;
    for (const place of [slot, session]) {
      if (!place) continue;
      place.pending = undefined;
      place.current = connection;
    }
    entry.complete = true;
    this.completed++;
    return { replaced, neighbour };
  }

  /** Removes a connection and returns whether its handshake was complete; undefined when it was not registered. */
  remove(connection: Connection<C>): { readonly complete: boolean } | undefined {
    const entry = this.#entries.get(connection);
    if (!entry) return undefined;
    this.#entries.delete(connection);
    if (entry.complete) this.completed--;
    this.#peers.remove(connection);
    const session = this.#sessions.get(entry.sessionKey);
    if (session) {
      if (session.current === connection) session.current = undefined;
      if (session.pending === connection) session.pending = undefined;
      if (!session.current && !session.pending) this.#sessions.delete(entry.sessionKey);
    }
    return entry;
  }

  /** Moves the association to another address. */
  move(connection: Connection<C>, peer: DtlsPeer): void {
    this.#peers.remove(connection);
    connection.movedTo(peer);
    this.#peers.at(peer).current = connection;
  }

  #session(key: unknown): PeerSlot<C> | undefined {
    if (key === undefined) return undefined;
    let session = this.#sessions.get(key);
    if (!session) this.#sessions.set(key, (session = { current: undefined, pending: undefined }));
    return session;
  }
}
