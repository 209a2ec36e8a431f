/**
 * Draws docs/images/<name>.svg, a terminal in which a command runs, from what the command prints:
 *
 *   node src/cli/main.js demo | node scripts/pictures/terminal.ts demo 'npm run demo'
 *   tshark … | node scripts/pictures/terminal.ts capture 'tshark …' --still --mark 'HTTP|DNS'
 *
 * The lines appear one after the other, or with --still all at once. --mark colors lines, by default those that begin a chapter of the demo.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { escaped } from './svg.ts';

const COLUMNS = 112;
const MOST_ROWS = 26;
const LINE = 18;
const WIDTH = 960;
/** Seconds that a line stays before the next one, and that the end stays before all begins again. */
const PACE = 0.45;
const END = 8;

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { still: { type: 'boolean', default: false }, mark: { type: 'string', default: '^(\\d\\w? |[A-Z])' } },
});
const [name, command] = positionals;
if (!name || !command) throw new Error('Which picture, and of which command?');
const mark = new RegExp(values.mark);
const short = (line: string): string => (line.length > COLUMNS ? `${line.slice(0, COLUMNS - 1)}…` : line);
const output = (await text(process.stdin)).trimEnd().split('\n');
const lines = [...command.split('\n').map((line, at) => (at === 0 ? `$ ${line}` : line)), '', ...output].map(short);
const asked = command.split('\n').length;
const kindOf = (index: number): string =>
  index < asked ? ' class="ask"' : mark.test(lines[index]!) ? ' class="head"' : '';

const rows = values.still ? lines.length : MOST_ROWS;
const { styles, show } = values.still ? still() : animated();
const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${rows * LINE + 56}" role="img" aria-label="A terminal in which ${escaped(command.split(/\s/).slice(0, 3).join(' '))} runs">
<style>
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#c9d1d9;white-space:pre}
.ask{fill:#7ee787}.head{fill:#79c0ff}
${styles}
</style>
<rect width="100%" height="100%" rx="8" fill="#0d1117"/>
<circle cx="20" cy="18" r="6" fill="#ff5f56"/><circle cx="40" cy="18" r="6" fill="#ffbd2e"/><circle cx="60" cy="18" r="6" fill="#27c93f"/>
<clipPath id="screen"><rect y="41" width="${WIDTH}" height="${rows * LINE + 7}"/></clipPath>
<g clip-path="url(#screen)"><g id="all">
${show.filter((line) => line !== '').join('\n')}
</g></g>
</svg>
`;
writeFileSync(join(import.meta.dirname, `../../docs/images/${name}.svg`), svg);

function element(index: number, style = ''): string {
  const line = lines[index]!;
  return line === '' ? '' : `<text x="16" y="${54 + index * LINE}"${kindOf(index)}${style}>${escaped(line)}</text>`;
}

function still(): { styles: string; show: string[] } {
  return { styles: '', show: lines.map((_, index) => element(index)) };
}

function animated(): { styles: string; show: string[] } {
  const total = lines.length * PACE + END;
  const percent = (seconds: number): string => `${((100 * seconds) / total).toFixed(2)}%`;
  const last = Math.min(0, MOST_ROWS - lines.length) * LINE;
  const scroll = lines
    .map((_, index) => `${percent(index * PACE)}{transform:translateY(${(MOST_ROWS - 1 - index) * LINE}px)}`)
    .slice(MOST_ROWS);
  const frames = lines.map((line, index) =>
    line === '' ? '' : `@keyframes l${index}{0%{opacity:0}${percent(index * PACE)},100%{opacity:1}}`,
  );
  const time = `${total.toFixed(2)}s step-end infinite`;
  return {
    styles: `text{animation:${time}}
#all{transform:translateY(${last}px);animation:all ${time}}
@media (prefers-reduced-motion:reduce){text,#all{animation:none}}
@keyframes all{0%{transform:none}${scroll.join('')}100%{transform:translateY(${last}px)}}
${frames.join('')}`,
    show: lines.map((_, index) => element(index, ` style="animation-name:l${index}"`)),
  };
}
