import { plain } from './format.js';

/**
 * The events of one session as lanes: points for moments, and spans for durations. Pure; `ui/timeline.js` draws them.
 *
 * @typedef {import('./live.js').JournalEvent} JournalEvent
 * @typedef {{ at: number, tone: Tone, label: string, seq: number }} Mark
 * @typedef {{ from: number, to: number, open: boolean, tone: Tone, label: string, seq: number, row: number }} Span
 * @typedef {'plain' | 'good' | 'fallback' | 'bad' | 'fault' | 'dtls' | 'cstp'} Tone
 * @typedef {{ id: string, label: string, rows: number, marks: Mark[], spans: Span[] }} Lane
 * @typedef {{ lanes: Lane[], from: number, to: number, events: JournalEvent[] }} Timeline
 */

const LANES = /** @type {const} */ ([
  ['tls', 'TLS, HTTP'],
  ['token', 'Token'],
  ['session', 'CONNECT'],
  ['cstp', 'CSTP'],
  ['dtls', 'DTLS'],
  ['data', 'Data goes over'],
  ['dns', 'DNS, services'],
  ['flows', 'Flows'],
  ['faults', 'Faults'],
]);

/** Most parallel rows of flows. */
const FLOW_ROWS = 5;

/** @param {string} name */
function laneOf(name) {
  if (name.startsWith('tls.') || name.startsWith('http.')) return 'tls';
  if (name.startsWith('identity.') || name.startsWith('auth.')) return 'token';
  if (name.startsWith('channel.cstp.')) return 'cstp';
  if (name.startsWith('channel.dtls.')) return 'dtls';
  if (name === 'channel.switch') return 'data';
  if (name.startsWith('channel.')) return 'cstp';
  if (name.startsWith('fault.')) return 'faults';
  if (/^(dns|service|stub|proxy)\./.test(name)) return 'dns';
  if (/^(resource|netstack)\./.test(name)) return 'flows';
  return 'session';
}

/** @param {JournalEvent} event @returns {Tone} */
export function toneOf({ name, level, fields }) {
  if (name === 'fault.injected') return 'fault';
  if (name === 'channel.switch') return fields.to === 'dtls' ? 'dtls' : 'fallback';
  if (name === 'channel.dtls.open') return 'dtls';
  if (name === 'channel.dtls.missing') return 'fallback';
  if (name === 'channel.dtls.flight') return fields.repeat > 0 ? 'fallback' : 'plain';
  if (name === 'channel.cstp.open') return 'cstp';
  if (level === 'error' || level === 'warn' || fields.decision === 'deny') return 'bad';
  if (name === 'auth.accepted' || name === 'session.connect') return 'good';
  return 'plain';
}

/**
 * @param {readonly JournalEvent[]} unordered every event that belongs to the session
 * @param {number} now where what is not over ends
 * @returns {Timeline}
 */
export function buildTimeline(unordered, now) {
  const events = [...unordered].sort((a, b) => a.seq - b.seq);
  const from = events[0]?.time ?? now;
  const last = events.at(-1)?.time ?? now;
  const over =
    events.findLast(({ name }) => name === 'session.disconnect' || name === 'session.connect')?.name ===
    'session.disconnect';
  const to = Math.max(over ? last : Math.max(now, last), from + 1);
  const lanes = new Map(
    LANES.map(([id, label]) => [id, /** @type {Lane} */ ({ id, label, rows: 1, marks: [], spans: [] })]),
  );
  const lane = (/** @type {string} */ id) => /** @type {Lane} */ (lanes.get(/** @type {any} */ (id)));
  const spans = new Spans(lane, to);
  const flows = new Flows(lane('flows'), to);
  for (const event of events) {
    spans.take(event);
    if (flows.take(event)) continue;
    lane(laneOf(event.name)).marks.push({ at: event.time, tone: toneOf(event), label: event.text, seq: event.seq });
  }
  spans.end();
  flows.end();
  return { lanes: [...lanes.values()], from, to, events };
}

