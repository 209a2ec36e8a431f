import { XMLParser } from 'fast-xml-parser';
import t from 'tap';
import { loadJunitXml } from '../../../src/load/index.ts';
import { loadResult } from '../../support/load-results.ts';

const read = (xml: string) =>
  new XMLParser({ ignoreAttributes: false, parseAttributeValue: false }).parse(xml, true).testsuites;

t.test('each threshold is a case, and so are the generator and the end of the run', async (t) => {
  const suites = read(loadJunitXml(loadResult({ name: 'a <&> "b"', thresholds: ['fallback.p99 < 1s'] })));
  t.match(suites, { '@_tests': '4', '@_failures': '1', '@_errors': '0' });
  const { testsuite } = suites;
  t.equal(testsuite['@_name'], 'a <&> "b"');
  t.strictSame(
    testsuite.testcase.map((one: Record<string, unknown>) => one['@_name']),
    ['login.done > 0', 'fallback.p99 < 1s', 'the generator is on time', 'it runs to its end'],
  );
  t.equal(testsuite.testcase[0].failure, undefined);
  t.match(testsuite.testcase[1].failure, { '@_type': 'threshold', '@_message': /^fallback\.p99 < 1s: \d/ });
  t.match(testsuite['system-out'], /^a <&> "b": failed/);
  t.match(
    testsuite.properties.property.map((one: Record<string, unknown>) => one['@_name']),
    ['clients', 'seed', 'server', 'outcome'],
  );
});

t.test('the threshold of a phase names it, and a run that passed has no output', async (t) => {
  const { testsuite } = read(loadJunitXml(loadResult({ phaseThresholds: ['fallback.done > 0'] })));
  t.match(testsuite.testcase[0], { '@_classname': 'test: udp blackout', '@_name': 'fallback.done > 0' });
  t.equal(testsuite['system-out'], undefined);
});

t.test('a generator that was late, and an interruption, are errors and no failures', async (t) => {
  const late = read(loadJunitXml(loadResult({ late: true })));
  t.match(late, { '@_failures': '0', '@_errors': '1' });
  t.match(late.testsuite.testcase.at(-2).error, { '@_type': 'invalid', '@_message': /late at the 99th percentile/ });
  const interrupted = read(loadJunitXml(loadResult({ interrupted: true })));
  t.match(interrupted.testsuite.testcase.at(-1).error, { '@_type': 'interrupted' });
});
