import type { LoadProgress } from '../../load/index.ts';
import type { CliIo } from '../context/io.ts';

/** Progress of the run: a line that is updated on a terminal, otherwise one line per phase; separate from the result. */
export class ProgressLine {
  readonly #io: CliIo;
  readonly #live: boolean;
  #shown = false;
  #phase = '';

  constructor(io: CliIo, json: boolean) {
    this.#io = io;
    this.#live = io.colors && !json;
  }

  show({ at, length, phase, clients, refusals, roundtrip, lag }: LoadProgress): void {
    const { dtls, tls, none } = clients;
    const ms = (microseconds: number | undefined): string =>
      microseconds === undefined ? '–' : `${(microseconds / 1000).toFixed(1)} ms`;
    const text =
      `${(at / 1000).toFixed(0)} of ${(length / 1000).toFixed(0)} s, ${phase}: ${dtls} DTLS, ${tls} TLS, ${none} without tunnel, ` +
      `${refusals} refusals, round trip p99 ${ms(roundtrip)}, generator late p99 ${ms(lag)}`;
    if (this.#live) {
      this.#io.out(`\r\u001b[K${text}`);
      this.#shown = true;
    } else if (phase !== this.#phase) this.#io.err(`${text}\n`);
    this.#phase = phase;
  }

  end(): void {
    if (this.#shown) this.#io.out('\r\u001b[K');
    this.#shown = false;
  }
}
