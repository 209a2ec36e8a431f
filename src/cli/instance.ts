import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { LoadedConfig } from '../config/index.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';

/** Name of the state document in which a running instance says where it is. */
export const INSTANCE_STATE = 'instance';

/** How to reach a running instance: what `tunnelite start` leaves for the other commands. */
export interface Instance {
  readonly pid: number;
  readonly gateway: string;
  readonly authority: string;
  readonly admin: string;
  /** Lets its holder make tokens. */
  readonly secret: string;
}

/** How long the running instance may take to answer, in milliseconds. */
const ANSWER_TIMEOUT_MS = 10_000;

/**
 * Finds the instance that runs on the configured certificate directory.
 * @throws TunneliteError `ERR_CLI_NOT_RUNNING`
 */
export function findInstance({ config }: Pick<LoadedConfig, 'config'>): Instance {
  const { directory } = config.certs;
  if (directory === null) {
    throw new TunneliteError('ERR_CLI_NOT_RUNNING', 'With certs.directory null, a running instance cannot be found.', {
      hint: 'Give both commands a certificate directory.',
    });
  }
  const path = join(resolve(directory), `${INSTANCE_STATE}.json`);
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Instance;
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === 'ENOENT'
      ? notRunning(`no instance has left its address in ${path}`, cause)
      : new TunneliteError(
          'ERR_CLI_NOT_RUNNING',
          `${path}, where an instance leaves its address: ${errorText(cause)}`,
          {
            cause,
            hint: 'Run this as the user who started the instance; if the file is damaged, stop the instance and start it again.',
          },
        );
  }
}

/**
 * Asks the running instance over its administration listener.
 * @throws TunneliteError `ERR_CLI_NOT_RUNNING` when nothing answers, `ERR_CLI_REFUSED` with the instance's own words
 */
export async function ask(
  instance: Instance,
  path: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly value: unknown }> {
  let response: Response;
  try {
    response = await fetch(`${instance.admin}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      headers: {
        authorization: `Bearer ${instance.secret}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (cause) {
    const why = (cause as { cause?: unknown }).cause ?? cause;
    throw notRunning(`nothing answers at ${instance.admin} (${errorText(why)})`, cause);
  }
  const value: unknown = await response.json().catch(() => undefined);
  const refusal = (value as { error?: { message?: string; hint?: string } } | undefined)?.error;
  if (response.status >= 400 && refusal?.message !== undefined) {
    throw new TunneliteError(
      'ERR_CLI_REFUSED',
      refusal.message,
      refusal.hint === undefined ? {} : { hint: refusal.hint },
    );
  }
  return { status: response.status, value };
}

function notRunning(why: string, cause: unknown): TunneliteError {
  return new TunneliteError('ERR_CLI_NOT_RUNNING', `Tunnelite does not run here: ${why}.`, { cause });
}
