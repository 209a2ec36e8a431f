import { spawn } from 'node:child_process';
import { readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { installEngine } from '../../support/artillery.ts';
import { which } from '../../support/interop.ts';
import { start } from '../../support/running-simulator.ts';

/* Artillery itself with the engine and the example, where it is installed: too large to be a dependency. */

t.setTimeout(300_000);

const example = join(import.meta.dirname, '../../../examples/load/artillery.yaml');
const artillery = which('artillery');
const skip = artillery === undefined && 'artillery is not installed';

interface Report {
  readonly aggregate: {
    readonly counters: Readonly<Record<string, number>>;
    readonly histograms: Readonly<Record<string, { readonly count: number }>>;
  };
}

t.test('Artillery runs the example: users lose UDP, fall back and return, and its checks pass', { skip }, async (t) => {
  const root = installEngine(t);
  const sim = await start(t);
  const ca = join(root, 'ca.pem');
  writeFileSync(ca, sim.ca);
  const instance = { gateway: sim.urls.gateway, admin: sim.admin.url, secret: sim.admin.secret, ca };
  writeFileSync(join(root, 'instance.json'), JSON.stringify(instance));
  const script = parse(readFileSync(example, 'utf8')) as { config: Record<string, unknown> };
  const { ensure: _thresholds, ...config } = script.config;
  // Fewer users; and no bound on times, which a busy machine would not keep.
  const phases = [{ duration: 1, arrivalRate: 2 }];
  const conditions = [{ expression: 'vusers.failed == 0' }];
  const engines = { tunnelite: { instance: root } };
  const file = join(root, 'script.json');
  writeFileSync(file, JSON.stringify({ ...script, config: { ...config, engines, phases, ensure: { conditions } } }));
  const report = join(root, 'report.json');
  const child = spawn(process.execPath, [realpathSync(artillery!), 'run', file, '--output', report], {
    cwd: root,
    env: { ...process.env, NODE_PATH: join(root, 'node_modules'), ARTILLERY_DISABLE_TELEMETRY: 'true', HOME: root },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.teardown(() => child.kill('SIGKILL'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  t.equal(code, 0, said);
  const { counters, histograms } = (JSON.parse(readFileSync(report, 'utf8')) as Report).aggregate;
  t.match(counters, { 'vusers.completed': 2, 'tunnelite.fallback.done': 2, 'tunnelite.return.done': 2 });
  t.equal(histograms['tunnelite.fallback.time']!.count, 2);
  t.strictSame(sim.gateway.sessions(), []);
});
