import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { CertificateStore } from '../../certs/index.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { INSTANCE_STATE, type Instance, isRunning } from './instance.ts';

/*
 * One instance per certificate directory: token, healthcheck and all other commands find it by the address that it stores there.
 * A second one that replaced it would silently answer instead, with tokens of another issuer.
 */

/**
 * Checks before anything is started.
 * @throws TunneliteError `ERR_CLI_ALREADY_RUNNING`
 */
export async function refuseSecond(directory: string): Promise<void> {
  let left: Instance;
  try {
    left = JSON.parse(readFileSync(join(resolve(directory), `${INSTANCE_STATE}.json`), 'utf8')) as Instance;
  } catch {
    return; // There is none, or one that cannot be read and is replaced.
  }
  if (await isRunning(left)) throw taken(left);
}

/**
 * Stores the address of this instance, in place of one that is no longer running.
 * @throws TunneliteError `ERR_CLI_ALREADY_RUNNING` when another instance was faster
 */
export async function claim(certificates: CertificateStore, instance: Instance): Promise<void> {
  if (await certificates.createState(INSTANCE_STATE, instance)) return;
  const left = await leftIn(certificates);
  if (left && (await isRunning(left))) throw taken(left);
  await certificates.writeState(INSTANCE_STATE, instance);
}

/** Removes the address, unless it is another instance's. */
export async function withdraw(certificates: CertificateStore, { secret }: Instance): Promise<void> {
  if ((await leftIn(certificates))?.secret === secret) await certificates.deleteState(INSTANCE_STATE);
}

async function leftIn(certificates: CertificateStore): Promise<Instance | undefined> {
  return (await certificates.readState(INSTANCE_STATE).catch(() => undefined)) as Instance | undefined;
}

function taken({ pid, gateway }: Instance): TunneliteError {
  return new TunneliteError(
    'ERR_CLI_ALREADY_RUNNING',
    `Another instance is already running on this certificate directory: process ${pid}, gateway ${gateway}.`,
    { details: { pid, gateway } },
  );
}
