import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { plural, short, span } from '../core/format.js';
import { layOut, limitsOf, ticks, within, zoom } from '../core/timeline.js';
import { useSize } from './hooks.js';
import { html } from './html.js';

const ROW = 14;
const PADDING = 7;
const AXIS = 22;
const LABELS = 104;

/** A round time without the digits that say nothing. @param {number} milliseconds */
const round = (milliseconds) => span(milliseconds).replace(/\.0+(?= )|(?<=\.\d)0(?= )/, '');

/**
 * The timeline of a session, with zoom and pan. The number of drawn elements is bounded by its width; the list of events has the same data as text.
 * @param {{ timeline: import('../core/timeline.js').Timeline, onPick: (seq: number) => void, onView: (view: { from: number, to: number } | undefined) => void, picked: number | undefined }} props
 */
export function TimelineChart({ timeline, onPick, onView, picked }) {
  const [ref, size] = useSize();
  const limits = useMemo(() => limitsOf(timeline), [timeline]);
  const [view, setView] = useState(/** @type {{ from: number, to: number } | undefined} */ (undefined));
  const shown = view === undefined ? limits : within(view, limits);
  const width = Math.max(50, size.width - LABELS - 10);
  const drag = useRef(/** @type {{ x: number, view: { from: number, to: number } } | undefined} */ (undefined));
  const go = (/** @type {{ from: number, to: number } | undefined} */ next) => {
    setView(next);
    onView(next);
  };
  const by = (/** @type {number} */ factor, at = (shown.from + shown.to) / 2) => go(zoom(shown, factor, at, limits));
  const move = (/** @type {number} */ share) => {
    const way = (shown.to - shown.from) * share;
    go(within({ from: shown.from + way, to: shown.to + way }, limits));
  };
  const beginning = () => {
    const connected =
      timeline.events.find(({ name }) => name === 'channel.dtls.open' || name === 'channel.dtls.missing') ??
      timeline.events.find(({ name }) => name === 'session.connect');
    const end = (connected?.time ?? timeline.from + 1000) - timeline.from;
    go(within({ from: timeline.from - end * 0.06 - 5, to: timeline.from + end * 1.15 + 20 }, limits));
  };
  const tops = [];
  let y = AXIS;
  for (const lane of timeline.lanes) {
    tops.push(y);
    y += lane.rows * ROW + PADDING * 2;
  }
  const height = y + 2;
  const timeAt = (/** @type {number} */ x) => shown.from + ((x - LABELS) / width) * (shown.to - shown.from);
  useEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    // Without Ctrl, the wheel scrolls the page as usual.
    const onWheel = (/** @type {WheelEvent} */ event) => {
      if (!event.ctrlKey && !event.metaKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
      event.preventDefault();
      if (event.ctrlKey || event.metaKey)
        by(event.deltaY > 0 ? 1.25 : 0.8, timeAt(event.clientX - element.getBoundingClientRect().left));
      else move(event.deltaX / width);
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  });
  const onKeyDown = (/** @type {KeyboardEvent} */ event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const act = /** @type {Record<string, () => void>} */ ({
      ArrowLeft: () => move(-0.15),
      ArrowRight: () => move(0.15),
      ArrowUp: () => by(0.7),
      ArrowDown: () => by(1.4),
      Home: () => beginning(),
      End: () => go(undefined),
    })[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  };
  const marks = ticks(shown, width, timeline.from);
  const x = (/** @type {number} */ at) => LABELS + ((at - shown.from) / (shown.to - shown.from)) * width;
  const summary = `Timeline of ${plural(timeline.events.length, 'event')} over ${span(timeline.to - timeline.from)}. The list below has each of them.`;
  return html`<div class="timeline">
    <div class="timeline-tools" role="toolbar" aria-label="Zoom of the timeline">
      <button type="button" onClick=${() => by(0.5)} aria-label="Zoom in">+</button>
      <button type="button" onClick=${() => by(2)} aria-label="Zoom out">−</button>
      <button type="button" onClick=${() => move(-0.3)} aria-label="Move to earlier">←</button>
      <button type="button" onClick=${() => move(0.3)} aria-label="Move to later">→</button>
      <button type="button" onClick=${beginning}>How it connected</button>
      <button type="button" onClick=${() => go(undefined)}>All of it</button>
      <span class="timeline-span">${span(shown.to - shown.from)} in view</span>
    </div>
    <div
      class="timeline-chart"
      ref=${ref}
      tabindex="0"
      role="group"
      aria-label="Timeline: arrow keys move and zoom, Home shows how it connected, End all of it"
      onKeyDown=${onKeyDown}
      onPointerDown=${(/** @type {PointerEvent} */ event) => {
        drag.current = { x: event.clientX, view: shown };
      }}
      onPointerMove=${(/** @type {PointerEvent} */ event) => {
        if (!drag.current || event.buttons !== 1 || Math.abs(event.clientX - drag.current.x) < 3) return;
        const way = ((drag.current.x - event.clientX) / width) * (shown.to - shown.from);
        go(within({ from: drag.current.view.from + way, to: drag.current.view.to + way }, limits));
      }}
      onPointerUp=${() => {
        drag.current = undefined;
      }}
    >
      <svg width=${size.width} height=${height} role="img" aria-label=${summary}>
        ${marks.map(
          (at) =>
            html`<g key=${at}><line class="tick" x1=${x(at)} x2=${x(at)} y1=${AXIS - 6} y2=${height} /><text class="tick-text" x=${x(at) + 3} y=${AXIS - 9}>${at === timeline.from ? '0' : `+${round(at - timeline.from)}`}</text></g>`,
        )}
        ${timeline.lanes.map((lane, i) => {
          const top = /** @type {number} */ (tops[i]);
          const drawn = layOut(lane, shown, width);
          const middle = top + PADDING + (lane.rows * ROW) / 2;
          return html`<g key=${lane.id}>
            <line class="lane-line" x1="0" x2=${size.width} y1=${top} y2=${top} />
            <text class="lane-label" x="0" y=${middle + 4}>${lane.label}</text>
            ${drawn.spans.map(
              (
                one,
              ) => html`<g key=${`s${one.seq}`} class=${`span tone-${one.tone} ${one.open ? 'open' : ''} ${lane.id === 'data' ? 'solid' : ''} ${one.seq === picked ? 'picked' : ''}`} onClick=${() => onPick(one.seq)}>
                <rect x=${LABELS + one.x} width=${Math.max(2, one.width)} y=${top + PADDING + one.row * ROW + 1} height=${ROW - 3} rx="2" />
                ${one.width > 44 && lane.id !== 'flows' && html`<text x=${LABELS + one.x + 9} y=${top + PADDING + one.row * ROW + ROW - 4}>${short(one.label, Math.max(3, Math.floor(one.width / 6.4)))}</text>`}
                <title>${short(one.label, 300)}${one.count > 1 ? ` (and ${one.count - 1} more)` : ''}</title>
              </g>`,
            )}
            ${drawn.marks.map(
              (
                one,
              ) => html`<g key=${`m${one.seq}`} class=${`mark tone-${one.tone} ${one.seq === picked ? 'picked' : ''}`} onClick=${() => onPick(one.seq)}>
                <circle cx=${LABELS + one.x} cy=${middle} r=${one.count > 1 ? 6 : 4.5} />
                ${one.count > 1 && html`<text class="mark-count" x=${LABELS + one.x} y=${middle + 3}>${one.count > 99 ? '…' : one.count}</text>`}
                <title>${short(one.label, 300)}${one.count > 1 ? ` (and ${one.count - 1} more)` : ''}</title>
              </g>`,
            )}
          </g>`;
        })}
      </svg>
    </div>
  </div>`;
}
