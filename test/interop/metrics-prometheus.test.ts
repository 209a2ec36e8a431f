import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import t from 'tap';
import { freePort } from '../support/free-port.ts';
import { skipUnless } from '../support/interop.ts';
import { PeerProcess } from '../support/peer-process.ts';
import { connect, start } from '../support/running-simulator.ts';

const skip = skipUnless({ programs: ['promtool', 'prometheus'] });
const grafana = join(import.meta.dirname, '../../examples/grafana');

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}
const { panels } = JSON.parse(readFileSync(join(grafana, 'tunnelite.json'), 'utf8')) as { panels: readonly Panel[] };
const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));

t.test('every metric of the Grafana dashboard exists, and every metric is on it or in the documentation', async (t) => {
  const sim = await start(t);
  const text = await sim.metrics();
  const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!);
  t.ok(families.length > 30);
  const used = new Set(expressions.flatMap((expr) => expr.match(/\b(?:tunnelite|process|nodejs)_[a-z_]+/g) ?? []));
  t.ok(used.size > 20);
  for (const name of used) {
    t.ok(
      families.some((family) => name === family || name === `${family}_bucket`),
      name,
    );
  }
  const page = readFileSync(join(import.meta.dirname, '../../docs/reference/metrics.md'), 'utf8');
  for (const family of families) t.ok(page.includes(`\`${family}\``), `${family} is documented`);
});

t.test('promtool has nothing to say against the metrics', { skip }, async (t) => {
  const sim = await start(t);
  await connect(t, sim);
  const checked = spawnSync('promtool', ['check', 'metrics'], { input: await sim.metrics(), encoding: 'utf8' });
  t.equal(checked.status, 0);
  t.equal(checked.stdout + checked.stderr, '');
});

t.test(
  'Prometheus reads them, and understands every question of the dashboard',
  { skip, timeout: 60_000 },
  async (t) => {
    const sim = await start(t);
    await connect(t, sim);
    const example = readFileSync(join(grafana, 'prometheus.yaml'), 'utf8');
    t.match(example, '127.0.0.1:8445');
    const folder = t.testdir({
      'prometheus.yaml': example
        .replace('127.0.0.1:8445', new URL(sim.urls.admin).host)
        .replace('scrape_interval: 5s', 'scrape_interval: 1s'),
    });
    const port = await freePort();
    const prometheus = new PeerProcess('prometheus', [
      `--config.file=${join(folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ]);
    t.teardown(() => prometheus[Symbol.asyncDispose]());
    const query = async (expr: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}/api/v1/query?${new URLSearchParams({ query: expr })}`);
      return (await answer.json()) as {
        status: string;
        error?: string;
        data?: { result: { value: [number, string] }[] };
      };
    };
    for (let i = 0; i < 100; i++) {
      const up = await query('sum(tunnelite_sessions)').catch(() => undefined);
      if (up?.data?.result[0]?.value[1] === '1') break;
      await pause(200);
    }
    t.equal((await query('sum(tunnelite_sessions)')).data?.result[0]?.value[1], '1');
    t.equal((await query('up{job="tunnelite"}')).data?.result[0]?.value[1], '1');
    for (const expr of expressions) {
      const { status, error } = await query(expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*'));
      t.equal(status, 'success', `${expr} ${error ?? ''}`);
    }
  },
);
