import { printable } from '../../lib/printable.ts';
import type { ComparedFigure, ComparedRun, Comparison } from './compare.ts';
import { timeText } from './judge.ts';

/** A comparison for people. */
export function comparisonText({ a, b, plans, tolerance, figures, worse, reasons }: Comparison): string {
  const runs = [
    ['A', a],
    ['B', b],
  ] as const;
  const rows = figures.map((one) => [
    one.figure,
    shown(one, one.a),
    shown(one, one.b),
    changeText(one),
    verdictText(one),
  ]);
  const widths = [0, 1, 2, 3].map((column) =>
    Math.max(...rows.map((row) => row[column]!.length), column === 0 ? 10 : 6),
  );
  const line = ([figure, ...rest]: readonly string[]): string =>
    `  ${figure!.padEnd(widths[0]!)}  ${rest
      .slice(0, 3)
      .map((cell, i) => cell.padStart(widths[i + 1]!))
      .join('  ')}  ${rest[3]}`.trimEnd();
  const lines = runs.map(([letter, run]) => `${letter}  ${runText(run)}`);
  if (plans.length > 0) lines.push(`The plans differ in ${plans.join(', ')}, which may cause differences.`);
  let phase: string | undefined;
  let first = true;
  for (const [i, one] of figures.entries()) {
    if (first || one.phase !== phase) {
      lines.push(line([one.phase ?? 'All phases', 'A', 'B', 'B − A', '']).replace(/^ {2}/, ''));
      phase = one.phase;
      first = false;
    }
    lines.push(line(rows[i]!));
  }
  if (figures.length === 0) lines.push('The results have no figures in common.');
  lines.push(...reasons);
  if (reasons.length > 0) lines.push('Figures that do not measure the gateway prove nothing.');
  const by = tolerance > 0 ? ` by more than ${percent(tolerance)}` : '';
  lines.push(worse === 0 ? `Nothing is worse${by}.` : `${worse} of ${figures.length} figures are worse${by}.`);
  return `${lines.map(printable).join('\n')}\n`;
}

const runText = ({ file, name, startedAt, clients, tunnelite, outcome }: ComparedRun): string =>
  `${file}: ${name}, ${clients} clients, ${startedAt}, Tunnelite ${tunnelite}, ${outcome}`;

const percent = (share: number): string => `${Number((share * 100).toPrecision(3))} %`;

function shown({ unit }: ComparedFigure, value: number | null): string {
  if (value === null) return '–';
  switch (unit) {
    case 'µs':
      return timeText(value);
    case 'share':
      return percent(value);
    case 's':
      return `${value.toFixed(2)} s`;
    case 'bytes':
      return `${(value / 2 ** 20).toFixed(0)} MiB`;
    case 'count':
      return String(value);
  }
}

function changeText({ a, b, change }: ComparedFigure): string {
  if (a === null || b === null) return '–';
  if (change === null) return b === 0 ? '0 %' : 'new';
  const percents = Number((change * 100).toFixed(1));
  return `${percents > 0 ? '+' : ''}${percents === 0 ? 0 : percents} %`;
}

const verdictText = ({ verdict }: ComparedFigure): string =>
  verdict === 'same' || verdict === 'unknown' ? '' : verdict;
