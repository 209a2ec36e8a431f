import { DEFAULTS } from '../lib/defaults.ts';
import { RECORD_TYPES, type RecordType } from '../lib/dns-data.ts';
import { Type } from '../lib/schema/index.ts';
import { AccessSchema } from './access-schema.ts';
import { DnsSchema } from './dns-schema.ts';
import { mockHosts } from './mock-network.ts';
import { PacSchema, ProxySchema } from './proxy-schema.ts';
import { Choice, closed, Int, Nullable, Section } from './schema-members.ts';
import { DATAGRAM_SERVICES, STREAM_SERVICES } from './service-names.ts';
import { StubSchema } from './stub-schema.ts';

/* The part of the schema for resources behind the gateway: mock hosts, and upstreams that the tunnel may reach. */

const PORT = '^([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$';

/** Maps ports to services; a key that is not a port is invalid. */
const ServicesByPort = <const T extends string>(services: readonly T[], description: string) =>
  Type.Record(Type.String({ pattern: PORT }), Type.Enum<T[]>([...services], { noun: 'service' }), {
    ...closed,
    noun: 'port from 1 to 65535',
    default: {},
    description,
  });

export const HostSchema = Type.Object(
  {
    names: Type.Array(Type.String({ format: 'domain' }), { minItems: 1, maxItems: 100, description: 'Full names.' }),
    addresses: Type.Array(Type.String({ format: 'network-ip' }), {
      minItems: 1,
      maxItems: 16,
      description: 'IP addresses.',
    }),
    tcp: ServicesByPort(STREAM_SERVICES, 'Service by TCP port.'),
    udp: ServicesByPort(DATAGRAM_SERVICES, 'Service by UDP port.'),
    closedPorts: Choice(
      ['refuse', 'drop'],
      'refuse',
      'What happens at ports without a service: refuse, as a host does; drop: nothing, not even a ping is answered, as behind a firewall.',
    ),
  },
  closed,
);

const RecordSchema = Type.Object(
  {
    name: Type.String({
      format: 'host',
      maxLength: 253,
      description: 'The full name that is asked for; for PTR the address, or its name in in-addr.arpa or ip6.arpa.',
    }),
    type: Type.Enum<RecordType[]>([...RECORD_TYPES], { noun: 'type of records' }),
    data: Type.String({
      minLength: 1,
      maxLength: 4000,
      description: 'As in a zone file: an address, a name, “10 mail.contoso.internal”. A text goes without quotes.',
    }),
    ttl: Int(60, 0, 604_800, 'How long the answer may be kept, in seconds.'),
  },
  closed,
);

export const ServicesSchema = Section(
  {
    hosts: Type.Array(HostSchema, {
      maxItems: 10_000,
      description: `Hosts of the mock network. Services: ${STREAM_SERVICES.join(', ')}; over UDP: ${DATAGRAM_SERVICES.join(', ')}.`,
      default: mockHosts(),
    }),
    records: Type.Array(RecordSchema, {
      maxItems: 10_000,
      default: [],
      description: 'DNS records beyond the addresses of hosts: A, AAAA, CNAME, MX, PTR, SRV, TXT.',
    }),
    stubs: Type.Array(StubSchema, {
      maxItems: 10_000,
      default: [],
      description: 'Answers of your own, which the host stubs.contoso.internal gives. The first that fits answers.',
    }),
    proxy: ProxySchema,
    pac: PacSchema,
  },
  'The mock on-premises network.',
);

export const UpstreamSchema = Type.Object(
  {
    match: Type.String({
      format: 'match',
      description: 'What clients ask for: an address, a CIDR range, or a host name (*.example.com for all below it).',
    }),
    ports: Type.Array(Type.Integer({ minimum: 1, maximum: 65_535 }), {
      default: [],
      maxItems: 1000,
      description: 'Ports; empty = all.',
    }),
    to: Type.Union(
      [
        Type.Object(
          {
            host: Type.String({
              format: 'target',
              description: 'Where the connection really goes: an address, or a name that this machine can resolve.',
            }),
            port: Nullable(Type.Integer({ minimum: 1, maximum: 65_535 }), null, 'null = the requested port.'),
          },
          closed,
        ),
        Type.Null(),
      ],
      {
        default: null,
        description:
          'Goes to another place than the one requested; null = the one requested, by its name if the rule is by name.',
      },
    ),
    local: Type.Optional(
      Type.Boolean({
        description:
          'true: the name that the connection goes to may resolve to this machine (loopback) or to a link-local address. Otherwise such addresses are refused, unless the rule has them in so many words, or localhost.',
      }),
    ),
  },
  closed,
);

export const ResourcesSchema = Section(
  {
    upstreams: Type.Array(UpstreamSchema, {
      default: [],
      maxItems: 1000,
      description: 'What the tunnel may reach beyond the mock network, over real sockets. The first match decides.',
    }),
    names: Section(
      {
        network: Nullable(
          Type.String({ format: 'cidr4' }),
          '10.20.240.0/20',
          'IPv4 network whose addresses stand for the host names of upstreams inside the tunnel, the first for the first name. Clients have to send it through the tunnel. null = none.',
        ),
        ipv6Network: Nullable(
          Type.String({ format: 'cidr6' }),
          'fd10:20::a:0/112',
          'The same for IPv6, if clients have it.',
        ),
      },
      'Addresses for the host names of upstreams.',
    ),
    dns: DnsSchema,
    access: AccessSchema,
    requests: Section(
      {
        capacity: Int(
          1000,
          0,
          100_000,
          'HTTP requests to the mock sites, and plain ones to upstreams, that are kept; 0 = none.',
        ),
        bodyBytes: Int(0, 0, 1_048_576, 'Bytes of each of their bodies that are kept; 0 = none.'),
      },
      'HTTP requests that are kept, to be seen as a HAR.',
    ),
    denyWith: Choice(
      ['prohibited', 'reset', 'host-unreachable', 'drop'],
      DEFAULTS.resources.denyWith,
      'How a request that nothing allows is answered: ICMP prohibited, TCP reset, ICMP host unreachable, or not at all.',
    ),
  },
  'What clients may reach through the tunnel.',
);
