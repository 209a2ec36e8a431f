import { opened } from '../context/browser.ts';
import { command } from '../context/command.ts';
import { EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';

export default command({
  args: { ...remoteOptions, open: { type: 'boolean', description: 'Also open it in the browser' } },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const link = await sim.dashboardLink();
    io.out(args.json ? `${JSON.stringify(link)}\n` : `${link.url}\n`);
    if (!args.json) io.err(`Open it within ${link.expiresIn} s; it is valid once.\n`);
    if (args.open && !(await opened(link.url, io))) {
      io.err('No browser could be opened: open the link yourself.\n');
    }
    return EXIT.ok;
  },
});
