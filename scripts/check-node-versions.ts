/**
 * Runs Tunnelite from its source on the oldest Node.js that it supports and on newer ones than the repository's own: `demo`, and
 * `start` with openconnect by DTLS and by TLS, with native code and without. An older one has to be refused in words.
 * Each version comes from npm's `node` package, into a folder that is deleted at the end.
 *
 *   node scripts/check-node-versions.ts [versions]
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SUPPORTED = process.argv.length > 2 ? process.argv.slice(2) : ['22.19.0', '22', '26'];
const TOO_OLD = ['18', '20'];
const STEP_TIMEOUT = 90_000;
const PAGE = /You reached the on-premises network through the tunnel/;

const repository = join(import.meta.dirname, '..');
const main = join(repository, 'src/cli/main.js');
const scratch = mkdtempSync(join(tmpdir(), 'tunnelite-nodes-'));
const running = new Set<ChildProcess>();

interface Output {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function insist(condition: boolean, complaint: string): void {
  if (!condition) throw new Error(complaint);
}

function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Output> {
  return new Promise((resolve) => {
    const options = { cwd: scratch, env: { ...process.env, NO_COLOR: '1', ...env }, timeout: STEP_TIMEOUT };
    execFile(program, args, options, (error, out, err) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, out, err });
    });
  });
}

/** Starts a program that goes on, and waits until it has written the pattern. */
async function keep(
  program: string,
  args: readonly string[],
  until: RegExp,
  env: NodeJS.ProcessEnv = {},
): Promise<Started> {
  const child = spawn(program, args, {
    cwd: scratch,
    env: { ...process.env, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  let text = '';
  const match = await new Promise<RegExpExecArray>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${program} did not get ready:\n${text}`)), STEP_TIMEOUT);
    const look = (more: string): void => {
      text += more;
      const found = until.exec(text);
      if (!found) return;
      clearTimeout(timer);
      resolve(found);
    };
    child.stdout.setEncoding('utf8').on('data', look);
    child.stderr.setEncoding('utf8').on('data', look);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`${program} ended with ${code ?? signal}:\n${text}`));
    });
  });
  return { child, match, text: () => text };
}

interface Started {
  readonly child: ChildProcess;
  readonly match: RegExpExecArray;
  readonly text: () => string;
}

/** Ends a program as a terminal does; its status. */
async function end(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  const [code] = (await ended) as [number | null];
  return code;
}

async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function install(version: string): Promise<string> {
  const prefix = join(scratch, `node-${version}`);
  const npm = await run('npm', [
    ...['install', '--prefix', prefix, '--no-save', '--no-audit', '--no-fund', '--loglevel=error'],
    // The package's own script puts the program in its place; nothing else is installed.
    ...['--ignore-scripts=false', `node@${version}`],
  ]);
  insist(npm.code === 0, `npm could not install node@${version}: ${npm.err}`);
  return join(prefix, 'node_modules/node/bin/node');
}

/** Connects openconnect without root and fetches the page. */
async function connect(node: string, ready: { gateway: string }, certs: string, dtls: boolean): Promise<void> {
  const token = join(certs, 'token.jwt');
  const made = await run(node, [main, 'token', '--certs', certs, '--output', token]);
  insist(made.code === 0, `no token: ${made.err}`);
  const socks = await freePort();
  const client = await keep(
    'openconnect',
    [
      ...['--protocol=anyconnect', '--http-auth=Bearer', '--token-mode=oidc', `--token-secret=@${token}`],
      ...[`--cafile=${join(certs, 'ca.pem')}`, '--no-system-trust', '--non-inter', ...(dtls ? [] : ['--no-dtls'])],
      ...['--script-tun', '--script', `ocproxy -D ${socks}`, ready.gateway],
    ],
    /Configured as .*$/m,
  );
  const wanted = dtls ? /SSL connected and DTLS connected/ : /SSL connected and DTLS disabled/;
  insist(wanted.test(client.match[0]), `openconnect said: ${client.match[0]}`);
  const page = await run('curl', [
    ...['-x', `socks5h://127.0.0.1:${socks}`, '-sS', '--retry', '5', '--retry-connrefused'],
    'http://intranet.contoso.internal/',
  ]);
  insist(PAGE.test(page.out), `no page came through the tunnel: ${page.out}${page.err}\n${client.text()}`);
  await end(client.child);
}

async function checkSupported(version: string): Promise<void> {
  const node = await install(version);
  const { out: name } = await run(node, ['--version']);
  const trial = await run(node, [
    ...['--input-type=module', '-e'],
    `const { tryDirectWrites } = await import(${JSON.stringify(join(repository, 'src/tls/direct-trial.ts'))});
     console.log(await tryDirectWrites() ? 'directly' : 'by public means');`,
  ]);
  insist(trial.code === 0, `the trial of Node's insides failed: ${trial.err}`);
  for (const native of [true, false]) {
    const env = native ? {} : { TUNNELITE_ACCELERATION: '0' };
    const demo = await run(node, [main, 'demo'], env);
    insist(demo.code === 0 && PAGE.test(demo.out), `the demo ended with ${demo.code}: ${demo.out}${demo.err}`);
    const certs = join(scratch, `certs-${version}-${native}`);
    const args = [main, 'start', '--port', '0', '--certs', certs, '--json', '--log-level', 'warn'];
    const started = await keep(node, args, /^\{.*"ready".*\}$/m, env);
    const ready = JSON.parse(started.match[0]) as { gateway: string };
    const health = await run(node, [main, 'healthcheck', '--certs', certs], env);
    insist(health.code === 0, `the health check failed: ${health.out}${health.err}`);
    await connect(node, ready, certs, true);
    await connect(node, ready, certs, false);
    const code = await end(started.child);
    insist(code === 0, `start ended with ${code}:\n${started.text()}`);
  }
  console.log(`node ${name.trim()}: ok, packets are written ${trial.out.trim()}`);
}

async function checkTooOld(version: string): Promise<void> {
  const node = await install(version);
  const refused = await run(node, [main, 'start']);
  const sentence = /^Tunnelite needs Node\.js 22\.19 or later; this is [\d.]+\.\nInstall a newer one [^\n]+\n$/;
  insist(
    refused.code === 1 && refused.out === '' && sentence.test(refused.err),
    `it said: ${refused.out}${refused.err}`,
  );
  console.log(`node@${version}: refused in words`);
}

try {
  // All at once: each waits most of the time, for the demo's UDP to be given up.
  await Promise.all(
    SUPPORTED.map((version) =>
      checkSupported(version).catch((error: Error) => {
        throw new Error(`node@${version}: ${error.message}`);
      }),
    ),
  );
  for (const version of TOO_OLD) await checkTooOld(version);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
} finally {
  for (const child of running) child.kill('SIGKILL');
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 });
}
