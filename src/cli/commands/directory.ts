import type { RemoteSimulator } from '../../admin/index.ts';
import { isTunneliteError, TunneliteError } from '../../lib/errors.ts';
import { type Command, command } from '../context/command.ts';
import { type CliIo, EXIT } from '../context/io.ts';
import { connect, remoteOptions } from '../context/remote.ts';
import { columns } from '../context/table.ts';

const user = {
  type: 'positional',
  valueHint: 'user',
  description: 'Sign-in name or object id',
  required: true,
} as const;
const tenant = {
  type: 'string',
  valueHint: 'id',
  description: 'Tenant; default: the first',
} as const;
const text = (valueHint: string, description: string) => ({ type: 'string', valueHint, description }) as const;

/** The options of each of these commands, in addition to its arguments. */
interface Given {
  readonly args: Readonly<Record<string, unknown>>;
  readonly rawArgs: readonly string[];
  readonly io: CliIo;
}

/** Connects, and reports an error if the instance has no directory. */
async function directoryOf({ args, rawArgs, io }: Given): Promise<RemoteSimulator['identity']> {
  const { sim } = await connect(args, rawArgs, io);
  try {
    await sim.identity.tenants();
  } catch (error) {
    if (!isTunneliteError(error, 'ERR_NOT_FOUND')) throw error;
    throw new TunneliteError('ERR_CLI_REFUSED', 'The instance uses a real tenant and has no directory.', {
      cause: error,
      hint: 'Start without identity.authority to use the built-in Entra ID.',
    });
  }
  return sim.identity;
}

/** A command that makes one change to the directory, and reports it; `act` returns the sentence and the JSON value. */
function action(
  args: NonNullable<Command['args']>,
  act: (identity: RemoteSimulator['identity'], given: Given) => Promise<readonly [done: string, json: object]>,
): Command {
  return command({
    args: { ...args, ...remoteOptions },
    async run(context) {
      const [done, json] = await act(await directoryOf(context), context);
      context.io.out(context.args.json ? `${JSON.stringify(json)}\n` : `${done}\n`);
      return EXIT.ok;
    },
  });
}

const stringOf = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** @throws TunneliteError `ERR_CLI_USAGE` */
function numberOf(what: string, value: unknown): number {
  if (typeof value === 'string' && /^\d{1,9}$/.test(value)) return Number(value);
  throw new TunneliteError('ERR_CLI_USAGE', `"${what} ${String(value)}" is not a number.`);
}

const optionalNumber = (what: string, value: unknown): number | undefined =>
  value === undefined ? undefined : numberOf(what, value);

/** `member=value`; the value is JSON if it is valid JSON, otherwise a string. */
function changeOf(pair: string): [string, unknown] {
  const at = pair.indexOf('=');
  if (at < 1) {
    throw new TunneliteError('ERR_CLI_USAGE', `"${pair}" is not a change.`, {
      hint: 'Write member=value, such as enabled=false or mfa=required.',
    });
  }
  const value = pair.slice(at + 1);
  try {
    return [pair.slice(0, at), JSON.parse(value)];
  } catch {
    return [pair.slice(0, at), value];
  }
}

const set = action(
  {
    user,
    changes: {
      type: 'positional',
      valueHint: 'member=value…',
      description: 'A change such as enabled=false',
      required: true,
    },
    tenant,
  },
  async (identity, { args }) => {
    const pairs = (args._ as readonly string[]).slice(1);
    const changes = Object.fromEntries(pairs.map(changeOf));
    const name = String(args.user);
    await identity.updateUser(name, changes, stringOf(args.tenant));
    return [`Changed ${name}: ${pairs.join(', ')}.`, { user: name, changes }];
  },
);

const revoke = action({ user, tenant }, async (identity, { args }) => {
  const name = String(args.user);
  await identity.revokeSessions(name, stringOf(args.tenant));
  return [`Every sign-in of ${name} has ended: refresh fails with 50173.`, { user: name, done: 'revoke' }];
});

const fail = action(
  {
    code: {
      type: 'positional',
      valueHint: 'code',
      description: 'Number of the AADSTS error, such as 50076',
      required: true,
    },
    user: text('name', 'Only requests of this user'),
    endpoint: text('endpoint', 'Endpoint: token (default), authorize or devicecode'),
    times: text('count', 'Number of requests to fail; default 1'),
  },
  async (identity, { args }) => {
    const code = numberOf('code', args.code);
    const [who, endpoint, times] = [
      stringOf(args.user),
      stringOf(args.endpoint),
      optionalNumber('--times', args.times),
    ];
    const id = await identity.failNext({
      code,
      ...(who !== undefined && { user: who }),
      ...(endpoint !== undefined && { endpoint: endpoint as never }),
      ...(times !== undefined && { times }),
    });
    const what = times === undefined || times === 1 ? 'request' : `${times} requests`;
    return [`The next ${what} of ${who ?? 'anyone'} will be refused with AADSTS${code} (failure ${id}).`, { id }];
  },
);

