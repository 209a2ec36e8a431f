import type { FaultOccurrence } from '../config/fault-schema.ts';
import type { Clock } from '../lib/clock.ts';
import { parseDuration } from '../lib/duration.ts';
import type { RandomSource } from '../lib/random.ts';

/** Counts of a rule, or of one of its sessions. */
interface Count {
  seen: number;
  struck: number;
  /** In the bad state of the Gilbert-Elliott model. */
  bad: boolean;
}

/** Most sessions that a rule counts separately; beyond it the counts of the oldest are dropped and start again. */
const MAX_COUNTS = 65_536;

/** Decides which of the selected items a rule strikes. */
export class Occurrence {
  readonly #when: FaultOccurrence;
  readonly #random: RandomSource;
  readonly #clock: Clock;
  readonly #from: number;
  readonly #until: number;
  readonly #counts = new Map<string, Count>();

  constructor(when: FaultOccurrence, clock: Clock, random: RandomSource) {
    this.#when = when;
    this.#random = random;
    this.#clock = clock;
    this.#from = when.after === undefined ? -Infinity : clock.monotonic() + parseDuration(when.after);
    const begin = Math.max(this.#from, clock.monotonic());
    this.#until = when.during === undefined ? Infinity : begin + parseDuration(when.during);
  }

  /** Whether the rule is within its time window. */
  get inTime(): boolean {
    if (this.#from === -Infinity && this.#until === Infinity) return true;
    const now = this.#clock.monotonic();
    return now >= this.#from && now < this.#until;
  }

  /** Counts a selected item and returns whether to strike it. `session`: its session, if known. */
  strikes(session: string): boolean {
    const { skip = 0, every = 1, times = Infinity, per = 'rule' } = this.#when;
    const count = this.#countOf(per === 'session' ? session : '');
    const after = ++count.seen - skip;
    if (after <= 0 || after % every !== 0 || count.struck >= times || !this.#happens(count)) return false;
    count.struck++;
    return true;
  }

  #happens(count: Count): boolean {
    const { chance, burst } = this.#when;
    if (chance !== undefined) return this.#random.float() < chance;
    if (burst === undefined) return true;
    const { start, end, bad = 1, good = 0 } = burst;
    if (this.#random.float() < (count.bad ? end : start)) count.bad = !count.bad;
    return this.#random.float() < (count.bad ? bad : good);
  }

  #countOf(key: string): Count {
    let count = this.#counts.get(key);
    if (count) return count;
    if (this.#counts.size >= MAX_COUNTS) this.#counts.delete(this.#counts.keys().next().value!);
    this.#counts.set(key, (count = { seen: 0, struck: 0, bad: false }));
    return count;
  }
}
