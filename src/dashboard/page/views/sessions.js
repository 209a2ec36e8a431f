import { useEffect, useMemo, useState } from 'preact/hooks';
import { bytes, plain, plural, short, span } from '../core/format.js';
import { matching } from '../core/requests.js';
import { useNow, useStore } from '../ui/hooks.js';
import { how } from '../ui/how.js';
import { html } from '../ui/html.js';
import { Channel, Heading, Search, Select } from '../ui/parts.js';
import { inOrder, VirtualList } from '../ui/virtual.js';

const STATES = /** @type {const} */ ([
  ['all', 'All'],
  ['dtls', 'Data over DTLS'],
  ['cstp', 'Data over TLS'],
  ['idle', 'Without a tunnel'],
]);

/** @param {{ model: import('../core/model.js').Model }} props */
export default function Sessions({ model }) {
  const { sessions: poll, reasons, clock } = model;
  const { value: sessions = [], error } = useStore(poll);
  const { version } = useStore(reasons);
  const [search, setSearch] = useState('');
  const [state, setState] = useState('all');
  const [sorted, setSorted] = useState(/** @type {{ id: string, down: boolean } | undefined} */ (undefined));
  const now = useNow(1000) + (clock.value?.offset ?? 0);
  useEffect(() => how.showView({ title: 'Sessions', cli: ['sessions'], rest: { path: '/api/sessions' } }), []);
  const rows = useMemo(() => sessions.map((one) => rowOf(one, reasons.of(one))), [sessions, version]);
  const columns = useMemo(() => columnsAt(Math.floor(now / 1000) * 1000), [Math.floor(now / 1000)]);
  const found = useMemo(
    () =>
      inOrder(
        matching(rows, search).filter(({ kind }) => state === 'all' || kind === state),
        columns,
        sorted,
      ),
    [rows, search, state, sorted],
  );
  const counts = useMemo(
    () => ({
      dtls: rows.filter(({ kind }) => kind === 'dtls').length,
      cstp: rows.filter(({ kind }) => kind === 'cstp').length,
    }),
    [rows],
  );
  const total = Math.max(1, counts.dtls + counts.cstp);
  return html`
    <${Heading} title="Sessions" about=${html`${plural(sessions.length, 'session')}, data of <b>${counts.dtls}</b> over DTLS and of <b>${counts.cstp}</b> over TLS`}>
      <${Search} value=${search} onInput=${setSearch} label="Search sessions" hint="User, agent, address, why…" />
      <${Select} value=${state} onChange=${setState} label="Which sessions" options=${STATES} />
    </${Heading}>
    <div class="share" aria-hidden="true"><span class="share-dtls" style=${{ flexGrow: counts.dtls / total }}></span><span class="share-cstp" style=${{ flexGrow: counts.cstp / total }}></span></div>
    ${error && html`<p class="notice bad">${error.message}</p>`}
    <${VirtualList}
      label="Sessions"
      kind="sessions"
      rows=${found}
      columns=${columns}
      keyOf=${(/** @type {any} */ row) => row.id}
      sorted=${sorted}
      onSort=${setSorted}
      onOpen=${(/** @type {any} */ row) => {
        location.hash = `#/session/${encodeURIComponent(row.id)}`;
      }}
      empty=${sessions.length === 0 ? html`Nobody is connected. <a href="#/setup">How to connect a client</a>` : 'No session is like that.'}
    />
  `;
}

/** @param {import('../core/model.js').Session} one @param {import('../core/why.js').Why} why */
function rowOf(one, why) {
  const kind = one.dataChannel ?? 'idle';
  const user = one.signInName ?? one.username;
  const text = [
    one.id,
    user,
    one.userAgent,
    one.deviceType,
    one.devicePlatform,
    one.hostname,
    one.address4,
    one.address6,
    one.remoteAddress,
    one.state,
    why.text,
  ]
    .join(' ')
    .toLowerCase();
  return { id: one.id, kind, user, why, text, one };
}

/** @typedef {ReturnType<typeof rowOf>} Row */

/** @param {number} now */
function columnsAt(now) {
  return /** @type {import('../ui/virtual.js').Column<Row>[]} */ ([
    {
      id: 'id',
      label: 'Session',
      kind: 'mono',
      cell: ({ id }) => html`<a href=${`#/session/${encodeURIComponent(id)}`} tabindex="-1">${plain(id)}</a>`,
      sort: ({ id }) => id,
    },
    {
      id: 'user',
      label: 'User',
      cell: ({ user }) => html`<span title=${plain(user)}>${short(user, 60)}</span>`,
      sort: ({ user }) => user,
    },
    {
      id: 'channel',
      label: 'Data',
      cell: ({ one }) => html`<${Channel} channel=${one.dataChannel} />`,
      sort: ({ kind }) => kind,
    },
    {
      id: 'why',
      label: 'Why',
      kind: 'grow opt1',
      cell: ({ why }) => html`<span class=${`why ${why.tone}`} title=${plain(why.text)}>${short(why.text, 160)}</span>`,
    },
    {
      id: 'agent',
      label: 'Client',
      kind: 'opt2',
      cell: ({ one }) => html`<span title=${plain(one.userAgent)}>${short(one.userAgent ?? '', 60)}</span>`,
      sort: ({ one }) => one.userAgent ?? '',
    },
    {
      id: 'address',
      label: 'In the tunnel',
      kind: 'mono opt2',
      cell: ({ one }) => plain(one.address4 ?? one.address6),
      sort: ({ one }) => one.address4 ?? one.address6 ?? '',
    },
    {
      id: 'remote',
      label: 'From',
      kind: 'mono opt3',
      cell: ({ one }) => plain(one.remoteAddress),
      sort: ({ one }) => one.remoteAddress,
    },
    {
      id: 'since',
      label: 'For',
      kind: 'number',
      cell: ({ one }) => (one.connectedAt === undefined ? '–' : span(Math.max(0, now - one.connectedAt))),
      sort: ({ one }) => -(one.connectedAt ?? 0),
    },
    {
      id: 'in',
      label: 'In',
      kind: 'number opt1',
      cell: ({ one }) => bytes(one.bytesIn),
      sort: ({ one }) => one.bytesIn,
    },
    {
      id: 'out',
      label: 'Out',
      kind: 'number',
      cell: ({ one }) => bytes(one.bytesOut),
      sort: ({ one }) => one.bytesOut,
    },
  ]);
}
