import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { cli, spawnCli } from '../support/cli.ts';

t.setTimeout(120_000);

t.test('a report is written, and opened in another process', async (t) => {
  const folder = t.testdir();
  const certs = join(folder, 'certs');
  const file = join(folder, 'report.tar.gz');
  const started = spawnCli(['start', '--port', '0', '--certs', certs, '--json', '--log-level', 'silent']);
  t.teardown(() => started.child.kill('SIGKILL'));
  const ready = JSON.parse(await started.waitFor(/\n/)) as { gateway: string };
  t.match(await cli(['report', file, '--certs', certs]), { code: 0, out: /tunnelite open/ });
  if (process.platform !== 'win32') t.equal(statSync(file).mode & 0o777, 0o600);
  t.match(await cli(['report', join(folder, 'no/where'), '--certs', certs]), { code: 1, err: /ERR_CAPTURE_FILE/ });
  // A disk that is full.
  if (existsSync('/dev/full')) {
    t.match(await cli(['report', '/dev/full', '--certs', certs]), {
      code: 1,
      out: '',
      err: /ENOSPC.*\n.*\n\(ERR_CAPTURE_FILE\)/,
    });
  }
  t.equal((await cli(['stop', '--certs', certs])).code, 0);

  const opened = spawnCli(['open', file, '--json']);
  t.teardown(() => opened.child.kill('SIGKILL'));
  const { link, url, secret } = JSON.parse(await opened.waitFor(/\n/)) as Record<'link' | 'url' | 'secret', string>;
  t.ok(link.startsWith(`${url}/#code=`));
  t.match(await (await fetch(link)).text(), /<html data-report="\d{13}" lang="en">/);
  const answer = await fetch(`${url}/api/status`, { headers: { authorization: `Bearer ${secret}` } });
  t.match(await answer.json(), { gateway: ready.gateway });
  opened.child.kill('SIGINT');
  t.match(await opened.ended, { code: 0 });

  const told = spawnCli(['open', file]);
  t.teardown(() => told.child.kill('SIGKILL'));
  t.match(await told.waitFor(/Ctrl\+C/), /In the browser: http:\/\/127\.0\.0\.1:\d+\/#code=[\w-]{43}\n.*\nSecret, /);
  told.child.kill('SIGINT');
  t.match(await told.ended, { code: 0 });

  writeFileSync(file, 'no report');
  t.match(await cli(['open', file]), { code: 1, err: /ERR_REPORT_FILE/ });
  t.match(await cli(['open', file, '--port', 'x']), { code: 2, err: /is not a port/ });
});
