import { loadCertificates } from '../../certs/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { systemRandom } from '../../lib/random.ts';
import { permittedNames } from '../../simulator/names.ts';
import { command } from '../command.ts';
import { configFromArgs, fileOptions } from '../config-options.ts';
import { EXIT } from '../io.ts';

export default command({
  meta: { name: 'ca', description: 'Where the CA certificate is, its fingerprint, and how to trust it' },
  args: {
    ...fileOptions,
    trust: { type: 'boolean', description: 'How to trust it on each platform' },
    pem: { type: 'boolean', description: 'The certificate itself' },
    json: { type: 'boolean', description: 'As JSON' },
  },
  async run({ args, rawArgs, io }) {
    const { config } = configFromArgs(args, rawArgs, io);
    const store = await loadCertificates({
      directory: config.certs.directory ?? undefined,
      clock: systemClock,
      random: systemRandom,
      emit: () => {},
      permitted: permittedNames(config),
    });
    const { path, fingerprint, certPem } = store.ca;
    if (args.json) io.out(`${JSON.stringify({ path, fingerprint, certPem })}\n`);
    else if (args.pem) io.out(certPem);
    else if (args.trust) io.out(store.trustHelp());
    else io.out(`${path ?? '(in memory)'}\n${fingerprint}\n`);
    return EXIT.ok;
  },
});
