import { FAULT_PROFILES } from '../../config/fault-profiles.ts';
import { FaultRuleSchema } from '../../config/fault-schema.ts';
import { ConfigSchema } from '../../config/schema.ts';
import { closed } from '../../config/schema-members.ts';
import { WRONG_TOKEN_NAMES } from '../../entra/tokens/wrong-token.ts';
import { type TSchema, Type } from '../../lib/schema/index.ts';
import { LINKS } from '../../network/index.ts';
import { CLIENT_ACTIONS, GATEWAY_ACTIONS, KEY_ACTIONS, SESSION_ACTIONS } from './types.ts';

/* The shape of a scenario file. checks.ts checks how its members fit together. */

const Maybe = Type.Optional;
const Time = (description: string) => Type.String({ format: 'duration', maxLength: 64, description });
const Word = (description: string) => Type.String({ minLength: 1, maxLength: 1024, description });
const Whole = (minimum: number, maximum: number, description: string) =>
  Type.Integer({ minimum, maximum, description });
const MOST = 1_000_000_000;

const Count = (description: string) =>
  Type.Union(
    [
      Type.Integer({ minimum: 0, maximum: MOST }),
      Type.Object(
        { atLeast: Maybe(Whole(0, MOST, 'Minimum number.')), atMost: Maybe(Whole(0, MOST, 'Maximum number.')) },
        closed,
      ),
    ],
    { description },
  );

const Scalar = Type.Union([
  Type.String({ format: 'text', maxLength: 4096 }),
  Type.Number(),
  Type.Boolean(),
  Type.Null(),
]);
const Condition = Type.Union([
  Type.String({ format: 'text', maxLength: 4096 }),
  Type.Number(),
  Type.Boolean(),
  Type.Null(),
  Type.Object(
    {
      equals: Maybe(Scalar),
      not: Maybe(Scalar),
      contains: Maybe(Type.String({ format: 'text', maxLength: 4096 })),
      above: Maybe(Type.Number()),
      atLeast: Maybe(Type.Number()),
      below: Maybe(Type.Number()),
      atMost: Maybe(Type.Number()),
    },
    closed,
  ),
]);

/** A section of the configuration, without its defaults, because omitted members use the simulator's. */
function section(schema: TSchema): TSchema {
  const { default: _, ...rest } = schema as { default?: unknown };
  return Maybe(rest as TSchema);
}

const { gateway, identity, services, resources } = ConfigSchema.properties;

const TokenSchema = Type.Object(
  {
    user: Maybe(Word('User name. Default: the first user of the directory.')),
    lifetime: Maybe(Time('Lifetime of a token, such as 10m.')),
    wrong: Maybe(
      Type.Enum([...WRONG_TOKEN_NAMES], {
        noun: 'deliberately wrong token',
        description: 'A deliberately wrong token.',
      }),
    ),
    claims: Maybe(Type.Record(Type.String(), Type.Unknown(), { description: 'Claims to add or replace.' })),
    from: Maybe(
      Type.Enum(['mint', 'sign-in'], {
        description:
          '`mint` (default): created directly. `sign-in`: requested from the token endpoint over HTTPS, so that faults of the seam `http` apply.',
      }),
    ),
  },
  { ...closed, description: 'Token for clients. Each client keeps its token until the gateway refuses it.' },
);

const Arguments = (description: string) =>
  Type.Array(Type.String({ format: 'text', maxLength: 4096 }), { minItems: 1, maxItems: 100, description });

const ClientSchema = Type.Union(
  [
    Type.Enum(['bundled', 'openconnect'], { noun: 'client' }),
    Type.Object(
      {
        command: Arguments(
          'Program and arguments; placeholders such as `{server}` are filled in: docs/how-to/write-a-scenario.md.',
        ),
        fetch: Maybe(Arguments('A program that fetches `{url}` through the tunnel; exit status 0 means success.')),
        restart: Maybe(Time('Delay after which it is restarted when it has ended.')),
      },
      closed,
    ),
  ],
  {
    description:
      '`bundled` (default), `openconnect` (stock openconnect with ocproxy, without root), or `{ command }`; programs need `clock: real`.',
  },
);

const LinkSchema = Type.Union(
  [
    Type.Enum(Object.keys(LINKS), { noun: 'link' }),
    Type.Object(
      {
        delay: Maybe(Type.Number({ minimum: 0, maximum: 60_000, description: 'One-way delay in milliseconds.' })),
        jitter: Maybe(
          Type.Number({ minimum: 0, maximum: 60_000, description: 'Maximum additional delay in milliseconds.' }),
        ),
        loss: Maybe(Type.Number({ minimum: 0, maximum: 0.99, description: 'Fraction of packets that are lost.' })),
        down: Maybe(Type.Number({ minimum: 1, maximum: 1e12, description: 'Bytes per second to the client.' })),
        up: Maybe(Type.Number({ minimum: 1, maximum: 1e12, description: 'Bytes per second from the client.' })),
      },
      closed,
    ),
  ],
  { description: 'The link of each client, with `clock: virtual`. Default `lan`.' },
);

const TrafficSchema = Type.Object(
  {
    fetch: Type.String({ minLength: 1, maxLength: 2048, description: 'A page behind the gateway.' }),
    every: Time('Interval at which each client fetches it while it has a tunnel.'),
    timeout: Maybe(Time('Time after which a page counts as failed. Default 20s.')),
  },
  { ...closed, description: 'What clients do continuously.' },
);

