import { DEFAULTS } from '../lib/defaults.ts';
import { type Static, Type } from '../lib/schema/index.ts';
import { CLOCK_MODES } from '../lib/simulator-clock.ts';
import { PROFILE_NAMES } from './fault-profiles.ts';
import { FaultRuleSchema } from './fault-schema.ts';
import { ResourcesSchema, ServicesSchema } from './network-schema.ts';
import {
  Choice,
  closed,
  Flag,
  Int,
  List,
  Nullable,
  NullableSeconds,
  Port,
  Seconds,
  Section,
  Text,
} from './schema-members.ts';

/*
 * The only schema of the configuration: files, environment variables, flags, documentation and types are derived from it.
 * Every member has a default, so that an empty file is a complete configuration; objects reject unknown members.
 * `format` names are those of lib/schema/formats.ts.
 */

const AnyObject = Type.Unsafe<object>(Type.Record(Type.String(), Type.Unknown()));

/** A default that depends on the policy, in words. */
const byPolicy = (values: { readonly gateway: number; readonly strict: number }): string =>
  `gateway ${values.gateway}, strict ${values.strict}`;

const TLS_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const;

const GatewaySchema = Section(
  {
    host: Text(DEFAULTS.host, 'Address to listen on. Any address except loopback lets other machines connect.', 'ip'),
    port: Port(8443, 'TCP and UDP port, the same for both; 0 = any free one.'),
    names: List([], 'Additional host names and addresses of the gateway; its certificate includes them.', 'host'),
    network: Nullable(
      Type.String({ format: 'cidr4' }),
      '169.254.0.0/16',
      'IPv4 pool for clients; null = no IPv4. The first address is the gateway’s.',
    ),
    ipv6Network: Nullable(Type.String({ format: 'cidr6' }), null, 'IPv6 pool for clients; null = no IPv6.'),
    dnsServers: List(
      ['10.20.0.53'],
      'Resolvers pushed to clients. The tunnel answers DNS at these addresses, whether or not a mock host has them.',
      'network-ip',
    ),
    defaultDomain: Nullable(
      Type.String({ format: 'domain' }),
      'contoso.internal',
      'Domain that clients append to short names; null = none.',
    ),
    splitDns: List(['contoso.internal'], 'Domains that clients resolve only through the tunnel.', 'domain'),
    routesInclude: List(
      ['10.20.0.0/16'],
      'Networks that go through the tunnel; empty = everything. Includes and excludes together: 500 at most.',
      'route',
    ),
    routesExclude: List([], 'Networks that stay outside the tunnel.', 'route'),
    disableUdp: Flag(false, 'true: no DTLS, data uses only TCP.'),
    announcedUdpPort: Nullable(
      Type.Integer({ minimum: 1, maximum: 65_535 }),
      null,
      'UDP port that the gateway announces to clients, if a port mapping (Docker, NAT) has a port other than gateway.port; null = the same.',
    ),
    mtu: Int(1500, 576, 65_535, 'MTU of the link, in bytes; the MTU of the tunnel is derived from it.'),
    dpd: Seconds(90, 'Interval of dead-peer detection.'),
    mobileDpd: Seconds(1800, 'The same for mobile clients.'),
    keepalive: Seconds(32_400, 'Interval of keepalive packets.'),
    idleTimeout: NullableSeconds(null, 'Disconnect after this time without data.'),
    mobileIdleTimeout: NullableSeconds(null, 'The same for mobile clients.'),
    sessionTimeout: NullableSeconds(3600, 'Disconnect after this time in any case, as the real gateway does.'),
    rekeyTime: NullableSeconds(172_800, 'Interval at which clients renew their tunnel.'),
    cookieTimeout: Seconds(300, 'How long a session can be resumed after its connection is lost.'),
    authTimeout: Seconds(240, 'Time limit for a connection to authenticate.'),
    banner: Nullable(Type.String({ maxLength: 1024 }), null, 'A message that clients show when they connect.'),
    proxyPac: Nullable(
      Type.String({ format: 'pac-url', maxLength: 1024 }),
      null,
      'URL of a proxy configuration file (PAC) that the gateway sends to clients (X-CSTP-MSIE-Proxy-Pac-URL), such as http://pac.contoso.internal/proxy.pac; null = none, as with the real product, whose clients get it from their profile.',
    ),
    denyRoaming: Flag(false, 'true: a session cannot be resumed from another address.'),
    maxSessions: Int(64_000, 1, 1_000_000, 'Maximum number of sessions.'),
    maxSessionsPerUser: Nullable(
      Type.Integer({ minimum: 1, maximum: 1_000_000 }),
      null,
      'Maximum number of sessions per user; null = no limit.',
    ),
    serverName: Text('OpenConnect VPN Server', 'Value of the header X-CSTP-Server-Name.'),
    httpConnect: Flag(
      false,
      'true: clients can also reach resources with HTTP CONNECT on the TLS port, without a tunnel. An extension of Tunnelite, which the real gateway does not have.',
    ),
    bearerPrefix: Choice(
      ['lenient', 'strict'],
      DEFAULTS.gateway.bearerPrefix,
      'How the Authorization header is read. lenient, like the real server: “bearer”, then any single character, then the token; strict: exactly one space. Anything else gets the challenge.',
    ),
    bans: Section(
      {
        maxScore: Int(
          0,
          0,
          1_000_000,
          'Score at which a client address is banned; 0 = never, because tests fail on purpose. A failed login scores 10 and a connection 1, health probes included. The real server’s default is 30.',
        ),
        banTime: Seconds(300, 'How long an address stays banned; further attempts do not extend it.'),
        resetTime: Seconds(300, 'Time after which scores expire.'),
      },
      'When to ban an address with too many failed logins.',
    ),
    tls: Section(
      {
        minVersion: Choice(TLS_VERSIONS, DEFAULTS.gateway.tls.minVersion, 'Lowest TLS version.'),
        maxVersion: Choice(TLS_VERSIONS, DEFAULTS.gateway.tls.maxVersion, 'Highest TLS version.'),
        certFile: Nullable(
          Type.String({ minLength: 1 }),
          null,
          'Your own certificate chain (PEM) instead of a generated one. Needs keyFile.',
        ),
        keyFile: Nullable(Type.String({ minLength: 1 }), null, 'Private key (PEM) of certFile.'),
        keylogFile: Nullable(
          Type.String({ minLength: 1 }),
          null,
          'File for TLS and DTLS secrets, for Wireshark. Anyone who has the file can decrypt the traffic.',
        ),
      },
      'TLS of the gateway.',
    ),
  },
  'The VPN gateway: where it listens and the settings it sends to clients.',
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
        default: DEFAULTS.identity.lifetimes.accessToken,
        description: 'Access tokens: a number, or a range { min, max } for a random lifetime, as in Entra. In seconds.',
      },
    ),
    idToken: Seconds(DEFAULTS.identity.lifetimes.idToken, 'Id tokens.'),
    code: Seconds(DEFAULTS.identity.lifetimes.code, 'Authorization codes.'),
    deviceCode: Seconds(DEFAULTS.identity.lifetimes.deviceCode, 'Device codes.'),
    refreshToken: Seconds(
      DEFAULTS.identity.lifetimes.refreshToken,
      'Refresh tokens, from their issue; each use returns a new one.',
    ),
    spaRefreshToken: Seconds(
      DEFAULTS.identity.lifetimes.spaRefreshToken,
      'Refresh tokens of single page apps, from the sign-in.',
    ),
    session: Seconds(DEFAULTS.identity.lifetimes.session, 'Sign-in of a browser that does not stay signed in.'),
    persistentSession: Seconds(
      DEFAULTS.identity.lifetimes.persistentSession,
      'Sign-in of a browser that stays signed in.',
    ),
    signIn: Seconds(DEFAULTS.identity.lifetimes.signIn, 'How long the sign-in page can stay open.'),
  },
  'Lifetimes of what the built-in Entra ID issues.',
);

