import { spawn } from 'node:child_process';
import { TunneliteError } from '../../lib/errors.ts';
import { printable } from '../../lib/printable.ts';

/** Time limit of the command, in milliseconds: a user may have to sign in; and maximum size of its output, in bytes. */
const TIMEOUT_MS = 60_000;
const MAX_BYTES = 64 * 1024;

/**
 * Runs a command that prints a token, in the system's shell. Its standard error is shown to the user.
 * @param signal ends the command: it does not receive an interrupt by itself
 * @throws TunneliteError `ERR_CLI_TOKEN`
 */
export function tokenFromCommand(command: string, timeout = TIMEOUT_MS, signal?: AbortSignal): Promise<string> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    // A group of its own, so that all processes started by the command end with it.
    const child = spawn(command, {
      shell: true,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: process.platform !== 'win32',
    });
    const chunks: Buffer[] = [];
    let size = 0;
    const end = (): void => {
      if (child.pid === undefined) return;
      try {
        if (process.platform === 'win32') child.kill('SIGKILL');
        else process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    };
    const stop = (): void => fail('was interrupted');
    const over = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', stop);
    };
    const fail = (words: string): void => {
      over();
      child.stdout.destroy();
      end();
      reject(new TunneliteError('ERR_CLI_TOKEN', `The command for the token ${words}.`));
    };
    signal?.addEventListener('abort', stop);
    const timer = setTimeout(() => fail(`did not end within ${timeout / 1000} s`), timeout);
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > MAX_BYTES) fail(`printed more than ${MAX_BYTES / 1024} KiB`);
      else chunks.push(chunk);
    });
    child.once('error', (error) => fail(`cannot be run: ${printable(error.message)}`));
    child.once('close', (code, killed) => {
      over();
      const text = Buffer.concat(chunks).toString('utf8').trim();
      if (code !== 0) fail(`ended with ${code ?? killed}`);
      else if (text === '') fail('printed nothing');
      else if (!/^[\x21-\x7e]+$/.test(text)) fail('printed something other than one token');
      else resolve(text);
    });
  });
}
