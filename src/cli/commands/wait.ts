import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadedConfig } from '../../config/index.ts';
import { type ErrorCode, isTunneliteError, TunneliteError } from '../../lib/errors.ts';
import { exchange } from '../../lib/http-exchange.ts';
import { command } from '../context/command.ts';
import { configFromArgs, fileOptions } from '../context/config-options.ts';
import { ANSWER_LIMITS, type Announcement, findInstance, readyLine } from '../context/instance.ts';
import { EXIT } from '../context/io.ts';
import { readReadyFile, removeReadyFile } from '../context/ready-file.ts';
import { secondsOf } from '../context/seconds.ts';

/** Seconds; a start takes one or two. */
const DEFAULT_TIMEOUT = 60;
/** Polling interval in milliseconds. */
const INTERVAL_MS = 100;

export default command({
  args: {
    ...fileOptions,
    'ready-file': {
      type: 'string',
      valueHint: 'file',
      description: 'The file of "start --ready-file"; without it, a failed start is not detected',
    },
    timeout: { type: 'string', valueHint: 'seconds', description: `Timeout; default: ${DEFAULT_TIMEOUT}` },
    json: { type: 'boolean', description: 'Print the readiness line as JSON' },
  },
  async run({ args, rawArgs, io }) {
    const seconds = secondsOf('timeout', args.timeout, DEFAULT_TIMEOUT);
    const file = args['ready-file'] || undefined;
    const look = file === undefined ? announced(configFromArgs(args, rawArgs, io)) : inFile(file);
    const deadline = performance.now() + seconds * 1000;
    for (;;) {
      const found = await look();
      if (found && (await isReady(found))) {
        io.out(args.json ? `${JSON.stringify({ ready: true, ...found })}\n` : readyLine(found));
        return EXIT.ok;
      }
      if (performance.now() + INTERVAL_MS > deadline) break;
      await sleep(INTERVAL_MS);
    }
    throw new TunneliteError('ERR_TIMEOUT', `No instance was ready within ${seconds} s.`, {
      hint: 'Check the output of "tunnelite start", or increase --timeout.',
    });
  },
});

type Look = () => Promise<Announcement | undefined>;

/** Uses the address in the certificate directory, without the secret stored with it. */
function announced(loaded: Pick<LoadedConfig, 'config'>): Look {
  return async () => {
    try {
      const { secret: _, ...announcement } = findInstance(loaded);
      return announcement;
    } catch (error) {
      // Without a directory, waiting does not help.
      if (isTunneliteError(error, 'ERR_CLI_NOT_RUNNING') && loaded.config.certs.directory !== null) return undefined;
      throw error;
    }
  };
}

/** Uses the file that `start` writes. A failure in it is reported once: it does not concern the next start. */
function inFile(file: string): Look {
  return async () => {
    const state = await readReadyFile(file);
    if (!state) return undefined;
    if (state.ready) {
      const { ready: _, ...announcement } = state;
      return announcement;
    }
    await removeReadyFile(file);
    const { code, message, hint } = state.error;
    throw new TunneliteError(code as ErrorCode, message, hint === undefined ? {} : { hint });
  };
}

/** Ignores an address left by an instance that has ended since. */
async function isReady({ admin }: Announcement): Promise<boolean> {
  const answer = await exchange(`${admin}/readyz`, ANSWER_LIMITS).catch(() => undefined);
  return answer?.status === 200;
}
