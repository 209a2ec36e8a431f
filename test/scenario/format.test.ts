import t, { type Test } from 'tap';
import { isTunneliteError } from '../../src/index.ts';
import { checkScenario, parseScenario, type Scenario, scenarioYaml } from '../../src/scenario/index.ts';

const GOOD = `name: udp-black-hole
clock: virtual
seed: 7
gateway: { dpd: 5 }
traffic: { fetch: http://intranet.contoso.internal/whoami, every: 1s }
timeline:
  - { at: 20s, fault: { name: hole, on: { seam: udp }, then: { do: drop } } }
  - { at: 50s, clear: hole }
  - { at: 90s }
expect:
  - { event: channel.switch, where: { to: cstp }, between: [23s, 36s], count: 1 }
  - { never: session.disconnect }
  - { pages: { failed: 0, fetched: { atLeast: 80 } } }
  - { rule: hole, hits: { atLeast: 10 } }
`;

/** What is said about a text, without the hints of the code. */
function complaintOf(text: string): string {
  try {
    parseScenario(text, 'a.yaml');
  } catch (error) {
    return isTunneliteError(error) ? `${error.code} ${error.message}` : String(error);
  }
  return 'nothing';
}

/** The good one with one text in place of another. */
const changed = (from: string | RegExp, to: string): string => {
  const text = GOOD.replace(from, to);
  if (text === GOOD) throw new Error(`nothing to replace: ${from}`);
  return text;
};

t.test('a scenario is read, with its length, and knows where its parts stand', async (t) => {
  const loaded = parseScenario(GOOD, 'a.yaml');
  t.equal(loaded.name, 'udp-black-hole');
  t.equal(loaded.end, 90_000);
  t.equal(loaded.locate(['expect', 1]), 'a.yaml:12:5');
  t.strictSame(loaded.scenario.gateway, { dpd: 5 }, 'what is left out stays out');
  t.equal(parseScenario(changed('name: udp-black-hole\n', ''), 'folder/of/storm.yml').name, 'storm');
});