const BehaviourSchema = Section(
  {
    replay: Choice(
      ['allow', 'revoke'],
      DEFAULTS.identity.behaviour.replay,
      'A refresh token used twice. allow, as Entra: it stays valid; revoke: a code or refresh token used twice ends all tokens of that sign-in.',
    ),
    assertionReplay: Choice(
      ['allow', 'refuse'],
      DEFAULTS.identity.behaviour.assertionReplay,
      'A client assertion sent twice. allow, as Entra: it is valid until it expires; refuse: the second time fails with AADSTS70049.',
    ),
    loopLimit: Int(
      DEFAULTS.identity.behaviour.loopLimit,
      0,
      1_000_000,
      'Identical token requests within five minutes, after which the next ones fail with AADSTS50196; 0 = no limit.',
    ),
    slowDown: Flag(
      DEFAULTS.identity.behaviour.slowDown,
      'true: polling for a device code faster than half the interval gets slow_down.',
    ),
    showAccounts: Flag(
      DEFAULTS.identity.behaviour.showAccounts,
      'The sign-in page offers the tenant’s first users as buttons.',
    ),
  },
  'Behavior of the built-in Entra ID where Entra varies.',
);

const StrictSchema = Section(
  {
    scope: Nullable(
      Type.String({ minLength: 1, maxLength: 1024 }),
      DEFAULTS.identity.strict.scope,
      'Permission that `scp` must contain; null = none.',
    ),
    guests: Choice(['refuse', 'accept'], DEFAULTS.identity.strict.guests, 'Whether guests of the tenant are accepted.'),
    clients: Type.Array(Type.String({ minLength: 1, maxLength: 1024 }), {
      default: [],
      maxItems: 1000,
      description: 'Client ids (`azp`, `appid`) of the apps whose tokens are accepted; empty = any.',
    }),
    tenants: List([], 'Ids of the tenants whose users are accepted; empty = the tenant of the authority.', 'guid'),
    lastKnownGood: Seconds(
      DEFAULTS.identity.strict.lastKnownGood,
      'How long old keys remain in use while the authority cannot be reached.',
      0,
    ),
  },
  'What the policy strict requires of tokens; the policy gateway ignores all of this.',
);

