import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { escaped } from './svg.ts';

// Bars of the first table in benchmarks.md, so that picture and table have the same figures.

const WIDTH = 760;
const LABEL = 214;
const BAR = 480;
const ROW = 40;
const TOP = 44;

interface Row {
  readonly name: string;
  /** As the table has it, such as 4.50. */
  readonly tunnelite: string;
  readonly ocserv: string;
}

/** The rows of the table "Beside ocserv" that have a figure for ocserv. */
export function rowsBesideOcserv(page: string): Row[] {
  const [, section = ''] = page.split(/^## Beside ocserv.*$/m);
  const rows: Row[] = [];
  let started = false;
  for (const line of section.split('\n')) {
    if (!line.startsWith('|') && started) break;
    if (!line.startsWith('|')) continue;
    started = true;
    const [, name = '', tunnelite = '', ocserv = ''] = line.split('|').map((cell) => cell.trim().split(' (')[0]);
    if (Number(tunnelite) > 0 && Number(ocserv) > 0) rows.push({ name, tunnelite, ocserv });
  }
  return rows;
}

/** The picture docs/images/beside-ocserv.svg. */
export function ocservBars(): string {
  const rows = rowsBesideOcserv(
    readFileSync(join(import.meta.dirname, '../../docs/explanation/benchmarks.md'), 'utf8'),
  );
  const [costs, rates] = [
    rows.filter(({ name }) => name.includes('CPU')),
    rows.filter(({ name }) => !name.includes('CPU')),
  ];
  const ratesEnd = TOP + 28 + rates.length * ROW;
  const height = ratesEnd + 40 + costs.length * ROW + 12;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Rates and CPU time of Tunnelite and ocserv, as bars">
<style>
text{font:13px system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;fill:#1f2328}
.head{font-weight:600}.end{text-anchor:end}
.ground{fill:#fff}.ours{fill:#0f766e}.theirs{fill:#b45309}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.ground{fill:#0d1117}.ours{fill:#2dd4bf}.theirs{fill:#f59e0b}}
</style>
<rect class="ground" width="100%" height="100%" rx="8"/>
<rect class="ours" x="16" y="14" width="12" height="12" rx="2"/><text x="34" y="25">Tunnelite</text>
<rect class="theirs" x="116" y="14" width="12" height="12" rx="2"/><text x="134" y="25">ocserv</text>
${panel('Rates: longer is better', rates, TOP)}
${panel('CPU time: shorter is better', costs, ratesEnd + 12)}
</svg>
`;
}

/** Each pair of bars has its own scale: its longer bar fills the width. */
function panel(title: string, rows: readonly Row[], top: number): string {
  const pairs = rows.map(({ name, tunnelite, ocserv }, index) => {
    const y = top + 28 + index * ROW;
    const bar = (kind: string, value: string, offset: number): string => {
      const length = Math.max(1, Math.round((BAR * Number(value)) / Math.max(Number(tunnelite), Number(ocserv))));
      const at = y + offset;
      return `<rect class="${kind}" x="${LABEL}" y="${at}" width="${length}" height="14" rx="2"/><text x="${LABEL + length + 6}" y="${at + 12}">${value}</text>`;
    };
    return `<text class="end" x="${LABEL - 10}" y="${y + 20}">${escaped(name)}</text>${bar('ours', tunnelite, 0)}${bar('theirs', ocserv, 16)}`;
  });
  return [`<text class="head" x="16" y="${top + 16}">${title}</text>`, ...pairs].join('\n');
}
