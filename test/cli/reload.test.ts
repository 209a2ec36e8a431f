import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { connectSimulator } from '../../src/index.ts';
import { cli, spawnCli } from '../support/cli.ts';

// A running instance is told to read its file again: by a command, over REST and by a signal.

t.setTimeout(120_000);

t.test('an instance reads its file again, and refuses one that is not valid with all its problems', async (t) => {
  const directory = t.testdir({ 'tunnelite.yaml': 'gateway:\n  dpd: 30\n' });
  const file = join(directory, 'tunnelite.yaml');
  const certs = join(directory, 'certs');
  const started = spawnCli([
    'start',
    '--port',
    '0',
    '--certs',
    certs,
    '--config',
    file,
    '--json',
    '--log-level',
    'error',
  ]);
  t.teardown(() => started.child.kill('SIGKILL'));
  const { admin } = JSON.parse(await started.waitFor(/\n/)) as { admin: string };
  const { secret } = JSON.parse(readFileSync(join(certs, 'instance.json'), 'utf8')) as { secret: string };
  const sim = await connectSimulator(admin, { secret });
  const run = (...argv: string[]) => cli([...argv, '--certs', certs, '--config', file]);

  t.match(await run('config', 'reload'), { code: 0, out: 'Nothing has changed.\n' });
  writeFileSync(file, 'gateway:\n  dpd: 7\n  denyRoaming: true\n  port: 4443\n  mtu: 1400\n');
  const { code, out } = await run('config', 'reload');
  t.equal(code, 0);
  t.equal(
    out,
    'Applied:\n  gateway.denyRoaming: false, now true\nApplied, for new sessions:\n  gateway.dpd: 30, now 7\n' +
      'After a restart:\n  gateway.mtu: 1500, now 1400\n',
    'the port stays what the flag says',
  );
  t.match(JSON.parse((await run('config', 'reload', '--json')).out), {
    applied: [],
    needsRestart: [{ member: 'gateway.mtu' }],
    file,
  });

  writeFileSync(file, 'gateway:\n  dpd: soon\n  port: 99999\nidentity:\n  polcy: strict\n');
  const mark = await sim.journal.mark();
  await t.rejects(sim.reload(), {
    code: 'ERR_CONFIG_INVALID',
    details: {
      problems: [
        { where: /tunnelite\.yaml:2:8$/, path: 'gateway.dpd' },
        { where: /tunnelite\.yaml:3:9$/, path: 'gateway.port' },
        { where: /tunnelite\.yaml:5:3$/, path: 'identity.polcy' },
      ],
    },
  });
  t.match(await sim.config(), { gateway: { dpd: 7 } });
  await sim.journal.expect({ name: 'config.refused', since: mark, fields: { code: 'ERR_CONFIG_INVALID' } }, 1);

  if (process.platform !== 'win32') {
    writeFileSync(file, 'gateway:\n  dpd: 9\nlog:\n  level: warn\n');
    started.child.kill('SIGHUP');
    await sim.journal.waitFor({ name: 'config.reloaded', since: mark }, { timeout: 20_000 });
    t.match(await sim.config(), { gateway: { dpd: 9, denyRoaming: false }, log: { level: 'error' } });
  }
  await sim.shutDown();
});
