import { Agent, fetch, type RequestInit, type Response } from 'undici';
import {
  createIdentityProvider,
  type IdentityProvider,
  type IdentityProviderOptions,
} from '../../src/entra/provider.ts';
import { SigningKeys } from '../../src/entra/tokens/signing-keys.ts';
import { testLeaf } from './certificates.ts';

let keys: Promise<SigningKeys> | undefined;

/** Keys made once for all tests of a process: for tests that do not roll them over. */
function sharedKeys(): Promise<SigningKeys> {
  keys ??= SigningKeys.create();
  return keys;
}

/** An identity provider that listens, with a client that trusts its CA. */
export interface TestProvider extends AsyncDisposable {
  readonly idp: IdentityProvider;
  readonly origin: string;
  readonly caPem: string;
  /** Redirects are not followed. */
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Posts a form and reads the JSON of the answer. */
  post(path: string, form: Record<string, string> | string, headers?: Record<string, string>): Promise<Answer>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Response['headers'];
  // biome-ignore lint/suspicious/noExplicitAny: JSON of an answer, looked into by tests
  readonly body: any;
}

export async function startProvider(options: IdentityProviderOptions = {}): Promise<TestProvider> {
  const leaf = await testLeaf('localhost');
  const idp = await createIdentityProvider({
    keys: await sharedKeys(),
    tls: { key: leaf.keyPem, cert: leaf.certPem },
    ...options,
  });
  const origin = await idp.listen();
  // Connections are made to 127.0.0.1, whatever `localhost` means on this machine.
  const dispatcher = new Agent({
    connect: { ca: leaf.caPem, lookup: (_, __, done) => done(null, [{ address: '127.0.0.1', family: 4 }]) },
  });
  const get = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(new URL(path, origin), { redirect: 'manual', ...init, dispatcher });
  return {
    idp,
    origin,
    caPem: leaf.caPem,
    fetch: get,
    async post(path, form, headers = {}) {
      const response = await get(path, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers },
        body: typeof form === 'string' ? form : new URLSearchParams(form).toString(),
      });
      return { status: response.status, headers: response.headers, body: await response.json() };
    },
    async [Symbol.asyncDispose]() {
      await dispatcher.close();
      await idp.close();
    },
  };
}
