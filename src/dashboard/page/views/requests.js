import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { json, query } from '../core/api.js';
import { bytes, plain, plural, short, span } from '../core/format.js';
import { IS_REPORT } from '../core/report.js';
import { matching, REQUEST_EVENTS, Requests } from '../core/requests.js';
import { command, curlOfEntry } from '../core/shell.js';
import { Copy, download } from '../ui/copy.js';
import { Act, how } from '../ui/how.js';
import { html } from '../ui/html.js';
import { Channel, Code, Facts, Heading, Panel, Search, Select, Time } from '../ui/parts.js';
import { VirtualList } from '../ui/virtual.js';

const OUTCOMES = /** @type {const} */ ([
  ['', 'All outcomes'],
  ['open', 'Open'],
  ['completed', 'Completed'],
  ['denied', 'Denied'],
  ['failed', 'Failed'],
  ['broken', 'Broken'],
]);
const HAR = { path: '/api/resources/requests.har' };

/** @param {{ model: import('../core/model.js').Model, words: URLSearchParams }} props */
export default function RequestsView({ model, words }) {
  const { live } = model;
  const store = useRef(/** @type {any} */ (undefined));
  store.current ??= new Requests();
  const [version, setVersion] = useState(0);
  const [search, setSearch] = useState(words.get('search') ?? '');
  const [outcome, setOutcome] = useState('');
  const [open, setOpen] = useState(/** @type {string | undefined} */ (undefined));
  useEffect(() => {
    how.showView({
      title: 'Connect requests',
      cli: ['journal', 'resource.request'],
      rest: { path: `/api/journal?${query({ name: REQUEST_EVENTS.join(',') })}` },
    });
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let drawing;
    const draw = () => {
      drawing ??= setTimeout(() => {
        drawing = undefined;
        setVersion((one) => one + 1);
      }, 200);
    };
    /** @type {import('../core/live.js').JournalEvent[] | undefined} */
    let early = [];
    const stop = live.listen((events) => {
      if (early) early.push(...events);
      else if (store.current.take(events)) draw();
    });
    json(`/api/journal?${query({ name: REQUEST_EVENTS.join(','), limit: 20_000 })}`)
      .then(({ events }) => store.current.take(events))
      .catch(() => {})
      .finally(() => {
        store.current.take(early ?? []);
        early = undefined;
        draw();
      });
    return () => {
      stop();
      clearTimeout(drawing);
    };
  }, []);
  const rows = useMemo(() => [...store.current.rows.values()].reverse(), [version]);
  const found = useMemo(
    () => matching(rows, search).filter((row) => outcome === '' || row.outcome === outcome),
    [rows, search, outcome],
  );
  const chosen = open === undefined ? undefined : store.current.rows.get(open);
  return html`
    <${Heading} title="Connect requests" about=${`${plural(found.length, 'request')}: what clients asked for in their tunnels, and what was decided`}>
      <${Search} value=${search} onInput=${setSearch} label="Search connect requests" hint="Host, user, session, rule…" />
      <${Select} value=${outcome} onChange=${setOutcome} label="Which outcome" options=${OUTCOMES} />
      <${Act}
        looks
        how=${{ title: 'The last HTTP requests as a HAR', cli: ['resources', 'har'], rest: HAR }}
        run=${async () => {
          const har = await json(HAR.path);
          download('tunnelite-requests.har', 'application/json', JSON.stringify(har, null, 2));
          return `Downloaded ${plural(har.log.entries.length, 'HTTP request')} as a HAR 1.2.`;
        }}
      >Download HAR</${Act}>
    </${Heading}>
    <div class=${`split ${chosen ? 'open' : ''}`}>
      <${VirtualList}
        label="Connect requests"
        kind="requests"
        rows=${found}
        columns=${COLUMNS}
        keyOf=${(/** @type {any} */ row) => row.id}
        selected=${open}
        rowKind=${(/** @type {any} */ row) => (/denied|failed|broken/.test(row.outcome) ? 'tone-bad' : '')}
        onOpen=${(/** @type {any} */ row) => setOpen(row.id === open ? undefined : row.id)}
        empty=${rows.length === 0 ? 'No client has asked for anything yet.' : 'No request is like that.'}
      />
      ${chosen && html`<${Detail} row=${chosen} onClose=${() => setOpen(undefined)} />`}
    </div>
  `;
}

