import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import t from 'tap';
import { guardProcess } from '../support/cleanup-process.ts';
import { freePort } from '../support/free-port.ts';
import { skipUnless } from '../support/interop.ts';

// What a test leaves behind that is killed before it can put anything away: by a time limit, for want of memory, by a user.

const skip = skipUnless({ programs: ['ocserv', 'ocpasswd', 'openconnect'], namespaces: true, tun: true });

const module = (name: string): string => new URL(`../support/${name}.ts`, import.meta.url).href;

/** The numbers of a process and of all that it started. */
function family(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
  return [pid, ...children.filter(Boolean).flatMap((child) => family(Number(child)))];
}

/** Whether it runs; a dead one that nobody waited for does not. */
function lives(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits until nothing is left of these, and returns what is left when it has taken too long. */
async function left(names: readonly string[], pids: readonly number[]): Promise<readonly (string | number)[]> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const rest = [...names.filter((name) => existsSync(`/run/netns/${name}`)), ...pids.filter(lives)];
    if (rest.length === 0 || Date.now() > deadline) return rest;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Starts a process that runs this script with the helpers of tests, and tells what it says of itself. */
async function start(script: string): Promise<{ child: ReturnType<typeof spawn>; told: Record<string, unknown> }> {
  const args = ['--input-type=module-typescript', '-e', script];
  const child = guardProcess(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }));
  for await (const line of createInterface({ input: child.stdout! })) {
    return { child, told: JSON.parse(line) as Record<string, unknown> };
  }
  throw new Error('it ended without a word');
}

t.test('a test that is killed leaves no namespace, and nothing that runs in one', { skip }, async (t) => {
  const { child, told } = await start(`
    import { Namespace, join } from '${module('namespace')}';
    const [left, right] = [Namespace.create('left'), Namespace.create('right')];
    join(left, ['192.0.2.1/24'], right, ['192.0.2.2/24']);
    const stubborn = right.spawn('sh', ['-c', 'trap "" TERM; echo up; while :; do sleep 1; done']);
    stubborn.stdout.once('data', () => {
      console.log(JSON.stringify({ names: [left.name, right.name], pid: stubborn.pid }));
    });
  `);
  const { names, pid } = told as { names: string[]; pid: number };
  for (const name of names) t.ok(existsSync(`/run/netns/${name}`), name);
  t.ok(lives(pid));
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.strictSame(await left(names, [pid]), []);
});

t.test('a test that is killed leaves no peer', { skip }, async (t) => {
  // A gateway that never answers keeps openconnect waiting.
  const silent = createServer().listen(await freePort(), '127.0.0.1');
  t.teardown(() => silent.close());
  await once(silent, 'listening');
  const { port } = silent.address() as { port: number };
  const { child, told } = await start(`
    import { startOcserv } from '${module('ocserv')}';
    import { PeerProcess } from '${module('peer-process')}';
    const server = await startOcserv();
    const client = new PeerProcess('openconnect', ['https://127.0.0.1:${port}']);
    const done = new PeerProcess('true', []);
    await done.ended;
    console.log(JSON.stringify({ pids: [server.process.pid, client.pid] }));
  `);
  const pids = (told.pids as number[]).flatMap(family);
  t.ok(pids.length > 2, `with the workers of ocserv ${pids.length} processes`);
  t.strictSame(pids.filter(lives), pids);
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.strictSame(await left([], pids), []);
});

t.test('a test that ends as it should leaves nothing to be put away', { skip }, async (t) => {
  const { child, told } = await start(`
    import { readFileSync } from 'node:fs';
    import { Namespace } from '${module('namespace')}';
    import { PeerProcess } from '${module('peer-process')}';
    {
      await using namespace = Namespace.create('fine');
      await using peer = new PeerProcess('cat', []);
      const children = readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim().split(' ').map(Number);
      console.log(JSON.stringify({ names: [namespace.name], pids: children }));
    }
  `);
  const { names, pids } = told as { names: string[]; pids: number[] };
  t.equal(pids.length, 2, 'the peer, and the process that would have put it away');
  const [code] = (await once(child, 'exit')) as [number];
  t.equal(code, 0, 'nothing keeps it from ending');
  t.strictSame(await left(names, pids), []);
});