const failures = command({
  args: remoteOptions,
  async run(context) {
    const list = await (await directoryOf(context)).failures();
    const rows = list.map(({ id, code, user: who, endpoint, left }) => [
      String(id),
      `AADSTS${code}`,
      who ?? 'anyone',
      endpoint ?? 'token',
      String(left),
    ]);
    if (context.args.json) context.io.out(`${JSON.stringify({ failures: list })}\n`);
    else if (list.length === 0) context.io.out('No failures are pending.\n');
    else context.io.out(columns(['id', 'error', 'of', 'at', 'left'], rows));
    return EXIT.ok;
  },
});

const forget = action(
  {
    id: { type: 'positional', valueHint: 'id', description: 'Number of the failure', required: false },
    all: { type: 'boolean', description: 'All failures' },
  },
  async (identity, { args }) => {
    if ((args.id === undefined) === !args.all) {
      throw new TunneliteError('ERR_CLI_USAGE', 'Set the failure to remove: its number, or --all.');
    }
    if (args.id === undefined) {
      await identity.forgetFailures();
      return ['No failures are pending any more.', { done: 'forget' }];
    }
    const id = numberOf('id', args.id);
    await identity.forgetFailure(id);
    return [`The failure ${id} was removed.`, { id }];
  },
);

const endpoint = {
  type: 'positional',
  valueHint: 'endpoint',
  description: 'An endpoint such as token',
  required: true,
} as const;

const outage = action(
  {
    endpoint,
    status: text('number', 'Answer with this status; default 503'),
    'retry-after': text('seconds', 'Retry-After of that answer'),
  },
  async (identity, { args }) => {
    const [name, status] = [String(args.endpoint), optionalNumber('--status', args.status) ?? 503];
    const retryAfter = optionalNumber('--retry-after', args['retry-after']);
    await identity.disturb(name, { status, ...(retryAfter !== undefined && { retryAfter }) });
    return [`${name} answers ${status}, until "tunnelite directory restore ${name}".`, { endpoint: name, status }];
  },
);

const restore = action({ endpoint }, async (identity, { args }) => {
  const name = String(args.endpoint);
  await identity.restore(name);
  return [`${name} answers again.`, { endpoint: name, done: 'restore' }];
});

const rotate = action(
  { emergency: { type: 'boolean', description: 'Remove all other keys at once' } },
  async (identity, { args }) => {
    const emergency = args.emergency === true;
    const kid = await identity.rotateKeys({ emergency });
    return [
      `Signing with key ${kid} now; ${emergency ? 'all other keys are removed' : 'the old key remains published'}.`,
      { kid },
    ];
  },
);

export default command({
  args: { tenant, ...remoteOptions },
  async run(context) {
    const { args, io } = context;
    const users = await (await directoryOf(context)).users(args.tenant);
    const rows = users.map((one) => [
      one.userPrincipalName,
      one.displayName ?? '',
      [
        one.type === 'guest' && 'guest',
        one.enabled === false && 'disabled',
        one.locked && 'locked',
        one.mfa === 'required' && 'MFA required',
        one.passwordExpired && 'password expired',
      ]
        .filter(Boolean)
        .join(', '),
    ]);
    if (args.json) io.out(`${JSON.stringify({ users })}\n`);
    else io.out(columns(['user', 'name', 'state'], rows));
    return EXIT.ok;
  },
  subCommands: {
    set: {
      description: 'Change members of a user: set alice@contoso.com enabled=false mfa=required',
      load: async () => set,
    },
    revoke: { description: 'End every sign-in of a user: refresh fails', load: async () => revoke },
    fail: { description: 'Make the next request fail with an AADSTS error', load: async () => fail },
    failures: { description: 'List ordered failures that are pending', load: async () => failures },
    forget: { description: 'Remove an ordered failure, or all', load: async () => forget },
    outage: { description: 'Make an endpoint fail, for example with status 503', load: async () => outage },
    restore: { description: 'Restore a failing endpoint', load: async () => restore },
    rotate: {
      description: 'Sign with a new key; with --emergency all other keys are removed',
      load: async () => rotate,
    },
  },
});
