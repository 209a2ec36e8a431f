import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import t from 'tap';
import { repository } from '../support/bench.ts';
import { skipUnless } from '../support/interop.ts';
import { run } from '../support/namespace.ts';

t.test('a benchmark that is interrupted leaves no namespace', { skip: skipUnless({ namespaces: true }) }, async (t) => {
  const file = join(repository, 'bench/tunnel/sessions.ts');
  const child = spawn(process.execPath, [file, '--no-ocserv'], { stdio: 'ignore', timeout: 60_000 });
  const ended = once(child, 'exit');
  const own = (): boolean => run('ip', ['netns', 'list']).includes(`tl-${child.pid}-`);
  while (!own() && child.exitCode === null) await setTimeout(20);
  t.ok(own(), 'it has made one');
  child.kill('SIGTERM');
  t.strictSame(await ended, [1, null], 'it ends by itself');
  t.notOk(own(), 'and the namespace is gone');
});
