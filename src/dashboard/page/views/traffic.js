import { useEffect, useMemo, useState } from 'preact/hooks';
import { bits, count, plain } from '../core/format.js';
import { Chart } from '../ui/chart.js';
import { useStore } from '../ui/hooks.js';
import { how } from '../ui/how.js';
import { html } from '../ui/html.js';
import { Heading, Search } from '../ui/parts.js';
import { VirtualList } from '../ui/virtual.js';

/** Counters of packets dropped because they were invalid, not because of a rule. */
const WRONG = ['spoofed', 'malformed'];

/** @param {{ model: import('../core/model.js').Model }} props */
export default function Traffic({ model }) {
  const { history, gateway, faults } = model;
  useStore(gateway);
  const rules = useStore(faults).value?.rules ?? [];
  const [search, setSearch] = useState('');
  useEffect(
    () =>
      how.showView({ title: 'Counters of the gateway', cli: ['gateway', '--json'], rest: { path: '/api/gateway' } }),
    [],
  );
  const newest = history.samples.at(-1);
  const bytesData = useMemo(() => times8(history.rates(['bytesIn', 'bytesOut'])), [newest]);
  const packetsData = useMemo(() => history.rates(['packetsIn', 'packetsOut']), [newest]);
  const lostData = useMemo(() => history.rates(['dropped', WRONG, 'undeliverable']), [newest]);
  const found = useMemo(() => {
    const words = search.toLowerCase().split(/\s+/).filter(Boolean);
    return Object.entries(newest?.counters ?? {})
      .filter(([name]) => words.every((one) => name.toLowerCase().includes(one)))
      .map(([name, value]) => ({ name, value, rate: history.rate(name) }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }, [newest, search]);
  const perSecond = (/** @type {number} */ value) =>
    `${value !== Math.round(value) && value < 10 ? value.toFixed(1) : count(value)}/s`;
  return html`
    <${Heading} title="Traffic" about="All sessions together, from when this page was opened. A tab that is hidden does not measure." />
    <div class="charts">
      <${Chart} label="Throughput" data=${bytesData} format=${bits} least=${10_000} series=${[{ label: 'from clients', color: '--series-a' }, { label: 'to clients', color: '--series-b' }]} />
      <${Chart} label="Packets" data=${packetsData} format=${perSecond} series=${[{ label: 'from clients', color: '--series-a' }, { label: 'to clients', color: '--series-b' }]} />
      <${Chart} label="Lost" data=${lostData} format=${perSecond} series=${[{ label: 'no room in a queue', color: '--series-c' }, { label: 'wrong packets', color: '--series-d' }, { label: 'no session for them', color: '--series-a' }]} />
      <section class="card" aria-label="Lost on purpose">
        <div class="card-head"><h2>Lost on purpose</h2><a href="#/faults">Faults</a></div>
        ${
          rules.length === 0
            ? html`<p>No fault rule is in force: what is lost is lost by itself.</p>`
            : html`<ul class="rules">${rules.map((rule) => html`<li key=${rule.name}><span class="grow"><b>${plain(rule.name)}</b> <span class="mono">${plain(rule.rule?.on?.seam)} ${plain(rule.rule?.then?.do)}</span></span><span>struck ${count(rule.hits)} of ${count(rule.seen)}</span></li>`)}</ul>`
        }
      </section>
    </div>
    <div class="beside-list"><h2>Counters</h2><${Search} value=${search} onInput=${setSearch} label="Search counters" hint="sessions, dtls, udp…" /></div>
    <${VirtualList}
      label="Counters of the gateway"
      kind="counters"
      height=${26}
      rows=${found}
      keyOf=${(/** @type {any} */ row) => row.name}
      columns=${COLUMNS}
      empty="No counter is called that."
    />
  `;
}

/** @type {import('../ui/virtual.js').Column<{ name: string, value: number, rate: number }>[]} */
const COLUMNS = [
  { id: 'name', label: 'Counter', kind: 'mono', cell: ({ name }) => plain(name) },
  { id: 'value', label: 'Now', kind: 'number', cell: ({ value }) => count(value) },
  { id: 'rate', label: 'A second', kind: 'number', cell: ({ rate }) => (rate === 0 ? '' : count(rate)) },
];

/** Bytes as bits. @param {(number | null)[][]} columns */
function times8(columns) {
  return columns.map((column, i) => (i === 0 ? column : column.map((value) => (value === null ? null : value * 8))));
}
