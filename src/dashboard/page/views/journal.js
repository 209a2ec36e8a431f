import { useEffect, useRef, useState } from 'preact/hooks';
import { query } from '../core/api.js';
import { Filter } from '../core/filter.js';
import { count, plain, plural, short } from '../core/format.js';
import { IS_REPORT } from '../core/report.js';
import { download } from '../ui/copy.js';
import { useStore } from '../ui/hooks.js';
import { Act, complain, how } from '../ui/how.js';
import { html } from '../ui/html.js';
import { Facts, Heading, Panel, Search, Select, Time } from '../ui/parts.js';
import { VirtualList } from '../ui/virtual.js';

const AREAS = [
  'simulator',
  'config',
  'clock',
  'certificate',
  'tls',
  'http',
  'identity',
  'auth',
  'pairing',
  'session',
  'gateway',
  'channel',
  'resource',
  'dns',
  'service',
  'stub',
  'proxy',
  'fault',
  'netstack',
];
const LEVELS = /** @type {const} */ ([
  ['', 'All levels'],
  ['info', 'info and above'],
  ['warn', 'warn and above'],
  ['error', 'error'],
]);
/** Number of earlier events to fetch at a time. */
const MORE = 10_000;

/** @param {{ model: import('../core/model.js').Model, words: URLSearchParams }} props */
export default function Journal({ model, words: asked }) {
  const live = useStore(model.live);
  const [words, setWords] = useState(asked.get('search') ?? '');
  const [name, setName] = useState('');
  const [level, setLevel] = useState('');
  const [follow, setFollow] = useState(true);
  const [open, setOpen] = useState(/** @type {number | undefined} */ (undefined));
  const filter = useRef(/** @type {any} */ (undefined));
  filter.current ??= new Filter();
  const rows = filter.current.rowsOf(live.events, { words, name, level });
  const chosen = open === undefined ? undefined : rows.find((/** @type {any} */ { seq }) => seq === open);
  const parts = { name: name === '' ? undefined : `${name}.*`, level: level || undefined, text: words || undefined };
  useEffect(() => {
    const cli = [
      'journal',
      ...(name === '' ? [] : [`${name}.*`]),
      '--follow',
      ...(level === '' ? [] : ['--level', level]),
      ...(words === '' ? [] : ['--text', words]),
    ];
    how.showView({
      title: 'Journal',
      cli,
      rest: { path: `/api/journal${query(parts) === '' ? '' : `?${query(parts)}`}` },
    });
  }, [words, name, level]);
  const fetching = useRef(false);
  const earlier = async () => {
    if (fetching.current || live.first <= 1 || live.state === 'connecting') return;
    fetching.current = true;
    try {
      await live.earlier(MORE);
    } catch (error) {
      complain(error);
    } finally {
      fetching.current = false;
    }
  };
  return html`
    <${Heading} title="Journal" about=${`${plural(rows.length, 'event')} of ${count(live.events.length)} here${live.first > 1 ? `, from #${live.first}` : ''}${live.ring.dropped > 0 ? `; ${count(live.ring.dropped)} older ones were let go` : ''}`}>
      <${Search} value=${words} onInput=${setWords} label="Search the journal" hint="Words of an event, or its fields" />
      <${Select} value=${name} onChange=${setName} label="Which area" options=${[['', 'All areas'], ...AREAS.map((one) => [one, one])]} />
      <${Select} value=${level} onChange=${setLevel} label="Which levels" options=${LEVELS} />
      <${Act} looks how=${{ title: 'Earlier events', cli: ['journal', '-n', String(MORE)], rest: { path: `/api/journal?limit=${MORE}` } }} run=${earlier} disabled=${live.first <= 1} done="Fetched what the journal has before.">Earlier</${Act}>
      <${Act}
        looks
        how=${{ title: 'What is shown, as NDJSON', cli: ['journal', '--json'], rest: { path: '/api/journal?format=ndjson' } }}
        run=${() => {
          download(
            'tunnelite-journal.ndjson',
            'application/x-ndjson',
            rows.map((/** @type {any} */ event) => `${JSON.stringify(event)}\n`).join(''),
          );
          return `Downloaded ${plural(rows.length, 'event')}.`;
        }}
      >Download</${Act}>
      ${!IS_REPORT && html`<label class="check"><input type="checkbox" checked=${follow} onChange=${() => setFollow(!follow)} /> Follow</label>`}
    </${Heading}>
    <div class=${`split ${chosen ? 'open' : ''}`}>
      <${VirtualList}
        label="Events of the journal"
        kind="journal"
        height=${26}
        rows=${rows}
        columns=${COLUMNS}
        keyOf=${(/** @type {any} */ event) => String(event.seq)}
        selected=${open === undefined ? undefined : String(open)}
        rowKind=${(/** @type {any} */ event) => `level-${event.level} ${event.name === 'fault.injected' ? 'tone-fault' : ''}`}
        follow=${follow && !IS_REPORT}
        onFollow=${setFollow}
        onOpen=${(/** @type {any} */ event) => {
          setFollow(false);
          setOpen(event.seq === open ? undefined : event.seq);
        }}
        empty=${live.events.length === 0 ? 'Nothing has happened yet.' : 'No event is like that.'}
      />
      ${chosen && html`<${Detail} event=${chosen} onClose=${() => setOpen(undefined)} />`}
    </div>
  `;
}

/** @type {import('../ui/virtual.js').Column<import('../core/live.js').JournalEvent>[]} */
const COLUMNS = [
  { id: 'time', label: 'Time', kind: 'number', cell: ({ time }) => html`<${Time} at=${time} />` },
  { id: 'seq', label: 'Number', kind: 'number opt2', cell: ({ seq }) => `#${seq}` },
  { id: 'level', label: 'Level', kind: 'opt2', cell: ({ level }) => level },
  { id: 'name', label: 'Event', kind: 'mono opt1', cell: ({ name }) => name },
  {
    id: 'text',
    label: 'What happened',
    cell: ({ text }) => html`<span title=${plain(text)}>${short(text, 500)}</span>`,
  },
];

/** @param {{ event: import('../core/live.js').JournalEvent, onClose: () => void }} props */
function Detail({ event, onClose }) {
  const { session } = event.fields;
  return html`<${Panel} title=${`${event.name} #${event.seq}`} openKey=${String(event.seq)} onClose=${onClose}>
    <p>${plain(event.text)}</p>
    ${typeof session === 'string' && html`<p><a href=${`#/session/${encodeURIComponent(session)}`}>The session's timeline</a></p>`}
    <${Facts} rows=${[['Time', html`<${Time} at=${event.time} />`], ['Level', event.level], ...Object.entries(event.fields).map(([name, value]) => [name, plain(value)])]} />
  </${Panel}>`;
}
