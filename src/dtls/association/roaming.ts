import {
  CONTENT_TYPE,
  RECORD_HEADER_LENGTH,
  ROAM_FAILURES_PER_SOURCE,
  ROAM_SEQUENCE_WINDOW,
  ROAM_SOURCES,
  ROAM_TRIALS_PER_DATAGRAM,
  ROAM_TRIALS_PER_SECOND,
  ROAM_VISITS_PER_SECOND,
} from '../protocol/constants.ts';
import { recordSequence } from '../record/record.ts';
import { Budget } from './budget.ts';
import type { Connection } from './connection.ts';

/** Candidates for the owner of a record, the most likely first. */
interface RoamingSources<C> {
  /** Associations of the same IP address. */
  readonly near: Iterable<Connection<C>>;
  readonly all: Iterable<Connection<C>>;
}

/** Result of a search that stopped at a limit before it had tried every association. */
export const LIMITED = 'limited';

/**
 * Finds the association that a record from an unknown address belongs to, by trial decryption. Anyone can send such records, so their
 * cost does not grow with their number or with the number of associations. The limits:
 *
 * - per second, the total number of decryptions and of associations examined;
 * - per second and IP address, a few searches that find nothing: a sender of junk uses up only its own share, and a client that
 *   moves at the same time is found at its first record. Successful searches are free, as many clients may move behind one new address;
 * - per datagram, the number of decryptions.
 */
export class Roaming<C> {
  /** Decryptions tried since the start; `visits`: associations examined. */
  trials = 0;
  visits = 0;
  readonly #trialBudget = new Budget(ROAM_TRIALS_PER_SECOND);
  readonly #visitBudget = new Budget(ROAM_VISITS_PER_SECOND);
  /** Failed searches in this second, by IP address. */
  readonly #failures = new Map<string, number>();
  #secondBegan = Number.NEGATIVE_INFINITY;

  /** The owner of the datagram's first record; `limited` when the search was skipped or incomplete. */
  find(
    datagram: Buffer,
    address: string,
    sources: RoamingSources<C>,
    now: number,
  ): Connection<C> | typeof LIMITED | undefined {
    const length = datagram.readUInt16BE(11);
    if (datagram[1] !== 0xfe || datagram.readUInt16BE(3) !== 1) return undefined;
    if (datagram[0] !== CONTENT_TYPE.applicationData && datagram[0] !== CONTENT_TYPE.alert) return undefined;
    if (RECORD_HEADER_LENGTH + length > datagram.length) return undefined;
    if (!this.#mayFail(address, now) || !this.#visitBudget.allows(now) || !this.#trialBudget.allows(now))
      return LIMITED;
    const owner = this.#search(datagram, length, sources, now);
    if (typeof owner !== 'object') this.#failures.set(address, (this.#failures.get(address) ?? 0) + 1);
    return owner;
  }

  /** False when this address has used up its share, or when there are too many addresses to count. */
  #mayFail(address: string, now: number): boolean {
    if (now - this.#secondBegan >= 1000) {
      this.#secondBegan = now;
      this.#failures.clear();
    }
    const failures = this.#failures.get(address);
    return failures === undefined ? this.#failures.size < ROAM_SOURCES : failures < ROAM_FAILURES_PER_SOURCE;
  }

  #search(
    datagram: Buffer,
    length: number,
    sources: RoamingSources<C>,
    now: number,
  ): Connection<C> | typeof LIMITED | undefined {
    const sequence = recordSequence(datagram, 0);
    const tried = new Set<Connection<C>>();
    for (const source of [sources.near, sources.all]) {
      if (!this.#visitBudget.allows(now)) return LIMITED;
      const likely = this.#closest(source, sequence);
      // The few at the same address come first. If there are many, behind one NAT or in a load test, they are no more likely than others.
      if (source === sources.near && likely.length === ROAM_TRIALS_PER_DATAGRAM) continue;
      for (const connection of likely) {
        if (tried.has(connection)) continue;
        if (tried.size >= ROAM_TRIALS_PER_DATAGRAM || !this.#trialBudget.allows(now)) return LIMITED;
        tried.add(connection);
        this.#trialBudget.spend(1);
        this.trials++;
        if (connection.records.opener!.open(datagram, 0, length) >= 0) return connection;
      }
    }
    return undefined;
  }

  /** The most likely owners: a moved peer continues its sequence numbers. */
  #closest(source: Iterable<Connection<C>>, sequence: number): Connection<C>[] {
    const found: Connection<C>[] = [];
    const distances: number[] = [];
    let visits = 0;
    for (const connection of source) {
      visits++;
      if (!plausible(connection, sequence)) continue;
      const distance = Math.abs(sequence - connection.records.replay.highest - 1);
      let at = found.length;
      if (at === ROAM_TRIALS_PER_DATAGRAM && distance >= distances[at - 1]!) continue;
      while (at > 0 && distances[at - 1]! > distance) at--;
      found.splice(at, 0, connection);
      distances.splice(at, 0, distance);
      if (found.length > ROAM_TRIALS_PER_DATAGRAM) {
        found.pop();
        distances.pop();
      }
    }
    this.visits += visits;
    this.#visitBudget.spend(visits);
    return found;
  }
}

/** True when the sequence number can be the association's next one, or one that arrives out of order. */
function plausible<C>(connection: Connection<C>, sequence: number): boolean {
  const { opener, replay } = connection.records;
  if (!connection.connected || !opener) return false;
  return sequence - replay.highest <= ROAM_SEQUENCE_WINDOW && replay.fresh(sequence);
}
