import { EventEmitter, once } from 'node:events';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { loadCertificates } from '../../src/certs/index.ts';
import { resolveConfig } from '../../src/config/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';
import { startSimulator } from '../../src/simulator/index.ts';
import { permittedNames } from '../../src/simulator/names.ts';

t.test('signing keys that cannot be read keep the simulator from starting, and the file is named', async (t) => {
  const directory = t.testdir({ certs: {} });
  const certs = { directory: join(directory, 'certs') };
  const file = join(certs.directory, 'signing-keys.json');
  writeFileSync(file, '{}');
  await t.rejects(startSimulator({ certs }), {
    code: 'ERR_IDENTITY_KEYS_INVALID',
    message: `${file} cannot be read: Unknown format.`,
    hint: /^Delete the file/,
  });
  // The certificates, which are made at the same time, are complete: nothing is written after the failure.
  const files = readdirSync(certs.directory).filter((name) => /^(gateway|identity|services)/.test(name));
  t.strictSame(files.sort(), ['gateway.pem', 'identity.pem', 'services.pem']);
});

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

t.test('a simulator is closed when the new keys are in their file', async (t) => {
  const directory = t.testdir();
  const store = await loadCertificates({
    directory,
    clock: systemClock,
    random: systemRandom,
    emit: () => undefined,
    permitted: permittedNames(resolveConfig({})),
  });
  const began = new EventEmitter();
  const disk = Promise.withResolvers<void>();
  let rotated = false;
  const certificates = {
    ...store,
    async writeState(name: string, value: unknown) {
      if (rotated) {
        began.emit('writing');
        await disk.promise;
      }
      await store.writeState(name, value);
    },
  };
  const sim = await startSimulator({}, { certificates });
  t.teardown(() => sim.close());
  rotated = true;
  const writing = once(began, 'writing');
  await sim.identity.keys.rotate();
  await writing;
  // All else is closed within some turns of the event loop, as in a simulator that has nothing to write.
  let turns = 0;
  let open = true;
  const other = await startSimulator({});
  const otherClosed = other.close().then(() => {
    open = false;
  });
  for (; open; turns++) await turn();
  await otherClosed;
  let closed = false;
  const closing = sim.close().then(() => {
    closed = true;
  });
  for (let most = 2 * turns + 100; most > 0; most--) await turn();
  t.notOk(closed);
  disk.resolve();
  await closing;
  t.ok(closed);
  const { keys } = JSON.parse(readFileSync(join(directory, 'signing-keys.json'), 'utf8')) as { keys: unknown[] };
  t.equal(keys.length, 2, 'the new one and the former');
});

t.test('keys that cannot be saved are told, and are used', async (t) => {
  const directory = join(t.testdir({ certs: {} }), 'certs');
  const sim = await startSimulator({ certs: { directory } });
  t.teardown(() => sim.close());
  rmSync(directory, { recursive: true });
  const told = sim.journal.waitFor({ name: 'identity.keys.unsaved' });
  await sim.identity.keys.rotate();
  const { fields } = await told;
  t.equal(fields.path, join(directory, 'signing-keys.json'));
  t.match(fields.reason, /ENOENT|does not exist|cannot be written/);
  t.match(await sim.token(), /^ey/);
});
