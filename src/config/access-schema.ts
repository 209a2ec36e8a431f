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
      Type.String({ minLength: 1, maxLength: 100, description: 'Name in explanations and the journal.' }),
    ),
    action: Type.Enum(['allow', 'deny'], { noun: 'action' }),
    match: Type.Array(Type.String({ format: 'match' }), {
      default: [],
      maxItems: 1000,
      description:
        'Requested destinations: addresses, CIDR ranges, host names, *.example.com for all subdomains; empty = any.',
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
          'States of which the device must have one. The device is that of the token’s deviceid claim or, if it has none, of the user in the built-in Entra ID’s directory. unknown = no device; empty = any.',
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
      'If there are rules: the decision for requests that match none of them. DNS remains allowed.',
    ),
    rules: Type.Array(AccessRuleSchema, {
      default: [],
      maxItems: MAX_ACCESS_RULES,
      description:
        'Who may reach which of the reachable resources. The first rule that matches both request and requester decides. Without rules, everyone has access.',
    }),
  },
  'Who may reach what.',
);