const RuleSchema = Type.Object(
  {
    ...FaultRuleSchema.properties,
    name: Type.String({
      format: 'fault-name',
      minLength: 1,
      maxLength: 64,
      description: 'For `clear` and `rule`.',
    }),
  },
  { ...closed, description: 'A fault rule, as in the configuration: docs/reference/faults.md.' },
);

const StepSchema = Type.Object(
  {
    at: Time('Time since the start. A step with nothing else is the end.'),
    fault: Maybe(RuleSchema),
    clear: Maybe(Word('Removes the fault rule with this name.')),
    profile: Maybe(
      Type.Union([Type.Enum(Object.keys(FAULT_PROFILES), { noun: 'network profile' }), Type.Null()], {
        description: 'Applies a network profile to all clients; null: none.',
      }),
    ),
    keys: Maybe(
      Type.Enum([...KEY_ACTIONS], {
        noun: 'change of keys',
        description: 'Changes the key that tokens are signed with.',
      }),
    ),
    sessions: Maybe(
      Type.Enum([...SESSION_ACTIONS], { noun: 'action on sessions', description: 'Action on every session.' }),
    ),
    gateway: Maybe(
      Type.Enum([...GATEWAY_ACTIONS], { noun: 'action of the gateway', description: 'Action of the gateway.' }),
    ),
    cookies: Maybe(
      Type.Enum(['keep', 'lose'], {
        description: 'With `gateway: restart` or `stop`: whether sessions can be resumed with their cookies.',
      }),
    ),
    client: Maybe(
      Type.Enum([...CLIENT_ACTIONS], { noun: 'action of a client', description: 'Action of the clients.' }),
    ),
    of: Maybe(Whole(0, 9999, 'With `client` and `fetch`: which client, from 0. Default: all.')),
    fetch: Maybe(Type.String({ minLength: 1, maxLength: 2048, description: 'Fetches a page, once.' })),
    advance: Maybe(Time('Moves the clock for tokens and sessions; only with `clock: real`.')),
  },
  closed,
);

const ExpectationSchema = Type.Object(
  {
    event: Maybe(Word('The journal has events with this name or in this area, such as `channel.*`.')),
    never: Maybe(Word('The journal has no such event.')),
    where: Maybe(Type.Record(Type.String(), Condition, { description: 'Required fields: values, or comparisons.' })),
    text: Maybe(Word("Text that the event's sentence contains.")),
    level: Maybe(
      Type.Enum(['trace', 'debug', 'info', 'warn', 'error'], {
        noun: 'level',
        description: 'This level or a more severe one.',
      }),
    ),
    count: Maybe(Count('Number of events. Default: at least one.')),
    between: Maybe(
      Type.Array(Type.String({ format: 'duration', maxLength: 64 }), {
        minItems: 2,
        maxItems: 2,
        description: 'Start and end, since the start.',
      }),
    ),
    rule: Maybe(Word('The fault rule with this name struck.')),
    hits: Maybe(Count('With `rule`: number of strikes. Default: at least one.')),
    pages: Maybe(
      Type.Object(
        {
          fetched: Maybe(Count('Pages that were received.')),
          failed: Maybe(Count('Pages that failed.')),
          longest: Maybe(
            Type.Object(
              { atLeast: Maybe(Time('Minimum duration.')), atMost: Maybe(Time('Maximum duration.')) },
              { ...closed, description: 'Duration of the slowest page that was received.' },
            ),
          ),
        },
        { ...closed, description: 'Pages that were fetched.' },
      ),
    ),
    client: Maybe(Word('A client printed a line that contains this.')),
    exit: Maybe(
      Type.Union([Type.Integer({ minimum: 0, maximum: 255 }), Type.Enum(['any'])], {
        description: 'A client that is a program ended with this status.',
      }),
    ),
  },
  closed,
);

export const ScenarioSchema = Type.Object(
  {
    $schema: Maybe(Type.String({ description: 'For editors; ignored.' })),
    name: Maybe(Type.String({ minLength: 1, maxLength: 256, description: 'Default: the name of the file.' })),
    description: Maybe(Type.String({ format: 'text', maxLength: 4096, description: 'What it shows.' })),
    clock: Maybe(
      Type.Enum(['virtual', 'real'], {
        noun: 'clock',
        description: '`virtual` (default): in memory, as fast as possible. `real`: on sockets.',
      }),
    ),
    seed: Maybe(Whole(0, 4_294_967_295, 'Seed of all random decisions. Default 1.')),
    gateway: section(gateway),
    identity: section(identity),
    services: section(services),
    resources: section(resources),
    token: Maybe(TokenSchema),
    client: Maybe(ClientSchema),
    clients: Maybe(Whole(1, 1000, 'Number of clients. Default 1.')),
    link: Maybe(LinkSchema),
    nat: Maybe(
      Type.Enum(['none', 'easy', 'hard'], {
        noun: 'NAT',
        description: 'The NAT of each client, with `clock: virtual`.',
      }),
    ),
    traffic: Maybe(TrafficSchema),
    timeline: Type.Array(StepSchema, {
      minItems: 1,
      maxItems: 1000,
      description: 'Steps, in order. The last step, with only a time, is the end.',
    }),
    expect: Type.Array(ExpectationSchema, {
      minItems: 1,
      maxItems: 1000,
      description: 'Expectations at the end.',
    }),
  },
  { ...closed, title: 'Tunnelite scenario' },
);
