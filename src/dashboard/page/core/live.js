import { ApiError, json, query, request } from './api.js';
import { createEventParser } from './event-stream.js';
import { IS_REPORT } from './report.js';
import { Ring } from './ring.js';
import { Store } from './store.js';

/**
 * @typedef {{ seq: number, time: number, name: string, level: string, text: string, fields: Record<string, any> }} JournalEvent
 */

/** Events to keep here. The journal of the instance keeps 10,000 by default. */
export const KEPT = 100_000;

/** Number of past events to fetch at first: for a report, which gets no more, as many as a page can easily keep. */
const FIRST = IS_REPORT ? 20_000 : 500;

/** Least time between two deliveries of events, in seconds: each costs the gateway a write, and the page a redraw. */
const PACE = 1;

/** Silence after which a connection counts as lost, in milliseconds: the instance sends something every 15 seconds. */
const SILENT_MS = 40_000;

/** Longest pause between attempts, in milliseconds. */
const MOST_PATIENCE_MS = 8_000;

/** The live journal: the latest events, oldest first, and the state of the connection. */
export class Live extends Store {
  constructor() {
    super();
    /** @type {Ring<JournalEvent>} */
    this.ring = new Ring(KEPT);
    /** @type {'connecting' | 'live' | 'waiting' | 'report'} */
    this.state = 'connecting';
    /** Events that the instance's journal dropped before this page received them. */
    this.lost = 0;
    this.last = 0;
    /** Number of reconnections. */
    this.reconnects = 0;
    /** @type {Set<(events: readonly JournalEvent[]) => void>} */
    this.listeners = new Set();
    this.heard = Date.now();
    /** @type {AbortController | undefined} */
    this.connection = undefined;
    this.ended = false;
    /** @type {() => void} */
    this.wake = () => {};
  }

  /** Events, oldest first. */
  get events() {
    return this.ring.items;
  }

  /** Sequence number of the oldest event here, 0 if there is none. */
  get first() {
    return this.ring.items[0]?.seq ?? 0;
  }

  /** Calls back with new events as they come, even while nothing is drawn. @param {(events: readonly JournalEvent[]) => void} listener */
  listen(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  start() {
    const back = () => {
      if (document.hidden) return;
      // A machine that slept may have lost its connection without noticing.
      if (Date.now() - this.heard > SILENT_MS) this.connection?.abort();
      this.wake();
    };
    document.addEventListener('visibilitychange', back);
    addEventListener('online', back);
    addEventListener('pageshow', back);
    setInterval(() => {
      if (this.state === 'live' && Date.now() - this.heard > SILENT_MS) this.connection?.abort();
    }, 5_000);
    void this.run();
  }

  end() {
    this.ended = true;
    this.connection?.abort();
    this.wake();
  }

  async run() {
    let patience = 250;
    let began = false;
    while (!this.ended) {
      try {
        if (!began) await this.begin();
        began = true;
        if (IS_REPORT) {
          this.state = 'report';
          return this.changed();
        }
        await this.follow(() => {
          patience = 250;
        });
      } catch (error) {
        if (error instanceof ApiError && error.status === 401) return;
      }
      if (this.ended) return;
      this.state = 'waiting';
      this.changed();
      await this.pause(patience);
      patience = Math.min(MOST_PATIENCE_MS, patience * 2);
      this.reconnects += 1;
    }
  }

  async begin() {
    const { events, mark } = await json(`/api/journal?${query({ limit: FIRST })}`);
    this.last = mark;
    this.take(events);
  }

  /** @param {() => void} onOpen */
  async follow(onOpen) {
    const connection = new AbortController();
    this.connection = connection;
    try {
      const answer = await request(`/api/journal/stream?${query({ since: this.last, pace: PACE })}`, {
        signal: connection.signal,
      });
      const reader = /** @type {ReadableStream<Uint8Array>} */ (answer.body).getReader();
      const decoder = new TextDecoder();
      const parse = createEventParser();
      this.state = 'live';
      this.heard = Date.now();
      onOpen();
      this.changed();
      for (;;) {
        const { done, value } = await reader.read();
        if (done) return;
        this.heard = Date.now();
        /** @type {JournalEvent[]} */
        const events = [];
        for (const message of parse(decoder.decode(value, { stream: true }))) {
          const said = JSON.parse(message.data);
          if (message.event === 'lost') this.lost += Math.max(0, Number(said.before) - 1 - this.last);
          else if (said.seq > this.last) {
            events.push(said);
            this.last = said.seq;
          }
        }
        this.take(events);
      }
    } finally {
      connection.abort();
    }
  }

  /** @param {readonly JournalEvent[]} events */
  take(events) {
    if (events.length === 0) return;
    this.ring.push(events);
    for (const listener of this.listeners) listener(events);
    this.changed();
  }

  /** Fetches what was before the oldest event that is here. @param {number} limit @returns {Promise<boolean>} false: there is nothing before */
  async earlier(limit) {
    if (this.first <= 1) return false;
    const { events } = await json(`/api/journal?${query({ until: this.first - 1, limit })}`);
    this.ring.unshift(events);
    this.changed();
    return events.length > 0;
  }

  /** @param {number} milliseconds @returns {Promise<void>} */
  pause(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
