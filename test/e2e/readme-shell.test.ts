import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { shellBlocks } from '../support/shell-blocks.ts';

t.setTimeout(180_000);

/*
 * The shell blocks of the README, as they are written. What installs packages, or needs root, is not run here; the list says
 * where it is.
 */

const repository = join(import.meta.dirname, '../..');
const blocks = shellBlocks(readFileSync(join(repository, 'README.md'), 'utf8'));

const ELSEWHERE: readonly [block: RegExp, where: string][] = [
  [/^git clone /, 'installs: .ci/run; the demo: test/e2e/demo.test.ts'],
  [/^curl -x socks5h/, 'through the tunnel of the block above: test/interop/banner.test.ts'],
  [
    /^npm run -s tunnelite -- scenario run /,
    'each of the files: test/scenario/shipped.test.ts; the command: test/cli/scenario.test.ts',
  ],
];

/** The blocks that begin like this; each is run by one of the tests below. */
const RUN: readonly RegExp[] = [/^npm start$/, /^npm run -s tunnelite -- token --output/, /^npx tunnelite start/];

function block(start: RegExp): string {
  const found = blocks.filter(({ text }) => start.test(text));
  if (found.length !== 1) throw new Error(`the README has ${found.length} blocks like ${start}`);
  return found[0]!.text;
}

interface Shell {
  readonly cwd: string;
  readonly env?: Record<string, string>;
}

/** Runs lines as a CI step does: bash that stops at the first failure. */
function bash(text: string, { cwd, env }: Shell): Promise<{ code: number | null; out: string }> {
  const path = [dirname(process.execPath), process.env.PATH].join(':');
  const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', text], {
    cwd,
    env: { ...process.env, PATH: path, npm_config_update_notifier: 'false', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 90_000,
  });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out })));
}

/** Ends what a block has left running, by the process id that it wrote. */
function killLeft(file: string): void {
  if (!existsSync(file)) return;
  const { pid } = JSON.parse(readFileSync(file, 'utf8')) as { pid?: number };
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
}

t.test('every shell block of the README is run here, or where this list says', async (t) => {
  t.ok(blocks.length >= 6);
  for (const { section, text } of blocks) {
    const places = [...RUN, ...ELSEWHERE.map(([start]) => start)].filter((start) => start.test(text));
    t.equal(places.length, 1, `${section}: ${text}`);
  }
});

t.test('In CI: start in the background, wait, take a token, end it', async (t) => {
  const cwd = t.testdir({ 'package.json': '{"private":true}', node_modules: { '.bin': {} } });
  const program = join(cwd, 'node_modules/.bin/tunnelite');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${join(repository, 'src/cli/main.js')}' "$@"\n`);
  chmodSync(program, 0o755);
  const ready = join(cwd, 'ready.json');
  t.teardown(() => killLeft(ready));
  const run = await bash(`${block(/^npx tunnelite start/)}\nwait $!`, { cwd });
  t.equal(run.code, 0, run.out);
  t.match(readFileSync(join(cwd, 'token.jwt'), 'utf8'), /^[\w-]+\.[\w-]+\.[\w-]+\n?$/);
  t.notOk(existsSync(ready), 'nothing says any more that it is ready');
  t.match(readFileSync(join(cwd, 'tunnelite.log'), 'utf8'), /Closed/, 'it closed by itself');
});

t.test('In CI: a start that fails ends the wait, and the step', async (t) => {
  const cwd = t.testdir({ 'package.json': '{"private":true}', node_modules: { '.bin': {} } });
  const program = join(cwd, 'node_modules/.bin/tunnelite');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${join(repository, 'src/cli/main.js')}' "$@"\n`);
  chmodSync(program, 0o755);
  const failed = await bash(block(/^npx tunnelite start/), { cwd, env: { TUNNELITE_GATEWAY_MTU: 'small' } });
  t.equal(failed.code, 2);
  t.match(failed.out, /TUNNELITE_GATEWAY_MTU \(environment\) gateway\.mtu: "small" is not valid here/);
  t.notOk(existsSync(join(cwd, 'token.jwt')));
});

t.test('Start and the first connection: npm start, and a token for openconnect', async (t) => {
  const cwd = t.testdir();
  for (const name of ['package.json', 'bin', 'src', 'node_modules'])
    symlinkSync(join(repository, name), join(cwd, name));
  const env = { TUNNELITE_GATEWAY_PORT: '0', TUNNELITE_IDENTITY_PORT: '0', TUNNELITE_ADMIN_PORT: '0' };
  t.equal(block(/^npm start$/), 'npm start');
  const start: ChildProcess = spawn('npm', ['start'], { cwd, env: { ...process.env, ...env }, stdio: 'pipe' });
  const ended = new Promise<void>((resolve) => start.on('close', () => resolve()));
  t.teardown(() => killLeft(join(cwd, 'certs/instance.json')));
  await new Promise<void>((resolve, reject) => {
    let out = '';
    start.stdout!.on('data', (chunk) => (out += chunk) && /^Ready:/m.test(out) && resolve());
    start.stderr!.resume();
    start.on('close', () => reject(new Error(`npm start ended:\n${out}`)));
  });
  // What follows in the block needs the fixed port and ocproxy: test/interop/banner.test.ts pastes the same command.
  const [first, next] = block(/^npm run -s tunnelite -- token --output/).split('\n') as [string, string];
  t.match(next, /^openconnect /);
  const good = await bash(first, { cwd });
  t.equal(good.code, 0, good.out);
  t.match(readFileSync(join(cwd, 'certs/token.jwt'), 'utf8'), /^[\w-]+\.[\w-]+\.[\w-]+\n?$/);
  const { pid } = JSON.parse(readFileSync(join(cwd, 'certs/instance.json'), 'utf8')) as { pid: number };
  process.kill(pid, 'SIGTERM');
  await ended;
});
