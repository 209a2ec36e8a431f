import type { ServerResponse } from 'node:http';
import { TunneliteError } from '../../lib/errors.ts';
import {
  type EventListener,
  type Journal,
  type JournalQuery,
  matches,
  type TunneliteEvent,
} from '../../telemetry/index.ts';

/** Readers at once. Ours. */
const MAX_READERS = 100;

/** Bytes that wait for one reader before it is left to catch up from the journal. */
const MAX_WAITING = 256 * 1024;

/** Events looked at in one turn for one reader. */
const PAGE = 1000;

/** Milliseconds between comments that keep a quiet connection open through proxies, and show that its reader is gone. */
const KEEP_ALIVE_MS = 15_000;

/** Milliseconds for which a reader may take nothing of what waits for it. */
const STALLED_MS = 60_000;

interface Reader {
  readonly response: ServerResponse;
  readonly query: JournalQuery;
  /** Number of the last event that it was offered. */
  at: number;
  /** Since when it has taken nothing of what waits, on the machine's clock. */
  stalledSince: number | undefined;
}

/**
 * Those who follow the journal over HTTP. Nothing is kept for them: each has its place in the journal, and a slow one catches
 * up from there when its connection has room again. What fell out of the journal meanwhile is told as a `lost` message.
 */
export class JournalStreams {
  readonly #journal: Journal;
  readonly #subscribe: (listener: EventListener) => () => void;
  readonly #readers = new Set<Reader>();
  /** Messages of events, for as long as the journal has them and somebody follows it. */
  #messages = new WeakMap<TunneliteEvent, string>();
  #unsubscribe: (() => void) | undefined;
  #keepAlive: NodeJS.Timeout | undefined;
  #scheduled = false;

  constructor(journal: Journal, subscribe: (listener: EventListener) => () => void) {
    this.#journal = journal;
    this.#subscribe = subscribe;
  }

  /** @throws TunneliteError `ERR_ADMIN_BUSY` when there are as many readers as are allowed */
  assertRoom(): void {
    if (this.#readers.size < MAX_READERS) return;
    throw new TunneliteError('ERR_ADMIN_BUSY', `${MAX_READERS} readers follow the journal, as many as are allowed.`);
  }

  /** Sends the events that match from now on, beginning after the one with the number `since`. */
  add(response: ServerResponse, query: JournalQuery, since: number): void {
    const reader: Reader = { response, query, at: since, stalledSince: undefined };
    response.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      'x-accel-buffering': 'no',
    });
    response.write(': the journal, from the next event on\n\n');
    response.on('drain', () => this.#pump(reader));
    response.once('close', () => this.#remove(reader));
    response.on('error', () => this.#remove(reader));
    this.#readers.add(reader);
    // Nobody pays for a journal that nobody follows.
    this.#unsubscribe ??= this.#subscribe(() => this.#schedule());
    this.#keepAlive ??= setInterval(() => this.#keepAllAlive(), KEEP_ALIVE_MS).unref();
    this.#pump(reader);
  }

  close(): void {
    // What happened last is told yet.
    for (const reader of this.#readers) this.#pump(reader);
    for (const { response } of [...this.#readers]) response.end();
    for (const reader of [...this.#readers]) this.#remove(reader);
  }

  #remove(reader: Reader): void {
    this.#readers.delete(reader);
    if (this.#readers.size > 0) return;
    this.#messages = new WeakMap();
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    clearInterval(this.#keepAlive);
    this.#keepAlive = undefined;
  }

  /** Many events of one turn are one write to each reader. */
  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      for (const reader of this.#readers) this.#pump(reader);
    });
  }

  #pump(reader: Reader): void {
    const { response, query } = reader;
    const journal = this.#journal;
    if (response.destroyed || response.writableLength > MAX_WAITING) {
      reader.stalledSince ??= performance.now();
      return;
    }
    reader.stalledSince = undefined;
    if (reader.at >= journal.last) return;
    const oldest = journal.first;
    if (reader.at + 1 < oldest && journal.dropped > 0) response.write(`event: lost\ndata: {"before":${oldest}}\n\n`);
    let text = '';
    for (const event of journal.page(reader.at, PAGE)) {
      reader.at = event.seq;
      if (!matches(event, query)) continue;
      text += this.#messageOf(event);
      if (text.length > MAX_WAITING) break;
    }
    if (text !== '') response.write(text);
    // More waits: the connection says when there is room, or the next turn does.
    if (reader.at < journal.last && !response.writableNeedDrain) this.#schedule();
  }

  /** An event as a message: made once, however many readers get it. */
  #messageOf(event: TunneliteEvent): string {
    let message = this.#messages.get(event);
    if (message === undefined) {
      message = `id: ${event.seq}\ndata: ${JSON.stringify(event)}\n\n`;
      this.#messages.set(event, message);
    }
    return message;
  }

  #keepAllAlive(): void {
    const now = performance.now();
    for (const reader of this.#readers) {
      if (reader.response.writableLength > 0) {
        reader.stalledSince ??= now;
        if (now - reader.stalledSince >= STALLED_MS) reader.response.destroy();
      } else {
        reader.stalledSince = undefined;
        reader.response.write(': still here\n\n');
      }
    }
  }
}
