import { join, resolve } from 'node:path';
import t from 'tap';
import { loadConfig, planReload } from '../../src/config/index.ts';

t.test('a path that is written in another way, and leads to the same place, is no change', (t) => {
  const dir = t.testdir({ 'tunnelite.yaml': 'certs:\n  directory: certs\n' });
  const { config } = loadConfig({ env: {}, file: join(dir, 'tunnelite.yaml') });
  const written = config.certs.directory!;
  t.equal(written, resolve(dir, 'certs'), 'a file has the whole path');
  const at = (directory: string | null) => ({ ...config, certs: { ...config.certs, directory } });
  const before = at('certs');
  t.strictSame(planReload(before, at(resolve('certs'))).needsRestart, []);
  t.match(planReload(before, at(resolve('other'))).needsRestart, [{ member: 'certs.directory' }]);
  t.match(planReload(before, at(null)).needsRestart, [{ member: 'certs.directory' }]);
  t.end();
});
