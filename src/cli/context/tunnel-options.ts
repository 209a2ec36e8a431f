import { readFileSync } from 'node:fs';
import type { TokenSource, TunnelClientOptions } from '../../client/index.ts';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import { repeated } from './command.ts';
import { configFromArgs, fileOptions } from './config-options.ts';
import { ask, findInstance, type Instance } from './instance.ts';
import type { CliIo } from './io.ts';
import { secondsOf } from './seconds.ts';

/** Options of every command that opens a tunnel of its own. */
export const tunnelOptions = {
  ...fileOptions,
  server: {
    type: 'string',
    valueHint: 'host[:port]',
    description: 'The gateway; default: that of the running instance',
  },
  user: {
    type: 'string',
    alias: 'u',
    valueHint: 'name',
    description: 'User for whom the running instance issues the token; default: the first user',
  },
  token: { type: 'string', valueHint: 'jwt', description: 'The token; others on this machine can read a command line' },
  'token-command': {
    type: 'string',
    valueHint: 'command',
    description: 'A command that prints the token; run again once if the gateway refuses it',
  },
  cacert: {
    type: 'string',
    valueHint: 'file',
    description: 'CA of gateway and resources; default: that of the running instance',
  },
  outside: {
    type: 'string',
    valueHint: 'refuse|direct',
    description: 'How to handle connections that the gateway’s routes exclude',
  },
  bypass: { type: 'string', valueHint: 'host', description: 'A host that never uses the tunnel; repeatable' },
  'via-proxy': {
    type: 'string',
    valueHint: 'host:port|url|none',
    description: 'Proxy behind the gateway for web requests, or a PAC file; default: what the gateway announces',
  },
  dtls: { type: 'string', valueHint: 'auto|psk|legacy|off', description: 'The data channel over UDP; default: auto' },
  timeout: { type: 'string', valueHint: 'seconds', description: 'Time limit for connecting; default: 30' },
} as const;

/** The parameters for opening a tunnel. */
export interface TunnelPlan {
  readonly options: Omit<TunnelClientOptions, 'token'>;
  readonly tokens: TokenSource;
}

type Args = Readonly<Record<string, unknown>>;

/**
 * @param outside the default of `--outside`
 * @param signal ends a token command that is still running
 * @throws TunneliteError `ERR_CLI_USAGE`, `ERR_CLI_NOT_RUNNING`
 */
export async function tunnelPlan(
  args: Args,
  rawArgs: readonly string[],
  io: CliIo,
  outside: 'refuse' | 'direct',
  signal?: AbortSignal,
): Promise<TunnelPlan> {
  const text = (name: string): string | undefined => {
    const value = args[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const [server, token, tokenCommand, user] = ['server', 'token', 'token-command', 'user'].map(text);
  if ([token, tokenCommand, user].filter((each) => each !== undefined).length > 1) {
    throw usage('--user, --token and --token-command exclude each other.');
  }
  const needsInstance = server === undefined || (token === undefined && tokenCommand === undefined);
  if (server !== undefined && needsInstance && user === undefined) {
    throw usage('With --server, use --token, --token-command, or --user of the running instance.');
  }
  const instance = needsInstance ? findInstance(configFromArgs(args, rawArgs, io)) : undefined;
  const cacert = text('cacert') ?? (server === undefined ? instance?.ca : undefined);
  const ca = cacert === undefined ? undefined : readPem(cacert);
  const proxy = proxyOf(text('via-proxy'));
  return {
    tokens: tokenCommand
      ? async () => (await import('./token-command.ts')).tokenFromCommand(tokenCommand, undefined, signal)
      : () => token ?? instanceToken(instance!, user),
    options: {
      server: server === undefined ? instance!.gateway : serverUrl(server),
      ...(ca === undefined ? {} : { ca, resourceCa: ca }),
      ...(proxy === undefined ? {} : { proxy }),
      outside: oneOf('outside', text('outside'), ['refuse', 'direct']) ?? outside,
      bypass: repeated(rawArgs, 'bypass'),
      dtls: oneOf('dtls', text('dtls'), ['auto', 'psk', 'legacy', 'off']) ?? 'auto',
      timeout: secondsOf('timeout', text('timeout'), 30) * 1000,
    },
  };
}

export async function instanceToken(instance: Instance, user: string | undefined): Promise<string> {
  const { status, value } = await ask(instance, '/api/tokens', user === undefined ? {} : { user });
  if (status === 404) {
    throw new TunneliteError(
      'ERR_CLI_REFUSED',
      `The instance accepts tokens of ${instance.authority}, which only that authority can issue.`,
      {
        hint: 'Provide one with --token or --token-command.',
      },
    );
  }
  return (value as { readonly accessToken: string }).accessToken;
}

export function serverUrl(text: string): URL {
  const url = URL.parse(/^https:\/\//i.test(text) ? text : `https://${text}`);
  if (url !== null && url.protocol === 'https:' && url.hostname !== '' && url.username === '' && !/\s/.test(text))
    return url;
  throw usage(`"--server ${text}" is not host:port, as in vpn.contoso.com:443.`);
}

function proxyOf(text: string | undefined): TunnelClientOptions['proxy'] {
  if (text === undefined || text === 'none') return text;
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null;
  if (url !== null) return { pac: url };
  const [, bracketed, plain, port] = /^(?:\[([0-9a-f:.]+)\]|([^\s:/@[\]]+)):(\d{1,5})$/i.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host !== undefined && Number(port) > 0 && Number(port) <= 65_535) return { host, port: Number(port) };
  throw usage(`"--via-proxy ${text}" is not host:port, the URL of a PAC file, or none.`);
}

export function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new TunneliteError('ERR_CLI_USAGE', `${file} cannot be read: ${errorText(cause)}`, { cause });
  }
}

/** @throws TunneliteError `ERR_CLI_USAGE` */
export function oneOf<const T extends string>(
  option: string,
  text: string | undefined,
  all: readonly T[],
): T | undefined {
  if (text === undefined) return undefined;
  const found = all.find((each) => each === text);
  if (found === undefined) throw usage(`"--${option} ${text}" is not one of ${all.join(', ')}.`);
  return found;
}

function usage(message: string): TunneliteError {
  return new TunneliteError('ERR_CLI_USAGE', message);
}