/** @type {import('../ui/virtual.js').Column<import('../core/requests.js').RequestRow>[]} */
const COLUMNS = [
  { id: 'time', label: 'Time', kind: 'number', cell: ({ time }) => html`<${Time} at=${time} />` },
  {
    id: 'host',
    label: 'Asked for',
    cell: ({ host, destination }) =>
      html`<span title=${plain(`${host} ${destination}`)}>${host ? `${short(host, 80)} ` : ''}<span class="mono small">${short(destination, 60)}</span></span>`,
  },
  { id: 'protocol', label: 'Over', kind: 'opt1', cell: ({ protocol }) => plain(protocol) },
  { id: 'channel', label: 'Came by', kind: 'opt1', cell: ({ channel }) => html`<${Channel} channel=${channel} />` },
  { id: 'outcome', label: 'Outcome', cell: ({ outcome }) => plain(outcome) },
  { id: 'user', label: 'User', kind: 'opt2', cell: ({ user }) => short(user, 60) },
  { id: 'in', label: 'In', kind: 'number opt2', cell: ({ bytesIn, open }) => (open ? '' : bytes(bytesIn)) },
  { id: 'out', label: 'Out', kind: 'number opt2', cell: ({ bytesOut, open }) => (open ? '' : bytes(bytesOut)) },
  {
    id: 'took',
    label: 'Took',
    kind: 'number opt1',
    cell: ({ milliseconds }) => (milliseconds === undefined ? '' : span(milliseconds)),
  },
];

/** @param {{ row: import('../core/requests.js').RequestRow, onClose: () => void }} props */
function Detail({ row, onClose }) {
  const [entries, setEntries] = useState(/** @type {any[] | undefined} */ (undefined));
  useEffect(() => {
    let current = true;
    setEntries(undefined);
    json(HAR.path)
      .then(({ log }) => log.entries.filter((/** @type {any} */ one) => one._request === row.id).slice(-50))
      .catch(() => [])
      .then((found) => current && setEntries(found));
    return () => {
      current = false;
    };
  }, [row.id, row.outcome]);
  const port = row.destination.replace(/^.*:/, '');
  const again = [
    'curl',
    `${port === '443' ? 'https' : 'http'}://${row.host || row.destination}${row.host && port !== '80' && port !== '443' ? `:${port}` : ''}/`,
  ];
  return html`<${Panel} title=${short(row.host || row.destination, 80)} openKey=${row.id} onClose=${onClose}>
    <p>${plain(row.explanation)}</p>
    <${Facts}
      rows=${[
        ['Request', row.id],
        ['Outcome', `${row.outcome}${row.reason ? `: ${row.reason}` : ''}`],
        ['Decision', `${row.decision}, by ${row.rule}`],
        ['Destination', `${row.protocol} ${row.destination}`],
        ['Went to', row.target],
        ['Came by', row.channel],
        [
          'Session',
          row.session && html`<a href=${`#/session/${encodeURIComponent(row.session)}`}>${plain(row.session)}</a>`,
        ],
        ['User', row.user],
        ['Answered', row.answered === undefined ? '' : `after ${span(row.answered)}`],
        ['Took', row.milliseconds === undefined ? '' : span(row.milliseconds)],
        ['In, out', row.open ? '' : `${bytes(row.bytesIn)}, ${bytes(row.bytesOut)}`],
        ['Trace', row.trace],
      ]}
    />
    ${row.protocol === 'tcp' && !IS_REPORT && html`<div><h3>Ask again, through a tunnel of its own</h3><${Code} text=${command(...again)}><${Copy} text=${command(...again)} what="the command" /></${Code}></div>`}
    ${(entries ?? []).map(
      (entry, i) => html`<section key=${i} aria-label="HTTP request">
        <h3 class="mono">${short(entry.request.method, 20)} ${short(entry.request.url, 300)}</h3>
        <p class="small">answered ${plain(entry.response.status)} ${short(entry.response.statusText, 60)} in ${span(entry.time)}, ${bytes(entry.response.content.size)} of ${short(entry.response.content.mimeType, 80)}</p>
        <${Code} text=${curlOfEntry(entry)}><${Copy} text=${curlOfEntry(entry)} what="this request as curl" /></${Code}>
      </section>`,
    )}
  </${Panel}>`;
}