/** Spans: channels, the wait for DTLS, and the channel that carries data. */
class Spans {
  /** @param {(id: string) => Lane} lane @param {number} to */
  constructor(lane, to) {
    this.lane = lane;
    this.to = to;
    /** @type {Map<string, Span>} */
    this.open = new Map();
  }

  /** @param {string} key @param {string} lane @param {JournalEvent} event @param {Tone} tone @param {string} label */
  begin(key, lane, event, tone, label) {
    this.close(key, event);
    const span = { from: event.time, to: this.to, open: true, tone, label, seq: event.seq, row: 0 };
    this.open.set(key, span);
    this.lane(lane).spans.push(span);
  }

  /** @param {string} key @param {JournalEvent} event @param {Tone} [tone] */
  close(key, event, tone) {
    const span = this.open.get(key);
    if (!span) return;
    span.to = event.time;
    span.open = false;
    if (tone) span.tone = tone;
    this.open.delete(key);
  }

  /** @param {JournalEvent} event */
  take(event) {
    const { name, fields } = event;
    switch (name) {
      case 'session.connect':
        this.begin('session', 'session', event, 'good', 'connected');
        this.begin('data', 'data', event, 'cstp', 'TLS');
        this.begin('wait', 'dtls', event, 'plain', 'waiting for DTLS');
        return;
      case 'channel.cstp.open':
        return this.begin('cstp', 'cstp', event, 'cstp', `CSTP over TLS (${plain(fields.cipher)})`);
      case 'channel.cstp.close':
      case 'channel.cstp.dead':
        return this.close('cstp', event);
      case 'channel.dtls.open':
        this.close('wait', event);
        return this.begin('dtls', 'dtls', event, 'dtls', `DTLS (${plain(fields.cipher)})`);
      case 'channel.dtls.missing':
        return this.close('wait', event, 'fallback');
      case 'channel.dtls.close':
        return this.close('dtls', event);
      case 'channel.switch':
        return this.begin(
          'data',
          'data',
          event,
          fields.to === 'dtls' ? 'dtls' : 'cstp',
          fields.to === 'dtls' ? 'DTLS' : 'TLS',
        );
      case 'session.disconnect':
        for (const key of [...this.open.keys()]) this.close(key, event);
        return;
      default:
        return;
    }
  }

  end() {
    this.open.clear();
  }
}

/** Flows from decision to end, in parallel rows where they overlap. */
class Flows {
  /** @param {Lane} lane @param {number} to */
  constructor(lane, to) {
    this.lane = lane;
    this.to = to;
    /** @type {Map<string, Span>} */
    this.byRequest = new Map();
  }

  /** @param {JournalEvent} event */
  take({ name, time, seq, fields, text }) {
    if (name === 'resource.request' && fields.decision !== 'deny') {
      const span = /** @type {Span} */ ({
        from: time,
        to: this.to,
        open: true,
        tone: 'plain',
        label: text,
        seq,
        row: 0,
      });
      this.byRequest.set(plain(fields.request), span);
      this.lane.spans.push(span);
      return true;
    }
    if (name !== 'resource.end') return false;
    const span = this.byRequest.get(plain(fields.request));
    if (!span) return fields.outcome === 'denied';
    span.to = time;
    span.open = false;
    span.label = text;
    if (fields.outcome === 'failed' || fields.outcome === 'broken') span.tone = 'bad';
    return true;
  }

  end() {
    /** @type {number[]} */
    const rows = [];
    for (const span of this.lane.spans) {
      let row = rows.findIndex((end) => end <= span.from);
      if (row < 0) row = Math.min(rows.length, FLOW_ROWS - 1);
      rows[row] = Math.max(rows[row] ?? 0, span.to);
      span.row = row;
    }
    this.lane.rows = Math.max(1, rows.length);
  }
}

/**
 * The visible part of a lane, with marks that would touch merged into one. So the result is bounded by the width, whatever the
 * length of the session.
 * @param {Lane} lane @param {{ from: number, to: number }} view @param {number} width pixels
 */
