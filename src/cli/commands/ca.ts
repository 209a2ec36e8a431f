import { loadCertificates } from '../../certs/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { systemRandom } from '../../lib/random.ts';
import { nameConstraints, permittedNames, welcomeNames } from '../../simulator/names.ts';
import { EVENTS } from '../../telemetry/events.ts';
import { command } from '../context/command.ts';
import { configFromArgs, fileOptions } from '../context/config-options.ts';
import { EXIT } from '../context/io.ts';

export default command({
  args: {
    ...fileOptions,
    trust: { type: 'boolean', description: 'Explain how to trust it on each platform' },
    pem: { type: 'boolean', description: 'Print the certificate itself' },
    json: { type: 'boolean', description: 'As JSON' },
  },
  async run({ args, rawArgs, io }) {
    const { config } = configFromArgs(args, rawArgs, io);
    const store = await loadCertificates({
      directory: config.certs.directory ?? undefined,
      clock: systemClock,
      random: systemRandom,
      // If this command renews the CA, it reports that itself.
      emit: (name, fields) => {
        const { level, text } = EVENTS[name];
        if (level === 'warn') io.err(`Warning: ${text(fields)}\n`);
      },
      permitted: permittedNames(config),
      constraints: nameConstraints(config),
      welcome: welcomeNames(config),
    });
    const { path, fingerprint, certPem } = store.ca;
    if (args.json) io.out(`${JSON.stringify({ path, fingerprint, certPem })}\n`);
    else if (args.pem) io.out(certPem);
    else if (args.trust) io.out(store.trustHelp());
    else io.out(`${path ?? '(in memory)'}\n${fingerprint}\n`);
    return EXIT.ok;
  },
});
