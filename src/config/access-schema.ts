import { Type } from '../lib/schema/index.ts';
import { Choice, closed, Section } from './schema-members.ts';

/* The part of the schema about who may reach what. */

/** Maximum number of rules. */
export const MAX_ACCESS_RULES = 1000;

const Names = (description: string) =>
  Type.Array(Type.String({ minLength: 1, maxLength: 256 }), {
    default: [],
    maxItems: 1000,
    description: `${description}; empty = any.`,
  });

export const AccessRuleSchema = Type.Object(
  {
    name: Type.Optional(
      Type.String({ minLength: 1, maxLength: 100, description: 'What explanations and the journal call it.' }),
    ),
    action: Type.Enum(['allow', 'deny'], { noun: 'action' }),
    match: Type.Array(Type.String({ format: 'match' }), {
      default: [],
      maxItems: 1000,
      description:
        'What is asked for: addresses, CIDR ranges, host names, *.example.com for all names below; empty = anything.',
    }),
    ports: Type.Array(Type.Integer({ minimum: 1, maximum: 65_535 }), {
      default: [],
      maxItems: 1000,
      description: 'Ports; empty = all.',
    }),
    protocols: Type.Array(Type.Enum(['tcp', 'udp', 'icmp'], { noun: 'protocol' }), {
      default: [],
      maxItems: 3,
      description: 'Protocols; icmp = pings; empty = all.',
    }),
    users: Names('Sign-in names, object ids or user names of the gateway'),
    groups: Names('Ids of groups: from the token’s groups claim or, if it has none, the built-in Entra ID’s directory'),
    apps: Names('Client ids of apps: the token’s azp or appid'),
    devices: Type.Array(
      Type.Enum(['compliant', 'noncompliant', 'managed', 'unmanaged', 'unknown'], { noun: 'state of a device' }),
      {
        default: [],
        maxItems: 5,
        description:
          'What one of has to hold for the device: the one of the token’s deviceid claim or, if it has none, of the user in the built-in Entra ID’s directory. unknown = there is none; empty = any.',
      },
    ),
  },
  closed,
);

export const AccessSchema = Section(
  {
    otherwise: Choice(
      ['deny', 'allow'],
      'deny',
      'What happens, when there are rules, to requests that none of them decides. DNS stays allowed.',
    ),
    rules: Type.Array(AccessRuleSchema, {
      default: [],
      maxItems: MAX_ACCESS_RULES,
      description:
        'Who may reach which of the reachable resources. The first rule that matches both request and requester decides. Without rules everyone may.',
    }),
  },
  'Who may reach what.',
);
