import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { runScenario, type Scenario } from '../../src/scenario/index.ts';

// Clients that are programs, good and bad; here they are Node.js with a line of code.

t.setTimeout(120_000);
// They wait most of the time, for ends that leave a busy machine enough.
t.jobs = 3;

const program = (code: string, ...args: string[]): readonly string[] => [process.execPath, '-e', code, ...args];
const scenario = (client: Scenario['client'], expect: Scenario['expect'], end = '6s'): Scenario => ({
  clock: 'real',
  client: client!,
  timeline: [{ at: end }],
  expect,
});

/** A process that has ended and whose parent has not asked yet is a zombie. */
function runs(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

t.test('the bundled client runs on the real clock too', async (t) => {
  const result = await runScenario({
    clock: 'real',
    gateway: { dpd: 5 },
    traffic: { fetch: 'https://intranet.contoso.internal/whoami', every: '200ms' },
    timeline: [
      { at: '1s', gateway: 'restart', cookies: 'lose' },
      { at: '3s', fetch: 'http://intranet.contoso.internal/nowhere' },
      { at: '14s' },
    ],
    expect: [
      { event: 'session.connect', where: { resumed: false }, count: 2 },
      { client: 'has 169.254.', count: 2 },
      { pages: { fetched: { atLeast: 5 }, failed: { atMost: 6 } } },
    ],
  });
  t.ok(result.passed, result.report);
});

t.test('a program gets what it needs filled in, and all that it has started ends with it', async (t) => {
  const out = join(t.testdir({ out: '' }), 'out');
  const code = `const [out, server, ca, token, socks] = process.argv.slice(1);
    const { readFileSync, statSync, writeFileSync } = require('node:fs');
    const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    writeFileSync(out, JSON.stringify({ server, ca: readFileSync(ca, 'utf8'), token: readFileSync(token, 'utf8'), mode: statSync(token).mode & 0o777, socks, folder: process.cwd(), child: child.pid }));
    console.log('ready \\u001b[31mred');
    setInterval(() => {}, 1000);`;
  const client = { command: program(code, out, '{server}', '{caFile}', '{tokenFile}', '{socksPort}') };
  const result = await runScenario(scenario(client, [{ client: 'READY' }]));
  t.ok(result.passed, result.report);
  t.notMatch(result.report + result.timeline.join(''), /\u001b/, 'no control character reaches the terminal');
  const seen = JSON.parse(readFileSync(out, 'utf8'));
  t.match(seen, {
    server: /^https:\/\/localhost:\d+$/,
    ca: /^-----BEGIN CERT/,
    token: /^ey.*\..*\./,
    mode: 0o600,
    socks: /^\d+$/,
  });
  t.notOk(runs(seen.child));
  t.throws(() => readFileSync(join(seen.folder, 'token.jwt')), { code: 'ENOENT' });
});

t.test('a program that never connects fails what is expected of it, with its last words', async (t) => {
  const client = { command: program(`console.error('cannot find the gateway'); setInterval(() => {}, 1000)`) };
  const { outcome, report } = await runScenario(scenario(client, [{ event: 'session.connect' }]));
  t.equal(outcome, 'failed');
  t.match(report, /No session\.connect/);
  t.match(report, /client 0 cannot find the gateway/);
});

t.test('a program that dies fails the run, unless it is spoken of', async (t) => {
  const client = { command: program(`console.log('no route to host'); process.exit(3)`) };
  const never = { never: 'session.connect' };
  const died = await runScenario(scenario(client, [never]));
  t.equal(died.outcome, 'failed');
  t.match(
    died.report,
    /client 0 runs until the end .*\n +found {5}it ended with status 3 at \d+\.\d{3}s; its last lines:\n +\d+\.\d{3}s {2}no route to host/,
  );
  t.equal((await runScenario(scenario(client, [never, { exit: 3 }]))).outcome, 'passed');
  const other = await runScenario(scenario(client, [never, { exit: 4 }]));
  t.match(other.report, /a client ends with status 4\n +found {5}\d+\.\d{3}s {2}client 0 ended with status 3/);
});

t.test('a program that is started again and again', async (t) => {
  const client = { command: program(`console.log('here'); process.exit(1)`), restart: '100ms' };
  const result = await runScenario(scenario(client, [{ client: 'here', count: { atLeast: 3 } }]));
  t.ok(result.passed, result.report);
});

t.test('a program that there is not is told', async (t) => {
  const { outcome, report } = await runScenario(
    scenario({ command: ['no-such-program-here'] }, [{ never: 'session.connect' }], '1s'),
  );
  t.equal(outcome, 'failed');
  t.match(report, /no-such-program-here/);
  t.match(report, /ENOENT/);
});

t.test('one that does not want to end, and says too much, is ended', async (t) => {
  const client = {
    command: program(
      `process.on('SIGINT', () => {}); process.stdout.write('x'.repeat(100_000) + '\\nand\\n'); setInterval(() => {}, 1000)`,
    ),
  };
  const result = await runScenario(scenario(client, [{ client: 'and' }]));
  t.ok(result.passed, result.report);
  t.ok(result.timeline.every((line) => line.length < 1100));
});

t.test('pages are fetched by a program that is named, and its status tells', async (t) => {
  const client = {
    command: program('setInterval(() => {}, 1000)'),
    fetch: program(`process.exit(process.argv[1].endsWith('/good') ? 0 : 7)`, '{url}'),
  };
  const result = await runScenario({
    ...scenario(client, [{ pages: { fetched: 1, failed: 1 } }]),
    timeline: [
      { at: '500ms', fetch: 'http://intranet.contoso.internal/good' },
      { at: '500ms', fetch: 'http://intranet.contoso.internal/bad' },
      { at: '6s' },
    ],
  });
  t.ok(result.passed, result.report);
});
