import { type Static, type TSchema, Type } from '../lib/schema/index.ts';
import { TUNNEL_AUDIENCE, TUNNEL_SCOPE } from './constants.ts';

/*
 * The one schema of the configuration: files, environment variables, flags, documentation and types come from it.
 * Every member has a default, so that an empty file is a whole configuration; objects refuse members they do not know.
 * `format` names are those of lib/schema/formats.ts.
 */

const closed = { additionalProperties: false } as const;

const Section = <T extends Record<string, TSchema>>(members: T, description: string) =>
  Type.Object(members, { ...closed, default: {}, description });
const Text = (fallback: string, description: string, format?: string) =>
  Type.String({ default: fallback, description, maxLength: 1024, ...(format ? { format } : {}) });
const Flag = (fallback: boolean, description: string) => Type.Boolean({ default: fallback, description });
const Int = (fallback: number, minimum: number, maximum: number, description: string) =>
  Type.Integer({ default: fallback, minimum, maximum, description });
const Port = (fallback: number, description: string) => Int(fallback, 0, 65_535, description);
const Seconds = (fallback: number, description: string, minimum = 1) =>
  Int(fallback, minimum, 31_536_000, `${description} In seconds.`);
const List = (fallback: string[], description: string, format: string) =>
  Type.Array(Type.String({ format, maxLength: 1024 }), { default: fallback, description, maxItems: 1000 });
const Choice = <const T extends readonly string[]>(values: T, fallback: T[number], description: string) =>
  Type.Unsafe<T[number]>(
    Type.Union(
      values.map((value) => Type.Literal(value)),
      { default: fallback, description },
    ),
  );
/** `null` means none. */
const Nullable = <T extends TSchema>(schema: T, fallback: Static<T> | null, description: string) =>
  Type.Union([schema, Type.Null()], { default: fallback, description });

const NullableSeconds = (fallback: number | null, description: string) =>
  Nullable(Type.Integer({ minimum: 1, maximum: 31_536_000 }), fallback, `${description} In seconds; null = never.`);

const TLS_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

const GatewaySchema = Section(
  {
    host: Text('127.0.0.1', 'Address to listen on. Anything but loopback lets other machines in.', 'ip'),
    port: Port(8443, 'TCP and UDP port, the same for both; 0 = any free one.'),
    names: List(
      [],
      'Further host names and addresses that clients reach the gateway by; they enter its certificate.',
      'host',
    ),
    network: Nullable(
      Type.String({ format: 'cidr4' }),
      '169.254.0.0/16',
      'IPv4 pool for clients; null = no IPv4. The first address is the gateway’s.',
    ),
    ipv6Network: Nullable(Type.String({ format: 'cidr6' }), null, 'IPv6 pool for clients; null = no IPv6.'),
    dnsServers: List(['10.20.0.53'], 'Resolvers pushed to clients; the tunnel answers DNS at these addresses.', 'ip'),
    defaultDomain: Nullable(
      Type.String({ format: 'domain' }),
      'contoso.internal',
      'Domain that clients append to short names; null = none.',
    ),
    splitDns: List(['contoso.internal'], 'Domains that clients resolve through the tunnel only.', 'domain'),
    routesInclude: List(
      ['10.20.0.0/16'],
      'Networks that go through the tunnel; empty = everything. Includes and excludes together: 500 at most.',
      'route',
    ),
    routesExclude: List([], 'Networks that stay outside the tunnel.', 'route'),
    disableUdp: Flag(false, 'true: no DTLS, data goes over TCP only.'),
    mtu: Int(1500, 576, 65_535, 'MTU of the link, in bytes; the MTU of the tunnel follows from it.'),
    dpd: Seconds(90, 'Interval of dead-peer detection.'),
    mobileDpd: Seconds(1800, 'The same for mobile clients.'),
    keepalive: Seconds(32_400, 'Interval of keepalive packets.'),
    idleTimeout: NullableSeconds(null, 'Disconnect after this time without data.'),
    mobileIdleTimeout: NullableSeconds(null, 'The same for mobile clients.'),
    sessionTimeout: NullableSeconds(3600, 'Disconnect after this time whatever happens, as the real gateway does.'),
    rekeyTime: NullableSeconds(172_800, 'Interval at which clients make a new tunnel.'),
    cookieTimeout: Seconds(300, 'How long a session may be resumed after its connection broke.'),
    authTimeout: Seconds(240, 'How long a connection may take to authenticate.'),
    banner: Nullable(Type.String({ maxLength: 1024 }), null, 'A message that clients show when they connect.'),
    denyRoaming: Flag(false, 'true: a session cannot be resumed from another address.'),
    maxSessions: Int(64_000, 1, 1_000_000, 'Sessions at a time.'),
    maxSessionsPerUser: Nullable(
      Type.Integer({ minimum: 1, maximum: 1_000_000 }),
      null,
      'Sessions of one user at a time; null = no limit.',
    ),
    serverName: Text('ocserv', 'What the header X-CSTP-Server-Name says.'),
    bearerPrefix: Choice(
      ['lenient', 'strict'],
      'lenient',
      'How the Authorization header is read. lenient, as the real server: after “bearer” one character of any kind, then the token; strict: exactly one space, and everything else gets the challenge.',
    ),
    bans: Section(
      {
        maxScore: Int(
          0,
          0,
          1_000_000,
          'Points at which a client address is shut out; 0 = never, since tests fail on purpose. Each failed login counts 10 and each connection 1, health probes included. The real server’s default is 30.',
        ),
        banTime: Seconds(300, 'How long an address stays shut out; further tries do not lengthen it.'),
        resetTime: Seconds(300, 'Time after which points are forgotten.'),
      },
      'When an address that keeps failing to log in is shut out.',
    ),
    tls: Section(
      {
        minVersion: Choice(TLS_VERSIONS, 'TLSv1.2', 'Lowest TLS version.'),
        maxVersion: Choice(TLS_VERSIONS, 'TLSv1.3', 'Highest TLS version.'),
        certFile: Nullable(
          Type.String({ minLength: 1 }),
          null,
          'Your own certificate chain (PEM) instead of a generated one. Needs keyFile.',
        ),
        keyFile: Nullable(Type.String({ minLength: 1 }), null, 'Private key (PEM) of certFile.'),
        keylogFile: Nullable(
          Type.String({ minLength: 1 }),
          null,
          'Write TLS and DTLS secrets here, for Wireshark. Anyone who has the file can read the traffic.',
        ),
      },
      'TLS of the gateway.',
    ),
  },
  'The VPN gateway: where it listens and what it tells clients.',
);

