import type { DtlsWish } from 'tunnelite/client';
import { type Instance, readInstance, readPem } from './instance.ts';
import type { TokenEndpoint, TokenOrigin } from './tokens.ts';
import { type Members, membersOf, oneOf, requiredText, scriptError, textOf, timeOf } from './values.ts';

/* How a virtual user connects: settings of the script, which each `connect` can override. */

export interface Login {
  readonly server: string;
  readonly ca: string | undefined;
  readonly origin: TokenOrigin;
  readonly dtls: DtlsWish;
  /** Milliseconds. */
  readonly timeout: number;
  readonly reconnectTimeout: number;
}

/** Data read from files, once for all users. */
export class LoginFiles {
  readonly #pems = new Map<string, string>();
  readonly #instances = new Map<string, Instance>();

  pem(file: string): string {
    return this.#once(this.#pems, file, readPem);
  }

  instance(directory: string): Instance {
    return this.#once(this.#instances, directory, readInstance);
  }

  #once<T>(known: Map<string, T>, name: string, read: (name: string) => T): T {
    const value = known.get(name) ?? read(name);
    if (known.size < 1000) known.set(name, value);
    return value;
  }
}

/** Members of `connect`. */
export const LOGIN_MEMBERS = [
  'server',
  'cacert',
  'instance',
  'user',
  'token',
  'tokenFile',
  'tokenEndpoint',
  'dtls',
  'timeout',
  'reconnectTimeout',
] as const;
const ENDPOINT_MEMBERS = ['url', 'clientId', 'clientSecret', 'scope', 'username', 'password'] as const;
const ORIGINS = ['user', 'token', 'tokenFile', 'tokenEndpoint'] as const;
const DTLS = ['auto', 'psk', 'legacy', 'off'] as const;

/**
 * @param settings of the script's `engines.tunnelite`, with templates filled in
 * @param own members of the step
 * @param target of the script
 * @throws EngineError `ERR_ENGINE_SCRIPT`
 */
export function loginOf(settings: Members, own: Members, target: string | undefined, files: LoginFiles): Login {
  const where = 'connect';
  const given = (from: Members): readonly string[] => ORIGINS.filter((name) => from[name] !== undefined);
  // If a step selects a token, the token settings of the script are ignored.
  const inherited = { ...settings };
  if (given(own).length > 0) for (const name of ORIGINS) delete inherited[name];
  const members: Members = { ...inherited, ...own };
  if (given(members).length > 1) throw scriptError(`Of ${given(members).join(' and ')} in ${where}, give one.`);
  const directory = textOf(members, 'instance', where);
  const instance = directory === undefined ? undefined : files.instance(directory);
  const server = textOf(members, 'server', where) ?? instance?.gateway ?? target;
  const url = URL.parse(server ?? '');
  if (url?.protocol !== 'https:') {
    throw scriptError(
      `"${server ?? ''}" is not the address of a gateway such as https://vpn.example.com:8443. Give it as "target" of the script, or as "server".`,
    );
  }
  const cacert = textOf(members, 'cacert', where) ?? instance?.ca;
  const ca = cacert === undefined ? undefined : files.pem(cacert);
  return {
    server: url.href,
    ca,
    origin: originOf(members, instance, ca),
    dtls: dtlsOf(members, where),
    timeout: timeOf(members, 'timeout', where, 30),
    reconnectTimeout: timeOf(members, 'reconnectTimeout', where, 300),
  };
}

/** YAML parses `off` as a string or as false, depending on its version. */
function dtlsOf(members: Members, where: string): DtlsWish {
  if (members['dtls'] === false) return 'off';
  if (members['dtls'] === true) return 'auto';
  return oneOf(members, 'dtls', where, DTLS) ?? 'auto';
}

function originOf(members: Members, instance: Instance | undefined, ca: string | undefined): TokenOrigin {
  const where = 'connect';
  const token = textOf(members, 'token', where);
  if (token !== undefined) return { token };
  const file = textOf(members, 'tokenFile', where);
  if (file !== undefined) return { file };
  if (members['tokenEndpoint'] !== undefined) return { endpoint: endpointOf(members['tokenEndpoint']), ca };
  if (instance !== undefined) return { instance, user: textOf(members, 'user', where) };
  throw scriptError(
    members['user'] === undefined
      ? 'connect needs a token: give "token", "tokenFile" or "tokenEndpoint", or "instance", the certificate directory of a running Tunnelite.'
      : 'Tokens of a "user" are made by a running Tunnelite: give its certificate directory as "instance".',
  );
}

function endpointOf(value: unknown): TokenEndpoint {
  const where = 'tokenEndpoint';
  const members = membersOf(value, where, ENDPOINT_MEMBERS);
  const text = requiredText(members, 'url', where);
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol))
    throw scriptError(`"url" of ${where} is "${text}", which is no URL.`);
  return {
    url,
    clientId: requiredText(members, 'clientId', where),
    clientSecret: textOf(members, 'clientSecret', where),
    scope: requiredText(members, 'scope', where),
    username: textOf(members, 'username', where),
    password: textOf(members, 'password', where),
  };
}
