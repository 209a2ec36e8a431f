import { styleText } from 'node:util';
import type { EventLevel, TunneliteEvent } from '../../telemetry/index.ts';
import type { CliIo } from './io.ts';

const COLORS: Readonly<Partial<Record<EventLevel, 'red' | 'yellow' | 'dim'>>> = {
  error: 'red',
  warn: 'yellow',
  debug: 'dim',
  trace: 'dim',
};

/** An event as a line: JSON, or readable text with time, number, name and sentence. */
export function eventLineOf(event: TunneliteEvent, json: boolean | undefined, io: CliIo): string {
  if (json) return `${JSON.stringify(event)}\n`;
  const { seq, time, name, level, text } = event;
  const clock = new Date(time).toISOString().slice(11, 23);
  const line = `${clock}  #${String(seq).padEnd(5)} ${name.padEnd(24)} ${text}`;
  const color = COLORS[level];
  return `${io.colors && color ? styleText(color, line, { validateStream: false }) : line}\n`;
}
