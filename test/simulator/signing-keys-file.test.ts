import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { startSimulator } from '../../src/simulator/index.ts';

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
