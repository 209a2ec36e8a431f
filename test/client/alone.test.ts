import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { loadedBy } from '../support/loaded-modules.ts';

const repository = join(import.meta.dirname, '../..');

t.test('the client by itself loads nothing of the gateway, of Entra ID or of the simulator', async (t) => {
  const { exports } = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as {
    exports: Record<string, { types: string; default: string }>;
  };
  t.strictSame(exports['./client'], { types: './dist/client/index.d.ts', default: './dist/client/index.js' });
  const module = pathToFileURL(join(repository, 'src/client/index.ts'));
  const script = `const client = await import('${module}'); console.log(Object.keys(client).sort().join(' '));`;
  const { code, out, err, files, packages, builtin } = await loadedBy(['--input-type=module', '--eval', script]);
  t.equal(code, 0, err);
  t.match(out, /\bTunnelClient\b.*\bTunnelSdk\b/);
  const folders = [...new Set(files.map((file) => file.split('/')[1]!))].sort();
  t.strictSame(folders, ['client', 'dtls', 'lib', 'netstack', 'network', 'tls', 'udp', 'wire']);
  t.strictSame([...packages], ['ipaddr.js'], 'no HTTP client, no proxy rules, no sign-in before somebody asks for it');
  t.notOk(builtin.some((name) => name.includes('undici')));
});
