import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import closeWithGrace from 'close-with-grace';
import type { Config } from '../../config/index.ts';
import { isWildcard } from '../../lib/endpoint.ts';
import { shellWord } from '../../lib/shell-word.ts';
import { version } from '../../lib/version.ts';
import type { Simulator } from '../../simulator/index.ts';
import { addressesElsewhere } from '../../simulator/names.ts';
import { claim, refuseSecond, withdraw } from '../context/claim.ts';
import { command } from '../context/command.ts';
import { configFromArgs, startOptions } from '../context/config-options.ts';
import { type Announcement, type Instance, readyLine } from '../context/instance.ts';
import { type CliIo, EXIT } from '../context/io.ts';
import { problemOf } from '../context/problem.ts';
import { removeReadyFile, withdrawReadyFile, writeReadyFile } from '../context/ready-file.ts';
import { lanOptions, lanSettings } from '../lan/lan-settings.ts';
import type { OpenPage, openPage } from '../lan/open-page.ts';
import { banner, programName, programPath } from './banner.ts';

/** Time limit for closing before the process exits anyway, in milliseconds. */
const CLOSE_TIMEOUT_MS = 10_000;

export default command({
  args: {
    ...startOptions,
    ...lanOptions,
    json: { type: 'boolean', description: 'Print the readiness line as JSON, without the banner' },
    'ready-file': {
      type: 'string',
      valueHint: 'file',
      description: 'Write the readiness line, or the error, to this file as JSON, for "wait --ready-file"',
    },
  },
  async run({ args, rawArgs, io }) {
    const readyFile = args['ready-file'] || undefined;
    if (readyFile !== undefined) await removeReadyFile(readyFile);
    try {
      const { simulator, config, instance, page } = await start(args, rawArgs, io);
      const { secret: _, ...announcement } = instance;
      const ready = readyFile === undefined ? undefined : leaveReadyFile(readyFile, announcement);
      const { ended, uninstall } = closed(simulator, instance, io, ready, page);
      try {
        await ready?.written;
      } catch (error) {
        uninstall();
        await withdraw(simulator.certificates, instance);
        await page?.server.close();
        await simulator.close('its ready file cannot be written');
        throw error;
      }
      show(simulator, announcement, config, args.json === true, io, page);
      return await ended;
    } catch (error) {
      if (readyFile !== undefined) await leaveProblem(readyFile, error);
      throw error;
    }
  },
});

/** Reports the error to programs that wait for the ready file. If that cannot be written, the original error still counts. */
async function leaveProblem(readyFile: string, error: unknown): Promise<void> {
  await writeReadyFile(readyFile, { ready: false, error: problemOf(error) }).catch(() => undefined);
}

interface Started {
  readonly simulator: Simulator;
  readonly config: Config;
  readonly instance: Instance;
  /** With `--lan`. */
  readonly page: OpenPage | undefined;
}

/** Runs the simulator, and stores its address for the other commands. */
async function start(args: Readonly<Record<string, unknown>>, rawArgs: readonly string[], io: CliIo): Promise<Started> {
  const lan = lanSettings(args, () => configFromArgs(args, rawArgs, io).config);
  const extra = lan?.flags ?? [];
  const loaded = configFromArgs(args, rawArgs, io, { extra });
  const { config, warnings } = loaded;
  const [{ checkDirectory, checkIntune, directoryWarnings, runSimulator }, { createLogger }] = await Promise.all([
    import('../../simulator/index.ts'),
    import('../../telemetry/index.ts'),
  ]);
  const directory = checkDirectory(loaded);
  await checkIntune(loaded, directory);
  if (config.certs.directory !== null) await refuseSecond(config.certs.directory);
  const logger = createLogger({ ...config.log, colors: !io.env.NO_COLOR });
  for (const warning of [...warnings, ...directoryWarnings(directory, loaded)]) logger.warn(warning);
  const onLogLevel = (level: string): void => {
    logger.level = level;
  };
  const simulator = await runSimulator(config, { logger, onLogLevel }, directory);
  simulator.readConfigFrom(() => configFromArgs(args, rawArgs, io, { again: true, extra }));
  const { urls, admin, certificates } = simulator;
  const { path: ca } = certificates.ca;
  const instance: Instance = { version, pid: process.pid, ...urls, admin: admin.url, ca, secret: admin.secret };
  try {
    await claim(certificates, instance);
  } catch (error) {
    await simulator.close('another instance is running');
    throw error;
  }
  try {
    const page = lan && (await openPageLater(simulator, lan, io, args.json === true));
    return { simulator, config, instance, page };
  } catch (error) {
    await withdraw(simulator.certificates, instance);
    await simulator.close('the page for phones cannot be opened');
    throw error;
  }
}

