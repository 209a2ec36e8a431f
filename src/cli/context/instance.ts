import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { LoadedConfig } from '../../config/index.ts';
import { errorText, isTunneliteError, TunneliteError } from '../../lib/errors.ts';
import { exchange } from '../../lib/http-exchange.ts';

/** Name of the state document that contains the address of a running instance. */
export const INSTANCE_STATE = 'instance';

/** The public facts about a running instance. */
export interface Announcement {
  readonly version: string;
  readonly pid: number;
  readonly gateway: string;
  readonly authority: string;
  readonly admin: string;
  /** PEM file of the CA; omitted if certificates are in memory. */
  readonly ca?: string | undefined;
}

/** How to reach a running instance: `tunnelite start` stores it for the other commands. */
export interface Instance extends Announcement {
  /** A secret that allows issuing tokens. */
  readonly secret: string;
}

/** The line in which an instance reports that it is ready. */
export function readyLine({ gateway, authority, admin }: Announcement): string {
  return `Ready: gateway ${gateway}, Entra ID ${authority}, health ${admin}/readyz\n`;
}

/** Time limit for an answer from a running instance, in milliseconds, and maximum length of the answer, in bytes. */
export const ANSWER_LIMITS = { timeout: 10_000, maxBytes: 16 * 1024 * 1024 } as const;

/** Time limit for checking whether an instance is still running, in milliseconds: it is on this machine. */
const PROBE_TIMEOUT_MS = 2_000;

/**
 * Finds the running instance of the configured certificate directory.
 * @throws TunneliteError `ERR_CLI_NOT_RUNNING`
 */
export function findInstance({ config }: Pick<LoadedConfig, 'config'>): Instance {
  const { directory } = config.certs;
  if (directory === null) {
    throw new TunneliteError('ERR_CLI_NOT_RUNNING', 'With certs.directory null, a running instance cannot be found.', {
      hint: 'Use a certificate directory for both commands.',
    });
  }
  const path = join(resolve(directory), `${INSTANCE_STATE}.json`);
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Instance;
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === 'ENOENT'
      ? notRunning(`no instance is registered in ${path}`, cause)
      : new TunneliteError(
          'ERR_CLI_NOT_RUNNING',
          `${path}, where instances are registered, cannot be read: ${errorText(cause)}`,
          {
            cause,
            hint: 'Run this as the user who started the instance; if the file is damaged, stop the instance and start it again.',
          },
        );
  }
}

/** True if the instance that stored this address still answers there. */
export async function isRunning(instance: Instance): Promise<boolean> {
  const answer = await exchange(`${instance.admin}/api/status`, {
    maxBytes: ANSWER_LIMITS.maxBytes,
    timeout: PROBE_TIMEOUT_MS,
    headers: { authorization: `Bearer ${instance.secret}` },
  }).catch(() => undefined);
  return answer?.status === 200;
}

/**
 * Sends a request to the running instance through its administration listener.
 * @throws TunneliteError `ERR_CLI_NOT_RUNNING` if nothing answers, `ERR_CLI_REFUSED` with the instance's own message
 */
export async function ask(
  instance: Instance,
  path: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly value: unknown }> {
  const answer = await exchange(`${instance.admin}${path}`, {
    ...ANSWER_LIMITS,
    headers: {
      authorization: `Bearer ${instance.secret}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  }).catch((cause: unknown) => {
    const why = isTunneliteError(cause) ? (cause.cause ?? cause) : cause;
    throw notRunning(`there is no answer at ${instance.admin} (${errorText(why)})`, cause);
  });
  const value = jsonOf(answer.body);
  const refusal = (value as { error?: { message?: string; hint?: string } } | undefined)?.error;
  if (answer.status >= 400 && refusal?.message !== undefined) {
    throw new TunneliteError(
      'ERR_CLI_REFUSED',
      refusal.message,
      refusal.hint === undefined ? {} : { hint: refusal.hint },
    );
  }
  return { status: answer.status, value };
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** No instance answers. */
export function notRunning(why: string, cause: unknown): TunneliteError {
  return new TunneliteError('ERR_CLI_NOT_RUNNING', `Tunnelite is not running: ${why}.`, { cause });
}
