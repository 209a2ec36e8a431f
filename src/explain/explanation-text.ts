import type { Explanation, Finding } from './explain.ts';

/** Column to wrap lines at. */
const WIDTH = 110;

/** Formats an explanation for the terminal: what happened, why, and what to do next. Ends with a line break. */
export function explanationText({ summary, steps, stepsLeft, findings, findingsLeft, lost }: Explanation): string {
  const lines = [...wrapped(summary, ''), ''];
  if (lost > 0) lines.push(...wrapped(`(Events up to #${lost} were dropped from the journal.)`, ''), '');
  lines.push('What happened');
  const half = stepsLeft > 0 ? steps.length - 25 : -1;
  for (const [i, { time, text }] of steps.entries()) {
    if (i === half) lines.push(`  … ${stepsLeft} more`);
    const clock = new Date(time).toISOString().slice(11, 23);
    lines.push(...wrapped(text, `  ${clock}  `));
  }
  if (findings.length > 0) lines.push('', 'Findings');
  for (const [i, finding] of findings.entries()) lines.push(...findingLines(finding, i + 1));
  if (findingsLeft > 0) lines.push('', `  … and ${findingsLeft} more`);
  return `${lines.join('\n')}\n`;
}

function findingLines(finding: Finding, number: number): string[] {
  const { cause, title, what, why, next, docs, times, overcome } = finding;
  const often = times > 1 ? `, ${times} times` : '';
  const past = overcome && finding.weight !== 'note' ? ', resolved' : '';
  const head = `  ${String(number).padStart(2)}. `;
  const indent = ' '.repeat(head.length);
  return [
    '',
    ...wrapped(`${title} (${cause}${often}${past})`, head),
    ...wrapped(what, indent),
    ...wrapped(`Why: ${why}`, indent),
    ...next.flatMap((one) => wrapped(one, `${indent}→ `)),
    ...wrapped(`More: ${docs.join(', ')}`, indent),
  ];
}

/** Wraps words into lines; lines after the first are indented to the text of the first. */
function wrapped(text: string, head: string): string[] {
  const lines: string[] = [];
  let line = head;
  let empty = true;
  for (const word of text.split(' ')) {
    if (!empty && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = ' '.repeat(head.length);
      empty = true;
    }
    line += empty ? word : ` ${word}`;
    empty = false;
  }
  lines.push(line);
  return lines;
}
