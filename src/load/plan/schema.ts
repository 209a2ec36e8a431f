import { closed } from '../../config/schema-members.ts';
import { Type } from '../../lib/schema/index.ts';
import { PHASE_KINDS } from './types.ts';

/* The shape of a plan. checks.ts checks how its members fit together. */

/** Ours: clients of all workers of a run. */
const MAX_CLIENTS = 1_000_000;

const Maybe = Type.Optional;
const Time = (description: string) => Type.String({ format: 'duration', maxLength: 64, description });
const Word = (description: string) => Type.String({ minLength: 1, maxLength: 1024, description });
const Share = (description: string) => Type.Number({ minimum: 0, maximum: 1, description });
const Rate = (description: string) => Type.Number({ minimum: 0.001, maximum: 1_000_000, description });

export const ArrivalsSchema = Type.Union(
  [
    Type.Enum(['at once'], { noun: 'arrival process' }),
    Type.Object({ constant: Rate('Arrivals per second, evenly spaced.') }, closed),
    Type.Object(
      {
        ramp: Type.Array(Type.Number({ minimum: 0, maximum: 1_000_000 }), {
          minItems: 2,
          maxItems: 2,
          description: 'Arrivals per second at the beginning and at the end of the phase.',
        }),
      },
      closed,
    ),
    Type.Object({ poisson: Rate('Average arrivals per second, at independent times.') }, closed),
  ],
  { description: 'When clients are affected, or log in. Default `at once`.' },
);

const Thresholds = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 200 }), { maxItems: 100, description });

const PhaseSchema = Type.Object(
  {
    phase: Type.Enum([...PHASE_KINDS], { noun: 'kind of phase', description: 'What happens to the clients.' }),
    name: Maybe(
      Type.String({
        minLength: 1,
        maxLength: 64,
        description: 'Default: its kind, with a number if there are several.',
      }),
    ),
    for: Time('Duration; with `until` the maximum.'),
    until: Maybe(
      Type.Enum(['done'], {
        description: '`done`: it ends as soon as all clients have arrived and reached their goal.',
      }),
    ),
    arrivals: Maybe(ArrivalsSchema),
    share: Maybe(Share('Fraction of the clients that take part. Default 1.')),
    warmup: Maybe(Time('Duration at the start of the phase whose events are excluded from its figures. Default 0s.')),
    loss: Maybe(Share('With `partial loss`: fraction of datagrams lost, in each direction.')),
    how: Maybe(
      Type.Enum(['silence', 'reset'], {
        description: 'With `node loss`: connections go silent (default), or are reset.',
      }),
    ),
    cookies: Maybe(
      Type.Enum(['lost', 'kept'], {
        description: 'With `node loss`: the sessions are lost (default), or another node has them.',
      }),
    ),
    thresholds: Maybe(Thresholds('Thresholds of this phase.')),
  },
  closed,
);

const TokenSchema = Type.Object(
  {
    users: Maybe(
      Type.Array(Type.String({ format: 'user', maxLength: 256 }), {
        minItems: 1,
        maxItems: 10_000,
        description: 'Users of the running instance, in turn.',
      }),
    ),
    file: Maybe(Word('A file with a token; read again when it expires.')),
    command: Maybe(Word('A command that prints a token; run again when it expires.')),
  },
  {
    ...closed,
    description: 'Source of tokens: one of these. Default: the running instance, for its first user.',
  },
);

const ClientSchema = Type.Object(
  {
    dtls: Maybe(Type.Enum(['auto', 'psk', 'legacy', 'off'], { noun: 'kind of DTLS', description: 'Default `auto`.' })),
    unanswered: Maybe(
      Time(
        'How long data over DTLS may be unanswered before a client moves to TLS; 0s: only dead peer detection, as in openconnect. Default 3500ms.',
      ),
    ),
    dtlsRetry: Maybe(
      Type.Array(Type.String({ format: 'duration', maxLength: 64 }), {
        minItems: 2,
        maxItems: 2,
        description: 'Pause after the first failed DTLS handshake, and the longest. Default [10s, 60s].',
      }),
    ),
    reconnect: Maybe(Time('How long to try to restore a lost tunnel. Default 300s.')),
    timeout: Maybe(Time('Time limit for each connection attempt. Default 30s.')),
    userAgent: Maybe(Type.String({ minLength: 1, maxLength: 200, description: 'User-Agent of the clients.' })),
  },
  { ...closed, description: 'How the clients behave.' },
);

export const PlanSchema = Type.Object(
  {
    $schema: Maybe(Type.String({ description: 'For editors; ignored.' })),
    name: Maybe(Type.String({ minLength: 1, maxLength: 256, description: 'Default: the name of the file.' })),
    description: Maybe(Type.String({ format: 'text', maxLength: 4096, description: 'Description.' })),
    seed: Maybe(
      Type.Integer({
        minimum: 0,
        maximum: 4_294_967_295,
        description: 'Seed of arrivals, participating clients and lost datagrams. Default 1.',
      }),
    ),
    clients: Type.Integer({ minimum: 1, maximum: MAX_CLIENTS, description: 'Number of clients.' }),
    server: Maybe(Word('`host:port` of the gateway. Default: the running instance.')),
    token: Maybe(TokenSchema),
    password: Maybe(
      Type.Object(
        {
          user: Type.String({ minLength: 1, maxLength: 256, description: 'Name of the user.' }),
          file: Word('A file with the password in its first line.'),
        },
        { ...closed, description: 'The login of a server without bearer tokens, such as ocserv.' },
      ),
    ),
    source: Maybe(
      Type.String({
        format: 'cidr4',
        maxLength: 32,
        description: 'Loopback addresses to distribute clients over, such as 127.1.0.0/16.',
      }),
    ),
    client: Maybe(ClientSchema),
    traffic: Maybe(
      Type.Object(
        {
          ping: Maybe(Word('An IPv4 address behind the gateway, or `gateway` (default).')),
          every: Maybe(Time('The request period: the resolution of the interruption. Default 1s.')),
          size: Maybe(
            Type.Integer({ minimum: 48, maximum: 1280, description: 'Bytes of the inner packet. Default 84.' }),
          ),
          settle: Maybe(Time('How long to wait for answers after the last phase. Default 2s.')),
        },
        { ...closed, description: 'Requests of each client: pings through the tunnel.' },
      ),
    ),
    flows: Maybe(
      Type.Object(
        {
          to: Word('`host:port` of a TCP echo service.'),
          every: Maybe(Time('Interval at which each sends. Default 1s.')),
          share: Maybe(Share('Fraction of the clients that have one. Default 1.')),
        },
        { ...closed, description: 'Inner TCP connections that stay open.' },
      ),
    ),
    lag: Maybe(
      Time('Maximum lateness of the generator at the 99th percentile; beyond it the run is invalid. Default 100ms.'),
    ),
    phases: Type.Array(PhaseSchema, { minItems: 1, maxItems: 1000, description: 'Phases, one after the other.' }),
    thresholds: Maybe(Thresholds('Thresholds of all phases together.')),
  },
  { ...closed, title: 'Tunnelite load plan' },
);