const LifetimesSchema = Section(
  {
    accessToken: Type.Union(
      [
        Type.Integer({ minimum: 1, maximum: 31_536_000 }),
        Type.Object(
          {
            min: Type.Integer({ minimum: 1, maximum: 31_536_000, description: 'Shortest, in seconds.' }),
            max: Type.Integer({ minimum: 1, maximum: 31_536_000, description: 'Longest, in seconds.' }),
          },
          closed,
        ),
      ],
      {
        default: { min: 3600, max: 5400 },
        description: 'Access tokens: a number, or a range { min, max } to draw from, as Entra does. In seconds.',
      },
    ),
    idToken: Seconds(3600, 'Id tokens.'),
    code: Seconds(600, 'Authorization codes.'),
    deviceCode: Seconds(900, 'Device codes.'),
    refreshToken: Seconds(7_776_000, 'Refresh tokens, each from its own issue: each use gives a new one.'),
    spaRefreshToken: Seconds(86_400, 'Refresh tokens of single page apps, from the sign-in.'),
    session: Seconds(86_400, 'Sign-in of a browser that does not stay signed in.'),
    persistentSession: Seconds(7_776_000, 'Sign-in of a browser that stays signed in.'),
    signIn: Seconds(3600, 'How long the sign-in page may be looked at.'),
  },
  'How long what the built-in Entra ID hands out is good for.',
);

const BehaviourSchema = Section(
  {
    replay: Choice(
      ['allow', 'revoke'],
      'allow',
      'A refresh token used twice. allow, as Entra: it stays valid; revoke: a code or refresh token used twice ends all tokens of that sign-in.',
    ),
    loopLimit: Int(
      0,
      0,
      1_000_000,
      'Identical token requests within five minutes, after which the next ones fail with AADSTS50196; 0 = no limit.',
    ),
    slowDown: Flag(false, 'true: polling for a device code faster than half the interval gets slow_down.'),
    showAccounts: Flag(true, 'The sign-in page offers the tenant’s first users as buttons.'),
  },
  'What the built-in Entra ID does where Entra leaves a choice.',
);

