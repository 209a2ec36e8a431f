/**
 * Draws docs/images/demo.svg, a terminal in which `npm run demo` runs, from what the demo prints:
 *
 *   node src/cli/main.js demo | node scripts/demo-picture.ts
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const COLUMNS = 112;
const ROWS = 26;
const LINE = 18;
const WIDTH = 960;
/** Seconds that a line stays before the next one, and that the end stays before all begins again. */
const PACE = 0.45;
const END = 8;

const escaped = (line: string): string =>
  line.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const short = (line: string): string => (line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1)}…` : line);

const lines = ['$ npm run demo', '', ...(await text(process.stdin)).trimEnd().split('\n')].map(short);
const total = lines.length * PACE + END;
const percent = (seconds: number): string => `${((100 * seconds) / total).toFixed(2)}%`;

const scroll: string[] = [];
const rows = lines.map((line, index) => {
  const at = index * PACE;
  if (index >= ROWS) scroll.push(`${percent(at)}{transform:translateY(${(ROWS - 1 - index) * LINE}px)}`);
  const kind = line.startsWith('$') ? ' class="ask"' : /^(\d\w? |[A-Z])/.test(line) ? ' class="head"' : '';
  const show =
    line === ''
      ? ''
      : `<text x="16" y="${54 + index * LINE}"${kind} style="animation-name:l${index}">${escaped(line)}</text>`;
  return { show, frames: line === '' ? '' : `@keyframes l${index}{0%{opacity:0}${percent(at)},100%{opacity:1}}` };
});
const last = (ROWS - lines.length) * LINE;

const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${ROWS * LINE + 56}" role="img" aria-label="A terminal in which npm run demo runs">
<style>
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#c9d1d9;white-space:pre;animation:${total.toFixed(2)}s step-end infinite}
.ask{fill:#7ee787}.head{fill:#79c0ff}
#all{transform:translateY(${last}px);animation:all ${total.toFixed(2)}s step-end infinite}
@media (prefers-reduced-motion:reduce){text,#all{animation:none}}
@keyframes all{0%{transform:none}${scroll.join('')}100%{transform:translateY(${last}px)}}
${rows.map(({ frames }) => frames).join('')}
</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<circle cx="20" cy="18" r="6" fill="#ff5f56"/><circle cx="40" cy="18" r="6" fill="#ffbd2e"/><circle cx="60" cy="18" r="6" fill="#27c93f"/>
<clipPath id="screen"><rect y="41" width="${WIDTH}" height="${ROWS * LINE + 7}"/></clipPath>
<g clip-path="url(#screen)"><g id="all">
${rows
  .map(({ show }) => show)
  .filter((show) => show !== '')
  .join('\n')}
</g></g>
</svg>
`;
writeFileSync(join(import.meta.dirname, '../docs/images/demo.svg'), svg);
