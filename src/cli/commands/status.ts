import { command } from '../context/command.ts';
import { EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';

export default command({
  args: { ...remoteOptions, secret: { type: 'boolean', description: 'Print only the secret that REST requests need' } },
  async run({ args, rawArgs, io }) {
    const { instance, sim } = await connect(args, rawArgs, io);
    if (args.secret) {
      io.out(args.json ? `${JSON.stringify({ secret: instance.secret })}\n` : `${instance.secret}\n`);
      return EXIT.ok;
    }
    const [status, clock, state] = await Promise.all([sim.status(), sim.clock.read(), sim.gateway.state()]);
    if (args.json) {
      io.out(`${JSON.stringify({ ...status, clock, gatewayState: state })}\n`);
      return EXIT.ok;
    }
    const moved = clock.offset === 0 ? '' : `, ${Math.round(clock.offset / 1000)} s ahead of this machine`;
    const { connected, all } = status.sessions;
    const rows = [
      ['gateway', `${status.gateway} (${state})`],
      ['Entra ID', status.authority],
      ['CA', instance.ca],
      ['dashboard', `${instance.admin} ("tunnelite dashboard" opens it)`],
      ['REST', `${instance.admin}/api/docs`],
      ['sessions', `${connected} connected, ${all - connected} without a tunnel`],
      ['clock', `${new Date(clock.now).toISOString()}${moved}${clock.mode === 'manual' ? ', frozen' : ''}`],
      ['process', `${status.pid}, version ${status.version}, Node.js ${status.node}`],
    ] as const;
    for (const [name, text] of rows) io.out(`${name.padEnd(11)}${text}\n`);
    return EXIT.ok;
  },
});
