// Packs the package, looks at what is in it, and runs it from there: what people install has to work without the repository.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { copyProductionPackages } from './production-packages.ts';

const repository = join(import.meta.dirname, '..');
const scratch = mkdtempSync(join(tmpdir(), 'tunnelite-package-'));

function run(program: string, args: readonly string[], cwd = repository): string {
  return execFileSync(program, args, { cwd, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
}

function insist(condition: boolean, complaint: string): void {
  if (!condition) throw new Error(complaint);
}

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

try {
  execFileSync('npm', ['run', '-s', 'build'], { cwd: repository, stdio: ['ignore', 'inherit', 'inherit'] });
  const [packed] = JSON.parse(
    run('npm', ['pack', '--json', '--ignore-scripts', '--loglevel=error', '--pack-destination', scratch]),
  ) as [Packed];
  const paths = packed.files.map((file) => file.path);
  for (const path of ['package.json', 'README.md', 'LICENSE', 'certs/README.md', 'docs/config.schema.json']) {
    insist(paths.includes(path), `${path} is not in the package.`);
  }
  for (const path of [
    'dist/index.js',
    'dist/index.d.ts',
    'dist/client/index.js',
    'dist/client/index.d.ts',
    'dist/cli/main.js',
    'dist/netstack/index.js',
    'dist/dtls/index.js',
    'dist/testing/index.js',
    'dist/testing/index.d.ts',
    'dist/load/page/plots.js',
    'dist/load/page/style.css',
    'dist/dashboard/page/index.html',
    'dist/dashboard/page/style.css',
    'dist/dashboard/page/app.js',
    'dist/dashboard/page/views/sessions.js',
  ]) {
    insist(paths.includes(path), `${path} is not in the package: was it built?`);
  }
  const allowed =
    /^(package\.json|README\.md|LICENSE|certs\/README\.md|docs\/.*|examples\/[^/]+\.(ts|json|yaml)|examples\/scenarios\/([^/]+\/)?[^/]+\.yaml|examples\/load\/[^/]+\.yaml|examples\/grafana\/[^/]+\.(json|yaml|md)|examples\/python\/[^/]+\.(py|md)|dist\/.*\.(js|d\.ts|map|html|css|svg))$/;
  const stray = paths.filter((path) => !allowed.test(path));
  insist(stray.length === 0, `The package has files that do not belong in it: ${stray.join(', ')}`);
  const secret = paths.filter((path) => /\.(pem|key|p12|pfx|jwt)$/.test(path));
  insist(secret.length === 0, `The package has key material in it: ${secret.join(', ')}`);

  // As if installed by somebody who has no packages for development.
  const installed = join(scratch, 'node_modules', 'tunnelite');
  mkdirSync(installed, { recursive: true });
  run('tar', ['-xzf', join(scratch, packed.filename), '-C', installed, '--strip-components=1']);
  copyProductionPackages(repository, installed);
  writeFileSync(join(scratch, 'package.json'), '{"private":true}\n');
  writeFileSync(
    join(scratch, 'use.mjs'),
    `import { startSimulator, TunnelClient, TunneliteError } from 'tunnelite';
import * as client from 'tunnelite/client';
import * as netstack from 'tunnelite/netstack';
import * as dtls from 'tunnelite/dtls';
import { useSimulator } from 'tunnelite/testing';
if (typeof TunnelClient !== 'function' || typeof TunneliteError !== 'function') throw new Error('exports are missing');
if (typeof useSimulator !== 'function') throw new Error('tunnelite/testing exports no fixture');
if (Object.keys(netstack).length === 0 || Object.keys(dtls).length === 0) throw new Error('a module exports nothing');
if (client.TunnelClient !== TunnelClient) throw new Error('tunnelite/client is another client');
const sim = await startSimulator();
const token = await sim.token();
for (const path of ['/', '/dashboard/app.js', '/dashboard/style.css', '/dashboard/icon.svg', '/dashboard/lib/preact.js', '/dashboard/lib/uplot.js']) {
  const { status } = await fetch(sim.admin.url + path);
  if (status !== 200) throw new Error('the dashboard has no ' + path + ': ' + status);
}
await sim.close();
if (token.split('.').length !== 3) throw new Error('no token was made');
console.log('in process: ok');
`,
  );
  process.stdout.write(run(process.execPath, ['use.mjs'], scratch));
  // The client by itself: nothing of the gateway is loaded, and its types are there for whoever compiles against them.
  writeFileSync(
    join(scratch, 'client.mjs'),
    `import { registerHooks } from 'node:module';
const folders = new Set();
registerHooks({
  load(url, context, next) {
    folders.add(/\\/dist\\/([^/]+)\\//.exec(url)?.[1]);
    return next(url, context);
  },
});
const { TunnelClient, TunnelSdk } = await import('tunnelite/client');
if (typeof TunnelClient.connect !== 'function' || typeof TunnelSdk !== 'function') throw new Error('tunnelite/client lacks something');
if (!folders.has('client')) throw new Error('what was loaded was not seen');
for (const folder of ['gateway', 'entra', 'simulator', 'services', 'config', 'admin', 'cli'])
  if (folders.has(folder)) throw new Error('tunnelite/client loads ' + folder);
console.log('client alone: ok');
`,
  );
  process.stdout.write(run(process.execPath, ['client.mjs'], scratch));
  writeFileSync(
    join(scratch, 'client.mts'),
    `import { startSocksProxy, TunnelClient, type TunnelClientOptions, TunnelSdk } from 'tunnelite/client';
const options: TunnelClientOptions = { server: 'https://localhost:8443', token: async () => 'x', dtls: 'psk' };
const client: TunnelClient = await TunnelClient.connect(options);
const stream = await client.connect({ host: 'intranet.contoso.internal', port: 80 });
stream.write('x');
const { port }: { readonly port: number } = await startSocksProxy(client, { port: 0 });
const status: number = new TunnelSdk({}).getStatus();
console.log(client.configuration.mtu + port + status);
// @ts-expect-error: what is no option is refused, so that the types are known to be there
void TunnelClient.connect({ server: 1 });
`,
  );
  const types = ['--typeRoots', join(repository, 'node_modules', '@types'), '--types', 'node'];
  const target = [
    '--module',
    'nodenext',
    '--target',
    'es2023',
    '--lib',
    'es2023,esnext.disposable',
    '--strict',
    '--noEmit',
  ];
  run(join(repository, 'node_modules', '.bin', 'tsc'), [...target, ...types, 'client.mts'], scratch);
  console.log('types of the client: ok');
  const main = join(installed, 'dist', 'cli', 'main.js');
  const help = run(process.execPath, [main, '--help'], scratch);
  insist(/USAGE tunnelite/.test(help), 'The help of the packed program is not as it should be.');
  const { version } = JSON.parse(run('npm', ['pkg', 'get', 'name', 'version'])) as { version: string };
  insist(
    run(process.execPath, [main, '--version'], scratch).trim() === version,
    'The packed program names another version.',
  );
  console.log(`package: ${paths.length} files, ok`);
} catch (error) {
  console.error(`package: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
