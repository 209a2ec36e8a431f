import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { json } from '../core/api.js';
import { eventsOf } from '../core/belongs.js';
import { bits, bytes, moment, plain, plural, short, span } from '../core/format.js';
import { History } from '../core/history.js';
import { Poll } from '../core/poll.js';
import { buildTimeline, toneOf } from '../core/timeline.js';
import { CaptureButton } from '../ui/capture.js';
import { Chart } from '../ui/chart.js';
import { Explanation } from '../ui/explanation.js';
import { useNow, useStore } from '../ui/hooks.js';
import { Act, how } from '../ui/how.js';
import { html } from '../ui/html.js';
import { Channel, Facts, Heading, Search } from '../ui/parts.js';
import { TimelineChart } from '../ui/timeline.js';
import { VirtualList } from '../ui/virtual.js';

/** Most events of one session to keep. */
const MOST = 5_000;

/** @param {{ model: import('../core/model.js').Model, argument: string }} props */
export default function SessionView({ model, argument: id }) {
  const { live, clock } = model;
  const path = `/api/sessions/${encodeURIComponent(id)}`;
  const history = useRef(/** @type {any} */ (undefined));
  history.current ??= new History(600);
  const poll = useRef(/** @type {any} */ (undefined));
  poll.current ??= new Poll(async (cost) => {
    const session = await json(path, { cost });
    history.current.add(Date.now(), { bytesIn: session.bytesIn, bytesOut: session.bytesOut });
    return session;
  }, 1_000);
  const { value: session, error } = useStore(poll.current);
  const [events, setEvents] = useState(/** @type {import('../core/live.js').JournalEvent[]} */ ([]));
  const [loaded, setLoaded] = useState(false);
  useEffect(() => {
    how.showView({ title: `Session ${id}`, cli: ['sessions', 'show', id], rest: { path } });
    let ended = false;
    /** @type {import('../core/live.js').JournalEvent[]} */
    let early = [];
    let ready = false;
    const stop = live.listen((news) => {
      const own = news.filter(({ fields }) => fields.session === id);
      if (own.length === 0) return;
      if (ready) setEvents((before) => [...before, ...own].slice(-MOST));
      else early = [...early, ...own].slice(-MOST);
    });
    eventsOf(id)
      .then((found) => {
        if (ended) return;
        const newest = found.at(-1)?.seq ?? 0;
        setEvents([...found, ...early.filter(({ seq }) => seq > newest)]);
      })
      .catch(() => {})
      .finally(() => {
        ready = true;
        if (!ended) setLoaded(true);
      });
    return () => {
      ended = true;
      stop();
    };
  }, [id]);
  const second = useNow(2_000) + (clock.value?.offset ?? 0);
  const timeline = useMemo(() => buildTimeline(events, second), [events, second]);
  const [view, setView] = useState(/** @type {{ from: number, to: number } | undefined} */ (undefined));
  const [picked, setPicked] = useState(/** @type {number | undefined} */ (undefined));
  const [search, setSearch] = useState('');
  const shown = useMemo(() => {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    return timeline.events.filter(
      ({ time, text, name }) =>
        (!view || (time >= view.from && time <= view.to)) &&
        words.every((one) => `${name} ${text}`.toLowerCase().includes(one)),
    );
  }, [timeline, view, search]);
  // Unchanged parts keep their elements, so that they are not compared each time the counters come.
  const chart = useMemo(
    () => html`<${TimelineChart} timeline=${timeline} picked=${picked} onPick=${setPicked} onView=${setView} />`,
    [timeline, picked],
  );
  const list = useMemo(
    () =>
      html`<${VirtualList}
        label="Events of this session"
        kind="events"
        rows=${shown}
        columns=${columnsFrom(timeline.from)}
        keyOf=${(/** @type {any} */ event) => String(event.seq)}
        selected=${picked === undefined ? undefined : String(picked)}
        rowKind=${(/** @type {any} */ event) => `tone-${toneOf(event)}`}
        onOpen=${(/** @type {any} */ event) => setPicked(event.seq === picked ? undefined : event.seq)}
        empty=${loaded ? 'Nothing in this part of the timeline.' : 'Loading…'}
      />`,
    [shown, picked, loaded],
  );
  const gone = error !== undefined;
  const started = timeline.events.find(({ name }) => name === 'auth.accepted') ?? timeline.events[0];
  const user = session?.signInName ?? session?.username ?? started?.fields.signInName ?? started?.fields.user ?? '';
  const why = session && model.reasons.of(session);
  const act = (/** @type {string} */ what, /** @type {object} */ body = {}) => ({
    method: 'POST',
    path: `${path}/${what}`,
    body,
  });
  const rates = history.current
    .rates(['bytesIn', 'bytesOut'])
    .map((/** @type {(number | null)[]} */ column, /** @type {number} */ i) =>
      i === 0 ? column : column.map((value) => (value === null ? null : value * 8)),
    );
  return html`
    <${Heading} title=${html`Session <span class="mono">${plain(id)}</span>`} about=${html`<a href="#/sessions">All sessions</a> · ${short(user, 80)}`}>
      ${!gone && html`<${CaptureButton} session=${id} />`}
      <${Act} how=${{ title: 'Have the client renew its keys', cli: ['sessions', 'rekey', id], rest: act('rekey') }} run=${() => json(`${path}/rekey`, act('rekey'))} disabled=${gone || session?.state !== 'connected'} done="The tunnel was ended for the client to come back with new keys.">Rekey</${Act}>
      <${Act} how=${{ title: 'End the session as its time limit does', cli: ['sessions', 'expire', id], rest: act('expire') }} run=${() => json(`${path}/expire`, act('expire'))} disabled=${gone} done="The session has run out.">Expire</${Act}>
      <${Act} how=${{ title: 'Disconnect', cli: ['sessions', 'disconnect', id], rest: act('disconnect') }} run=${() => json(`${path}/disconnect`, act('disconnect'))} disabled=${gone} kind="danger" done="The session was ended.">Disconnect</${Act}>
    </${Heading}>
    ${gone && html`<p class="notice">${events.length > 0 ? 'This session is over. What the journal still has of it is below.' : error.message}</p>`}
    ${
      session &&
      html`<div class="summary">
        <p class="verdict"><${Channel} channel=${session.dataChannel} /> <span class=${`why ${why?.tone}`}>${short(why?.text, 300)}</span></p>
        <${Facts}
          rows=${[
            ['Client', session.userAgent],
            ['Device', [session.deviceType, session.devicePlatform, session.hostname].filter(Boolean).join(', ')],
            ['From', session.remoteAddress],
            ['In the tunnel', [session.address4, session.address6].filter(Boolean).join(', ')],
            ['MTU', session.mtu === undefined ? undefined : String(session.mtu)],
            ['TLS', session.tlsCipher],
            ['DTLS', session.dtlsCipher],
            [
              'Connected',
              session.connectedAt === undefined
                ? undefined
                : `${moment(session.connectedAt)}, ${span(Math.max(0, second - session.connectedAt))}`,
            ],
            ['In, out', `${bytes(session.bytesIn)}, ${bytes(session.bytesOut)}`],
          ]}
        />
      </div>`
    }
    <${Explanation} session=${id} title="In plain words" />
    ${
      loaded && events.length === 0
        ? html`<p class="notice">The journal has nothing of this session (any more).</p>`
        : html`${chart}
            <div class="beside-list">
              <h2>${plural(shown.length, 'event')}${view ? ' in view' : ''}</h2>
              <${Search} value=${search} onInput=${setSearch} label="Search events of this session" hint="Search these events" />
            </div>
            ${list}
            <${Picked} event=${timeline.events.find(({ seq }) => seq === picked)} />`
    }
    ${history.current.length > 2 && html`<div class="charts one"><${Chart} label="Throughput of this session" height=${130} data=${rates} format=${bits} least=${10_000} series=${[{ label: 'from the client', color: '--series-a' }, { label: 'to the client', color: '--series-b' }]} /></div>`}
  `;
}

/** All fields of one event. @param {{ event: import('../core/live.js').JournalEvent | undefined }} props */
function Picked({ event }) {
  if (!event) return null;
  return html`<section class="picked-event" aria-label="The chosen event">
    <h3><span class="mono">${event.name}</span> #${event.seq}</h3>
    <p>${plain(event.text)}</p>
    <${Facts} rows=${Object.entries(event.fields).map(([name, value]) => [name, plain(value)])} />
  </section>`;
}

/** @param {number} from */
function columnsFrom(from) {
  return /** @type {import('../ui/virtual.js').Column<import('../core/live.js').JournalEvent>[]} */ ([
    { id: 'at', label: 'After', kind: 'number', cell: ({ time }) => span(time - from) },
    { id: 'name', label: 'Event', kind: 'mono opt1', cell: ({ name }) => name },
    {
      id: 'text',
      label: 'What happened',
      kind: 'grow',
      cell: ({ text }) => html`<span title=${plain(text)}>${short(text, 400)}</span>`,
    },
  ]);
}
