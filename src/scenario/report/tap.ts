import type { ScenarioResult } from './result.ts';

/** Results as TAP version 14 (testanything.org): a subtest for each scenario, and in it a point for each expectation. */
export function tapText(results: readonly ScenarioResult[]): string {
  const parts = results.map((result, i) => {
    const points = result.expectations.map(({ passed, expected, place, found }, n) => {
      const line = `    ${passed ? 'ok' : 'not ok'} ${n + 1} - ${plain(expected)}\n`;
      return passed ? line : `${line}${diagnosis({ at: place, found, again: result.repeat })}`;
    });
    if (result.error) {
      const { code, message } = result.error;
      points.push(
        `    not ok ${points.length + 1} - it runs to its end\n${diagnosis({ code, message, again: result.repeat })}`,
      );
    }
    const seconds = (result.milliseconds / 1000).toFixed(1);
    const name = `${plain(result.name)} (${result.clock}, seed ${result.seed}, ${seconds} s)`;
    return `# Subtest: ${name}\n${points.join('')}    1..${points.length}\n${result.passed ? 'ok' : 'not ok'} ${i + 1} - ${name}\n`;
  });
  return `TAP version 14\n1..${results.length}\n${parts.join('')}`;
}

/** A description is one line, and `#` begins a directive in it. */
const plain = (text: string): string => text.replaceAll(/\s+/g, ' ').replaceAll('\\', '\\\\').replaceAll('#', '\\#');

function diagnosis(members: Readonly<Record<string, string>>): string {
  const lines = Object.entries(members).map(([key, value]) => `      ${key}: ${JSON.stringify(value)}\n`);
  return `      ---\n${lines.join('')}      ...\n`;
}
