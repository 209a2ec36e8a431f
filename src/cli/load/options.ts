import { readFileSync } from 'node:fs';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import type {
  CheckedPlan,
  GatewayProbe,
  LoadPhase,
  LoadPlan,
  LoadSurroundings,
  TokenSource,
  UsageReading,
} from '../../load/index.ts';
import { repeated } from '../context/command.ts';
import { configFromArgs, fileOptions } from '../context/config-options.ts';
import { ask, findInstance, type Instance } from '../context/instance.ts';
import type { CliIo } from '../context/io.ts';
import { instanceToken, readPem, serverUrl, tunnelOptions } from '../context/tunnel-options.ts';

/** Options that set or replace members of a plan. */
export const planOptions = {
  clients: { type: 'string', valueHint: 'number', description: 'Number of clients' },
  phase: {
    type: 'string',
    valueHint: 'kind:duration',
    description: 'A phase, such as "udp blackout:12s"; repeatable, instead of those of the plan',
  },
  threshold: {
    type: 'string',
    valueHint: 'text',
    description: 'A threshold, such as "fallback.p99 < 12s"; repeatable, in addition to those of the plan',
  },
  every: { type: 'string', valueHint: 'duration', description: 'Period of each client’s requests' },
  seed: { type: 'string', valueHint: 'number', description: 'Seed of arrivals and random decisions' },
  source: {
    type: 'string',
    valueHint: 'network',
    description: 'Loopback addresses for the clients, such as 127.1.0.0/16',
  },
  server: tunnelOptions.server,
  user: {
    type: 'string',
    alias: 'u',
    valueHint: 'name',
    description: 'User whose tokens the running instance issues; repeatable',
  },
  'token-file': {
    type: 'string',
    valueHint: 'file',
    description: 'A file with the token; read again when it expires',
  },
  'token-command': {
    type: 'string',
    valueHint: 'command',
    description: 'A command that prints the token; run again when it expires',
  },
} as const;

/** Options about where to run it. */
export const surroundingOptions = {
  ...fileOptions,
  cacert: {
    type: 'string',
    valueHint: 'file',
    description: 'CA of the gateway; default: that of the running instance',
  },
  pid: {
    type: 'string',
    valueHint: 'number',
    description: 'Process id of the gateway on this machine, to report its CPU and memory',
  },
} as const;

type Args = Readonly<Record<string, unknown>>;

const usage = (message: string, hint?: string): TunneliteError =>
  new TunneliteError('ERR_CLI_USAGE', message, hint ? { hint } : {});

