import type { EventTally } from './event-tally.ts';

/** Counters by name, as reported by a component. */
export type Counts = Readonly<Record<string, number>>;

/** Values that are read when metrics are requested: components count them anyway. */
export interface MetricsSources {
  readonly version: string;
  readonly tally: EventTally;
  /** Connected sessions by the channel that carries their data. */
  sessions(): { readonly dtls: number; readonly cstp: number };
  /** Counters of the gateway. */
  gateway(): Counts;
  /** Counters of its TCP/IP stack. */
  stack(): Counts;
  /** Active fault rules. */
  faultRules(): number;
  /** Events that the journal dropped. */
  journalDropped(): number;
  /** Seconds that the virtual clock is ahead of the machine's. */
  clockOffset(): number;
}