/** Loads the page and its dependencies only with `--lan`. */
const openPageLater: typeof openPage = async (...all) => (await import('../lan/open-page.ts')).openPage(...all);

/** A file being written: removal waits until it exists. */
interface LeftFile {
  readonly file: string;
  readonly written: Promise<void>;
}

function leaveReadyFile(file: string, announcement: Announcement): LeftFile {
  return { file, written: writeReadyFile(file, { ready: true, ...announcement }) };
}

/** Closes on the first signal; `ended` resolves with the exit code when everything is closed. A second signal exits immediately. */
function closed(
  simulator: Simulator,
  instance: Instance,
  io: CliIo,
  ready: LeftFile | undefined,
  page: OpenPage | undefined,
): { readonly ended: Promise<number>; readonly uninstall: () => void } {
  const { promise: ended, resolve: finish } = Promise.withResolvers<number>();
  const stopReloading = reloadOnHangUp(simulator);
  const grace = closeWithGrace(
    { delay: CLOSE_TIMEOUT_MS, logger: false, skip: reloads() ? ['SIGHUP'] : [] },
    async ({ signal, err }) => {
      if (err) io.err(`${io.env.TUNNELITE_DEBUG ? err.stack : `Unexpected: ${err.message}`}\n`);
      await withdraw(simulator.certificates, instance);
      await ready?.written.catch(() => undefined);
      if (ready) await withdrawReadyFile(ready.file, instance);
      await page?.server.close();
      await simulator.close(signal ?? (err ? 'error' : 'requested'));
      grace.uninstall();
      stopReloading();
      finish(err ? EXIT.failed : EXIT.ok);
    },
  );
  simulator.onStopRequest(() => grace.close());
  const uninstall = (): void => {
    grace.uninstall();
    stopReloading();
  };
  return { ended, uninstall };
}

/** For a service, SIGHUP means to read its configuration again; for a program on a terminal, that the terminal was closed. */
function reloads(): boolean {
  return process.platform !== 'win32' && !process.stdin.isTTY && !process.stdout.isTTY && !process.stderr.isTTY;
}

/** Reads the configuration again on each SIGHUP. The log shows the result. */
function reloadOnHangUp(simulator: Simulator): () => void {
  if (!reloads()) return () => {};
  const reload = (): void => void simulator.reload().catch(() => {});
  process.on('SIGHUP', reload);
  return () => process.off('SIGHUP', reload);
}

function localAuthority({ identity }: Simulator): string {
  return `${identity.localOrigin}/${identity.directory.defaultTenant.id}`;
}

function show(
  simulator: Simulator,
  announcement: Announcement,
  config: Config,
  json: boolean,
  io: CliIo,
  page: OpenPage | undefined,
): void {
  const { gateway, authority, admin, ca } = announcement;
  if (json) {
    page?.announce();
    io.out(`${JSON.stringify({ ready: true, ...announcement })}\n`);
    return;
  }
  const { directory } = simulator.certificates;
  const users = simulator.issuesTokens ? [...simulator.identity.directory.defaultTenant.users] : [];
  const host = config.services.hosts.find((one) => Object.values(one.tcp).includes('intranet-http'));
  io.out(
    banner({
      version,
      gateway,
      authority,
      admin,
      elsewhere: addressesElsewhere(config, simulator.certificates, {
        gateway,
        authority: simulator.issuesTokens ? localAuthority(simulator) : undefined,
      }),
      unnamed: isWildcard(config.gateway.host) && config.gateway.names.length === 0,
      caPath: ca,
      directory,
      program: programName(process.argv[1] ?? '', io.env),
      where: directory === undefined || directory === resolve('certs') ? '' : `--certs ${shellWord(directory)}`,
      udp: !config.gateway.disableUdp,
      users: users.slice(0, 3).map((user) => user.userPrincipalName),
      builtIn: simulator.issuesTokens,
      openconnect: programPath('openconnect', io.env.PATH ?? '', existsSync),
      platform: process.platform,
      page: host && `http://${host.names[0]}/`,
    }),
  );
  page?.announce();
  // The last line, so that a script that waits for it has all the others.
  io.out(`\n${readyLine(announcement)}`);
}
