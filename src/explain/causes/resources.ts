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
    why: 'Only mock hosts and the upstreams of the configuration can be reached through the tunnel.',
    next: [
      '`tunnelite resources` shows what there is.',
      '`tunnelite expose NAME:PORT=HOST:PORT` lets clients reach a server of yours.',
    ],
    docs: ['docs/how-to/reach-your-servers.md', 'docs/reference/resources.md'],
  }),
  denied('access', (rule) => rule === 'access' || rule.startsWith('access '), {
    title: 'The rules of access deny it to this user',
    why: 'The resource is there, and not for this user, group, app or device.',
    next: ['Compare resources.access with the user’s groups and the device.', 'Sign in as somebody who may.'],
    docs: ['docs/reference/access.md'],
  }),
  denied('closed-port', is('closed-port'), {
    title: 'The host has nothing at this port',
    why: 'The mock host is there, and offers no service at this port.',
    next: ['`tunnelite resources` shows the ports of each host.'],
    docs: ['docs/reference/resources.md'],
  }),
  denied('removed-upstream', is('removed-upstream'), {
    title: 'The upstream was removed',
    why: 'Somebody took its rule out while the simulator ran; a reset does so with those that were added.',
    next: ['Add it again: `tunnelite expose`.'],
    docs: ['docs/how-to/reach-your-servers.md'],
  }),
  denied('special-address', is('special-address'), {
    title: 'The address is special, and the rule too wide to mean it',
    why: 'Loopback, link-local and metadata addresses are reached by rules only that name them.',
    next: ['Add a rule with exactly this address, if it is to be reached.'],
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
    why: 'It is made on purpose, whatever the policy says.',
    next: ['`tunnelite fault` lists the rules.'],
    docs: ['docs/reference/faults.md'],
  }),
  ...(
    [
      [
        'refused',
        'Nothing listens at the upstream',
        'The server that the rule leads to refused the connection.',
        'Start the server, and check host and port of the rule: `tunnelite resources`.',
      ],
      [
        'timeout',
        'The upstream does not answer',
        'The server that the rule leads to did not answer in time: it is off, or a firewall drops what we send.',
        'Try from this machine: `curl`, `nc`. What it cannot reach, the tunnel cannot either.',
      ],
      [
        'unreachable',
        'The upstream cannot be reached',
        'Its name is not known here, or no route leads to it.',
        'Look its name up on this machine.',
      ],
      [
        'denied',
        'The upstream may not be dialed',
        'It is an address of this program itself, or one that is not meant.',
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
      what: ({ host, explanation }) => `${host} was allowed, and leads nowhere: ${explanation}.`,
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
    title: 'A connection to a resource was cut off',
    on: 'resource.end',
    when: ({ outcome }) => outcome === 'broken',
    what: ({ host, destination, reason, bytesOut }) =>
      `The connection to ${host ?? destination} was cut off after ${bytesOut} bytes to the client: ${String(reason).replace(/\.$/, '')}.`,
    why: 'One end reset it, or it was ended with its rule or its session.',
    next: ['See what the server says of it; a client that leaves early looks the same.'],
    docs: ['docs/reference/resources.md'],
    seams: ['decision', 'packet', 'tcp', 'udp'],
  }),
  cause({
    id: 'resource-proxy',
    area: 'resource',
    weight: 'trouble',
    title: 'A proxy of the mock network did not pass a request on',
    on: 'proxy.request',
    when: ({ explanation }) => explanation !== '',
    what: ({ service, method, host, path, status, explanation }) =>
      `${service} answered ${method} ${host}${path} with ${status}: ${explanation}`,
    why: 'The proxy wants a login, its rules forbid the request, or what is behind it failed.',
    next: ['Give the client the proxy’s credentials, or change its rules (services.proxy).'],
    docs: ['docs/reference/resources.md'],
  }),
];
