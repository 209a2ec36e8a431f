import { type JunitCase, type JunitSuite, junitXml as xml } from '../../lib/junit.ts';
import type { ScenarioResult } from './result.ts';

/**
 * Results as JUnit XML: a suite for each scenario, and in it a case for each expectation. The output of a failed suite contains
 * the course of events.
 */
export const junitXml = (results: readonly ScenarioResult[]): string => xml('Tunnelite scenarios', results.map(suite));

function suite(result: ScenarioResult): JunitSuite {
  const { name, file, clock, seed, expectations, error, report, passed, milliseconds, repeat } = result;
  const classname = file ?? name;
  const cases = expectations.map(
    ({ place, expected, passed: met, found }): JunitCase => ({
      classname,
      name: expected,
      trouble: met
        ? undefined
        : {
            kind: 'failure',
            type: 'expectation',
            message: `expected ${expected}; found ${firstLine(found)}`,
            text: `${place}\nexpected  ${expected}\nfound     ${found}\n\nAgain: ${repeat}`,
          },
    }),
  );
  if (error) {
    const { code, message } = error;
    const trouble = { kind: 'error', type: code, message: message.split('\n', 1)[0]!, text: message } as const;
    cases.push({ classname, name: 'it runs to its end', trouble });
  }
  return { name, milliseconds, properties: { clock, seed }, cases, output: passed ? undefined : report };
}

/** The first line of a finding, without the colon that introduces a list. */
const firstLine = (text: string): string => text.split('\n', 1)[0]!.replace(/:$/, '');
