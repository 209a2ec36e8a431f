import { excused } from '../../lib/late-tick.ts';
import { CLOSE_TIMEOUT, HANDSHAKE_TIMEOUT } from './constants.ts';

/** A look at both clocks, monotonic, in milliseconds; and for how long nobody listened until now. */
export interface Look {
  readonly now: number;
  readonly late: number;
  readonly machineNow: number;
  readonly machineLate: number;
}

/**
 * How long a client of the TLS port has been at what it has only so much time for: its handshake, its login, the end of its
 * connection. Handshake and end go by the machine's clock, the login by that of the configured limits. Time in which nobody
 * listened is not the client's.
 */
export class ConnectionDeadlines {
  /** When it was accepted, later by all the time in which nobody listened. */
  #waitingSince: number;
  #handshakeSince: number;
  #closingSince = 0;

  constructor(now: number, machineNow: number) {
    this.#waitingSince = now;
    this.#handshakeSince = machineNow;
  }

  /** Called about once a second. */
  look({ now, late, machineNow, machineLate }: Look): void {
    this.#waitingSince = excused(this.#waitingSince, late, now);
    this.#handshakeSince = excused(this.#handshakeSince, machineLate, machineNow);
    this.#closingSince = excused(this.#closingSince, machineLate, machineNow);
  }

  /** Milliseconds since it was accepted. */
  waited(time: number): number {
    return time - this.#waitingSince;
  }

  handshakeOverdue(machineNow: number): boolean {
    return machineNow - this.#handshakeSince >= HANDSHAKE_TIMEOUT * 1000;
  }

  /** Our last word is on its way. */
  closes(machineNow: number): void {
    this.#closingSince = machineNow;
  }

  closeOverdue(machineNow: number): boolean {
    return machineNow - this.#closingSince >= CLOSE_TIMEOUT * 1000;
  }
}
