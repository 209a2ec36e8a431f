import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import t from 'tap';
import { loadConfig } from '../../src/config/index.ts';

const repository = join(import.meta.dirname, '../..');
const example = (name: string): string => join(repository, 'examples', name);

t.test('the in-process example runs as it is', async (t) => {
  const out = execFileSync(process.execPath, [example('in-process.ts')], { encoding: 'utf8', timeout: 60_000 });
  t.match(out, /^connected as 169\.254\.\d+\.\d+$/m);
  t.match(out, /intranet\.contoso\.internal .*: allow/);
  t.match(out, /expired/);
});

t.test('the example configurations mean what they say', async (t) => {
  t.match(loadConfig({ file: example('tunnelite.yaml') }).config.gateway.names, ['tunnel.example.com', '192.0.2.10']);
  const graph = loadConfig({ file: example('microsoftTunnelConfiguration.json') });
  t.same(graph.warnings, []);
  t.match(graph.config.gateway, { port: 443, sessionTimeout: 300 });
});
