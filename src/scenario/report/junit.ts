import type { ScenarioResult } from './result.ts';

/**
 * Results in the format that CI services take in the name of JUnit: a suite for each scenario, and in it a case for each expectation.
 * What happened is in the output of a suite that failed.
 */
export function junitXml(results: readonly ScenarioResult[]): string {
  const suites = results.map(suite);
  const [tests, failures, errors] = [0, 1, 2].map((i) => suites.reduce((sum, { counts }) => sum + counts[i]!, 0));
  const seconds = results.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1000;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="Tunnelite scenarios" tests="${tests}" failures="${failures}" errors="${errors}" time="${seconds.toFixed(3)}">
${suites.map(({ text }) => text).join('')}</testsuites>
`;
}

type Counts = readonly [tests: number, failures: number, errors: number];

function suite(result: ScenarioResult): { readonly text: string; readonly counts: Counts } {
  const { name, file, clock, seed, expectations, error, report, passed, milliseconds, repeat } = result;
  const classname = attribute(file ?? name);
  const time = (milliseconds / 1000).toFixed(3);
  const cases = expectations.map(({ place, expected, passed: met, found }) => {
    const head = `    <testcase classname="${classname}" name="${attribute(expected)}" time="0"`;
    if (met) return `${head}/>\n`;
    const body = content(`${place}\nexpected  ${expected}\nfound     ${found}\n\nAgain: ${repeat}`);
    return `${head}>\n      <failure type="expectation" message="${attribute(`expected ${expected}; found ${firstLine(found)}`)}">${body}</failure>\n    </testcase>\n`;
  });
  if (error) {
    cases.push(
      `    <testcase classname="${classname}" name="it runs to its end" time="0">\n      <error type="${attribute(error.code)}" message="${attribute(error.message.split('\n', 1)[0]!)}">${content(error.message)}</error>\n    </testcase>\n`,
    );
  }
  const failures = expectations.filter((one) => !one.passed).length;
  const counts: Counts = [cases.length, failures, error ? 1 : 0];
  const text = `  <testsuite name="${attribute(name)}" tests="${counts[0]}" failures="${counts[1]}" errors="${counts[2]}" time="${time}">
    <properties>
      <property name="clock" value="${clock}"/>
      <property name="seed" value="${seed}"/>
    </properties>
${cases.join('')}${passed ? '' : `    <system-out>${content(report)}</system-out>\n`}  </testsuite>
`;
  return { text, counts };
}

/** The first line of what was found, without the colon that announces a list. */
const firstLine = (text: string): string => text.split('\n', 1)[0]!.replace(/:$/, '');

/** What XML 1.0 cannot have, not even escaped (§2.2). */
const FORBIDDEN = /[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu;
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const content = (text: string): string =>
  text.replaceAll(FORBIDDEN, '\ufffd').replaceAll(/[&<>"]/g, (sign) => ESCAPES[sign]!);
const attribute = (text: string): string => content(text).replaceAll(/\s/g, ' ');
