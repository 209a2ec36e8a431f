import { setTimeout as sleep } from 'node:timers/promises';
import { TunneliteError } from '../../lib/errors.ts';
import { command } from '../context/command.ts';
import { isRunning } from '../context/instance.ts';
import { EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';
import { secondsOf } from '../context/seconds.ts';

/** Seconds; closing takes less than one, and is cut off after ten. */
const DEFAULT_TIMEOUT = 15;
/** Polling interval in milliseconds. */
const INTERVAL_MS = 50;

export default command({
  args: {
    ...remoteOptions,
    timeout: { type: 'string', valueHint: 'seconds', description: `Timeout; default: ${DEFAULT_TIMEOUT}` },
  },
  async run({ args, rawArgs, io }) {
    const seconds = secondsOf('timeout', args.timeout, DEFAULT_TIMEOUT);
    const { instance, sim } = await connect(args, rawArgs, io);
    const { pid } = await sim.status();
    await sim.shutDown();
    const deadline = performance.now() + seconds * 1000;
    while (await isRunning(instance)) {
      if (performance.now() > deadline) {
        throw new TunneliteError('ERR_TIMEOUT', `The instance (process ${pid}) has not ended within ${seconds} s.`, {
          hint: 'Check its log; kill the process if it hangs.',
        });
      }
      await sleep(INTERVAL_MS);
    }
    io.out(args.json ? `${JSON.stringify({ stopped: pid })}\n` : `The instance (process ${pid}) has ended.\n`);
    return EXIT.ok;
  },
});
