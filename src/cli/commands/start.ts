import { resolve } from 'node:path';
import closeWithGrace from 'close-with-grace';
import type { Config } from '../../config/index.ts';
import type { Simulator } from '../../simulator/index.ts';
import { banner, programName, quote } from '../banner.ts';
import { command } from '../command.ts';
import { configFromArgs, startOptions } from '../config-options.ts';
import { INSTANCE_STATE, type Instance } from '../instance.ts';
import { type CliIo, EXIT } from '../io.ts';
import { version } from '../version.ts';

/** How long closing may take before the process ends anyway, in milliseconds. */
const CLOSE_TIMEOUT_MS = 10_000;

export default command({
  meta: { name: 'start', description: 'Run gateway, Entra ID and mock network until interrupted' },
  args: {
    ...startOptions,
    json: { type: 'boolean', description: 'The readiness line as JSON, and no banner' },
  },
  async run({ args, rawArgs, io }) {
    const { config, warnings } = configFromArgs(args, rawArgs, io);
    const [{ runSimulator }, { createLogger }] = await Promise.all([
      import('../../simulator/index.ts'),
      import('../../telemetry/index.ts'),
    ]);
    const logger = createLogger({ level: config.log.level, format: config.log.format });
    for (const warning of warnings) logger.warn(warning);
    const simulator = await runSimulator(config, { logger });
    const instance = await announce(simulator);
    const ended = closed(simulator, instance, io);
    show(simulator, instance, config, args.json === true, io);
    return ended;
  },
});

/** Leaves the address of this instance for the other commands. */
async function announce(simulator: Simulator): Promise<Instance> {
  const instance: Instance = {
    pid: process.pid,
    gateway: simulator.urls.gateway,
    authority: simulator.urls.authority,
    admin: simulator.admin.url,
    secret: simulator.admin.secret,
  };
  await simulator.certificates.writeState(INSTANCE_STATE, instance);
  return instance;
}

/** Closes on the first signal; resolves with the exit code when all is closed. A second signal ends the process at once. */
function closed(simulator: Simulator, instance: Instance, io: CliIo): Promise<number> {
  return new Promise((finish) => {
    const grace = closeWithGrace({ delay: CLOSE_TIMEOUT_MS, logger: false }, async ({ signal, err }) => {
      if (err) io.err(`${io.env.TUNNELITE_DEBUG ? err.stack : `Unexpected: ${err.message}`}\n`);
      await withdraw(simulator, instance);
      await simulator.close(signal ?? (err ? 'error' : 'asked to'));
      grace.uninstall();
      finish(err ? EXIT.failed : EXIT.ok);
    });
  });
}

/** Takes the address back, unless a later instance has left its own. */
async function withdraw({ certificates }: Simulator, { secret }: Instance): Promise<void> {
  const left = (await certificates.readState(INSTANCE_STATE).catch(() => undefined)) as Instance | undefined;
  if (left?.secret === secret) await certificates.deleteState(INSTANCE_STATE);
}

function show(simulator: Simulator, instance: Instance, config: Config, json: boolean, io: CliIo): void {
  const { gateway, authority, admin } = instance;
  const { path } = simulator.certificates.ca;
  if (json) {
    io.out(`${JSON.stringify({ ready: true, version, pid: process.pid, gateway, authority, admin, ca: path })}\n`);
    return;
  }
  const { directory } = simulator.certificates;
  const users = [...(simulator.identity?.directory.defaultTenant.users ?? [])];
  const host = config.services.hosts.find((one) => Object.values(one.tcp).includes('intranet-http'));
  io.out(
    banner({
      version,
      gateway,
      authority,
      admin,
      caPath: path,
      directory,
      program: programName(process.argv[1] ?? '', io.env),
      where: directory === undefined || directory === resolve('certs') ? '' : `--certs ${quote(directory)}`,
      udp: !config.gateway.disableUdp,
      users: users.slice(0, 3).map((user) => user.userPrincipalName),
      builtIn: simulator.identity !== undefined,
      page: host && `http://${host.names[0]}/`,
    }),
  );
  // The last line, so that a script that waits for it has all the others.
  io.out(`\nReady: gateway ${gateway}, Entra ID ${authority}, health ${admin}/readyz\n`);
}
