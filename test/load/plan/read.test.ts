import t from 'tap';
import { isTunneliteError } from '../../../src/lib/errors.ts';
import { checkPlan, type LoadPlan, parsePlan } from '../../../src/load/index.ts';

const GOOD = `name: blackout
seed: 7
clients: 200
server: vpn.example:8443
token: { users: [alice@contoso.com] }
source: 127.1.0.0/16
client: { dtls: psk, dtlsRetry: [2s, 8s], timeout: 10s }
traffic: { ping: 10.20.0.53, every: 250ms }
flows: { to: tcpecho.contoso.internal:7, share: 0.5 }
phases:
  - { phase: login storm, for: 6s, arrivals: { ramp: [10, 100] }, warmup: 1s }
  - { phase: udp blackout, for: 12s, thresholds: [fallback.p99 < 12s] }
  - { phase: udp blackout, for: 12s }
  - { phase: return, for: 12s, arrivals: { poisson: 50 } }
  - { phase: partial loss, for: 12s, loss: 0.3 }
  - { phase: node loss, for: 12s, how: reset, cookies: kept }
thresholds: [flows.broken == 0, 'requests.lost <= 5%']
`;

/** What is said about a text, without the hints of the code. */
function complaintOf(text: string): string {
  try {
    parsePlan(text, 'a.yaml');
  } catch (error) {
    return isTunneliteError(error) ? `${error.code} ${error.message}` : String(error);
  }
  return 'nothing';
}

const changed = (from: string | RegExp, to: string): string => {
  const text = GOOD.replace(from, to);
  if (text === GOOD) throw new Error(`nothing to replace: ${from}`);
  return text;
};

t.test('a plan is read, and each phase has a name of its own', async (t) => {
  const { plan, name, phases, length } = parsePlan(GOOD, 'a.yaml');
  t.equal(name, 'blackout');
  t.equal(plan.clients, 200);
  t.equal(length, 66_000);
  t.strictSame(
    phases.map((phase) => phase.name),
    ['login storm', 'udp blackout', 'udp blackout 2', 'return', 'partial loss', 'node loss'],
  );
});

t.test('a plan without a name is called as its file', async (t) => {
  t.equal(parsePlan(changed('name: blackout\n', ''), 'dir/storm.yaml').name, 'storm');
});

