import { types } from 'node:util';
import { eventLine, type TunneliteEvent } from '../telemetry/index.ts';

/** Problems and events as readable lines: problems first, then the newest events, oldest first. */
export function tailText(
  events: readonly TunneliteEvent[],
  problems: readonly TunneliteEvent[],
  { since, limit }: { readonly since: number; readonly limit: number },
): string {
  if (events.length === 0) return `Journal: no events after #${since}.`;
  const lines = [`Journal after #${since}: ${count(events.length, 'event')}, ${count(problems.length, 'problem')}`];
  if (problems.length > 0) lines.push('Problems:', ...newest(problems, limit));
  lines.push('Events:', ...newest(events, limit));
  return lines.join('\n');
}

function newest(events: readonly TunneliteEvent[], limit: number): string[] {
  const shown = limit > 0 ? events.slice(-limit) : [];
  const left = events.length - shown.length;
  return [
    ...(left > 0 ? [`  (${count(left, 'earlier one')} left out)`] : []),
    ...shown.map((event) => `  ${eventLine(event)}`),
  ];
}

const count = (number: number, what: string): string =>
  `${number === 0 ? 'no' : number} ${what}${number === 1 ? '' : 's'}`;

/** Appends text to an error's message, and to its stack, which most runners print instead; false if the error is read-only. */
export function addToError(error: unknown, text: string): boolean {
  // Not by `instanceof`: Jest's tests have an `Error` of their own.
  if (!types.isNativeError(error) || Object.isFrozen(error)) return false;
  const { stack } = error;
  error.message += `\n\n${text}`;
  // Jest writes its own message for a Node.js assertion without a message from the caller.
  if ('generatedMessage' in error) error.generatedMessage = false;
  if (stack === undefined) return true;
  const frames = stack.search(/\n {4}at /);
  const end = frames === -1 ? stack.length : frames;
  error.stack = `${stack.slice(0, end)}\n\n${text}${stack.slice(end)}`;
  return true;
}
