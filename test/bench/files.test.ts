import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import t from 'tap';
import { ALONE, benchmarksOf, repository, WITH_PEERS } from '../support/bench.ts';

/** Files that benchmarks are made of. */
const PARTS = [
  'client/fleet.ts',
  'client/gateway.ts',
  'client/tunnel-client.ts',
  'dashboard/watcher.ts',
  'dtls/contenders.ts',
  'dtls/load.ts',
  'dtls/serve.ts',
  'faults/tunnel.ts',
  'journal/readers.ts',
  'lib/child.ts',
  'lib/cpu.ts',
  'lib/figures.ts',
  'lib/garbage.ts',
  'lib/options.ts',
  'lib/processes.ts',
  'netstack/in-process.ts',
  'netstack/peer.ts',
  'tunnel/bulk.py',
  'tunnel/bulk.ts',
  'tunnel/clients.ts',
  'tunnel/dtls-storm.c',
  'tunnel/login-client.ts',
  'tunnel/logins.ts',
  'tunnel/scale.ts',
  'tunnel/serve.ts',
  'tunnel/servers.ts',
];

const files = globSync('**/*.*', { cwd: join(repository, 'bench') }).map((path) => path.replaceAll('\\', '/'));

t.test('every file of bench/ is run here, or is part of one that is', async (t) => {
  t.strictSame(files.toSorted(), [...[...ALONE, ...WITH_PEERS].map(({ path }) => path), ...PARTS].toSorted());
  for (const part of PARTS) {
    const users = files.filter(
      (path) => path !== part && readFileSync(join(repository, 'bench', path), 'utf8').includes(basename(part)),
    );
    t.not(users.length, 0, `${part} is used`);
  }
});

t.test('each benchmark is run by one test file', async (t) => {
  const run = globSync('*.test.ts', { cwd: import.meta.dirname }).flatMap((file) => {
    const text = readFileSync(join(import.meta.dirname, file), 'utf8');
    const beginnings = /^runBenchmarks\(benchmarksOf\((.*)\)\);$/m.exec(text)?.[1] ?? '';
    const named = [...beginnings.matchAll(/'([^']+)'/g)].map(([, beginning]) => beginning!);
    return named.flatMap((beginning) => {
      const found = benchmarksOf(beginning).map(({ path }) => path);
      t.not(found.length, 0, `${file}: ${beginning} is the beginning of one`);
      return found;
    });
  });
  t.strictSame(run.toSorted(), [...ALONE, ...WITH_PEERS].map(({ path }) => path).toSorted());
});
