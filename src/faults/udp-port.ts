import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import type { Rule } from './rule.ts';
import type { Passing } from './types.ts';

/** Milliseconds until another attempt to open a port that could not be opened. */
const RETRY_MS = 1000;

/** Closes UDP while a rule rejects it: the system then answers datagrams as for any closed port. */
export class UdpPort {
  readonly #clock: Clock;
  readonly #rules = new Set<Rule>();
  /** False: there is no such port. */
  #openPort: (open: boolean) => Promise<boolean> = async () => false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A port that is opened now must be closed again. */
  get shut(): boolean {
    return this.#rules.size > 0;
  }

  /** Sets how to open and close the port. */
  know(openPort: (open: boolean) => Promise<boolean>): void {
    this.#openPort = openPort;
  }

  add(rule: Rule): void {
    this.#rules.add(rule);
    const passing: Passing = { seam: 'udp', kind: 'other' };
    rule.draw(passing);
    this.#openPort(false).then(
      (closed) => {
        if (closed && this.#rules.has(rule)) rule.strike(passing);
      },
      (error: unknown) => rule.tell(`UDP could not be closed: ${errorText(error)}`),
    );
  }

  remove(rule: Rule): void {
    this.#rules.delete(rule);
    if (!this.shut) this.#open(rule, true);
  }

  #open(rule: Rule, tell: boolean): void {
    this.#openPort(true).catch((error: unknown) => {
      if (tell) rule.tell(`UDP could not be opened again, which is tried every second: ${errorText(error)}`);
      this.#clock.setTimer(RETRY_MS, () => {
        if (!this.shut) this.#open(rule, false);
      });
    });
  }
}