export function layOut(lane, { from, to }, width) {
  const scale = width / (to - from);
  const x = (/** @type {number} */ at) => (at - from) * scale;
  /** @type {{ x: number, tone: Tone, label: string, seq: number, count: number }[]} */
  const marks = [];
  for (const mark of lane.marks) {
    if (mark.at < from || mark.at > to) continue;
    const at = x(mark.at);
    const before = marks.at(-1);
    if (before && at - before.x < 9) {
      before.count += 1;
      if (weight(mark.tone) > weight(before.tone))
        Object.assign(before, { tone: mark.tone, label: mark.label, seq: mark.seq });
    } else marks.push({ x: at, tone: mark.tone, label: mark.label, seq: mark.seq, count: 1 });
  }
  /** @type {{ x: number, width: number, tone: Tone, label: string, seq: number, row: number, open: boolean, count: number }[]} */
  const spans = [];
  /** @type {number[]} */
  const ends = [];
  for (const span of lane.spans) {
    if (span.to < from || span.from > to) continue;
    const left = Math.max(0, x(span.from));
    const right = Math.min(width, Math.max(left + 2, x(span.to)));
    const index = ends[span.row];
    const before = index === undefined ? undefined : spans[index];
    if (before && left < before.x + before.width + 1 && right - left < 6) {
      before.width = Math.max(before.width, right - before.x);
      before.count += 1;
      if (weight(span.tone) > weight(before.tone))
        Object.assign(before, { tone: span.tone, label: span.label, seq: span.seq });
      continue;
    }
    ends[span.row] = spans.length;
    spans.push({
      x: left,
      width: right - left,
      tone: span.tone,
      label: span.label,
      seq: span.seq,
      row: span.row,
      open: span.open,
      count: 1,
    });
  }
  return { marks, spans };
}

/** Which of several that are drawn as one is the one to see. @param {Tone} tone */
function weight(tone) {
  return ['plain', 'cstp', 'good', 'dtls', 'fallback', 'fault', 'bad'].indexOf(tone);
}

/**
 * What the whole of a timeline shows: its time and some room. The end moves in steps, so that a session that goes on is not drawn anew each second.
 * @param {{ from: number, to: number }} timeline
 */
export function limitsOf({ from, to }) {
  const length = to - from;
  const room = Math.max(20, length * 0.03);
  const step = 2 ** Math.floor(Math.log2(Math.max(1, room)));
  return { from: from - step, to: from + Math.ceil((length + room) / step) * step };
}

/**
 * Round times for an axis: at most one per 90 pixels.
 * @param {{ from: number, to: number }} view @param {number} width @param {number} origin what counts as zero
 */
export function ticks({ from, to }, width, origin) {
  const least = ((to - from) / Math.max(1, width)) * 90;
  const step = STEPS.find((one) => one >= least) ?? 86_400_000 * Math.ceil(least / 86_400_000);
  const found = [];
  for (let at = origin + Math.ceil((from - origin) / step) * step; at <= to && found.length < 100; at += step)
    found.push(at);
  return found;
}

const SECOND = 1000;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500].concat(
  [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200, 86_400].map((one) => one * SECOND),
);

/** The view around a point, nearer or farther. @param {{ from: number, to: number }} view @param {number} factor @param {number} at */
export function zoom({ from, to }, factor, at, limits = { from: -Infinity, to: Infinity }) {
  const length = Math.max(2, Math.min((to - from) * factor, limits.to - limits.from));
  const share = (at - from) / (to - from);
  return within({ from: at - length * share, to: at + length * (1 - share) }, limits);
}

/** @param {{ from: number, to: number }} view @param {{ from: number, to: number }} limits */
export function within({ from, to }, limits) {
  const length = to - from;
  if (length >= limits.to - limits.from) return { from: limits.from, to: limits.to };
  if (from < limits.from) return { from: limits.from, to: limits.from + length };
  if (to > limits.to) return { from: limits.to - length, to: limits.to };
  return { from, to };
}
