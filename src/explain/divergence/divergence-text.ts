import { printable } from '../../lib/printable.ts';
import type { TunneliteEvent } from '../../telemetry/index.ts';
import type { Divergence, Parting, Surplus } from './divergence.ts';

/** Most differences to list for each run. */
const MAX_LISTED = 12;

/** Maximum length of a sentence, in characters. */
const MAX_TEXT = 160;

const lineOf = ({ seq, name, text }: TunneliteEvent, mark = ' '): string => {
  const line = printable(`#${seq} ${name}: ${text}`);
  return `  ${mark} ${line.length > MAX_TEXT ? `${line.slice(0, MAX_TEXT)}…` : line}`;
};

const events = (count: number): string => `${count} ${count === 1 ? 'event' : 'events'}`;

/** Describes where two runs diverge, the events around that point, and the events that only one run has. Ends with a line break. */
export function divergenceText(divergence: Divergence, names = { good: 'the good run', bad: 'this run' }): string {
  const { good, bad, agreed, common, fields, onlyGood, onlyBad } = divergence;
  if (!good && !bad) return `Both runs are the same: ${events(common)}, except for ids, ports, times and amounts.\n`;
  const lines = [`The runs agree in ${events(agreed)}, and then differ. ${inWords(good, bad, names, fields)}`];
  if (good) lines.push('', `${capital(names.good)}:`, ...contextOf(good, '-'));
  if (bad) lines.push('', `${capital(names.bad)}:`, ...contextOf(bad, '+'));
  lines.push(...listOf(onlyGood, names.good), ...listOf(onlyBad, names.bad));
  return `${lines.join('\n')}\n`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

function inWords(
  good: Parting | undefined,
  bad: Parting | undefined,
  names: { good: string; bad: string },
  fields: readonly string[],
): string {
  if (good && bad && good.event.name === bad.event.name) {
    const values = fields.map((field) => {
      const [was, is] = [good, bad].map(({ event }) => (event.fields as Readonly<Record<string, unknown>>)[field]);
      return `${field} was ${shown(was)} and is now ${shown(is)}`;
    });
    return `Both have ${good.event.name}: ${values.join('; ')}.`;
  }
  if (good && bad) return `Then came ${good.event.name} in ${names.good}, and ${bad.event.name} in ${names.bad}.`;
  if (good) return `Then came ${good.event.name} in ${names.good}; ${names.bad} has no such event there.`;
  return `Then came ${bad!.event.name} in ${names.bad}; ${names.good} has no such event there.`;
}

function shown(value: unknown): string {
  const text = printable(value === undefined ? 'absent' : (JSON.stringify(value) ?? String(value)));
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

function contextOf({ event, before, after }: Parting, mark: string): string[] {
  return [...before.map((one) => lineOf(one)), lineOf(event, mark), ...after.map((one) => lineOf(one))];
}

function listOf(surplus: readonly Surplus[], name: string): string[] {
  if (surplus.length === 0) return [];
  const listed = surplus.slice(0, MAX_LISTED).map(({ count, first }) => lineOf(first, count > 1 ? `${count} ×` : ' '));
  const left = surplus.length - listed.length;
  return ['', `Only ${name} has:`, ...listed, ...(left > 0 ? [`    … and ${left} more`] : [])];
}
