import { spawn } from 'node:child_process';
import type { CliIo } from './io.ts';

/** The command that opens a URL in the user's browser. The code in the URL works once, so it does not matter who sees the arguments later. */
function opener(platform: NodeJS.Platform, env: CliIo['env']): readonly [program: string, ...args: string[]] {
  if (env.BROWSER) return [env.BROWSER];
  if (platform === 'darwin') return ['open'];
  return platform === 'win32' ? ['rundll32', 'url.dll,FileProtocolHandler'] : ['xdg-open'];
}

/** Opens a URL in the user's browser; false if there is no such program. */
export function opened(url: string, io: CliIo): Promise<boolean> {
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
