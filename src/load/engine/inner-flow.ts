import type { Duplex } from 'node:stream';
import type { InnerHost } from '../../client/inner-host.ts';
import type { Books } from './books.ts';

/** The record sent over a flow each time: its number, and the run it belongs to. */
const RECORD = 8;
/** Ours: maximum number of bytes waiting in a flow that is not read; further ones are not sent. */
const MOST_WAITING = 4096;
/** Ours: a flow is stalled if a record was unanswered for this long at the end, in milliseconds. */
const STALLED_MS = 10_000;

export interface FlowParts {
  readonly books: Books;
  /** Milliseconds between two records. */
  readonly period: number;
  readonly run: number;
  now(): number;
}

/** One inner TCP connection to an echo service, which stays open. */
export class InnerFlow {
  readonly #parts: FlowParts;
  #stream: Duplex | undefined;
  /** When record 0 was intended. */
  #first = 0;
  #scheduled = 0;
  /** Number of the next expected record. */
  #expected: number[] = [];
  #rest: Buffer = Buffer.alloc(0);
  #left = false;
  #broken = false;

  constructor(parts: FlowParts) {
    this.#parts = parts;
  }

  /** Opens it. @param address of the service */
  async open(host: InnerHost, local: string, address: string, port: number): Promise<void> {
    const { books, now } = this.#parts;
    const tally = books.at(now());
    try {
      const stream = await host.openTcp({
        localAddress: local,
        remoteAddress: address,
        remotePort: port,
        where: `${address}:${port}`,
      });
      if (this.#left) {
        stream.destroy();
        return;
      }
      this.#stream = stream;
      tally.count('flows.opened');
      stream.on('data', (chunk: Buffer) => this.#data(chunk));
      stream.on('error', () => {});
      stream.on('end', () => this.#break());
      stream.on('close', () => this.#break());
    } catch {
      if (!this.#left) tally.count('flows.failed');
    }
  }

  /** It is due. */
  send(intended: number): void {
    const stream = this.#stream;
    if (!stream || this.#broken || this.#left) return;
    if (this.#scheduled === 0) this.#first = intended;
    const number = this.#scheduled++;
    if (stream.writableLength > MOST_WAITING) return;
    const record = Buffer.alloc(RECORD);
    record.writeUInt32BE(number);
    record.writeUInt32BE(this.#parts.run, 4);
    this.#expected.push(number);
    stream.write(record);
  }

  /** At the end of the run. */
  get stalled(): boolean {
    const [oldest] = this.#expected;
    return !this.#broken && oldest !== undefined && this.#parts.now() - this.#intended(oldest) > STALLED_MS;
  }

  /** From now on, its end is intended. */
  leave(): void {
    this.#left = true;
    this.#stream?.destroy();
  }

  #intended(number: number): number {
    return this.#first + number * this.#parts.period;
  }

  #data(chunk: Buffer): void {
    const { books, run, now } = this.#parts;
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (; at + RECORD <= bytes.length; at += RECORD) {
      const number = bytes.readUInt32BE(at);
      // Data that returns modified is not an echo.
      if (number !== this.#expected.shift() || bytes.readUInt32BE(at + 4) !== run) {
        this.#break();
        return;
      }
      const intended = this.#intended(number);
      books.at(intended).record('roundtrip.flow', now() - intended);
    }
    this.#rest = Buffer.from(bytes.subarray(at));
  }

  #break(): void {
    if (this.#broken || this.#left) return;
    this.#broken = true;
    this.#parts.books.at(this.#parts.now()).count('flows.broken');
    this.#stream?.destroy();
  }
}
