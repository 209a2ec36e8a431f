import { command } from '../context/command.ts';
import { eventLineOf } from '../context/event-line.ts';
import { eventOptions, eventQuery } from '../context/event-query.ts';
import { EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';
import { secondsOf } from '../context/seconds.ts';

const DEFAULT_TIMEOUT = 30;

export default command({
  args: {
    event: {
      type: 'positional',
      valueHint: 'event',
      description: 'An event name or area, such as session.connect or channel.*',
      required: true,
    },
    ...remoteOptions,
    ...eventOptions,
    new: { type: 'boolean', description: 'Only a future event' },
    timeout: { type: 'string', valueHint: 'seconds', description: `Timeout; default: ${DEFAULT_TIMEOUT}` },
  },
  async run({ args, rawArgs, io }) {
    const timeout = secondsOf('timeout', args.timeout, DEFAULT_TIMEOUT) * 1000;
    const query = await eventQuery([args.event], args, rawArgs);
    const { sim } = await connect(args, rawArgs, io);
    const asked = args.new ? { ...query, since: Math.max(query.since ?? 0, await sim.journal.mark()) } : query;
    const event = await sim.journal.waitFor(asked, { timeout });
    io.out(eventLineOf(event, args.json, io));
    return EXIT.ok;
  },
});