const IdentitySchema = Section(
  {
    host: Text(DEFAULTS.host, 'Address of the built-in Entra ID.', 'ip'),
    port: Port(8444, 'HTTPS port of the built-in Entra ID; 0 = any free one.'),
    names: List(
      [],
      'Additional host names and addresses of the built-in Entra ID; its answers contain the one that the client used.',
      'host',
    ),
    publicOrigin: Nullable(
      Type.String({ format: 'origin' }),
      null,
      'Address of the built-in Entra ID for clients, such as https://192.0.2.10:8444, unless they use another of its names; null = https://localhost and the port. It need not be reachable from this machine.',
    ),
    authority: Nullable(
      Type.String({ format: 'authority-url', maxLength: 2048 }),
      null,
      'Issuer of tokens instead of the built-in Entra ID: a real tenant (https://login.microsoftonline.com/<tenant id>), or the metadata of any OpenID issuer (https://…/.well-known/openid-configuration). null = built-in.',
    ),
    policy: Choice(
      ['gateway', 'strict'],
      'gateway',
      'How tokens are checked: like the real gateway, or as Microsoft recommends for APIs.',
    ),
    audience: Type.String({
      default: DEFAULTS.identity.audience,
      minLength: 1,
      maxLength: 1024,
      description: 'The required `aud` of tokens.',
    }),
    userNameClaim: Nullable(
      Type.String({ minLength: 1, maxLength: 256 }),
      null,
      'Claim that becomes the user name; null = oid for Entra ID, sub for other issuers.',
    ),
    requiredClaims: Type.Record(Type.String(), Type.Unknown(), {
      default: {},
      description:
        'Claims that tokens must have with exactly these values, in addition to the correct audience, tenant and issuer; null turns one of those off.',
    }),
    clockSkew: Nullable(
      Type.Integer({ minimum: 0, maximum: 3600 }),
      null,
      `Tolerance for the times in tokens. In seconds; null = the policy’s: ${byPolicy(DEFAULTS.identity.clockSkew)}.`,
    ),
    keyRefreshInterval: Nullable(
      Type.Integer({ minimum: 0, maximum: 86_400 }),
      null,
      `Shortest time between two downloads of the signing keys. In seconds; null = the policy’s: ${byPolicy(DEFAULTS.identity.keyRefreshInterval)}.`,
    ),
    // `entra` validates its members. TypeScript accepts any object: an interface such as DirectoryInput is not a Record.
    directory: Type.Union([Type.String({ minLength: 1 }), AnyObject, Type.Null()], {
      default: null,
      description:
        'Tenants, users, devices and app registrations of the built-in Entra ID, or a file with them; null = one tenant with two users.',
    }),
    strict: StrictSchema,
    lifetimes: LifetimesSchema,
    behaviour: BehaviourSchema,
  },
  'The issuer of tokens, and how they are checked.',
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
          'A Graph microsoftTunnelConfiguration object or an admin-settings.json, or a file with one. Keys under gateway override it.',
      },
    ),
    gateway: GatewaySchema,
    identity: IdentitySchema,
    intune: Type.Union([Type.String({ minLength: 1 }), AnyObject, Type.Null()], {
      default: null,
      description:
        'Tunnel sites, policies and profiles as Microsoft Graph has them, in lists with the names of its collections, or a file with them, such as from “tunnelite intune export”; null = only the site of the gateway. docs/how-to/policies.md.',
    }),
    services: ServicesSchema,
    resources: ResourcesSchema,
    admin: Section(
      {
        host: Text(DEFAULTS.host, 'Address of the health and administration listener.', 'ip'),
        port: Port(8445, 'HTTP port of the health and administration listener; 0 = any free one.'),
      },
      'Health probes and administration.',
    ),
    certs: Section(
      {
        directory: Nullable(
          Type.String({ minLength: 1 }),
          'certs',
          'Directory for the CA, certificates and signing keys; null = in memory, new at each start.',
        ),
        domains: List(
          [],
          'Additional domains that the CA may certify; only needed for mock hosts outside the built-in ones.',
          'domain',
        ),
        nameConstraints: Choice(
          ['keep', 'full', 'dns', 'off'],
          'keep',
          'What the CA’s name constraints limit. full: DNS names and addresses; dns: DNS names only, for TLS libraries that refuse a CA with constraints on addresses, such as BoringSSL (Bun, Dart); off: nothing. keep: as in the existing CA; a new one has full.',
        ),
      },
      'Certificates.',
    ),
    log: Section(
      {
        level: Choice(LEVELS, 'info', 'Lowest level to log.'),
        format: Choice(['auto', 'pretty', 'json'], 'auto', 'auto: pretty on a terminal, JSON lines elsewhere.'),
      },
      'The log, on standard error.',
    ),
    journal: Section(
      {
        capacity: Int(DEFAULTS.journal.capacity, 100, 10_000_000, 'Events kept in memory.'),
        level: Choice(['error', 'warn', 'info', 'debug', 'trace'], DEFAULTS.journal.level, 'Lowest level to keep.'),
        file: Nullable(
          Type.String({ minLength: 1 }),
          DEFAULTS.journal.file,
          'Also append each kept event to this file, as a line of JSON (NDJSON).',
        ),
      },
      'The journal of events, in memory.',
    ),
    faults: Section(
      {
        seed: Int(
          1,
          0,
          4_294_967_295,
          'Seed of the random faults: the same seed gives the same faults. A changed seed applies to rules added later.',
        ),
        profile: Nullable(
          Type.Enum(PROFILE_NAMES, { noun: 'network profile' }),
          null,
          'Kind of network of all clients; null = none.',
        ),
        rules: Type.Array(FaultRuleSchema, {
          default: [],
          maxItems: 10_000,
          description: 'Fault rules that are active from the start, and again after a reset: docs/reference/faults.md.',
        }),
      },
      'Faults injected on purpose.',
    ),
    clock: Choice(
      CLOCK_MODES,
      'real',
      'Whether time runs (real), or is frozen until it is moved (manual): docs/how-to/testing.md.',
    ),
    acceleration: Flag(true, 'Use native code for UDP and cryptography where it is available.'),
  },
  { ...closed, title: 'Tunnelite configuration' },
);

/** A complete configuration, with every member set. */
export type Config = Static<typeof ConfigSchema>;

type DeepPartial<T> = T extends readonly (infer U)[]
  ? readonly DeepPartial<U>[]
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> | undefined }
    : T;

/** A configuration as written by a user: all members are optional. */
export type ConfigInput = DeepPartial<Config>;
