import { type Cause, cause } from '../visit/cause.ts';
import type { Fields } from '../visit/visit.ts';

type Request = Fields<'resource.request'>;

const target = ({ host, destination, protocol }: Request): string =>
  `${host && host !== destination ? `${host} (${destination})` : destination} by ${protocol}`;

function denied(
  id: string,
  of: (rule: string) => boolean,
  words: {
    readonly title: string;
    readonly why: string;
    readonly next: readonly string[];
    readonly docs: readonly string[];
  },
): Cause {
  return cause({
    id: `resource-${id}`,
    area: 'resource',
    weight: 'trouble',
    on: 'resource.request',
    when: ({ decision, rule }) => decision === 'deny' && of(rule),
    what: (fields) => `${target(fields)} was denied by the rule ${fields.rule}. ${fields.explanation}`,
    seams: ['decision'],
    ...words,
  });
}

const is =
  (name: string) =>
  (rule: string): boolean =>
    rule === name;

export const RESOURCE_CAUSES: readonly Cause[] = [
  denied('default-deny', is('default-deny'), {
    title: 'Nothing allows this destination',
    why: 'Only mock hosts and configured upstreams can be reached through the tunnel.',
    next: [
      '`tunnelite resources` lists them.',
      '`tunnelite expose NAME:PORT=HOST:PORT` lets clients reach your server.',
    ],
    docs: ['docs/how-to/reach-your-servers.md', 'docs/reference/resources.md'],
  }),
  denied('access', (rule) => rule === 'access' || rule.startsWith('access '), {
    title: 'The access rules deny it to this user',
    why: 'The resource exists, but not for this user, group, app or device.',
    next: ['Compare resources.access with the user’s groups and the device.', 'Sign in as a user who has access.'],
    docs: ['docs/reference/access.md'],
  }),
  denied('closed-port', is('closed-port'), {
    title: 'The host has nothing at this port',
    why: 'The mock host exists, but offers no service at this port.',
    next: ['`tunnelite resources` shows the ports of each host.'],
    docs: ['docs/reference/resources.md'],
  }),
  denied('removed-upstream', is('removed-upstream'), {
    title: 'The upstream was removed',
    why: 'Its rule was removed at run time; a reset removes rules that were added at run time.',
    next: ['Add it again: `tunnelite expose`.'],
    docs: ['docs/how-to/reach-your-servers.md'],
  }),
  denied('special-address', is('special-address'), {
    title: 'The address is special, and the rule is too general for it',
    why: 'Only rules that name them can reach loopback, link-local and metadata addresses.',
    next: ['To reach it, add a rule with exactly this address.'],
    docs: ['docs/how-to/reach-your-servers.md'],
  }),
  denied('no-ping', is('no-ping'), {
    title: 'Nothing answers pings there',
    why: 'Mock hosts answer pings; upstreams and other addresses do not.',
    next: ['Try a TCP connection instead.'],
    docs: ['docs/reference/resources.md'],
  }),
  denied('fault', is('fault'), {
    title: 'A fault rule denied it',
    why: 'It is denied on purpose, regardless of the policy.',
    next: ['`tunnelite fault` lists the rules.'],
    docs: ['docs/reference/faults.md'],
  }),
  ...(
    [
      [
        'refused',
        'Nothing listens at the upstream',
        'The rule’s target refused the connection.',
        'Start the server, and check host and port of the rule: `tunnelite resources`.',
      ],
      [
        'timeout',
        'The upstream does not answer',
        'The rule’s target did not answer in time: it is off, or a firewall drops the packets.',
        'Try from this machine with `curl` or `nc`. What this machine cannot reach, the tunnel cannot reach either.',
      ],
      [
        'unreachable',
        'The upstream cannot be reached',
        'Its name cannot be resolved here, or there is no route to it.',
        'Look up its name on this machine.',
      ],
      [
        'denied',
        'Connecting to the upstream is not allowed',
        'It is an address of Tunnelite itself, or a special address.',
        'Give the rule another target.',
      ],
    ] as const
  ).map(([reason, title, why, next]) =>
    cause({
      id: `resource-${reason}`,
      area: 'resource',
      weight: 'trouble',
      title,
      on: 'resource.unreachable',
      when: (fields) => fields.reason === reason,
      what: ({ host, explanation }) => `${host} was allowed, but cannot be reached: ${explanation}.`,
      why,
      next: [next],
      docs: ['docs/how-to/reach-your-servers.md'],
      seams: ['decision'],
    }),
  ),
  cause({
    id: 'resource-broken',
    area: 'resource',
    weight: 'trouble',
    title: 'A connection to a resource was aborted',
    on: 'resource.end',
    when: ({ outcome }) => outcome === 'broken',
    what: ({ host, destination, reason, bytesOut }) =>
      `The connection to ${host ?? destination} was aborted after ${bytesOut} bytes to the client: ${String(reason).replace(/\.$/, '')}.`,
    why: 'One end reset it, or it ended with its rule or its session.',
    next: ['Check the server’s log; a client that closes early looks the same.'],
    docs: ['docs/reference/resources.md'],
    seams: ['decision', 'packet', 'tcp', 'udp'],
  }),
  cause({
    id: 'resource-proxy',
    area: 'resource',
    weight: 'trouble',
    title: 'A proxy of the mock network did not forward a request',
    on: 'proxy.request',
    when: ({ explanation }) => explanation !== '',
    what: ({ service, method, host, path, status, explanation }) =>
      `${service} answered ${method} ${host}${path} with ${status}: ${explanation}`,
    why: 'The proxy requires a login, its rules forbid the request, or its upstream failed.',
    next: ['Give the client the proxy’s credentials, or change its rules (services.proxy).'],
    docs: ['docs/reference/resources.md'],
  }),
];
