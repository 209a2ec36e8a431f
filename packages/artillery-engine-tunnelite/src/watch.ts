import type { ChannelName, ClientState, TunnelConfiguration } from 'tunnelite/client';
import type { Events } from './artillery.ts';

/** The measurements of one tunnel. Times start when the user's flow reaches the step, not when an arrival was intended. */
export class Watch {
  readonly #events: Events;
  readonly #now: () => number;
  #openAt: number | undefined;
  /** The gateway supports DTLS, and no data has used it yet. */
  #dtlsDue = false;
  #channel: ChannelName = 'tls';
  /** When UDP was blocked while data used DTLS; no answer has arrived over TLS since. */
  #cutAt: number | undefined;
  #decided = false;
  /** When UDP was restored; data still uses TLS. */
  #restoredAt: number | undefined;
  #lostAt: number | undefined;
  #rekeyAt: number | undefined;
  #rekeys = 0;
  #reconnects = 0;

  /** @param now in milliseconds of a monotonic clock */
  constructor(events: Events, now: () => number = () => performance.now()) {
    this.#events = events;
    this.#now = now;
  }

  /** How many times keys were renewed. */
  get rekeys(): number {
    return this.#rekeys;
  }

  /** How many times the client recovered a lost tunnel. */
  get reconnects(): number {
    return this.#reconnects;
  }

  tunnelOpened({ dtls }: Pick<TunnelConfiguration, 'dtls'>): void {
    if (this.#openAt === undefined) {
      this.#openAt = this.#now();
      this.#dtlsDue = dtls !== undefined;
    }
    if (this.#rekeyAt === undefined) return;
    this.#rekeys++;
    this.#time('rekey', this.#rekeyAt);
    this.#rekeyAt = undefined;
  }

  stateChanged(state: ClientState, from: ClientState): void {
    // At a rekey the gateway may end the old tunnel before the client sees that the new one is open: nothing was lost.
    const replaced = from === 'rekeying' && state === 'reconnecting' && this.#rekeyAt !== undefined;
    if (state === 'rekeying') this.#rekeyAt = this.#now();
    else if (!replaced) this.#rekeyAt = undefined;
    if (state === 'reconnecting' || state === 'waiting') {
      if (replaced || this.#lostAt !== undefined) return;
      this.#lostAt = this.#now();
      this.#count('reconnect.begun');
    } else if (state === 'connected' && this.#lostAt !== undefined) {
      this.#reconnects++;
      this.#count('reconnect.done');
      this.#time('reconnect', this.#lostAt);
      this.#lostAt = undefined;
    }
  }

  channelChanged(channel: ChannelName): void {
    if (channel === this.#channel) return;
    this.#channel = channel;
    this.#count(`channel.${channel}`);
    if (channel === 'tls') {
      if (this.#cutAt === undefined || this.#decided) return;
      this.#decided = true;
      this.#time('fallback.decision', this.#cutAt);
      return;
    }
    if (this.#dtlsDue && this.#openAt !== undefined) this.#time('dtls', this.#openAt);
    this.#dtlsDue = false;
    if (this.#restoredAt === undefined) return;
    this.#count('return.done');
    this.#time('return', this.#restoredAt);
    this.#restoredAt = undefined;
  }

  /** All of its datagrams are lost from now on. */
  udpBlocked(): void {
    this.#endReturn();
    if (this.#channel === 'tls' || this.#cutAt !== undefined) return;
    this.#cutAt = this.#now();
    this.#decided = false;
    this.#count('fallback.cut');
  }

  /** Its datagrams pass again. */
  udpRestored(): void {
    this.#endFallback();
    if (this.#channel === 'dtls' || this.#dtlsDue || this.#restoredAt !== undefined) return;
    this.#restoredAt = this.#now();
    this.#count('return.restored');
  }

  /** An answer arrived through the tunnel. */
  answered(): void {
    if (this.#cutAt === undefined || this.#channel === 'dtls') return;
    this.#count('fallback.done');
    this.#time('fallback', this.#cutAt);
    this.#cutAt = undefined;
  }

  /** The user leaves: pending measurements are counted as failed. */
  end(): void {
    this.#endFallback();
    this.#endReturn();
    if (this.#dtlsDue) this.#count('dtls.never');
    this.#dtlsDue = false;
    if (this.#lostAt !== undefined) this.#count('reconnect.never');
    this.#lostAt = undefined;
    if (this.#openAt !== undefined) this.#time('session', this.#openAt);
    this.#openAt = undefined;
  }

  #endFallback(): void {
    if (this.#cutAt !== undefined) this.#count('fallback.never');
    this.#cutAt = undefined;
  }

  #endReturn(): void {
    if (this.#restoredAt !== undefined) this.#count('return.never');
    this.#restoredAt = undefined;
  }

  #count(name: string): void {
    this.#events.emit('counter', `tunnelite.${name}`, 1);
  }

  #time(name: string, since: number): void {
    this.#events.emit('histogram', `tunnelite.${name}.time`, this.#now() - since);
  }
}
