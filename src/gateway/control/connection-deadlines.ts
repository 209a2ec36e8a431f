import { excused } from '../../lib/late-tick.ts';
import { CLOSE_TIMEOUT, HANDSHAKE_TIMEOUT } from './constants.ts';

/** A reading of both monotonic clocks in milliseconds, and for how long no input was read until now. */
export interface Look {
  readonly now: number;
  readonly late: number;
  readonly machineNow: number;
  readonly machineLate: number;
}

/**
 * Time limits of a connection on the TLS port: for the handshake, the login, and the close. Handshake and close use the machine's
 * clock, the login uses the clock of the configured limits. Time in which no input was read does not count.
 */
export class ConnectionDeadlines {
  /** Time of the accept, plus all time in which no input was read. */
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

  /** Milliseconds since the accept. */
  waited(time: number): number {
    return time - this.#waitingSince;
  }

  handshakeOverdue(machineNow: number): boolean {
    return machineNow - this.#handshakeSince >= HANDSHAKE_TIMEOUT * 1000;
  }

  /** Our last bytes are being sent. */
  closes(machineNow: number): void {
    this.#closingSince = machineNow;
  }

  closeOverdue(machineNow: number): boolean {
    return machineNow - this.#closingSince >= CLOSE_TIMEOUT * 1000;
  }
}