function textOf(args: Args, name: string): string | undefined {
  const value = args[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** The members of a plan given as options. @throws TunneliteError `ERR_CLI_USAGE` */
export function planChange(args: Args, rawArgs: readonly string[]): Partial<LoadPlan> {
  const number = (name: string): number | undefined => {
    const text = textOf(args, name);
    if (text === undefined) return undefined;
    if (/^\d{1,10}$/.test(text)) return Number(text);
    throw usage(`"--${name} ${text}" is not a whole number.`);
  };
  const [clients, seed] = [number('clients'), number('seed')];
  const [source, server, every] = ['source', 'server', 'every'].map((name) => textOf(args, name));
  const [file, tokenCommand] = [textOf(args, 'token-file'), textOf(args, 'token-command')];
  const users = repeated(rawArgs, 'user', 'u');
  const phases = repeated(rawArgs, 'phase').map(phaseOf);
  const given = [file, tokenCommand, users[0]].filter((one) => one !== undefined);
  if (given.length > 1) throw usage('--user, --token-file and --token-command exclude each other.');
  const token = {
    ...(file && { file }),
    ...(tokenCommand && { command: tokenCommand }),
    ...(users.length > 0 && { users }),
  };
  return {
    ...(clients !== undefined && { clients }),
    ...(seed !== undefined && { seed }),
    ...(source && { source }),
    ...(server && { server }),
    ...(every && { traffic: { every } }),
    ...(given.length > 0 && { token }),
    ...(phases.length > 0 && { phases }),
  };
}

/** `udp blackout:12s`; kind and duration are validated with the plan. */
function phaseOf(text: string): LoadPhase {
  const at = text.lastIndexOf(':');
  if (at <= 0) throw usage(`"--phase ${text}" is not kind:duration.`, 'Use a form such as --phase "udp blackout:12s".');
  return { phase: text.slice(0, at).trim() as LoadPhase['phase'], for: text.slice(at + 1).trim() };
}

/**
 * Where to run a plan.
 * @throws TunneliteError `ERR_CLI_USAGE`, `ERR_CLI_NOT_RUNNING`, `ERR_CLIENT_CONNECT`
 */
export async function surroundingsOf(
  { plan }: CheckedPlan,
  args: Args,
  rawArgs: readonly string[],
  io: CliIo,
): Promise<Omit<LoadSurroundings, 'signal' | 'onProgress'>> {
  const { machineNetwork, ownUsage, passwordSignIn, TokenStore } = await import('../../load/index.ts');
  const { ClientTimer, trust } = await import('../../client/core/index.ts');
  const { acceleratedProtection } = await import('../../dtls/acceleration.ts');
  const { systemClock } = await import('../../lib/clock.ts');
  const { systemRandom } = await import('../../lib/random.ts');
  const { server, token, password } = plan;
  const fromInstance = password === undefined && token?.file === undefined && token?.command === undefined;
  if (server !== undefined && fromInstance && token?.users === undefined) {
    throw usage(
      'With --server, a token or a password is required.',
      'Use --token-file, --token-command, --user of the running instance, or password in the plan.',
    );
  }
  const instance =
    server === undefined || fromInstance ? findInstance(configFromArgs(fileArgs(args), rawArgs, io)) : undefined;
  const cacert = textOf(args, 'cacert') ?? (server === undefined ? instance?.ca : undefined);
  const url = server === undefined ? new URL(instance!.gateway) : serverUrl(server);
  const sources: TokenSource[] = (token?.users ?? [undefined]).map((user) => () => tokenOf(plan, instance, user));
  return {
    url,
    serverKind: password ? 'password' : server === undefined ? 'tunnelite' : 'bearer',
    secureContext: trust(cacert === undefined ? undefined : readPem(cacert)),
    protection: acceleratedProtection(),
    clock: systemClock,
    random: systemRandom,
    timer: new ClientTimer(systemClock),
    carrier: await machineNetwork(url, plan.source, plan.clients),
    login: password
      ? { signIn: passwordSignIn(password.user, firstLine(password.file)) }
      : { tokens: (fetched) => new TokenStore(sources, systemClock, fetched) },
    usage: ownUsage(),
    gateway: await probeOf(textOf(args, 'pid'), server === undefined ? instance : undefined),
  };
}

const fileArgs = (args: Args): Args => Object.fromEntries(Object.keys(fileOptions).map((name) => [name, args[name]]));

async function tokenOf({ token }: LoadPlan, instance: Instance | undefined, user: string | undefined): Promise<string> {
  if (token?.file !== undefined) return firstLine(token.file);
  if (token?.command !== undefined)
    return await (await import('../context/token-command.ts')).tokenFromCommand(token.command);
  return await instanceToken(instance!, user);
}

function firstLine(file: string): string {
  try {
    return readFileSync(file, 'utf8').split(/\r?\n/, 1)[0]!;
  } catch (cause) {
    throw new TunneliteError('ERR_CLI_USAGE', `${file} cannot be read: ${errorText(cause)}`, { cause });
  }
}

async function probeOf(pid: string | undefined, instance: Instance | undefined): Promise<GatewayProbe | undefined> {
  if (pid !== undefined) {
    if (!/^[1-9]\d{0,8}$/.test(pid)) throw usage(`"--pid ${pid}" is not a process id.`);
    const probe = (await import('../../load/index.ts')).pidProbe(Number(pid));
    if ((await probe.read()) === undefined)
      throw usage(`There is no process ${pid} on this machine, or no /proc to look it up in.`);
    return probe;
  }
  if (instance === undefined) return undefined;
  return {
    source: 'api',
    read: async () => {
      const { status, value } = await ask(instance, '/api/process');
      return status === 200 ? (value as UsageReading) : undefined;
    },
  };
}
