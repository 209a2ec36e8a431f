import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import t from 'tap';
import { loadedBy, MAIN } from '../support/loaded-modules.ts';

const folders = (files: readonly string[]): string[] => [
  ...new Set(files.flatMap((file) => /^src\/([^/]+)\//.exec(file)?.[1] ?? [])),
];

t.test('version and help load the command line alone', async (t) => {
  for (const argument of ['--version', '--help']) {
    const { code, out, files, packages } = await loadedBy([MAIN, argument]);
    t.equal(code, 0, argument);
    t.match(out, argument === '--help' ? /\n +start +Run the gateway/ : /^\d+\.\d+\.\d+\n$/);
    t.strictSame([...packages], ['citty'], argument);
    t.strictSame(folders(files).sort(), ['cli', 'lib'], argument);
    t.notOk(
      files.some((file) => file.startsWith('src/cli/commands/')),
      'no command is loaded to be listed',
    );
  }
});

t.test('commands that ask a running instance load nothing of what runs in it', async (t) => {
  const folder = t.testdir();
  for (const name of ['token', 'healthcheck']) {
    const { code, err, files, packages } = await loadedBy([MAIN, name], {}, folder);
    t.equal(code, 1, err);
    t.match(err, name === 'token' ? /ERR_CLI_NOT_RUNNING/ : /not run/, name);
    t.strictSame(folders(files).sort(), ['cli', 'config', 'lib'], name);
    t.notOk(packages.has('ajv') || packages.has('fastify'), 'there is nothing to validate and nothing to serve');
  }
});

t.test('a start loads what it needs to be ready, and no more', async (t) => {
  const folder = t.testdir();
  const certs = ['--certs', join(folder, 'certs'), '--log-level', 'silent'];
  const args = [MAIN, 'start', '--port', '0', ...certs, '--json'];
  // The first start makes keys and certificates, which takes another library.
  const first = await loadedBy(args);
  t.equal(first.code, 0, first.err);
  t.ok(first.packages.has('@peculiar/x509'));
  t.ok(existsSync(join(folder, 'certs/ca.pem')));
  const { code, err, files, searched, packages, builtin } = await loadedBy(args);
  t.equal(code, 0, err);
  const without = ['@peculiar/x509', 'yaml', 'pino-pretty', 'undici', 'typebox', 'fast-xml-parser', '@fastify/swagger'];
  for (const name of without) t.notOk(packages.has(name), name);
  t.notOk(packages.has('@fastify/ajv-compiler'), 'routes bring their own validators');
  t.notOk(packages.has('@fastify/fast-json-stringify-compiler'), 'answers are plain JSON');
  t.notOk(
    builtin.some((name) => name.includes('undici')),
    'no import of node:http has loaded fetch',
  );
  t.ok(files.length > 300);
  t.strictSame(
    searched,
    ['src/cli/main.js', 'src/cli/code-cache.js', 'src/cli/direct-resolution.ts'],
    'our own files are not searched for',
  );
  t.notOk(folders(files).includes('client'));
  t.notOk(folders(files).includes('intune'));
});

t.test('a configuration of nothing but defaults needs no validator, and a setting does', async (t) => {
  const load = (what: string): string[] => {
    const module = pathToFileURL(join(import.meta.dirname, '../../src/config/index.ts'));
    return [
      '--input-type=module',
      '--eval',
      `import { loadConfig } from '${module}'; loadConfig(${what}); console.log(1)`,
    ];
  };
  const defaults = await loadedBy(load(''));
  t.equal(defaults.out, '1\n', defaults.err);
  t.notOk(defaults.packages.has('ajv'));
  const set = await loadedBy(load(`{ flags: [{ key: 'gateway.port', text: '0', flag: '--port' }] }`));
  t.equal(set.out, '1\n', set.err);
  t.ok(set.packages.has('ajv'));
});
