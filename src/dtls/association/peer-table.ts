import type { Connection } from './connection.ts';
import type { DtlsPeer } from './types.ts';

/** The connections of one address and port. */
export interface PeerSlot<C> {
  /** The association in use. */
  current: Connection<C> | undefined;
  /** A pending handshake besides it. */
  pending: Connection<C> | undefined;
}

/** Connections by IP address, then by port. Two maps, because joining both into one key costs more per datagram. */
export class PeerTable<C> {
  readonly #addresses = new Map<string, Map<number, PeerSlot<C>>>();

  find(peer: DtlsPeer): PeerSlot<C> | undefined {
    return this.#addresses.get(peer.address)?.get(peer.port);
  }

  /** The slot of a peer, created if missing. */
  at(peer: DtlsPeer): PeerSlot<C> {
    let ports = this.#addresses.get(peer.address);
    if (!ports) this.#addresses.set(peer.address, (ports = new Map()));
    let slot = ports.get(peer.port);
    if (!slot) ports.set(peer.port, (slot = { current: undefined, pending: undefined }));
    return slot;
  }

  /** Takes a connection out of its peer's slot. */
  remove(connection: Connection<C>): void {
    const { address, port } = connection.peer;
    const ports = this.#addresses.get(address);
    const slot = ports?.get(port);
    if (!ports || !slot) return;
    if (slot.current === connection) slot.current = undefined;
    if (slot.pending === connection) slot.pending = undefined;
    if (slot.current || slot.pending) return;
    ports.delete(port);
    if (ports.size === 0) this.#addresses.delete(address);
  }

  /** Associations in use at one IP address, whatever the port. */
  *atAddress(address: string): Generator<Connection<C>> {
    const ports = this.#addresses.get(address);
    if (!ports) return;
    for (const slot of ports.values()) if (slot.current) yield slot.current;
  }
}
