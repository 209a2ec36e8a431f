import { type JunitCase, junitXml } from '../../lib/junit.ts';
import { resultText } from './text.ts';
import type { LoadResult } from './types.ts';

/**
 * A result as JUnit XML: a suite, and in it a case for each threshold, one for the generator, whose lateness invalidates the others,
 * and one for the run's end. Unless the run passed, its output contains the whole report.
 */
export function loadJunitXml(result: LoadResult): string {
  const { meta, outcome, validity, thresholds } = result;
  const { name, duration, seed, plan, server } = meta;
  const cases = thresholds.map(
    ({ threshold, phase, passed, text }): JunitCase => ({
      classname: phase === undefined ? name : `${name}: ${phase}`,
      name: threshold,
      trouble: passed ? undefined : { kind: 'failure', type: 'threshold', message: text, text },
    }),
  );
  const trouble = (type: string, text: string) => ({ kind: 'error', type, message: text, text }) as const;
  cases.push(
    {
      classname: name,
      name: 'the generator is on time',
      trouble: validity.valid ? undefined : trouble('invalid', validity.reasons.join('\n')),
    },
    {
      classname: name,
      name: 'it runs to its end',
      trouble: outcome === 'interrupted' ? trouble('interrupted', 'It was interrupted.') : undefined,
    },
  );
  return junitXml('Tunnelite load tests', [
    {
      name,
      milliseconds: duration,
      properties: { clients: plan.clients, seed, server: server.url, outcome },
      cases,
      output: outcome === 'passed' ? undefined : resultText(result),
    },
  ]);
}
