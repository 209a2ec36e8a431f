import { TunneliteError } from '../../lib/errors.ts';
import type { TunneliteEvent } from '../../telemetry/index.ts';
import { command } from '../context/command.ts';
import { eventLineOf } from '../context/event-line.ts';
import { eventOptions, eventQuery } from '../context/event-query.ts';
import { EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';

/** Default number of events to show. */
const DEFAULT_LIMIT = 100;

const diff = command({
  args: {
    good: {
      type: 'positional',
      valueHint: 'good.ndjson',
      description: 'Journal of a good run',
      required: true,
    },
    bad: { type: 'positional', valueHint: 'bad.ndjson', description: 'Journal of a failed run', required: true },
    json: { type: 'boolean', description: 'As JSON' },
  },
  async run({ args, io }) {
    const { divergenceOf, divergenceText, journalFile } = await import('../../explain/index.ts');
    const divergence = await divergenceOf(journalFile(args.good), journalFile(args.bad));
    io.out(
      args.json ? `${JSON.stringify(divergence)}\n` : divergenceText(divergence, { good: args.good, bad: args.bad }),
    );
    return divergence.good || divergence.bad ? EXIT.failed : EXIT.ok;
  },
});

export default command({
  args: {
    event: {
      type: 'positional',
      valueHint: 'event',
      description: 'Names or areas, such as session.connect or channel.*, separated by commas',
      required: false,
    },
    ...remoteOptions,
    ...eventOptions,
    limit: {
      type: 'string',
      alias: 'n',
      valueHint: 'count',
      description: `Number of events, newest first; default: ${DEFAULT_LIMIT}, with --json all`,
    },
    follow: { type: 'boolean', alias: 'f', description: 'Continue with new events' },
    problems: {
      type: 'boolean',
      description: 'Only problems that were not requested; the exit code is 1 if there are any',
    },
    json: { type: 'boolean', description: 'Print a line of JSON for each event (NDJSON)' },
  },
  async run({ args, rawArgs, io }) {
    const query = await eventQuery(args.event ? [args.event] : [], args, rawArgs);
    const { sim } = await connect(args, rawArgs, io);
    const show = (event: TunneliteEvent): void => io.out(eventLineOf(event, args.json, io));
    if (args.problems) {
      const problems = await sim.journal.problems(query.since === undefined ? {} : { since: query.since });
      problems.forEach(show);
      if (!args.json && problems.length === 0) io.out('There were no problems.\n');
      return problems.length === 0 ? EXIT.ok : EXIT.failed;
    }
    const limit = limitOf(args.limit) ?? (args.json ? Infinity : DEFAULT_LIMIT);
    // Followed from a mark that is set before the query, so that no event is missed in between.
    const mark = await sim.journal.mark();
    const events = await sim.journal.query({ ...query, until: mark });
    events.slice(Math.max(0, events.length - limit)).forEach(show);
    if (!args.follow) return EXIT.ok;
    return new Promise((resolve, reject) => {
      const stop = sim.journal.follow(
        show,
        (error) => {
          process.off('SIGINT', stop).off('SIGTERM', stop);
          if (error) reject(error);
          else resolve(EXIT.ok);
        },
        { ...query, since: mark },
      );
      process.once('SIGINT', stop).once('SIGTERM', stop);
    });
  },
  subCommands: {
    diff: {
      description: 'Describe where two journals differ; the exit code is 1 if they do',
      load: async () => diff,
    },
  },
});

function limitOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new TunneliteError('ERR_CLI_USAGE', `"--limit ${text}" is not a number of events.`);
}
