import { isIPv6 } from 'node:net';
import ipaddr from 'ipaddr.js';
import type { Clock } from '../../lib/clock.ts';

/** When a misbehaving address is banned, and for how long (observed: ocserv 1.3.0). */
export interface BanRules {
  /** Points at which an address is banned; 0 = never. ocserv's default is 30; its sample configuration uses 80. */
  readonly maxScore: number;
  /** Duration of a ban in seconds, from its start; further attempts do not extend it. ocserv's sample configuration uses 300. */
  readonly banTime: number;
  /** Seconds after which points expire. Default 300. */
  readonly resetTime: number;
}

/** Rules under which only explicit bans apply. */
export const NO_BANS: BanRules = { maxScore: 0, banTime: 300, resetTime: 300 };

/** Points for each connection, and for each failed login. */
export const BAN_POINTS = { connection: 1, failedLogin: 10 } as const;

/** Most addresses stored; beyond it the oldest is dropped. */
const MAX_ENTRIES = 10_000;

interface Entry {
  score: number;
  since: number;
  bannedAt: number | undefined;
}

/** Counts points per client address (IPv6: per /64) and decides which addresses are banned. */
export class BanList {
  readonly #rules: BanRules;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(rules: BanRules, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  /** True while the address is banned. */
  banned(address: string): boolean {
    const entry = this.#entries.get(keyOf(address));
    if (entry?.bannedAt === undefined) return false;
    if (this.#clock.monotonic() - entry.bannedAt < this.#rules.banTime * 1000) return true;
    this.#entries.delete(keyOf(address));
    return false;
  }

  /** Adds points; returns true when they cause a ban. */
  add(address: string, points: number): boolean {
    if (this.#rules.maxScore <= 0) return false;
    const key = keyOf(address);
    const now = this.#clock.monotonic();
    let entry = this.#entries.get(key);
    if (!entry || (entry.bannedAt === undefined && now - entry.since >= this.#rules.resetTime * 1000)) {
      entry = { score: 0, since: now, bannedAt: undefined };
      this.#entries.delete(key);
      this.#entries.set(key, entry);
      if (this.#entries.size > MAX_ENTRIES) this.#forgetOldest();
    }
    entry.score += points;
    if (entry.bannedAt !== undefined || entry.score < this.#rules.maxScore) return false;
    entry.bannedAt = now;
    return true;
  }

  /** Bans an address regardless of its points. */
  ban(address: string): void {
    const key = keyOf(address);
    const now = this.#clock.monotonic();
    this.#entries.delete(key);
    this.#entries.set(key, { score: this.#rules.maxScore, since: now, bannedAt: now });
    if (this.#entries.size > MAX_ENTRIES) this.#forgetOldest();
  }

  /** Lifts every ban and clears all points. */
  clear(): void {
    this.#entries.clear();
  }

  #forgetOldest(): void {
    for (const key of this.#entries.keys()) {
      this.#entries.delete(key);
      return;
    }
  }
}

function keyOf(address: string): string {
  if (!isIPv6(address)) return address;
  return ipaddr.parse(address).toByteArray().slice(0, 8).join('.');
}
