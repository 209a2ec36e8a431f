import { type Static, Type } from '../lib/schema/index.ts';
import { ACTION_NAMES, SEAMS } from './fault-actions.ts';
import { ClaimsMember, FlagsMember, GARBAGE } from './fault-members.ts';
import { MAX_LIMIT, TCP_MEMBERS } from './fault-tcp.ts';
import { TLS_MEMBERS } from './fault-tls.ts';
import { closed } from './schema-members.ts';

/* The one shape of a fault rule for the configuration, REST, the command line and programs. */

const TEXT = { minLength: 1, maxLength: 256 } as const;
const OneOrMore = (description: string) =>
  Type.Optional(
    Type.Union([Type.String(TEXT), Type.Array(Type.String(TEXT), { minItems: 1, maxItems: 100 })], { description }),
  );
const Whole = (minimum: number, maximum: number, description: string) =>
  Type.Optional(Type.Integer({ minimum, maximum, description }));
const Chance = (description: string) => Type.Number({ minimum: 0, maximum: 1, description });
const Duration = (description: string) =>
  Type.Optional(
    Type.Union([Type.String(TEXT), Type.Integer({ minimum: 0, maximum: 3_153_600_000_000 })], { description }),
  );
const MAX_MS = 86_400_000;

/** What a rule selects. Omitted members match anything. */
const FaultSelectorSchema = Type.Object(
  {
    seam: Type.Enum([...SEAMS], { noun: 'seam', description: 'Where to select.' }),
    direction: Type.Optional(
      Type.Enum(['in', 'out'], { noun: 'direction', description: '`in`: from the client; `out`: to the client.' }),
    ),
    kind: OneOrMore('Kind of item: docs/reference/faults.md lists the kinds of each seam.'),
    session: OneOrMore('Short id of its session.'),
    user: OneOrMore('User: user name, sign-in name or object id.'),
    remote: OneOrMore('The client: an address, `address:port`, or a CIDR range.'),
    name: OneOrMore('Requested host name (`*.contoso.internal` for all subdomains), or an address.'),
    port: Whole(1, 65_535, 'Requested port; for a packet, the port of the end that is not the client.'),
    address: OneOrMore('For a packet, the end that is not the client: an address, or a CIDR range.'),
    flags: FlagsMember,
    claims: ClaimsMember,
    length: Type.Optional(
      Type.Union(
        [
          Type.Integer({ minimum: 0, maximum: 65_535 }),
          Type.Object({ min: Whole(0, 65_535, 'Minimum.'), max: Whole(0, 65_535, 'Maximum.') }, closed),
        ],
        { description: 'Bytes: a number, or `{ min, max }`.' },
      ),
    ),
  },
  closed,
);

/** Which of the selected ones it strikes; all if omitted. */
const FaultOccurrenceSchema = Type.Object(
  {
    skip: Whole(0, 1_000_000_000, 'Number of items that pass first.'),
    every: Whole(1, 1_000_000_000, 'Then strike only every nth one: 3 = the third, the sixth, …'),
    chance: Type.Optional(Chance('Strike each of these with this probability, using the rule’s random generator.')),
    burst: Type.Optional(
      Type.Object(
        {
          start: Chance('Probability of going from the good to the bad state.'),
          end: Chance('Probability of going back.'),
          bad: Type.Optional(Chance('Probability of striking in the bad state. Default 1.')),
          good: Type.Optional(Chance('Probability of striking in the good state. Default 0.')),
        },
        {
          ...closed,
          description: 'Instead of `chance`: the Gilbert-Elliott model, in which losses occur in bursts.',
        },
      ),
    ),
    times: Whole(1, 1_000_000_000, 'Maximum number of strikes.'),
    after: Duration('Delay after the rule was added, such as `30s`.'),
    during: Duration('Duration from then on.'),
    per: Type.Optional(
      Type.Enum(['rule', 'session'], {
        description:
          'Whether `skip`, `every`, `burst` and `times` count all together (`rule`, the default), or each `session` by itself.',
      }),
    ),
  },
  closed,
);

const FaultActionSchema = Type.Object(
  {
    do: Type.Enum(ACTION_NAMES, {
      noun: 'action',
      description: 'docs/reference/faults.md describes each action and where it applies.',
    }),
    ms: Whole(0, MAX_MS, 'Milliseconds.'),
    jitter: Whole(0, MAX_MS, 'Maximum random addition in milliseconds.'),
    by: Whole(1, 1000, 'Number of items that overtake it.'),
    copies: Whole(1, 100, 'Number of additional copies.'),
    bit: Whole(0, 524_287, 'Which bit, counted from the first bit of the first byte; wraps around at the end.'),
    kbps: Type.Optional(Type.Number({ minimum: 0.001, maximum: 100_000_000, description: 'Kilobits per second.' })),
    queue: Whole(0, MAX_MS, 'Maximum queueing time in milliseconds.'),
    bytes: Whole(0, MAX_LIMIT, 'Bytes.'),
    reason: Type.Optional(Type.String({ minLength: 1, maxLength: 512, description: 'A sentence for the journal.' })),
    status: Whole(200, 599, 'HTTP status.'),
    retryAfter: Whole(0, 31_536_000, 'Seconds.'),
    body: Type.Optional(Type.String({ format: 'text', maxLength: 50_000, description: 'Text to send.' })),
    max: Whole(1, 1_000_000, 'Maximum number of held items.'),
    ...TCP_MEMBERS,
    icmp: Type.Optional(Type.Boolean({ description: 'Whether the sender gets an ICMP error.' })),
    points: Whole(1, 1_000_000, 'Points toward a ban.'),
    addresses: OneOrMore('IP addresses.'),
    code: Whole(1, 9_999_999, 'AADSTS number.'),
    as: Type.Optional(Type.Enum([...GARBAGE], { noun: 'kind of garbage', description: 'Kind of garbage.' })),
    ...TLS_MEMBERS,
  },
  closed,
);

export const FaultRuleSchema = Type.Object(
  {
    name: Type.Optional(
      Type.String({
        format: 'fault-name',
        minLength: 1,
        maxLength: 64,
        description: 'For events, REST and removal. Default: composed of seam and action.',
      }),
    ),
    on: FaultSelectorSchema,
    when: Type.Optional(FaultOccurrenceSchema),
    then: FaultActionSchema,
  },
  closed,
);

/** A fault rule: what it selects (`on`), which of these it strikes (`when`), and what it does to them (`then`). */
export type FaultRule = Static<typeof FaultRuleSchema>;
export type FaultSelector = Static<typeof FaultSelectorSchema>;
export type FaultOccurrence = Static<typeof FaultOccurrenceSchema>;
export type FaultAction = Static<typeof FaultActionSchema>;
