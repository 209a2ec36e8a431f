import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { wordsOf } from './errors.ts';
import { scriptError } from './values.ts';

/** A running Tunnelite, described by `instance.json` in its certificate directory. */
export interface Instance {
  readonly gateway: string;
  readonly admin: string;
  readonly secret: string;
  /** PEM file of its CA. */
  readonly ca?: string;
}

/** @param directory its certificate directory. @throws EngineError `ERR_ENGINE_SCRIPT` */
export function readInstance(directory: string): Instance {
  const file = join(directory, 'instance.json');
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw scriptError(
      `${file}, in which a running Tunnelite says where it is, cannot be read (${wordsOf(cause)}). Start it with "tunnelite start", and give its certificate directory as "instance".`,
    );
  }
  const { gateway, admin, secret } = (value ?? {}) as Partial<Instance>;
  if ([gateway, admin, secret].every((each) => typeof each === 'string')) return value as Instance;
  throw scriptError(`${file} is not what a running Tunnelite leaves there. Start it again.`);
}

/** @throws EngineError `ERR_ENGINE_SCRIPT` */
export function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw scriptError(`${file}, given as "cacert", cannot be read (${wordsOf(cause)}).`);
  }
}
