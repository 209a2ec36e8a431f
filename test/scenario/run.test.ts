import { XMLParser } from 'fast-xml-parser';
import t from 'tap';
import { junitXml, parseScenario, runScenario, type Scenario, tapText } from '../../src/scenario/index.ts';

t.setTimeout(120_000);

const SCENARIO: Scenario = {
  name: 'hole <&> "quoted"',
  gateway: { dpd: 5 },
  traffic: { fetch: 'http://intranet.contoso.internal/whoami', every: '1s' },
  timeline: [
    { at: '10s', fault: { name: 'hole', on: { seam: 'udp' }, then: { do: 'drop' } } },
    { at: '30s', clear: 'hole' },
    { at: '40s' },
  ],
  expect: [
    { event: 'channel.switch', where: { to: 'cstp' }, between: ['10s', '20s'], count: 1 },
    { rule: 'hole' },
    { client: 'moves to tls', count: 1 },
  ],
};

t.test('one that passes says so in a line', async (t) => {
  const result = await runScenario(SCENARIO);
  t.equal(result.outcome, 'passed', result.report);
  t.match(
    result.report,
    /^passed {2}hole .*\(3 expectations; 40s virtual in \d+\.\d s, 39 pages; hole struck \d+\)\n$/,
  );
  t.match(result, { clock: 'virtual', seed: 1, duration: 40_000, pages: { fetched: 39, failed: 0 } });
});

t.test('the same seed brings the same course, another one another', async (t) => {
  const [one, same, other] = [
    await runScenario(SCENARIO),
    await runScenario(SCENARIO),
    await runScenario(SCENARIO, { seed: 2 }),
  ];
  t.strictSame(same.timeline, one.timeline);
  t.notSame(other.timeline, one.timeline);
  t.equal(other.seed, 2);
});

