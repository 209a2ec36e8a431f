import type { FaultOccurrence } from '../config/fault-schema.ts';
import type { Clock } from '../lib/clock.ts';
import { parseDuration } from '../lib/duration.ts';
import type { RandomSource } from '../lib/random.ts';

/** What is counted for a rule, or for one session of it. */
interface Count {
  seen: number;
  struck: number;
  /** In the bad state of Gilbert and Elliott's model. */
  bad: boolean;
}

/** Sessions that a rule counts by themselves at most; beyond it the oldest is forgotten, and begins anew. */
const MAX_COUNTS = 65_536;

/** Which of those that a rule selects it strikes. */
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

  /** Whether its time has come, and is not over. */
  get inTime(): boolean {
    if (this.#from === -Infinity && this.#until === Infinity) return true;
    const now = this.#clock.monotonic();
    return now >= this.#from && now < this.#until;
  }

  /** Counts one that is selected, and tells whether it is to be struck. `session`: who it is of, as far as that is known. */
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
