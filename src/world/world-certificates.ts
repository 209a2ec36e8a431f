import { type CertificateStore, loadCertificates } from '../certs/index.ts';
import type { Config } from '../config/index.ts';
import { SigningKeys } from '../entra/tokens/signing-keys.ts';
import { systemClock } from '../lib/clock.ts';
import { systemRandom } from '../lib/random.ts';
import { KEYS_STATE } from '../simulator/authorities.ts';
import { permittedNames } from '../simulator/names.ts';

/** Shared by all worlds of one process: creating keys takes most of the time of a start. */
interface Shared {
  readonly store: CertificateStore;
  readonly keys: unknown;
}

/** Keyed by the names that the CA may certify. */
const shared = new Map<string, Promise<Shared>>();

async function make(config: Config): Promise<Shared> {
  const clock = systemClock;
  const random = systemRandom;
  const emit = (): undefined => undefined;
  const [store, keys] = await Promise.all([
    loadCertificates({ directory: undefined, clock, random, emit, permitted: permittedNames(config) }),
    SigningKeys.create({ clock, random }),
  ]);
  return { store, keys: JSON.parse(keys.serialize()) };
}

/**
 * The certificates of a world: from one CA for all worlds of this process with the same names, in memory, and dated by the machine's clock,
 * because TLS uses that. Worlds also share the signing keys of tokens, until a world changes its own.
 */
export async function worldCertificates(config: Config): Promise<CertificateStore> {
  const names = JSON.stringify(permittedNames(config));
  let made = shared.get(names);
  if (!made) {
    made = make(config);
    shared.set(names, made);
  }
  const { store, keys } = await made;
  const states = new Map([[KEYS_STATE, keys]]);
  return {
    ...store,
    readState: async (name) => states.get(name),
    async writeState(name, value) {
      states.set(name, value);
    },
    async createState(name, value) {
      if (states.has(name)) return false;
      states.set(name, value);
      return true;
    },
    async deleteState(name) {
      states.delete(name);
    },
  };
}
