import type { EventTally } from './event-tally.ts';

/** Counters by name, as a part of the simulator counts them. */
export type Counts = Readonly<Record<string, number>>;

/** What is read when somebody asks for the metrics: what the parts count anyway. */
export interface MetricsSources {
  readonly version: string;
  readonly tally: EventTally;
  /** Connected sessions by the channel that their data goes over. */
  sessions(): { readonly dtls: number; readonly cstp: number };
  /** Of the gateway. */
  gateway(): Counts;
  /** Of the TCP/IP stack behind it. */
  stack(): Counts;
  /** Fault rules in force. */
  faultRules(): number;
  /** Events that fell out of the journal. */
  journalDropped(): number;
  /** Seconds that the clock is ahead of the machine's. */
  clockOffset(): number;
}
