import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { spawnCli } from '../support/cli.ts';
import { freePort } from '../support/free-port.ts';
import { skipUnless } from '../support/interop.ts';
import { Namespace } from '../support/namespace.ts';

const repository = join(import.meta.dirname, '../..');
const shell = { cwd: repository, env: { ...process.env, NO_COLOR: '1' } };

/** The commands of a banner: the lines that are indented and begin with a program. */
function commands(banner: string): { token: string; root: string; rootless: string; curl: string; proxyCurl: string } {
  const find = (pattern: RegExp): string => {
    const line = banner.split('\n').find((one) => pattern.test(one));
    if (line === undefined) throw new Error(`The banner has no line like ${pattern}:\n${banner}`);
    return line.trim();
  };
  return {
    token: find(/^ {2}\S.* token --output /),
    root: find(/^ {2}sudo openconnect /),
    rootless: find(/^ {2}(\/\S+\/)?openconnect /),
    curl: find(/^ {2}curl http/),
    proxyCurl: find(/^ {2}curl -x /),
  };
}

/** Runs a line as a shell would and waits for its end. */
function paste(line: string, prefix: readonly string[] = []): Promise<{ code: number | null; out: string }> {
  const [program = '', ...args] = [...prefix, 'sh', '-c', line];
  const child = spawn(program, args, { ...shell, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
  let out = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (out += text));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out })));
}

/** Starts a line that goes on; resolves when its output has the pattern. */
function keep(line: string, until: RegExp, prefix: readonly string[] = []): Promise<ChildProcess> {
  const [program = '', ...args] = [...prefix, 'sh', '-c', `exec ${line}`];
  const child = spawn(program, args, { ...shell, stdio: ['ignore', 'pipe', 'pipe'], timeout: 60_000 });
  let out = '';
  return new Promise((resolve, reject) => {
    const hear = (text: string): void => {
      out += text;
      if (until.test(out)) resolve(child);
    };
    child.stdout.setEncoding('utf8').on('data', hear);
    child.stderr.setEncoding('utf8').on('data', hear);
    child.on('close', (code) => reject(new Error(`${line}\nended with ${code}:\n${out}`)));
  });
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) return resolve();
    child.on('close', () => resolve());
    child.kill('SIGINT');
  });
}

const PAGE = /You reached the on-premises network through the tunnel/;

t.test(
  'the commands of the banner work when pasted, without root',
  { skip: skipUnless({ programs: ['openconnect', 'ocproxy', 'curl'] }) },
  async (t) => {
    const certs = join(t.testdir(), 'certs with a space');
    const started = spawnCli(['start', '--port', '0', '--certs', certs, '--log-level', 'silent'], { cwd: repository });
    t.teardown(() => end(started.child));
    const lines = commands(await started.waitFor(/^Ready: /m));
    const token = await paste(lines.token);
    t.equal(token.code, 0, token.out);
    const port = String(await freePort());
    const client = await keep(lines.rootless.replace('11080', port), /Configured as 169\.254\./);
    t.teardown(() => end(client));
    const page = await paste(`${lines.proxyCurl.replace('11080', port)} -sS --retry 5 --retry-connrefused`);
    t.equal(page.code, 0, page.out);
    t.match(page.out, PAGE);
  },
);

t.test(
  'the commands of the banner work when pasted, with root: routes and names are set',
  { skip: skipUnless({ programs: ['openconnect', 'curl', 'ip'], namespaces: true, tun: true }) },
  async (t) => {
    const certs = join(t.testdir(), 'certs');
    await using host = Namespace.create('banner');
    // ip netns exec puts this over /etc/resolv.conf, so that the client changes this copy.
    const etc = `/etc/netns/${host.name}`;
    mkdirSync(etc, { recursive: true });
    writeFileSync(join(etc, 'resolv.conf'), 'nameserver 192.0.2.1\n');
    t.teardown(() => rmSync(etc, { recursive: true, force: true }));
    const inside = ['ip', 'netns', 'exec', host.name];
    const main = join(repository, 'src/cli/main.js');
    const start = `${process.execPath} ${main} start --certs ${certs} --log-level silent`;
    let banner = '';
    const server = spawn('ip', [...inside.slice(1), 'sh', '-c', `exec ${start}`], {
      ...shell,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    t.teardown(() => end(server));
    await new Promise<void>((resolve, reject) => {
      server.stdout.setEncoding('utf8').on('data', (text: string) => {
        banner += text;
        if (/^Ready: /m.test(banner)) resolve();
      });
      server.on('close', (code) => reject(new Error(`ended with ${code}`)));
    });
    const lines = commands(banner);
    t.match(banner, /https:\/\/localhost:8443 /, 'the default port');
    const token = await paste(lines.token, inside);
    t.equal(token.code, 0, token.out);
    const client = await keep(lines.root.replace(/^sudo /, ''), /Configured as 169\.254\./, inside);
    t.teardown(() => end(client));
    const page = await paste(`${lines.curl} -sS --retry 5 --retry-all-errors --retry-delay 1`, inside);
    t.equal(page.code, 0, page.out);
    t.match(page.out, PAGE);
  },
);