t.test('a failure says what was expected, what there was and when, and how to see it again', async (t) => {
  const expect: Scenario['expect'] = [
    { event: 'channel.switch', where: { to: 'cstp' }, between: ['20s', '40s'] },
    { event: 'channel.switch', where: { to: 'ctsp' } },
    { never: 'channel.switch' },
    { event: 'session.connect', count: 2 },
    { client: 'gives up' },
    { pages: { fetched: { atLeast: 100 }, longest: { atMost: '1ms' } } },
    { rule: 'hole', hits: 1 },
    { event: 'auth.refused' },
  ];
  const { report, expectations, outcome } = await runScenario({ ...SCENARIO, expect });
  t.equal(outcome, 'failed');
  t.ok(expectations.every(({ passed }) => !passed));
  t.match(report, /^FAILED {2}hole .*: 8 of 8 expectations not met \(virtual, seed 1, 40s virtual/);
  t.match(
    report,
    /expect\[0\]\n +expected {2}channel\.switch with to=cstp between 20s and 40s, at least once\n +found {5}none at that time, but 1 at others:\n +1\d\.\d{3}s {2}#\d+ channel\.switch: /,
  );
  t.match(
    report,
    /expect\[1\]\n.*\n +found +No channel\.switch with to=ctsp\. Nearest:\n +\d+\.\d{3}s {2}#\d+ channel\.switch: .*\n +\(to was (cstp|dtls)\)/,
  );
  t.match(report, /expect\[2\]\n +expected {2}never channel\.switch\n +found {5}3:\n/);
  t.match(report, /session\.connect, 2 times\n +found {5}1:/);
  t.match(
    report,
    /a client prints “gives up”, at least once\n +found {5}no such line; the last lines:\n +\d+\.\d{3}s {2}client 0: .*\n(.*\n)* +\d+\.\d{3}s {2}client 0: moves to tls/,
  );
  t.match(
    report,
    /pages: at least 100 fetched, the longest takes at most 1ms\n +found {5}39 fetched, 0 failed, the longest took /,
  );
  t.match(report, /the fault rule hole strikes, once\n +found {5}it selected \d+ things, and struck \d+ times/);
  t.match(
    report,
    /What happened \(virtual seconds since the start\):\n(.*\n)* +10\.000s {2}── fault hole: udp drop\n(.*\n)* +30\.000s {2}── clear hole: it struck \d+ of \d+ times\n/,
  );
  t.match(report, /Again: the same scenario, with the seed 1\n$/);
});

t.test('of a rule that strikes often the first strikes are shown, and that there were more', async (t) => {
  const { report } = await runScenario({ ...SCENARIO, expect: [{ never: 'channel.switch' }] });
  const shown = report.split('\n').filter((line) => line.includes('fault.injected: '));
  t.equal(shown.length, 3);
  t.match(shown[2], /; later strikes of hole are not shown$/);
  t.notMatch(shown[1], /not shown/);
});

t.test('results are well-formed XML for CI, whatever is in them', async (t) => {
  const good = await runScenario(SCENARIO);
  const bad = await runScenario({
    ...SCENARIO,
    name: 'bad \u{1F600}',
    expect: [{ client: 'a < b & "c"' }, { rule: 'hole' }],
  });
  const strange = {
    ...bad,
    error: { code: 'ERR_X', message: 'zero \0 and bell \u0007\nsecond ]]> line', hint: undefined },
  };
  const xml = junitXml([good, strange]);
  const read = new XMLParser({ ignoreAttributes: false, parseAttributeValue: false }).parse(xml, true);
  const [first, second] = read.testsuites.testsuite;
  t.match(read.testsuites, { '@_tests': '6', '@_failures': '1', '@_errors': '1' });
  t.equal(first['@_name'], 'hole <&> "quoted"');
  t.equal(first.testcase.length, 3);
  t.match(second.testcase[0].failure['@_type'], 'expectation');
  t.match(second.testcase[0].failure['@_message'], /^expected a client prints .*; found .*[^:]$/);
  t.match(second.testcase[2].error['@_message'], 'zero \ufffd and bell \ufffd');
  t.match(second['system-out'], /What happened/);
});

t.test('results are TAP, with a subtest for each scenario', async (t) => {
  const bad = await runScenario({
    ...SCENARIO,
    name: 'a # b',
    expect: [{ rule: 'hole' }, { never: 'session.connect' }],
  });
  const text = tapText([bad]);
  t.match(
    text,
    /^TAP version 14\n1\.\.1\n# Subtest: a \\# b \(virtual, seed 1, [\d.]+ s\)\n {4}ok 1 - the fault rule hole strikes, at least once\n {4}not ok 2 - never session\.connect\n {6}---\n/,
  );
  t.match(text, /\n {4}1\.\.2\nnot ok 1 - a \\# b/);
});

t.test('one that would take too long is ended, and so is one that is given up', async (t) => {
  const long = {
    ...SCENARIO,
    clients: 100,
    traffic: { ...SCENARIO.traffic!, every: '100ms' },
    timeline: [...SCENARIO.timeline.slice(0, 2), { at: '10d' }],
  };
  const { outcome, error, report } = await runScenario(long, { timeout: 2000 });
  t.equal(outcome, 'error');
  t.match(error, {
    code: 'ERR_SCENARIO_LIMIT',
    message: /^After 2 s of this machine's time, \d+ of the 864000 virtual seconds have passed\./,
  });
  t.match(report, /^ERROR {3}hole .*it could not be completed/);
  const control = new AbortController();
  control.abort(new Error('enough'));
  t.match((await runScenario(SCENARIO, { signal: control.signal })).error, { message: 'enough' });
});

t.test('a step that cannot be made is told with its place', async (t) => {
  const loaded = parseScenario(
    `timeline:
  - { at: 1s, fault: { name: 3g.1, on: { seam: udp }, then: { do: drop } } }
  - { at: 2s, profile: 3g }
  - { at: 3s }
expect:
  - { rule: 3g.1 }
`,
    'a.yaml',
  );
  const { outcome, error } = await runScenario(loaded);
  t.equal(outcome, 'error');
  t.match(error, {
    code: 'ERR_SCENARIO_STEP',
    message: /^a\.yaml:3:5: the step at 2s failed: There is already a fault rule 3g\.1/,
  });
});
