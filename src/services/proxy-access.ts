import { addressBytes } from '../lib/ip-address.ts';
import { rangeTest } from '../lib/ip-range.ts';
import type { RandomSource } from '../lib/random.ts';
import { basic, Digest, type Realm } from './http-auth.ts';
import type { AbsoluteTarget, ProxyTarget } from './proxy-target.ts';

/** What a proxy requires of its clients: nothing; allowed destinations only; credentials; credentials plus TLS inspection. */
export type ProxyMode = 'none' | 'allow-list' | 'authenticated' | 'inspecting';

/** Behavior of the mock network's proxies. */
export interface ProxySettings {
  /** Mode of the service `proxy`; the others have a fixed mode. */
  readonly mode: ProxyMode;
  /** Destinations on the allow-list: names, `*.` wildcards, addresses, ranges. */
  readonly allow: readonly string[];
  readonly users: readonly { readonly name: string; readonly password: string }[];
}

/** Whether a request can pass; a refusal is 403, or 407 with challenges. */
export type AccessVerdict =
  | { readonly user: string | undefined }
  | { readonly challenges: readonly string[] | undefined; readonly explanation: string };

/** The proxy's name in challenges, in `Via` and in `Proxy-Status`. */
export const PROXY_NAME = 'proxy.contoso.internal';

/** Access control of the proxies. */
export class ProxyAccess {
  #settings: ProxySettings;
  #allows: (host: string) => boolean;
  readonly #realm: Realm;
  readonly #digest: Digest;

  constructor(settings: ProxySettings, random: RandomSource) {
    this.#settings = settings;
    this.#allows = allowTest(settings.allow);
    this.#realm = {
      name: PROXY_NAME,
      passwordOf: (user) => this.#settings.users.find(({ name }) => name === user)?.password,
      hint: () => 'services.proxy.users has the proxy’s users and passwords.',
    };
    this.#digest = new Digest(random, this.#realm);
  }

  /** The mode of the service `proxy`. */
  get mode(): ProxyMode {
    return this.#settings.mode;
  }

  configure(settings: ProxySettings): void {
    this.#settings = settings;
    this.#allows = allowTest(settings.allow);
  }

  /** @param target as in the request line */
  check(
    mode: ProxyMode,
    request: { readonly method: string; readonly target: string; readonly authorization: string | undefined },
    to: ProxyTarget | AbsoluteTarget,
  ): AccessVerdict {
    if (mode === 'none') return { user: undefined };
    if (mode === 'allow-list') {
      if (this.#allows(to.host)) return { user: undefined };
      const explanation = `${to.host} is not on the list of this proxy. Add it to services.proxy.allow.`;
      return { challenges: undefined, explanation };
    }
    const { method, target, authorization } = request;
    const urls = 'path' in to ? [target, to.path] : [target];
    const verdict = /^digest\b/i.test(authorization ?? '')
      ? this.#digest.check(authorization, method, ...urls)
      : basic(authorization, this.#realm);
    if ('user' in verdict) return { user: verdict.user };
    // A client uses the first challenge that it supports, or the strongest.
    const others = /^digest\b/i.test(authorization ?? '')
      ? basic(undefined, this.#realm)
      : this.#digest.check(undefined, method, ...urls);
    const challenges = [verdict, others].flatMap((one) => ('challenges' in one ? one.challenges : []));
    return { challenges, explanation: verdict.explanation };
  }
}

function allowTest(allow: readonly string[]): (host: string) => boolean {
  const names = new Set<string>();
  const parents: string[] = [];
  const ranges: ((address: Uint8Array) => boolean)[] = [];
  for (const entry of allow) {
    const range = rangeTest(entry);
    if (range) ranges.push(range);
    else if (entry.startsWith('*.')) parents.push(entry.slice(1).toLowerCase());
    else names.add(entry.toLowerCase());
  }
  return (host) => {
    const bytes = addressBytes(host);
    if (bytes) return ranges.some((range) => range(bytes));
    return names.has(host) || parents.some((parent) => host.endsWith(parent));
  };
}
