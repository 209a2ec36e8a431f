import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { skipUnless } from '../support/interop.ts';

// koffi is optional. Without it the tests of what needs it must not pass for tests that ran, and the others run.

const repository = join(import.meta.dirname, '../..');
const HIDE = `data:text/javascript,${encodeURIComponent(`
  import { Module } from 'node:module';
  const find = Module._resolveFilename;
  Module._resolveFilename = (name, ...rest) => {
    if (name === 'koffi') throw Object.assign(new Error('gone'), { code: 'MODULE_NOT_FOUND' });
    return find(name, ...rest);
  };
`)}`;

/** Runs node without koffi. */
function without(args: readonly string[], interop?: string) {
  const own = Object.entries(process.env).filter(
    ([name]) => !/^(TAP|_TAPJS|NODE_OPTIONS|TUNNELITE_INTEROP)/.test(name),
  );
  const env = { ...Object.fromEntries(own), ...(interop === undefined ? {} : { TUNNELITE_INTEROP: interop }) };
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', HIDE, ...args], {
    cwd: repository,
    encoding: 'utf8',
    timeout: 100_000,
    env: { ...env, TAP_TIMEOUT: '100' },
  });
  return { status, out: stdout, stderr };
}

for (const [file, other] of [
  ['test/udp/datagram-socket.test.ts', /^ok \d+ - without the flag the factory takes the portable socket/m],
  ['test/udp/readiness.test.ts', undefined],
  ['test/dtls/record/evp-record-protection.test.ts', undefined],
] as const) {
  t.test(`${file} without koffi`, { timeout: 110_000 }, async (t) => {
    const required = without([file], 'required');
    t.not(required.status, 0, 'where everything is required it fails', required);
    t.match(required.out, /^not ok \d+ - Accelerators are required here, but: koffi is not installed\.$/m);
    const failed = required.out.match(/^not ok /gm);
    t.equal(failed?.length, 1, 'and nothing else does');
    t.match(required.out, /^ok \d+ - .* # SKIP koffi is not installed/m);
    if (other) t.match(required.out, other, 'what does without it runs');
    const free = without([file]);
    t.equal(free.status, 0, 'elsewhere it is left out', free);
    t.match(free.out, /^ok \d+ - .* # SKIP koffi is not installed/m, 'and says so');
  });
}

t.test('every test of an accelerator says that it is missing', async (t) => {
  const files = globSync('test/**/*.test.ts', { cwd: repository });
  const text = (path: string): string => readFileSync(join(repository, path), 'utf8');
  const loads = files.filter((path) => /^const \w+ = loadLib(c|crypto)\(\);/m.test(text(path)));
  t.ok(loads.length >= 3, loads.join());
  t.strictSame(
    loads.filter((path) => !/^const skip = skipWithout\(t, /m.test(text(path))),
    [],
  );
  t.strictSame(
    files.filter((path) => /^import .* from 'koffi'/m.test(text(path))),
    [],
    'a file that imports koffi itself has no test that does without',
  );
});

t.test(
  'a network namespace needs no native code before this process enters it',
  { skip: skipUnless({ namespaces: true }) },
  async (t) => {
    const module = new URL('../support/namespace.ts', import.meta.url).href;
    const script = `
    import { Namespace } from '${module}';
    await using namespace = Namespace.create('bare');
    console.log(namespace.exec('ip', ['-br', 'link']).split(' ')[0]);
    await namespace.inside(async () => {}).catch((error) => console.log(error.message));
  `;
    const { out, stderr } = without(['--input-type=module-typescript', '-e', script]);
    t.equal(out, 'lo\nThis process cannot enter a network namespace: koffi is not installed.\n', stderr);
  },
);
