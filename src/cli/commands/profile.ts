import { faultProfile, PROFILE_NAMES, type ProfileName } from '../../config/fault-profiles.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { suggest } from '../../lib/schema/suggest.ts';
import { command } from '../context/command.ts';
import { EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';

const use = command({
  args: {
    name: { type: 'positional', valueHint: 'profile', description: PROFILE_NAMES.join(', '), required: true },
    ...remoteOptions,
  },
  async run({ args, rawArgs, io }) {
    const name = args.name as ProfileName;
    if (!PROFILE_NAMES.includes(name)) {
      const meant = suggest(args.name, PROFILE_NAMES);
      throw new TunneliteError('ERR_CLI_USAGE', `There is no network profile "${args.name}".`, {
        // A name may be close to that of another kind of network: "4g" is "lte" here, and not "3g".
        hint: `${meant === undefined ? '' : `Did you mean "${meant}"? `}There are ${PROFILE_NAMES.join(', ')}.`,
      });
    }
    const { sim } = await connect(args, rawArgs, io);
    await sim.faults.useProfile(name);
    io.out(
      args.json
        ? `${JSON.stringify({ active: name })}\n`
        : `All clients now use ${name}: ${faultProfile(name).text}.\n`,
    );
    return EXIT.ok;
  },
});

const clear = command({
  args: remoteOptions,
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    await sim.faults.useProfile(null);
    io.out(args.json ? `${JSON.stringify({ active: null })}\n` : 'No network profile is in use.\n');
    return EXIT.ok;
  },
});

export default command({
  args: remoteOptions,
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const active = await sim.faults.profile();
    if (args.json) io.out(`${JSON.stringify({ active, profiles: PROFILE_NAMES })}\n`);
    else {
      const width = Math.max(...PROFILE_NAMES.map((name) => name.length));
      for (const name of PROFILE_NAMES) {
        io.out(`${name === active ? '*' : ' '} ${name.padEnd(width)}  ${faultProfile(name).text}\n`);
      }
    }
    return EXIT.ok;
  },
  subCommands: {
    use: { description: 'Apply a network profile to all clients, such as 3g or udp-blocked', load: async () => use },
    clear: { description: 'Use no network profile', load: async () => clear },
  },
});
