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
      'Behavior of ports without a service. refuse: like a host; drop: no answer, not even to pings, like a firewall.',
    ),
  },
  closed,
);

const RecordSchema = Type.Object(
  {
    name: Type.String({
      format: 'host',
      maxLength: 253,
      description: 'The full name of the record; for PTR the address, or its name in in-addr.arpa or ip6.arpa.',
    }),
    type: Type.Enum<RecordType[]>([...RECORD_TYPES], { noun: 'record type' }),
    data: Type.String({
      minLength: 1,
      maxLength: 4000,
      description: 'As in a zone file: an address, a name, “10 mail.contoso.internal”. A TXT string has no quotes.',
    }),
    ttl: Int(60, 0, 604_800, 'How long the answer may be cached, in seconds.'),
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
      description: 'Your own answers, which the host stubs.contoso.internal returns. The first match answers.',
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
      description:
        'Requested destination: an address, a CIDR range, or a host name (*.example.com for all subdomains).',
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
              description: 'Actual destination: an address, or a name that this machine can resolve.',
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
          'A destination other than the requested one; null = the requested one, by its name if the rule has a name.',
      },
    ),
    local: Type.Optional(
      Type.Boolean({
        description:
          'true: the name of the destination may resolve to a loopback or link-local address. Otherwise such addresses are refused, unless the rule names them explicitly, or localhost.',
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
          'IPv4 network with the addresses of upstream host names inside the tunnel, assigned in order. Clients must route it through the tunnel. null = none.',
        ),
        ipv6Network: Nullable(
          Type.String({ format: 'cidr6' }),
          'fd10:20::a:0/112',
          'The same for IPv6, if clients use it.',
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
          'Number of HTTP requests to keep: to the mock sites, and plain ones to upstreams; 0 = none.',
        ),
        bodyBytes: Int(0, 0, 1_048_576, 'Bytes to keep of each of their bodies; 0 = none.'),
      },
      'HTTP requests to keep, for export as HAR.',
    ),
    denyWith: Choice(
      ['prohibited', 'reset', 'host-unreachable', 'drop'],
      DEFAULTS.resources.denyWith,
      'Answer to a request that no rule allows: ICMP prohibited, TCP reset, ICMP host unreachable, or none.',
    ),
  },
  'What clients may reach through the tunnel.',
);
