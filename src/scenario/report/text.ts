import { durationText } from '../../lib/duration.ts';
import type { ScenarioResult } from './result.ts';

const indented = (text: string, by: string): string => text.replaceAll('\n', `\n${by}`);
const number = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** A scenario's result as readable text: one line if it passed, all useful details if it did not. */
export function reportText(result: Omit<ScenarioResult, 'report'>): string {
  const { name, clock, seed, outcome, expectations, rules, pages, error, timeline } = result;
  const time = `${durationText(result.duration)}${clock === 'virtual' ? ` virtual in ${(result.milliseconds / 1000).toFixed(1)} s` : ''}`;
  const fetched =
    pages.fetched + pages.failed === 0
      ? ''
      : `, ${number(pages.fetched, 'page')}${pages.failed > 0 ? ` and ${pages.failed} failed` : ''}`;
  const struck = rules.map((rule) => `${rule.name} struck ${rule.hits}`).join(', ');
  const all = number(expectations.length, 'expectation');
  if (outcome === 'passed') return `passed  ${name} (${all}; ${time}${fetched}${struck === '' ? '' : `; ${struck}`})\n`;
  const failed = expectations.filter((one) => !one.passed);
  const lines = [
    error === undefined
      ? `FAILED  ${name}: ${failed.length} of ${all} not met (${clock}, seed ${seed}, ${time}${fetched})`
      : `ERROR   ${name}: it could not be completed (${clock}, seed ${seed}, ${time})`,
  ];
  if (error) {
    lines.push('', `  ${indented(error.message, '  ')}`);
    if (error.hint !== undefined) lines.push(`  ${error.hint}`);
    lines.push(`  (${error.code})`);
  }
  for (const { place, expected, found } of failed) {
    lines.push(
      '',
      `  ${place}`,
      `    expected  ${indented(expected, '              ')}`,
      `    found     ${indented(found, '              ')}`,
    );
  }
  const met = expectations.filter((one) => one.passed);
  if (met.length > 0) lines.push('', '  Met:', ...met.map((one) => `    ${one.expected} (${one.found})`));
  if (rules.length > 0) {
    lines.push('', '  Fault rules:');
    for (const rule of rules) lines.push(`    ${rule.name} struck ${rule.hits} of ${rule.seen} times`);
  }
  lines.push(
    '',
    `  What happened (${clock === 'virtual' ? 'virtual ' : ''}seconds since the start):`,
    ...timeline.map((line) => `  ${line}`),
  );
  lines.push('', `  Again: ${result.repeat}`);
  return `${lines.join('\n')}\n`;
}
