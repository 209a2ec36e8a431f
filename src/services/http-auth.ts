import { createHash, timingSafeEqual } from 'node:crypto';
import type { RandomSource } from '../lib/random.ts';
import { Remembered } from './remembered.ts';

/** The realm and its known credentials. */
export interface Realm {
  readonly name: string;
  readonly passwordOf: (user: string) => string | undefined;
  /** Instructions for refused clients. */
  readonly hint: () => string;
}

const ALGORITHMS = { 'SHA-256': 'sha256', MD5: 'md5' } as const;
type Algorithm = keyof typeof ALGORITHMS;

/** Result of checking credentials: the user, or the challenges to send. */
export type Verdict =
  | { readonly user: string; readonly scheme: string }
  | { readonly challenges: readonly string[]; readonly explanation: string };

const equal = (a: string, b: string): boolean => {
  const [one, other] = [a, b].map((text) => createHash('sha256').update(text).digest());
  return timingSafeEqual(one!, other!);
};

/** Basic (RFC 7617). */
export function basic(authorization: string | undefined, realm: Realm): Verdict {
  const challenges = [`Basic realm="${realm.name}", charset="UTF-8"`];
  const encoded = /^basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '')?.[1];
  if (encoded === undefined) return { challenges, explanation: `Send Basic credentials. ${realm.hint()}` };
  const text = Buffer.from(encoded, 'base64').toString();
  const colon = text.indexOf(':');
  const user = text.slice(0, Math.max(colon, 0));
  const password = colon < 0 ? undefined : realm.passwordOf(user);
  if (password !== undefined && equal(text.slice(colon + 1), password)) return { user, scheme: 'Basic' };
  return { challenges, explanation: `The credentials are wrong. ${realm.hint()}` };
}

/** Bearer (RFC 6750): accepts any token. */
export function bearer(authorization: string | undefined, realm: Realm): Verdict {
  const token = /^bearer +([A-Za-z0-9._~+/-]+=*)$/i.exec(authorization ?? '')?.[1];
  if (token !== undefined) return { user: `token of ${token.length} characters`, scheme: 'Bearer' };
  return { challenges: [`Bearer realm="${realm.name}"`], explanation: 'Send a bearer token; any token is accepted.' };
}

/** Digest (RFC 7616) with SHA-256, and MD5 for old clients. A nonce is valid until a thousand newer ones are issued. */
export class Digest {
  readonly #nonces = new Remembered<number>();
  readonly #random: RandomSource;
  readonly #realm: Realm;

  constructor(random: RandomSource, realm: Realm) {
    this.#random = random;
    this.#realm = realm;
  }

  /** @param urls accepted `uri` values of the credentials; clients differ in the value for a request to a proxy */
  check(authorization: string | undefined, method: string, ...urls: readonly string[]): Verdict {
    const given = parametersOf(authorization);
    if (!given) return this.#challenge(`Send Digest credentials. ${this.#realm.hint()}`);
    const counted = this.#nonces.get(given['nonce'] ?? '');
    if (counted === undefined) return this.#challenge('The nonce is not valid. Use the new one.', true);
    const count = Number.parseInt(given['nc'] ?? '', 16);
    if (!(count > counted)) return this.#challenge('The nonce was already used with this count.', true);
    const algorithm = (given['algorithm'] ?? 'MD5').toUpperCase() as Algorithm;
    const name = ALGORITHMS[algorithm];
    if (name === undefined) return this.#challenge(`The algorithm must be ${Object.keys(ALGORITHMS).join(' or ')}.`);
    const uri = given['uri'] ?? '';
    if (!urls.includes(uri)) return this.#challenge('The uri of the credentials does not match the request.');
    if (given['qop'] !== 'auth') return this.#challenge('The quality of protection must be “auth”.');
    const hash = (text: string): string => createHash(name).update(text).digest('hex');
    const user = given['username'] ?? '';
    const password = this.#realm.passwordOf(user);
    const expected = hash(
      [
        hash(`${user}:${this.#realm.name}:${password ?? ''}`),
        given['nonce'],
        given['nc'],
        given['cnonce'],
        given['qop'],
        hash(`${method}:${uri}`),
      ].join(':'),
    );
    if (password === undefined || !equal(given['response'] ?? '', expected)) {
      return this.#challenge(`The credentials are wrong. ${this.#realm.hint()}`);
    }
    this.#nonces.set(given['nonce']!, count);
    return { user, scheme: `Digest ${algorithm}` };
  }

  #challenge(explanation: string, stale = false): Verdict {
    const nonce = this.#random.bytes(18).toString('base64url');
    this.#nonces.set(nonce, 0);
    const challenges = Object.keys(ALGORITHMS).map(
      (algorithm) =>
        `Digest realm="${this.#realm.name}", qop="auth", algorithm=${algorithm}, nonce="${nonce}"${stale ? ', stale=true' : ''}`,
    );
    return { challenges, explanation };
  }
}

/** Parses the parameters of Digest credentials; undefined for others. */
function parametersOf(authorization: string | undefined): Record<string, string> | undefined {
  const list = /^digest +(.*)$/i.exec(authorization ?? '')?.[1];
  if (list === undefined) return undefined;
  const found: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [, name, quoted, plain] of list.matchAll(/(\w+)=(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))/g)) {
    found[name!.toLowerCase()] = quoted?.replaceAll(/\\(.)/g, '$1') ?? plain!;
  }
  return found;
}
