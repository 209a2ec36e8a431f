import { execFileSync, spawn } from 'node:child_process';
import { cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { startSimulator } from '../../src/index.ts';
import { skipUnless } from '../support/interop.ts';
import { collect } from '../support/namespace.ts';

// The example in Python, run by pytest as it stands, with a stock openconnect.

t.setTimeout(200_000);

/** Debian's Python, for which the packages python3-pytest and python3-requests are. */
const PYTHON = '/usr/bin/python3';
const repository = join(import.meta.dirname, '../..');

function has(module: string): boolean {
  try {
    execFileSync(PYTHON, ['-c', `import ${module}`], { stdio: 'ignore', timeout: 60_000 });
    return true;
  } catch {
    return false;
  }
}

const skip = skipUnless({
  programs: ['openconnect', 'ocproxy'],
  packages: { 'python3-pytest': () => has('pytest'), 'python3-requests': () => has('requests') },
});

/** Runs pytest on a copy of the example, with more files beside it; nothing that it started is left when this resolves. */
async function pytest(t: Test, env: NodeJS.ProcessEnv, files: Record<string, string> = {}, args: string[] = []) {
  const folder = t.testdir(files);
  cpSync(join(repository, 'examples/python'), folder, { recursive: true });
  const child = spawn(
    PYTHON,
    ['-B', '-m', 'pytest', '-p', 'no:cacheprovider', '--verbose', `--basetemp=${join(folder, 'made')}`, ...args],
    {
      cwd: folder,
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A group of its own, so that what it leaves behind is found, and ended.
      detached: true,
    },
  );
  try {
    const { code, stdout, stderr } = await collect(child, 'pytest', { timeout: 150_000 });
    t.strictSame(remaining(child.pid!), [], 'nothing is left behind');
    return { code, out: stdout.toString() + stderr };
  } finally {
    if (remaining(child.pid!).length > 0) process.kill(-child.pid!, 'SIGKILL');
  }
}

/** Command lines of the processes of a group that still run. */
function remaining(group: number): string[] {
  const all = execFileSync('ps', ['-eo', 'pgid=,stat=,args='], { encoding: 'utf8' }).split('\n');
  return all.filter((line) => new RegExp(`^ *${group} +[^Z]`).test(line));
}

t.test('it starts Tunnelite, and openconnect does in it what it has to', { skip }, async (t) => {
  const { code, out } = await pytest(t, {
    TUNNELITE_COMMAND: `'${process.execPath}' '${join(repository, 'src/cli/main.js')}'`,
  });
  t.equal(code, 0, 'exit status of pytest', { out });
  for (const name of [
    'comes_up_on_udp',
    'comes_up_on_tcp_where_udp_is_off',
    'falls_back_to_tcp_when_udp_is_blocked',
    'comes_back_to_udp_when_it_is_free',
    'authenticates_anew_when_the_token_expired',
    'survives_a_gateway_restart',
    'its_session_is_ended_by_an_administrator',
  ]) {
    t.match(out, new RegExp(`::test_${name} PASSED`));
  }
});

t.test('it uses an instance that runs, and shows the journal of a test that fails', { skip }, async (t) => {
  await using sim = await startSimulator();
  const env = { TUNNELITE_URL: sim.urls.admin, TUNNELITE_SECRET: sim.admin.secret };
  const files = {
    'test_failing.py': `def test_waits_in_vain(tunnelite):
    tunnelite.advance(1)
    tunnelite.wait_for("auth.refused", timeout=0.1, reason="expired")


def test_mistypes(tunnelite):
    tunnelite.wait_for("auth.refusd")
`,
  };
  const { code, out } = await pytest(t, env, files, ['test_failing.py']);
  t.equal(code, 1, 'exit status of pytest', { out });
  t.match(out, /Tunnelite's journal -+\n(?:#.*\n)*#\d+ clock\.advanced: /);
  t.match(out, /No auth\.refused with reason=expired/);
  t.match(out, /Did you mean .auth\.refused/);
  t.equal(sim.clock.offset, 0, 'each test begins with a reset');
});

t.test('each assertion takes ten lines at most', async (t) => {
  const tests = readFileSync(join(repository, 'examples/python/test_tunnel.py'), 'utf8').split(/^(?=def test_)/m);
  t.equal(tests.length, 8);
  for (const one of tests.slice(1)) t.ok(one.trim().split('\n').length - 1 <= 10, one.slice(0, one.indexOf('(')));
});
