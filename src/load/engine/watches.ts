import type { Tally } from '../result/tally.ts';
import type { RequestLedger } from './request-ledger.ts';

/** Measures the loss of UDP at one client, until its first answer over TLS. */
export class FallbackWatch {
  readonly #tally: Tally;
  readonly #since: number;
  #decided = false;

  constructor(tally: Tally, since: number) {
    this.#tally = tally;
    this.#since = since;
    tally.count('fallback.cut');
  }

  /** The client has switched to TLS. */
  decided(now: number): void {
    if (this.#decided) return;
    this.#decided = true;
    this.#tally.record('decision', now - this.#since);
  }

  /** The first answer over TLS arrived. @param unanswered when the first unanswered request was intended */
  answered(now: number, unanswered: number | undefined): void {
    this.#tally.count('fallback.done');
    if (unanswered === undefined) this.#tally.count('fallback.seamless');
    this.#tally.record('fallback', unanswered === undefined ? 0 : now - unanswered);
  }

  /** The phase has ended: records the duration so far. */
  never(now: number, ledger: RequestLedger): void {
    this.#tally.count('fallback.never');
    this.#tally.record('fallback', now - (ledger.unansweredSince() ?? this.#since));
    if (!this.#decided) this.#tally.record('decision', now - this.#since);
  }
}

/** Measures the loss of a connection, until there is a tunnel again, and an answer in it. */
export class ReconnectWatch {
  readonly #tally: Tally;
  readonly #since: number;
  #opened = false;

  constructor(tally: Tally, since: number) {
    this.#tally = tally;
    this.#since = since;
    tally.count('reconnect.struck');
  }

  /** When the connection was lost. */
  get since(): number {
    return this.#since;
  }

  get opened(): boolean {
    return this.#opened;
  }

  open(now: number): void {
    if (this.#opened) return;
    this.#opened = true;
    this.#tally.count('reconnect.done');
    this.#tally.record('reconnect', now - this.#since);
  }

  answered(now: number, unanswered: number | undefined): void {
    this.#tally.record('interruption', unanswered === undefined ? 0 : now - unanswered);
  }

  never(now: number, ledger: RequestLedger): void {
    if (!this.#opened) {
      this.#tally.count('reconnect.never');
      this.#tally.record('reconnect', now - this.#since);
    }
    this.#tally.record('interruption', now - (ledger.unansweredSince() ?? this.#since));
  }
}

/** Measures the time until data uses DTLS: after a login, or after UDP is restored. */
export class DtlsWatch {
  readonly #tally: Tally;
  readonly #since: number;
  readonly #what: 'dtls' | 'return';

  constructor(what: 'dtls' | 'return', tally: Tally, since: number) {
    this.#what = what;
    this.#tally = tally;
    this.#since = since;
    if (what === 'return') tally.count('return.restored');
  }

  up(now: number): void {
    this.#tally.count(`${this.#what}.done`);
    this.#tally.record(this.#what, now - this.#since);
  }

  never(now: number): void {
    this.#tally.count(`${this.#what}.never`);
    this.#tally.record(this.#what, now - this.#since);
  }
}