t.test('what is written is read back as it was', async (t) => {
  const { scenario } = parseScenario(GOOD);
  const text = scenarioYaml(scenario, 'Found by the test of models\nwith seed 7');
  t.match(text, /^# Found by the test of models\n# with seed 7\n/);
  t.match(text, /^ {2}- \{ at: 50s, clear: hole \}$/m, 'a line for each step');
  t.strictSame(parseScenario(text).scenario, scenario);
  const nasty: Scenario = {
    expect: [{ event: 'session.disconnect', where: { explanation: 'yes: "no"\n# {x} & *y' } }],
    timeline: [
      { at: '0s', fault: { name: 'off', on: { seam: 'http', kind: 'keys' }, then: { do: 'body', body: 'a\n- b: ~' } } },
      { at: '1h30m' },
    ],
    client: 'bundled',
    name: '012',
  };
  const written = scenarioYaml(nasty);
  t.ok(written.startsWith('name: '), 'members are in the order of the documentation');
  t.strictSame(parseScenario(written).scenario, nasty);
  t.throws(() => scenarioYaml({ ...nasty, timeline: [] }), { code: 'ERR_SCENARIO_INVALID' });
});

const REFUSED: readonly (readonly [what: string, text: string, complaint: RegExp])[] = [
  ['an empty file', '', /^ERR_SCENARIO_INVALID a\.yaml(:1:1)?: The file is empty\. Expected: a scenario/],
  ['a list', '- 1\n', /^ERR_SCENARIO_INVALID a\.yaml:1:1: The file does not contain an object/],
  ['no YAML', 'a: b: c\n', /^ERR_CONFIG_SYNTAX a\.yaml:1:\d+: /],
  [
    'a bomb',
    `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefgh'
      .split('')
      .map((one, i) => `${one}: &${one} [${Array(10).fill(`*${'abcdefg'[i]}`).join(',')}]`)
      .join('\n')}\n`,
    /^ERR_CONFIG_SYNTAX a\.yaml:\d+:\d+: with all aliases expanded/,
  ],
  ['a key twice', `${GOOD}seed: 8\n`, /^ERR_CONFIG_SYNTAX a\.yaml:15:1: the key "seed" is repeated/],
  ['a prototype', `${GOOD}__proto__: { seed: 1 }\n`, /a\.yaml:15:1 __proto__: "__proto__" is not a key here/],
  ['an unknown member', changed('seed:', 'sed:'), /a\.yaml:3:1 sed: "sed" is not a key here\. Did you mean "seed"\?/],
  ['an unknown setting', changed('dpd:', 'dpt:'), /a\.yaml:4:12 gateway\.dpt: "dpt" is not a key here.*"dpd"/],
  ['an impossible setting', changed('dpd: 5', 'dpd: 0'), /a\.yaml:4:17 gateway\.dpd: 0 is out of range/],
  [
    'settings that contradict',
    changed('dpd: 5', 'network: null'),
    /a\.yaml:4:21 gateway\.network: there is neither an IPv4 nor an IPv6 pool/,
  ],
  [
    'a time that is none',
    changed('at: 20s', 'at: soon'),
    /a\.yaml:7:11 timeline\[0\]\.at: "soon" is not valid here\. Expected: a duration, such as 90s/,
  ],
  [
    'a time without a unit',
    changed('at: 20s', 'at: 20'),
    /a\.yaml:7:11 timeline\[0\]\.at: 20 is not valid here\. Expected: a duration/,
  ],
  [
    'a time before the last',
    changed('at: 50s', 'at: 5s'),
    /a\.yaml:8:11 timeline\[1\]\.at: 5s is before the step above, which is at 20s/,
  ],
  [
    'a step after the end',
    changed('at: 90s }', 'at: 90s }\n  - { at: 95s, clear: hole }'),
    /a\.yaml:10:5 timeline\[3\]: the scenario ends at 1m30s, so this step never happens/,
  ],
  [
    'no end',
    changed('  - { at: 90s }\n', ''),
    /a\.yaml:7:3 timeline: the timeline has no end\. Expected: a last step with a time alone/,
  ],
  [
    'an end without an end',
    changed('at: 90s }', 'at: 90y }'),
    /a\.yaml:9:11 timeline\[2\]\.at: \d+d is too long with clock: virtual\. Expected: 31d at most/,
  ],
  [
    'a step with two actions',
    changed('clear: hole', 'clear: hole, keys: rotate'),
    /a\.yaml:8:29 timeline\[1\]\.keys: a step has one action, but this one has clear and keys/,
  ],
  [
    'a rule twice',
    changed(
      'clear: hole }',
      'clear: hole }\n  - { at: 60s, fault: { name: hole, on: { seam: udp }, then: { do: drop } } }',
    ),
    /a\.yaml:9:31 timeline\[2\]\.fault\.name: an earlier step already has a rule hole/,
  ],
  [
    'a rule that could never match',
    changed('seam: udp', 'seam: udp, kind: keys'),
    /a\.yaml:7:\d+ timeline\[0\]\.fault\.on\.kind: the seam udp has no items of the kind "keys"/,
  ],
  ['a rule without a name', changed('name: hole, ', ''), /timeline\[0\]\.fault: "name" is missing/],
  [
    'a rule to remove that there is not',
    changed('clear: hole', 'clear: hule'),
    /a\.yaml:8:23 timeline\[1\]\.clear: there is no rule "hule" to remove\. Did you mean "hole"\?/,
  ],
  [
    'a rule to remove before it is there',
    changed(/ {2}- \{ at: 20s.*\n( {2}- \{ at: )50s/, '$120s').replace(
      '90s }',
      '80s, fault: { name: hole, on: { seam: udp }, then: { do: drop } } }\n  - { at: 90s }',
    ),
    /the rule hole is not active at this time/,
  ],
  [
    'a rule to remove of a profile that another has taken the place of',
    changed('clear: hole', 'profile: 3g').replace(
      '90s }',
      '70s, profile: lte }\n  - { at: 80s, clear: 3g.1 }\n  - { at: 90s }',
    ),
    /a\.yaml:10:23 timeline\[3\]\.clear: the rule 3g\.1 is not active at this time/,
  ],
  [
    'a rule to remove of a profile that has ended',
    changed('clear: hole', 'profile: 3g').replace(
      '90s }',
      '70s, profile: null }\n  - { at: 80s, clear: 3g.1 }\n  - { at: 90s }',
    ),
    /timeline\[3\]\.clear: the rule 3g\.1 is not active at this time/,
  ],
  [
    'a rule expected that no step adds',
    changed('rule: hole', 'rule: hold'),
    /a\.yaml:14:13 expect\[3\]\.rule: no step adds a fault rule "hold"\. Did you mean "hole"\?/,
  ],
  [
    'an event that there is not',
    changed('channel.switch', 'channel.swich'),
    /a\.yaml:11:14 expect\[0\]\.event: there is no event "channel\.swich"\. Did you mean "channel\.switch"\?/,
  ],
  [
    'a field that the event has not',
    changed('where: { to: cstp }', 'where: { too: cstp }'),
    /a\.yaml:11:\d+ expect\[0\]\.where\.too: channel\.switch has no field "too"\. Did you mean "to"\?/,
  ],
  [
    'a field that none of the events has, of which there shall be none',
    changed('never: session.disconnect', 'never: session.*, where: { toString: 1 }'),
    /expect\[\d\]\.where\.toString: session\.\* has no field "toString"/,
  ],
  [
    'an expectation about nothing',
    changed('never: session.disconnect', 'between: [1s, 2s]'),
    /a\.yaml:12:5 expect\[1\]: there is no expectation\. Expected: one of event, never, rule, pages, client or exit/,
  ],
  [
    'an expectation about two things',
    changed('never: session', 'event: session.connect, never: session'),
    /a\.yaml:12:31 expect\[1\]\.never: an expectation has one subject/,
  ],
  [
    'a member of another expectation',
    changed('{ never:', '{ hits: 3, never:'),
    /a\.yaml:12:7 expect\[1\]\.hits: hits does not apply to never\. It applies to rule/,
  ],
  ['a span that is turned round', changed('[23s, 36s]', '[36s, 23s]'), /expect\[0\]\.between: 36s is after 23s/],
  [
    'a span after the end',
    changed('[23s, 36s]', '[95s, 2m]'),
    /the scenario ends at 1m30s, so there are no events after 95s/,
  ],
  [
    'a span beyond the end',
    changed('[23s, 36s]', '[23s, 2m]'),
    /expect\[0\]\.between\[1\]: 2m is after the end, which is at 1m30s/,
  ],
  [
    'bounds that are turned round',
    changed('{ atLeast: 10 }', '{ atLeast: 10, atMost: 9 }'),
    /expect\[3\]\.hits: atLeast is above atMost/,
  ],
  ['pages that nobody fetches', changed(/^traffic.*\n/m, ''), /a\.yaml:12:\d+ expect\[2\]\.pages: no page is fetched/],
  [
    'a page that is none',
    changed('http://intranet', 'ftp://intranet'),
    /traffic\.fetch: "ftp:.*is not a URL of a page/,
  ],
  ['TLS in virtual time', changed('http://intranet', 'https://intranet'), /in virtual time, use http for pages\./],
  [
    'a program in virtual time',
    `${GOOD}client: openconnect\n`,
    /a\.yaml:15:9 client: another program runs in real time.*Set clock: real/,
  ],
  [
    'a link in real time',
    changed('clock: virtual', 'clock: real\nlink: lte'),
    /a\.yaml:3:1 link: with clock: real, clients use the link of this machine/,
  ],
  [
    'virtual time that is moved',
    changed('clear: hole }', 'clear: hole }\n  - { at: 60s, advance: 1h }'),
    /timeline\[2\]\.advance: virtual time passes automatically/,
  ],
  [
    'a client that there is not',
    changed('clear: hole }', 'clear: hole }\n  - { at: 60s, client: roam, of: 1 }'),
    /timeline\[2\]\.of: there is no client 1\. Expected: 0 to 0/,
  ],
  [
    'cookies of nothing',
    changed('clear: hole }', 'clear: hole, cookies: lose }'),
    /cookies applies only to gateway: restart and gateway: stop/,
  ],
  [
    'a placeholder that there is not',
    changed('clock: virtual', 'clock: real\nclient: { command: [vpn, "{serve}", "-D{socksPort}"] }'),
    /a\.yaml:3:\d+ client\.command\[1\]: the placeholder \{serve\} is unknown\. Did you mean "server"\?/,
  ],
  [
    'a program whose pages nobody can fetch',
    changed('clock: virtual', 'clock: real\nclient: { command: [vpn, "{server}"] }'),
    /a\.yaml:3:9 client: it is not defined how to fetch pages/,
  ],
  [
    'a condition that asks nothing',
    changed('never: session.disconnect', 'event: session.connect, where: { user: {} }'),
    /expect\[\d\]\.where\.user: this field has no condition/,
  ],
  [
    'a longest page of no length',
    changed('never: session.disconnect', 'pages: { longest: {} }'),
    /expect\[\d\]\.pages\.longest: the number is missing/,
  ],
  [
    'a longest page that is to be longer and shorter',
    changed('never: session.disconnect', 'pages: { longest: { atLeast: 5s, atMost: 900ms } }'),
    /expect\[\d\]\.pages\.longest: atLeast is above atMost/,
  ],
  ['an exit status of none', changed('never: session.disconnect', 'exit: 1'), /the bundled client is not a program/],
];

for (const [what, text, complaint] of REFUSED) {
  t.test(`${what} is refused with its place`, async (t) => t.match(complaintOf(text), complaint));
}

t.test('a rule of the profile that is there can be removed, also when it came, went and came again', async (t) => {
  const text = changed('clear: hole', 'profile: 3g').replace(
    '90s }',
    '60s, profile: lte }\n  - { at: 70s, profile: 3g }\n  - { at: 80s, clear: 3g.1 }\n  - { at: 90s }',
  );
  t.equal(complaintOf(text), 'nothing');
});

/** Where each complaint is about, in the order in which they are told. */
const placesOf = (text: string): string[] =>
  [...complaintOf(text).matchAll(/a\.yaml:\d+:\d+ ([^:]+):/g)].map(([, path]) => path!);

t.test('what the schema and what the meaning has against a scenario is told together', async (t) => {
  const text = GOOD.replace('dpd: 5', 'dpd: 0')
    .replace('http://intranet', 'ftp://intranet')
    .replace('at: 20s', 'at: soon')
    .replace('at: 50s, clear: hole', 'at: 50s, client: roam, of: 7')
    .replace('[23s, 36s]', '[36s, 23s]')
    .replace('failed: 0', 'failed: -1')
    .replace('channel.switch', 'channel.swich');
  t.strictSame(placesOf(text), [
    'gateway.dpd',
    'traffic.fetch',
    'timeline[0].at',
    'timeline[1].of',
    'expect[0].event',
    'expect[0].between',
    'expect[2].pages.failed',
  ]);
});

const ONE_MISTAKE: readonly (readonly [what: string, text: string, place: string])[] = [
  ['a clock that is misspelt', `${changed('clock: virtual', 'clok: real')}client: openconnect\n`, 'clok'],
  ['a client that is none', changed('clock: virtual', 'client: 3\nnat: easy'), 'client'],
  ['traffic that is misspelt', changed('traffic:', 'trafic:'), 'trafic'],
  ['traffic that is wrong', changed('every: 1s', 'every: often'), 'traffic.every'],
  ['a step whose rule is wrong', changed('do: drop', 'do: drip'), 'timeline[0].fault.then.do'],
  ['a step whose action is misspelt', changed('fault:', 'falut:'), 'timeline[0].falut'],
  ['a step whose removal is misspelt', changed('clear:', 'claer:'), 'timeline[1].claer'],
  ['an end that is wrong', changed('at: 90s', 'at: late'), 'timeline[2].at'],
  ['a timeline that is none', changed(/timeline:\n( .*\n)+?expect/, 'timeline: soon\nexpect'), 'timeline'],
  ['expectations that are none', changed(/expect:[\s\S]*/, 'expect: much\n'), 'expect'],
];

for (const [what, text, place] of ONE_MISTAKE) {
  t.test(`${what} is one mistake, and not several`, async (t) => t.strictSame(placesOf(text), [place]));
}

t.test('what is missing is told with the other mistakes', async (t) => {
  const told = complaintOf(changed(/timeline:\n( .*\n)+?expect/, 'expect').replace('http:', 'ftp:'));
  t.match(told, /"timeline" is missing/);
  t.match(told, /traffic\.fetch: "ftp:/);
});

t.test('a sign-in at Entra ID makes no tokens to order', async (t) => {
  const text = `${GOOD}token: { from: sign-in, lifetime: 5m }\n`;
  t.match(complaintOf(text), /a\.yaml:15:25 token\.lifetime: a sign-in cannot set the lifetime/);
});

t.test('an object of a program is judged likewise, by the names of its members', async (t: Test) => {
  const { scenario } = parseScenario(GOOD);
  t.equal(checkScenario(scenario).end, 90_000);
  const wrong = { ...scenario, expect: [{ rule: 'nobody' }] };
  t.throws(() => checkScenario(wrong), { message: /^expect\[0\]\.rule: no step adds a fault rule "nobody"/ });
  t.throws(() => checkScenario({ ...scenario, timeline: 3 } as never), { code: 'ERR_SCENARIO_INVALID' });
  t.throws(() => checkScenario(null as never), { code: 'ERR_SCENARIO_INVALID' });
});
