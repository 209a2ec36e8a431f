import { LEVEL_RANK, type TunneliteEvent } from '../../telemetry/index.ts';
import { timeText } from '../report/result.ts';
import type { Recording } from './record.ts';

/** Maximum number of lines shown. */
const SHOWN = 160;
/** Maximum number of strikes shown for one rule. */
const STRIKES = 3;
/** Events that occur for each page would hide everything else. */
const EVERYDAY = new Set(['service.request', 'resource.request', 'resource.end', 'dns.query']);

/** The course of a run, in chronological order: steps, significant events, and output of clients. */
export function timelineLines({ events, steps, notes }: Recording): string[] {
  const strikes = new Map<string, number>();
  const lastShown = new Map<string, number>();
  const wanted = ({ name, seq, level, fields }: TunneliteEvent): boolean => {
    if (LEVEL_RANK[level] < LEVEL_RANK.info) return false;
    if (
      name.startsWith('simulator.') ||
      name.startsWith('certificate.') ||
      name === 'fault.added' ||
      name === 'fault.removed'
    )
      return false;
    if (EVERYDAY.has(name) && LEVEL_RANK[level] < LEVEL_RANK.warn) return false;
    if (name !== 'fault.injected') return true;
    const { rule } = fields as { rule: string };
    const before = strikes.get(rule) ?? 0;
    strikes.set(rule, before + 1);
    if (before < STRIKES) lastShown.set(rule, seq);
    return before < STRIKES;
  };
  const shown = events.filter(({ event }) => wanted(event));
  const more = ({ name, seq, fields }: TunneliteEvent): string => {
    if (name !== 'fault.injected') return '';
    const { rule } = fields as { rule: string };
    return strikes.get(rule)! > STRIKES && lastShown.get(rule) === seq
      ? `; later strikes of ${rule} are not shown`
      : '';
  };
  const lines = [
    ...steps.map(({ at, text }, i) => ({ at, order: 0, i, text: `── ${text}` })),
    ...shown.map(({ at, event }, i) => ({ at, order: 1, i, text: `${event.name}: ${event.text}${more(event)}` })),
    ...notes.map(({ at, client, text }, i) => ({ at, order: 2, i, text: `client ${client} ${text}` })),
  ];
  lines.sort((a, b) => a.at - b.at || a.order - b.order || a.i - b.i);
  const texts = lines.map(({ at, text }) => `${timeText(at).padStart(10)}  ${text}`);
  if (texts.length <= SHOWN) return texts;
  const half = SHOWN / 2;
  return [...texts.slice(0, half), `            … ${texts.length - SHOWN} lines left out …`, ...texts.slice(-half)];
}
