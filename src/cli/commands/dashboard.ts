import { spawn } from 'node:child_process';
import { command } from '../context/command.ts';
import { type CliIo, EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';

export default command({
  args: { ...remoteOptions, open: { type: 'boolean', description: 'Open it in the browser, too' } },
  async run({ args, rawArgs, io }) {
    const { sim } = await connect(args, rawArgs, io);
    const link = await sim.dashboardLink();
    io.out(args.json ? `${JSON.stringify(link)}\n` : `${link.url}\n`);
    if (!args.json) io.err(`Open it within ${link.expiresIn} s; it is good once.\n`);
    if (args.open && !(await opened(link.url, io))) {
      io.err('No browser could be opened: open the link yourself.\n');
    }
    return EXIT.ok;
  },
});

/** What opens an address in the browser of this person. The code in it is good once, so it does not matter who sees the arguments later. */
function opener(platform: NodeJS.Platform, env: CliIo['env']): readonly [program: string, ...args: string[]] {
  if (env.BROWSER) return [env.BROWSER];
  if (platform === 'darwin') return ['open'];
  return platform === 'win32' ? ['rundll32', 'url.dll,FileProtocolHandler'] : ['xdg-open'];
}

/** False when there is no such program. */
function opened(url: string, io: CliIo): Promise<boolean> {
  const [program, ...args] = opener(process.platform, io.env);
  return new Promise((resolve) => {
    const child = spawn(program, [...args, url], { stdio: 'ignore', detached: true });
    child.once('error', () => resolve(false));
    child.once('spawn', () => {
      child.unref();
      resolve(true);
    });
  });
}
