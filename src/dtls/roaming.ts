import type { Connection } from './connection.ts';
import {
  CONTENT_TYPE,
  RECORD_HEADER_LENGTH,
  ROAM_SEARCHES_PER_SECOND,
  ROAM_SEQUENCE_WINDOW,
  ROAM_TRIALS_PER_DATAGRAM,
  ROAM_TRIALS_PER_SECOND,
} from './constants.ts';
import { recordSequence } from './record/record.ts';

/** Where the owner of a record may be found, the likeliest first. */
export interface RoamingSources<C> {
  /** Associations of the same IP address. */
  readonly near: Iterable<Connection<C>>;
  /** Associations that the user of the engine names. */
  readonly named: Iterable<Connection<C>>;
  readonly all: Iterable<Connection<C>>;
}

/**
 * Finds the association that a record from an unknown address belongs to, by trial decryption. What this may cost is
 * bounded per datagram and per second, because anyone can send such records.
 */
export class Roaming<C> {
  #trials = ROAM_TRIALS_PER_SECOND;
  #searches = ROAM_SEARCHES_PER_SECOND;
  #refilledAt = Number.NEGATIVE_INFINITY;

  /** The owner of the datagram's first record; `limited` when it was not looked for, or not everywhere. */
  find(datagram: Buffer, sources: RoamingSources<C>, now: number): Connection<C> | 'limited' | undefined {
    if (now - this.#refilledAt >= 1000) {
      this.#trials = ROAM_TRIALS_PER_SECOND;
      this.#searches = ROAM_SEARCHES_PER_SECOND;
      this.#refilledAt = now;
    }
    const length = datagram.readUInt16BE(11);
    if (datagram[1] !== 0xfe || datagram.readUInt16BE(3) !== 1) return undefined;
    if (datagram[0] !== CONTENT_TYPE.applicationData && datagram[0] !== CONTENT_TYPE.alert) return undefined;
    if (RECORD_HEADER_LENGTH + length > datagram.length) return undefined;
    const sequence = recordSequence(datagram, 0);

    const tried = new Set<Connection<C>>();
    const owns = (connection: Connection<C>): boolean => {
      if (tried.has(connection)) return false;
      tried.add(connection);
      if (!plausible(connection, sequence)) return false;
      this.#trials--;
      return connection.records.opener!.open(datagram, 0, length) >= 0;
    };
    // The few of one address are tried for nothing; many, behind one NAT or in a load test, have to be searched.
    const near = few(sources.near, sequence);
    for (const source of [near ?? [], sources.named]) {
      for (const connection of source) {
        if (this.#trials <= 0 || tried.size >= ROAM_TRIALS_PER_DATAGRAM) return 'limited';
        if (owns(connection)) return connection;
      }
    }
    if (this.#searches <= 0) return 'limited';
    this.#searches--;
    for (const source of near ? [sources.all] : [sources.near, sources.all]) {
      for (const connection of closest(source, sequence)) {
        if (this.#trials <= 0 || tried.size >= ROAM_TRIALS_PER_DATAGRAM) return 'limited';
        if (owns(connection)) return connection;
      }
    }
    return undefined;
  }
}

/** True when the sequence number can be the association's next, or one that was overtaken. */
function plausible<C>(connection: Connection<C>, sequence: number): boolean {
  const { opener, replay } = connection.records;
  if (!connection.connected || !opener) return false;
  return sequence - replay.highest <= ROAM_SEQUENCE_WINDOW && replay.fresh(sequence);
}

/** The possible owners, if they are few; undefined if they are not. */
function few<C>(source: Iterable<Connection<C>>, sequence: number): Connection<C>[] | undefined {
  const found: Connection<C>[] = [];
  let seen = 0;
  for (const connection of source) {
    if (++seen > ROAM_TRIALS_PER_DATAGRAM) return undefined;
    if (plausible(connection, sequence)) found.push(connection);
  }
  return found;
}

/** The likeliest owners: a moved peer goes on counting where it was. */
function closest<C>(source: Iterable<Connection<C>>, sequence: number): Connection<C>[] {
  const found: Connection<C>[] = [];
  for (const connection of source) if (plausible(connection, sequence)) found.push(connection);
  const distance = (connection: Connection<C>): number => Math.abs(sequence - connection.records.replay.highest - 1);
  return found.sort((a, b) => distance(a) - distance(b)).slice(0, ROAM_TRIALS_PER_DATAGRAM);
}