const StrictSchema = Section(
  {
    scope: Nullable(
      Type.String({ minLength: 1, maxLength: 1024 }),
      TUNNEL_SCOPE,
      'Permission that has to be in `scp`; null = none.',
    ),
    guests: Choice(['refuse', 'accept'], 'refuse', 'What happens to guests of the tenant.'),
    clients: Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
      default: [],
      maxItems: 1000,
      description: 'Client ids (`azp`, `appid`) of the apps whose tokens are accepted; empty = any.',
    }),
    tenants: List([], 'Ids of the tenants whose users are accepted; empty = the tenant of the authority.', 'guid'),
    lastKnownGood: Seconds(
      86_400,
      'How long keys that have grown old serve on while the authority cannot be reached.',
      0,
    ),
  },
  'What the policy strict asks of tokens; the policy gateway looks at none of this.',
);

const IdentitySchema = Section(
  {
    host: Text('127.0.0.1', 'Address of the built-in Entra ID.', 'ip'),
    port: Port(8444, 'HTTPS port of the built-in Entra ID; 0 = any free one.'),
    names: List([], 'Further host names and addresses that the built-in Entra ID is reached by.', 'host'),
    publicOrigin: Nullable(
      Type.String({ format: 'authority-url' }),
      null,
      'Where clients reach the built-in Entra ID, such as https://192.0.2.10:8444; null = https://localhost and the port. Has to be reachable from this machine too.',
    ),
    authority: Nullable(
      Type.String({ format: 'authority-url', maxLength: 2048 }),
      null,
      'Who issues tokens instead of the built-in Entra ID: a real tenant (https://login.microsoftonline.com/<tenant id>), or the metadata of any OpenID issuer (https://…/.well-known/openid-configuration). null = built-in.',
    ),
    policy: Choice(
      ['gateway', 'strict'],
      'gateway',
      'How tokens are checked: as the real gateway does, or as Microsoft’s guidance for APIs says.',
    ),
    audience: Text(TUNNEL_AUDIENCE, 'The `aud` that tokens must carry.'),
    userNameClaim: Nullable(
      Type.String({ minLength: 1, maxLength: 256 }),
      null,
      'Claim that becomes the user name; null = as the policy has it.',
    ),
    requiredClaims: Type.Record(Type.String(), Type.Unknown(), {
      default: {},
      description:
        'Claims that tokens must carry with exactly these values, beside the right audience, tenant and issuer; null switches one of these off.',
    }),
    clockSkew: Nullable(
      Type.Integer({ minimum: 0, maximum: 3600 }),
      null,
      'Tolerance for the times in tokens. In seconds; null = as the policy has it: gateway 0, strict 300.',
    ),
    keyRefreshInterval: Nullable(
      Type.Integer({ minimum: 0, maximum: 86_400 }),
      null,
      'Shortest time between two downloads of the signing keys. In seconds; null = as the policy has it: gateway 900, strict 300.',
    ),
    directory: Type.Union([Type.String({ minLength: 1 }), Type.Record(Type.String(), Type.Unknown()), Type.Null()], {
      default: null,
      description:
        'Tenants, users, devices and app registrations of the built-in Entra ID, or a file that holds them; null = one tenant with two users.',
    }),
    strict: StrictSchema,
    lifetimes: LifetimesSchema,
    behaviour: BehaviourSchema,
  },
  'Who issues tokens, and how they are checked.',
);

const HostSchema = Type.Object(
  {
    names: Type.Array(Type.String({ format: 'domain' }), { minItems: 1, maxItems: 100, description: 'Full names.' }),
    addresses: Type.Array(Type.String({ format: 'ip' }), { minItems: 1, maxItems: 16, description: 'IP addresses.' }),
    tcp: Type.Record(Type.String({ pattern: '^[0-9]{1,5}$' }), Type.String({ minLength: 1, maxLength: 64 }), {
      default: {},
      description: 'Service by TCP port.',
    }),
    udp: Type.Record(Type.String({ pattern: '^[0-9]{1,5}$' }), Type.String({ minLength: 1, maxLength: 64 }), {
      default: {},
      description: 'Service by UDP port.',
    }),
  },
  closed,
);

