import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import type { LoadResult } from '../../src/load/index.ts';
import { cli, spawnCli } from '../support/cli.ts';

/* `tunnelite load` against a running instance, as a person runs it. */

t.setTimeout(300_000);

const repository = join(import.meta.dirname, '../..');
const QUICK = join(repository, 'examples/load/quick.yaml');

async function instance(t: Test): Promise<NodeJS.ProcessEnv> {
  const certs = t.testdir();
  const env = { TUNNELITE_CERTS_DIRECTORY: certs };
  const ports = ['gateway', 'identity', 'admin'].flatMap((name) => ['--set', `${name}.port=0`]);
  const started = spawnCli(['start', ...ports, '--set', 'gateway.dpd=5'], { env });
  t.teardown(() => started.child.kill('SIGKILL'));
  await started.waitFor(/^Ready: /m);
  return env;
}

t.test('the quick example comes out as it says, with the gateway beside it', async (t) => {
  const env = await instance(t);
  const out = join(env.TUNNELITE_CERTS_DIRECTORY!, 'result.json');
  const run = spawnCli(['load', QUICK, '--json', '--out', out], { env });
  const { code, out: text } = await run.ended;
  const result = JSON.parse(text) as LoadResult;
  t.strictSame(JSON.parse(readFileSync(out, 'utf8')), result);
  t.match(result, {
    format: 'tunnelite-load',
    version: 1,
    meta: { name: 'quick', resolution: 500, server: { kind: 'tunnelite', dpd: 5 } },
  });
  const { valid } = result.validity;
  // A machine that has other things to do makes the generator late; then that is what is said, and the figures prove nothing.
  if (valid)
    t.ok(
      result.thresholds.every(({ passed }) => passed),
      JSON.stringify(result.thresholds),
    );
  const { counters } = result.totals;
  t.equal(counters['login.done'] + counters['login.failed'], 200);
  t.equal(result.totals.times.fallback!.count, counters['fallback.cut']);
  t.ok(result.meta.duration <= 40_000);
  t.ok(result.gateway!.cpu > 0 && result.gateway!.rss.max > 1e6 && result.gateway!.source === 'api');
  t.ok(result.series.gateway!.cpu.some((share) => share !== null && share > 0));
  t.equal(result.outcome, valid ? 'passed' : 'invalid');
  t.equal(code, valid ? 0 : 1);
});

t.test('options do without a file, Ctrl+C gets a report, and a threshold that fails sets the exit code', async (t) => {
  const env = await instance(t);
  const options = ['--clients', '5', '--phase', 'login storm:2s', '--every', '200ms', '--source', '127.1.0.0/16'];
  const short = spawnCli(['load', ...options, '--threshold', 'login.done > 5'], { env });
  const { code, out } = await short.ended;
  t.equal(code, 1);
  t.match(out, /^load: (failed|invalid)$/m);
  t.match(out, /NOT OK {2}login\.done > 5: 5/);
  t.match(out, /login +5 +p50/);
  const long = spawnCli(['load', ...options, '--phase', 'steady:1h', '--json'], { env });
  const interrupted = await interruptedAfter(long);
  t.equal(interrupted.code, 1);
  const result = JSON.parse(interrupted.out) as LoadResult;
  t.equal(result.outcome, 'interrupted');
  t.equal(result.totals.counters['login.done'], 5);
});

/** Interrupts a run once it is in its second phase. */
async function interruptedAfter(run: ReturnType<typeof spawnCli>) {
  await new Promise<void>((resolve) => {
    run.child.stderr!.on('data', (text: Buffer) => {
      if (String(text).includes('steady')) resolve();
    });
    run.child.once('close', () => resolve());
  });
  run.child.kill('SIGINT');
  return await run.ended;
}

t.test('what cannot be is told before anything begins', async (t) => {
  const file = join(t.testdir({ 'plan.yaml': '' }), 'plan.yaml');
  for (const [args, words] of [
    [['load'], /There is no plan/],
    [['load', file], /plan\.yaml.*The file is empty/],
    [['load', '--clients', 'many', '--phase', 'steady:1s'], /"--clients many" is not a whole number/],
    [['load', '--clients', '5', '--phase', 'steady'], /not kind:duration/],
    [['load', '--clients', '5', '--phase', 'storm:1s'], /phases\[0\]\.phase/],
    [['load', '--clients', '5', '--phase', 'login storm:1s', '--threshold', 'nonsense'], /not a threshold/],
    [['load', '--clients', '5', '--phase', 'login storm:1s', '--server', 'a:1'], /a token or a password is required/],
    [
      [
        'load',
        '--clients',
        '5',
        '--phase',
        'login storm:1s',
        '--server',
        'a:1',
        '--token-file',
        'a',
        '--user',
        'b@c.d',
      ],
      /exclude each other/,
    ],
    [
      [
        'load',
        '--clients',
        '5',
        '--phase',
        'login storm:1s',
        '--server',
        '127.0.0.1:1',
        '--token-file',
        'a',
        '--pid',
        'x',
      ],
      /is not a process id/,
    ],
  ] as const) {
    const { code, err } = await cli([...args]);
    t.match(err, words, args.join(' '));
    t.equal(code, 2, args.join(' '));
  }
  writeFileSync(file, 'clients: 2\nphases: [{ phase: login storm, for: 1s }]\n');
  const { code, err } = await cli(['load', file, '--certs', join(file, '../certs')]);
  t.equal(code, 1);
  t.match(err, /ERR_CLI_NOT_RUNNING/);
});

t.test('too few file descriptors are told before the start, with what to do', async (t) => {
  const { code, err } = await cli(['load', '--clients', '100000', '--every', '10s', '--phase', 'login storm:1s']);
  t.equal(code, 1);
  t.match(err, /100000 clients need 200064 file descriptors, and this process may have \d+: enough for \d+ clients/);
  t.match(err, /ulimit -n 200064/);
});