t.test('each mistake is told with file, line and column', async (t) => {
  for (const [from, to, words] of [
    ['clients: 200', 'clients: 0', /a\.yaml:3:10 clients: 0 is out of range.*from 1 to/],
    ['clients: 200', 'clients: .nan', /a\.yaml:3:10/],
    ['clients: 200', 'clients: 1e300', /a\.yaml:3:10/],
    ['clients: 200', 'clients: 2.5', /a\.yaml:3:10/],
    ['clients: 200', 'cliens: 200', /a\.yaml:3.*cliens/s],
    ['source: 127.1.0.0/16', 'source: 10.0.0.0/8', /a\.yaml:6:9.*not in the loopback network/],
    ['source: 127.1.0.0/16', 'source: 127.1.0.0/99', /a\.yaml:6:9/],
    [
      'token: { users: [alice@contoso.com] }',
      'token: { file: a, command: b }',
      /a\.yaml:5:\d+.*there is more than one source of tokens/,
    ],
    ['source:', 'password: { user: a, file: b }\nsource:', /a\.yaml:6:1.*with either a token or a password/],
    ['dtlsRetry: [2s, 8s]', 'dtlsRetry: [8s, 2s]', /the longest pause is shorter than the first/],
    ['dtlsRetry: [2s, 8s]', 'dtlsRetry: [0s, 2s]', /this is too often/],
    ['timeout: 10s', 'timeout: 10', /a\.yaml:7:\d+/],
    ['timeout: 10s', 'timeout: 10ms', /the time is too short to connect/],
    ['ping: 10.20.0.53', 'ping: intranet', /“intranet” cannot be pinged/],
    ['every: 250ms', 'every: 1ms', /this is too often/],
    ['clients: 200', 'clients: 100000', /400000 requests per second/],
    ['tcpecho.contoso.internal:7', 'tcpecho', /not an address of a service/],
    ['tcpecho.contoso.internal:7', '10.20.0.999:7', /not an address of a service/],
    ['share: 0.5', 'share: 1.5', /a\.yaml:9:\d+/],
    ['phase: login storm, ', 'phase: login strom, ', /a\.yaml:11:\d+.*login storm/],
    ['phase: login storm', 'phase: steady', /a steady phase has no arrivals/],
    ['warmup: 1s', 'warmup: 6s', /nothing of the phase is left/],
    ['ramp: [10, 100]', 'ramp: [0, 0]', /no client arrives/],
    ['ramp: [10, 100]', 'ramp: [-1, 5]', /a\.yaml:11/],
    ['poisson: 50', 'poisson: 0', /a\.yaml:14/],
    ['poisson: 50', 'constant: 5, poisson: 50', /a\.yaml:14/],
    ['for: 6s', 'for: 1ms', /this is too short/],
    ['for: 6s', 'for: 8d', /at most/],
    [', loss: 0.3', '', /the amount of loss is missing/],
    ['phase: partial loss, for: 12s, loss', 'phase: roam, for: 12s, loss', /only a partial loss has this/],
    ['phase: node loss', 'phase: roam', /only a node loss has this/],
    ['dtls: psk', 'dtls: off', /has no effect/],
    ['fallback.p99 < 12s', 'fallback.p98 < 12s', /a\.yaml:12:\d+.*no figure “fallback.p98”.*fallback/s],
    ['fallback.p99 < 12s', 'fallback < 12s', /Choose a statistic|no figure “fallback”/],
    ['fallback.p99 < 12s', 'fallback.p99 < 12', /“12” is not a time/],
    ['fallback.p99 < 12s', 'fallback.p99 about 12s', /is not a threshold/],
    ['flows.broken == 0', 'flows.broken == 1s', /“1s” is not a count/],
    ['flows.broken == 0', 'flows.opened == 1%', /has no total/],
  ] as const) {
    const complaint = complaintOf(changed(from, to));
    t.match(complaint, /^ERR_LOAD_PLAN /, to);
    t.match(complaint, words, to);
  }
});

t.test('what comes in the wrong order is told', async (t) => {
  const phases = (list: string): string => complaintOf(`clients: 1\nphases: ${list}\n`);
  t.match(phases('[{ phase: udp blackout, for: 1s }]'), /before the first login, a udp blackout has no clients/);
  t.match(
    phases('[{ phase: login storm, for: 1s }, { phase: return, for: 1s }]'),
    /there was no loss before to recover from/,
  );
  t.match(
    phases('[{ phase: login storm, for: 1s, name: a }, { phase: steady, for: 1s, name: a }]'),
    /phases\[0\] already has this name/,
  );
  t.match(phases('[]'), /phases/);
  t.equal(phases('[{ phase: login storm, for: 1s }]'), 'nothing');
});

t.test('what is no plan at all is told', async (t) => {
  t.match(complaintOf(''), /ERR_LOAD_PLAN a\.yaml.*The file is empty/);
  t.match(complaintOf('[1]'), /does not contain an object/);
  t.match(complaintOf('a: ['), /ERR_CONFIG_SYNTAX/);
  t.match(complaintOf('__proto__: { clients: 1 }\nclients: 1\nphases: [{ phase: login storm, for: 1s }]'), /ERR_/);
});

t.test('an object of a program is checked likewise', async (t) => {
  const plan: LoadPlan = { clients: 1, phases: [{ phase: 'login storm', for: '1s' }] };
  t.equal(checkPlan(plan).name, 'load');
  t.throws(() => checkPlan({ ...plan, clients: Number.NaN }), { code: 'ERR_LOAD_PLAN' });
});
