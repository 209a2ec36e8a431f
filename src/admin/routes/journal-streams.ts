import type { ServerResponse } from 'node:http';
import { TunneliteError } from '../../lib/errors.ts';
import {
  type EventListener,
  type Journal,
  type JournalQuery,
  matches,
  type TunneliteEvent,
} from '../../telemetry/index.ts';

/** Most concurrent readers. Own choice. */
const MAX_READERS = 100;

/** Unsent bytes for one reader above which it has to catch up from the journal. */
const MAX_WAITING = 256 * 1024;

/** Events to process per turn and reader. */
const PAGE = 1000;

/** Events that a reader with a pace may fall behind before it gets them early: otherwise they could fall out of the journal. */
const MAX_BEHIND = PAGE;

/** Milliseconds between comments that keep a quiet connection open through proxies, and detect that its reader has left. */
const KEEP_ALIVE_MS = 15_000;

/** Milliseconds that a reader may accept no data before it is disconnected. */
const STALLED_MS = 60_000;

interface Reader {
  readonly response: ServerResponse;
  readonly query: JournalQuery;
  /** Least time between two deliveries, in milliseconds. */
  readonly pace: number;
  /** Running while the next delivery has to wait. */
  rest: NodeJS.Timeout | undefined;
  /** Sequence number of the last event processed for it. */
  at: number;
  /** When it stopped accepting data, by the machine's clock. */
  stalledSince: number | undefined;
}

/**
 * HTTP readers of the journal. Each has only a position in the journal; a slow reader catches
 * up from there when its connection has room again. A `lost` message reports events dropped in the meantime.
 */
export class JournalStreams {
  readonly #journal: Journal;
  readonly #subscribe: (listener: EventListener) => () => void;
  readonly #readers = new Set<Reader>();
  /** Cached messages of events, while the journal has them and there are readers. */
  #messages = new WeakMap<TunneliteEvent, string>();
  #unsubscribe: (() => void) | undefined;
  #keepAlive: NodeJS.Timeout | undefined;
  #scheduled = false;

  constructor(journal: Journal, subscribe: (listener: EventListener) => () => void) {
    this.#journal = journal;
    this.#subscribe = subscribe;
  }

  /** @throws TunneliteError `ERR_ADMIN_BUSY` when the maximum number of readers is reached */
  assertRoom(): void {
    if (this.#readers.size < MAX_READERS) return;
    throw new TunneliteError('ERR_ADMIN_BUSY', `${MAX_READERS} readers follow the journal, as many as are allowed.`);
  }

  /**
   * Sends matching events from now on, starting after sequence number `since`.
   *
   * @param pace least time between two deliveries, in milliseconds: the first event after a pause is sent at once, and those that follow it together
   */
  add(response: ServerResponse, query: JournalQuery, since: number, pace = 0): void {
    const reader: Reader = { response, query, pace, rest: undefined, at: since, stalledSince: undefined };
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
    // No cost while there are no readers.
    this.#unsubscribe ??= this.#subscribe(() => this.#schedule());
    this.#keepAlive ??= setInterval(() => this.#keepAllAlive(), KEEP_ALIVE_MS).unref();
    this.#pump(reader);
  }

  close(): void {
    // Sends the last events.
    for (const reader of this.#readers) {
      this.#endRest(reader);
      this.#pump(reader);
    }
    for (const { response } of [...this.#readers]) response.end();
    for (const reader of [...this.#readers]) this.#remove(reader);
  }

  #remove(reader: Reader): void {
    this.#readers.delete(reader);
    this.#endRest(reader);
    if (this.#readers.size > 0) return;
    this.#messages = new WeakMap();
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    clearInterval(this.#keepAlive);
    this.#keepAlive = undefined;
  }

  /** Combines the events of one turn into one write per reader. */
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
    if (reader.rest !== undefined && journal.last - reader.at < MAX_BEHIND) return;
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
    if (text !== '') {
      response.write(text);
      this.#rest(reader);
    }
    // More to send: continues when the connection has room, or in the next turn.
    if (reader.at < journal.last && !response.writableNeedDrain) this.#schedule();
  }

  /** Makes a reader with a pace wait, once it has everything. */
  #rest(reader: Reader): void {
    if (reader.pace === 0 || reader.rest !== undefined || reader.at < this.#journal.last) return;
    reader.rest = setTimeout(() => {
      reader.rest = undefined;
      this.#pump(reader);
    }, reader.pace).unref();
  }

  #endRest(reader: Reader): void {
    clearTimeout(reader.rest);
    reader.rest = undefined;
  }

  /** An event as a message: serialized once, however many readers get it. */
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