const ServicesSchema = Section(
  {
    hosts: Type.Array(HostSchema, {
      maxItems: 10_000,
      description: 'Hosts of the mock network. Services: intranet-http, intranet-https, echo, discard, generator, dns.',
      default: [
        {
          names: ['intranet.contoso.internal'],
          addresses: ['10.20.0.10', 'fd10:20::10'],
          tcp: { '80': 'intranet-http', '443': 'intranet-https' },
          udp: {},
        },
        {
          names: ['tools.contoso.internal'],
          addresses: ['10.20.0.20', 'fd10:20::20'],
          tcp: { '7': 'echo', '9': 'discard', '19': 'generator' },
          udp: { '7': 'echo' },
        },
        {
          names: ['dns.contoso.internal'],
          addresses: ['10.20.0.53', 'fd10:20::53'],
          tcp: { '53': 'dns' },
          udp: { '53': 'dns' },
        },
      ],
    }),
  },
  'The mock on-premises network.',
);

const UpstreamSchema = Type.Object(
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
            host: Type.String({ format: 'host', description: 'Where the connection really goes.' }),
            port: Nullable(Type.Integer({ minimum: 1, maximum: 65_535 }), null, 'null = the port asked for.'),
          },
          closed,
        ),
        Type.Null(),
      ],
      { default: null, description: 'Another place than the one asked for; null = the one asked for.' },
    ),
  },
  closed,
);

const ResourcesSchema = Section(
  {
    upstreams: Type.Array(UpstreamSchema, {
      default: [],
      maxItems: 1000,
      description: 'What the tunnel may reach beyond the mock network, over real sockets. The first match decides.',
    }),
    denyWith: Choice(
      ['prohibited', 'reset', 'host-unreachable', 'drop'],
      'prohibited',
      'How a request that nothing allows is answered: ICMP prohibited, TCP reset, ICMP host unreachable, not at all.',
    ),
  },
  'What clients may reach through the tunnel.',
);

const LEVELS = ['silent', 'error', 'warn', 'info', 'debug', 'trace'] as const;

/** The schema of a configuration file. */
export const ConfigSchema = Type.Object(
  {
    $schema: Type.Optional(Type.String({ description: 'For editors; ignored.' })),
    serverConfiguration: Type.Union(
      [Type.String({ minLength: 1 }), Type.Record(Type.String(), Type.Unknown()), Type.Null()],
      {
        default: null,
        description:
          'A Graph microsoftTunnelConfiguration object or an admin-settings.json, or a file that holds one. Keys under gateway override it.',
      },
    ),
    gateway: GatewaySchema,
    identity: IdentitySchema,
    services: ServicesSchema,
    resources: ResourcesSchema,
    admin: Section(
      {
        host: Text('127.0.0.1', 'Address of the health and administration listener.', 'ip'),
        port: Port(8445, 'HTTP port of the health and administration listener; 0 = any free one.'),
      },
      'Health probes and administration.',
    ),
    certs: Section(
      {
        directory: Nullable(
          Type.String({ minLength: 1 }),
          'certs',
          'Where the CA, certificates and signing keys are kept; null = in memory, new at each start.',
        ),
        domains: List(
          [],
          'Further domains that the CA may certify; needed for mock hosts outside them only.',
          'domain',
        ),
      },
      'Certificates.',
    ),
    log: Section(
      {
        level: Choice(LEVELS, 'info', 'Least severe level that is logged.'),
        format: Choice(['auto', 'pretty', 'json'], 'auto', 'auto: pretty on a terminal, JSON lines elsewhere.'),
      },
      'The log, on standard error.',
    ),
    journal: Section(
      {
        capacity: Int(10_000, 100, 10_000_000, 'Events kept in memory.'),
        level: Choice(['error', 'warn', 'info', 'debug', 'trace'], 'debug', 'Least severe level that is kept.'),
      },
      'The journal of events, in memory.',
    ),
    faults: Section(
      { seed: Int(1, 0, 4_294_967_295, 'Seed of the random faults: the same seed gives the same faults.') },
      'Faults injected on purpose.',
    ),
    acceleration: Flag(true, 'Use native code for UDP and cryptography where it is available.'),
  },
  { ...closed, title: 'Tunnelite configuration' },
);

/** A whole configuration, every member set. */
export type Config = Static<typeof ConfigSchema>;

/** A mock host as the configuration has it. */
export type HostConfig = Static<typeof HostSchema>;

/** An upstream rule as the configuration has it. */
export type UpstreamConfig = Static<typeof UpstreamSchema>;

type DeepPartial<T> = T extends readonly (infer U)[]
  ? readonly DeepPartial<U>[]
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T;

/** What a person writes: anything may be left out. */
export type ConfigInput = DeepPartial<Config>;
