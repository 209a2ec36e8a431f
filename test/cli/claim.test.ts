import t from 'tap';
import { startAdmin } from '../../src/admin/index.ts';
import { loadCertificates } from '../../src/certs/index.ts';
import { claim, refuseSecond, withdraw } from '../../src/cli/context/claim.ts';
import type { Instance } from '../../src/cli/context/instance.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';

t.test('of two instances that start at once the slower one is refused, and takes nothing away', async (t) => {
  const directory = t.testdir();
  const open = () => loadCertificates({ directory, clock: systemClock, random: systemRandom, emit: () => {} });
  const run = async (pid: number): Promise<Instance> => {
    const admin = await startAdmin({
      host: '127.0.0.1',
      port: 0,
      random: systemRandom,
      check: async () => [],
      version: '0',
      routes: [{ prefix: '/api/status', plugin: async (app) => void app.get('/', async () => ({})) }],
    });
    t.teardown(() => admin.close());
    return { version: '0', pid, gateway: 'https://g', authority: 'https://a', admin: admin.url, secret: admin.secret };
  };
  const [certificates, again] = [await open(), await open()];
  const [first, second] = [await run(1), await run(2)];
  await refuseSecond(directory);
  await claim(certificates, first);
  await t.rejects(refuseSecond(directory), { code: 'ERR_CLI_ALREADY_RUNNING', details: { pid: 1 } });
  await t.rejects(claim(again, second), { code: 'ERR_CLI_ALREADY_RUNNING', details: { pid: 1 } });
  await withdraw(again, second);
  t.match(await certificates.readState('instance'), { pid: 1 });
  // Another program, or another instance, may have the port of one that was killed.
  await certificates.writeState('instance', { ...first, secret: 'of a dead one' });
  await claim(again, second);
  t.match(await certificates.readState('instance'), { pid: 2 });
  await withdraw(again, second);
  t.equal(await certificates.readState('instance'), undefined);
});
