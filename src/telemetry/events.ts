import { durationText } from '../lib/duration.ts';
import type { Person, PersonFields } from '../lib/person.ts';

/** Severity of an event in the log, as a pino level. */
export type EventLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** pino's numbers of the levels, for comparing severities. */
export const LEVEL_RANK: Readonly<Record<EventLevel, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50 };

/**
 * Fields of each event, by name. Names are `area.verb`. Common fields have the same name in every event:
 * `session` (short session id), `user`, `remote` (ip:port of the client), `reason` (a word), `explanation` (a sentence).
 * Events never contain tokens, cookies, keys or passwords, and no field has a name that log lines use themselves ({@link LogField}).
 */
export interface EventMap {
  // simulator
  /** The first event of a simulator. */
  'simulator.starting': { node: string; platform: string };
  'simulator.ready': { gateway: string; identity: string; milliseconds: number };
  /** The simulator was reset to its initial state, except for the journal. `sessions`: how many there were. */
  'simulator.reset': { sessions: number; milliseconds: number };
  /** The configuration was reloaded. The fields list names of members, separated by commas. */
  'config.reloaded': { applied: string; needsRestart: string };
  /** The new configuration is invalid; nothing changed. */
  'config.refused': { code: string; explanation: string };
  'simulator.closing': { reason: string };
  'simulator.closed': Record<never, never>;
  /** The clock was moved, and everything that became due has happened. `offset`: milliseconds ahead of the machine's clock. */
  'clock.advanced': { milliseconds: number; offset: number; timers: number };
  'clock.mode': { mode: string };
  // certificates
  'certificate.created': { certificate: string; path: string };
  'certificate.renewed': { certificate: string; path: string; reason: string };
  /** A new CA certificate with the old key was created. `explanation`: which clients must trust it. */
  'certificate.authority.renewed': { path: string; fingerprint: string; reason: string; explanation: string };
  /** A name of this machine that certificates omit, because the CA does not permit it. */
  'certificate.name.omitted': { host: string; explanation: string };
  // tls and http on the gateway's port
  'tls.connect': {
    remote: string;
    protocol: string;
    cipher: string;
    serverName: string | undefined;
    /** The client's TLS library, identified by its ClientHello. */
    library?: string | undefined;
  };
  /** Under a flood, only some events of each reason are reported; `withheld`: how many more there were since the last one. */
  'tls.failed': {
    remote: string;
    reason: string;
    explanation: string;
    withheld: number;
    /** The alert that the client sent, such as `unknown_ca`. */
    alert?: string | undefined;
    /** The name that the client requested. */
    serverName?: string | undefined;
    /** Whether the gateway's certificate is valid for that name. */
    covered?: boolean | undefined;
    /** The client's TLS library, identified by its ClientHello. */
    library?: string | undefined;
    /** Whether the handshake was complete on our side. */
    secured?: boolean;
  };
  'tls.probe': { remote: string; withheld: number };
  'http.request': { remote: string; method: string; path: string; agent: string | undefined };
  'http.response': { remote: string; status: number; text: string };
  'http.rejected': { remote: string; reason: string; explanation: string };
  // identity
  'identity.token.issued': {
    user: string | undefined;
    client: string;
    grant: string;
    audience: string;
    tokenId: string;
  };
  'identity.token.refused': {
    user: string | undefined;
    client: string | undefined;
    grant: string;
    code: number;
    /** A failure that a test asked for. */
    ordered: boolean;
    explanation: string;
    remote?: string | undefined;
  };
  'identity.signin.completed': { user: string; client: string; methods: string; remote?: string | undefined };
  'identity.signin.failed': {
    user: string | undefined;
    client: string;
    code: number;
    /** A failure that a test asked for. */
    ordered: boolean;
    explanation: string;
    remote?: string | undefined;
  };
  'identity.request.failed': { path: string; explanation: string };
  /** Connections that were closed on arrival because `limit` were already open. `count`: how many since the last report. */
  'identity.connections.refused': { limit: number; count: number };
  'identity.keys.rotated': { kid: string; emergency: boolean };
  'identity.keys.loaded': { url: string; count: number };
  'identity.keys.failed': { url: string; reason: string; explanation: string };
  /** The built-in Entra ID has new signing keys, which could not be written to `path`: the next start has the former ones. */
  'identity.keys.unsaved': { path: string; reason: string; explanation: string };
  // policies
  /** An object of Microsoft Graph was created, changed or removed. `set`: its collection. */
  'intune.changed': { set: string; change: string; displayName: string; id: string };
  /** The site's server configuration changed. Members, separated by commas: those that apply to new sessions, and those that need a restart. */
  'intune.configuration.applied': { configuration: string; applied: string; needsRestart: string };
  /**
   * An app received the policies of its user. `enrolled`: the whole device is managed; `policies`: their names, `settings`: number of keys,
   * `explanation`: which policies did not reach it, and why.
   */
  'intune.delivered': {
    user: string;
    app: string;
    platform: string;
    enrolled: boolean;
    policies: string;
    settings: number;
    conflicts: number;
    explanation: string;
  };
  /** A request to Microsoft Graph was refused and changed nothing. */
  'graph.refused': { method: string; path: string; status: number; code: string; explanation: string };
  // authentication at the gateway
  'auth.challenge': { remote: string; agent: string | undefined };
  'auth.accepted': PersonFields & {
    remote: string;
    session: string;
    tenant: Person['tenantId'];
    agent: string | undefined;
    client: string | undefined;
  };
  'auth.refused': {
    remote: string;
    reason: string;
    explanation: string;
    /** The claim, or the member of the header, for which the token was refused. */
    claim?: string | undefined;
    /** Its value in the token. */
    found?: string | undefined;
    /** The required value. */
    wanted?: string | undefined;
  };
  // pairing of phones
  /** A phone presented the right code and received a test token. */
  'pairing.completed': { remote: string; user: string };
  /** A phone presented no valid code. */
  'pairing.refused': { remote: string; reason: string };
  // sessions
  'session.connect': PersonFields & {
    session: string;
    remote: string;
    address4: string | undefined;
    address6: string | undefined;
    mtu: number;
    agent: string | undefined;
    /** DTLS: `offered`, `not asked for`, `off`, or `nothing in common` (client and gateway support no common mode). */
    udp?: string;
    resumed: boolean;
  };
  'session.refused': {
    remote: string;
    reason: string;
    explanation: string;
    /** The session to which the cookie belongs or belonged, if known. */
    session?: string | undefined;
  };
  /** Reported once each time a connected session disconnects. Time and bytes cover the whole connection, including replaced tunnels. */
  'session.disconnect': {
    session: string;
    user: PersonFields['user'];
    signInName: PersonFields['signInName'];
    reason: string;
    explanation: string;
    seconds: number;
    bytesIn: number;
    bytesOut: number;
  };
  /** The cookie of a session without a tunnel is no longer valid. If the session was connected, `session.disconnect` was reported before. */
  'session.expired': {
    session: string;
    user: PersonFields['user'];
    signInName: PersonFields['signInName'];
    reason: string;
    explanation: string;
  };
  /** A tunnel was closed so that the client reconnects with new keys. */
  'session.rekey': {
    session: string;
    user: PersonFields['user'];
    signInName: PersonFields['signInName'];
    explanation: string;
  };
  /** The gateway is restarting. `cookies`: whether clients can reconnect with their cookies (`keep`, `lose`). */
  'gateway.restarting': { sessions: number; cookies: string };
  'gateway.stopped': { sessions: number; cookies: string };
  /** The gateway listens again after a stop, or accepts new clients again after draining. */
  'gateway.started': { port: number };
  /** The gateway accepts no new clients and waits for the connected ones to leave. */
  'gateway.draining': { sessions: number; timeout: string | undefined };
  /** No client is connected any more. The fields count the clients that left and those that were disconnected at the timeout. */
  'gateway.drained': { left: number; ended: number };
  /** The process did not run, or was busy, for a while; this time does not count against any client's timeout. */
  'gateway.stalled': { milliseconds: number };
  /** File descriptors are running out, or a connection could not be accepted. */
  'gateway.descriptors': { limit: number | undefined; explanation: string };
  'gateway.acceleration': { records: string; datagrams: string; explanation: string };
  // channels
  'channel.cstp.open': { session: string; remote: string; cipher: string };
  'channel.cstp.close': { session: string; remote: string; reason: string };
  'channel.cstp.dead': { session: string; silence: number };
  'channel.dtls.open': { session: string; remote: string; cipher: string; mtu: number };
  'channel.dtls.close': { session: string; remote: string; reason: string };
  'channel.dtls.move': { session: string; from: string; to: string };
  /**
   * One flight of a DTLS handshake. `flight`: its number in RFC 6347 §4.2.4; `direction`: `in` from the client; `messages`: its messages;
   * `repeat`: how many times it was received or sent before; `explanation`: for a repetition, what is missing.
   */
  'channel.dtls.flight': {
    session: string;
    remote: string;
    direction: string;
    flight: number;
    messages: string;
    datagrams: number;
    bytes: number;
    repeat: number;
    explanation?: string | undefined;
  };
  /** DTLS was offered, but no datagram of the client arrived. */
  'channel.dtls.missing': { session: string; port: number; explanation: string };
  /** Only some events of each reason are reported; `withheld`: how many more there were since the last one. */
  'channel.dtls.refused': {
    remote: string;
    reason: string;
    explanation: string;
    withheld: number;
    /** The session that the client named, if known. */
    session?: string | undefined;
  };
  /** Data to the client moved to another channel. `silence`: milliseconds since the last packet over DTLS, when DTLS is given up. */
  'channel.switch': { session: string; from: string; to: string; reason: string; silence?: number | undefined };
  /** Packets dropped because their source address is not that of the session. `count`: how many since the last report. */
  'channel.spoofed': { session: string; count: number };
  /** Packets dropped because they are not IP packets. `count`: how many since the last report. */
  'channel.malformed': { session: string; count: number };
  'channel.protocol-error': { session: string; channel: string; reason: string; explanation: string };
  // resources
  /**
   * A resource was requested, and access was decided. `channel`: how the request arrived (`cstp`, `dtls`, `http-connect`, `http-proxy`);
   * `protocol`: `tcp`, `udp` or `icmp`; `trace`: a W3C Trace Context trace id. `resource.end` repeats these fields when the request is over.
   */
  'resource.request': {
    request: string;
    trace: string;
    session: string | undefined;
    user: PersonFields['user'] | undefined;
    signInName: PersonFields['signInName'];
    channel: string;
    protocol: string;
    source: string;
    destination: string;
    host: string | undefined;
    decision: string;
    rule: string;
    explanation: string;
  };
  /** An allowed upstream does not answer: its name does not resolve, or nothing listens there. */
  'resource.unreachable': {
    request: string;
    session: string | undefined;
    host: string;
    /** `refused`, `unreachable`, `timeout` or `denied`. */
    reason?: string;
    explanation: string;
  };
  /** A rule for an upstream was added while the simulator was running. `ports`, `target`: readable descriptions. */
  'resource.upstream.added': { upstream: string; match: string; ports: string; target: string };
  /** A rule was removed. `ended`: connections and UDP destinations that used it and were reset. */
  'resource.upstream.removed': { upstream: string; match: string; ended: number };
  /**
   * The complete record of a request, reported once when it is over. `target`: where it went, absent when it was denied; `outcome`:
   * `denied`, `failed` (the resource never answered), `broken` (cut off) or `completed`; `began`: milliseconds since the Unix
   * epoch; `answered`: milliseconds from then until the resource answered; bytes from the client (`bytesIn`) and to it; `reason`: a word,
   * or what went wrong.
   */
  'resource.end': {
    request: string;
    trace: string;
    session: string | undefined;
    user: PersonFields['user'] | undefined;
    signInName: PersonFields['signInName'];
    channel: string;
    protocol: string;
    source: string;
    destination: string;
    host: string | undefined;
    decision: string;
    rule: string;
    explanation: string;
    target: string | undefined;
    outcome: string;
    began: number;
    answered: number | undefined;
    milliseconds: number;
    bytesIn: number;
    bytesOut: number;
    reason: string;
  };
  /** Access rules were added or removed while the simulator was running. `ended`: connections, UDP destinations and pings no longer allowed. */
  'access.changed': { what: string; rules: number; otherwise: string; ended: number };
  /** The limit of sockets to upstreams was reached. `count`: how often since the last report for this session and action. */
  'resource.limit': { session: string | undefined; table: string; action: string; count: number };
  'dns.query': { session: string | undefined; question: string; type: string; outcome: string; answers: number };
  /**
   * Ignored messages from the address of a name server in `resources.dns` that did not match the pending query: wrong id, wrong question,
   * or too long. `explanation`: what was wrong with the last one.
   */
  'dns.stray': { server: string; question: string; type: string; count: number; explanation: string };
  // services
  'service.request': { service: string; method: string; host: string; path: string; status: number; source: string };
  /** A stub answered. `hit`: how often so far. */
  'stub.request': {
    stub: string;
    session: string | undefined;
    method: string;
    host: string;
    path: string;
    status: number;
    hit: number;
  };
  'stub.added': { stub: string; method: string; host: string; path: string };
  'stub.removed': { stub: string; hits: number };
  /**
   * A request to a proxy of the mock network. `user`: its user at the proxy; `host`: includes the port if it is not the default; `status`:
   * status sent to the client, 0 when the connection broke; `explanation`: why the request was not forwarded.
   */
  'proxy.request': {
    service: string;
    mode: string;
    session: string | undefined;
    user: string | undefined;
    method: string;
    host: string;
    path: string;
    status: number;
    explanation: string;
  };
  // faults
  /** `notes`: reasons why it may never strike. */
  'fault.added': { rule: string; seam: string; fault: string; notes: readonly string[] };
  /** `seen`: how often something was selected; `hits`: how often it struck. */
  'fault.removed': { rule: string; seen: number; hits: number };
  /** A rule struck. `hit`: how often so far; `fault`: its action. */
  'fault.injected': {
    rule: string;
    fault: string;
    seam: string;
    session: string | undefined;
    /** The affected client, if known. */
    remote?: string | undefined;
    detail: string;
    hit: number;
  };
  /** A rule holds more than the limit allows; the excess is lost. Reported once for each rule. */
  'fault.limit': { rule: string; kept: number; explanation: string };
  // capture
  /** A capture of packets started. Unless `layers` is `inner`, it includes the keys of new connections. */
  'capture.started': { capture: string; layers: string; session: string | undefined };
  'capture.stopped': { capture: string; packets: number; bytes: number; reason: string };
  // netstack
  /** A limit of the TCP/IP stack was reached. `count`: how often since the last report for this session, table and action. */
  'netstack.limit': { session: string | undefined; table: string; action: string; count: number };
}

/** Fields that pino and pino-pretty add to or read from a line themselves; event fields must not have these names. */
export type LogField = 'level' | 'time' | 'pid' | 'hostname' | 'name' | 'msg' | 'v' | 'err' | 'caller' | 'event';

/** The name of an event. */
export type EventName = keyof EventMap;

/** Presentation of an event: its level and its one-line text. */
interface EventSpec<K extends EventName> {
  /** Fixed, or computed from the fields. */
  readonly level: EventLevel | ((fields: EventMap[K]) => EventLevel);
  readonly text: (fields: EventMap[K]) => string;
  /**
   * True for a refusal, a protocol error or anything else that a test does not expect unless it injects faults.
   * Never true when a fault or a requested failure caused the event. Default: never.
   */
  readonly problem?: (fields: EventMap[K]) => boolean;
}

const more = (withheld: number): string => (withheld > 0 ? ` (${withheld} more like it were not logged)` : '');

/** Refused for the reason `fault`: a fault rule asked for it. */
const byItself = (e: { readonly reason: string }): boolean => e.reason !== 'fault';
/** Seams at which a rule may strike thousands of times per second, and how many strikes of a rule there are reported at level `info`. */
const BUSY_SEAMS: ReadonlySet<string> = new Set(['udp', 'tcp', 'packet']);
const TOLD_HITS = 20;
const always = (): boolean => true;

/** AADSTS70016: a device that polls while its user has not signed in yet. */
const AUTHORIZATION_PENDING = 70016;

/** The readable name of a user, and the one that the gateway uses. */
const who = (user: string | undefined, signInName?: string): string =>
  signInName === undefined || signInName === user ? (user ?? 'unknown user') : `${signInName} (${user})`;

const addressed = (address4: string | undefined, address6: string | undefined): string =>
  address4 === undefined && address6 === undefined
    ? 'without an address (the gateway has no pool for the address families that the client requested)'
    : `as ${[address4, address6].filter((address) => address !== undefined).join(' and ')}`;
/** Describes a limit that was reached, and the session concerned. */
const limitText = ({ session, table, action, count }: EventMap['netstack.limit']): string => {
  const party = session === undefined ? 'The stack itself' : `Session ${session}`;
  switch (action) {
    case 'evicted':
      return `${party} had most of ${table}: ${count} removed to give others their share`;
    case 'replaced':
      return `${party} has used its share of ${table}: ${count} removed for new ones of its own`;
    default:
      return `${party} has used its share of ${table}: ${count} refused`;
  }
};

/** Level and wording of every event: the one table behind log, journal and live stream. */
export const EVENTS: { readonly [K in EventName]: EventSpec<K> } = {
  'simulator.starting': { level: 'debug', text: (e) => `Starting on Node.js ${e.node}, ${e.platform}` },
  'simulator.ready': {
    level: 'info',
    text: (e) => `Ready after ${Math.round(e.milliseconds)} ms: gateway ${e.gateway}, identity ${e.identity}`,
  },
  'simulator.reset': {
    level: 'info',
    text: (e) => `Reset in ${Math.round(e.milliseconds)} ms, ending ${e.sessions} sessions`,
  },
  'config.reloaded': {
    level: 'info',
    text: (e) =>
      `Read the configuration again: ${e.applied === '' ? 'nothing to apply' : `applied ${e.applied}`}${e.needsRestart === '' ? '' : `; needs a restart: ${e.needsRestart}`}`,
  },
  'config.refused': {
    level: 'error',
    text: (e) => `The configuration could not be reloaded, and nothing has changed (${e.code}): ${e.explanation}`,
    problem: always,
  },
  'simulator.closing': { level: 'info', text: (e) => `Closing: ${e.reason}` },
  'simulator.closed': { level: 'info', text: () => 'Closed' },
  'clock.advanced': {
    level: 'info',
    text: (e) =>
      `The clock was moved forward by ${durationText(e.milliseconds)}; it is ${e.offset < 0 ? `${durationText(-e.offset)} behind` : `${durationText(e.offset)} ahead of`} this machine’s`,
  },
  'clock.mode': {
    level: 'info',
    text: (e) => (e.mode === 'manual' ? 'The clock is frozen until it is moved' : 'The clock runs by itself'),
  },
  'certificate.created': { level: 'info', text: (e) => `Created the certificate ${e.certificate} in ${e.path}` },
  'certificate.renewed': {
    level: 'info',
    text: (e) => `Renewed the certificate ${e.certificate} in ${e.path}: ${e.reason}`,
  },
  'certificate.authority.renewed': {
    level: 'warn',
    text: (e) => `Renewed the CA in ${e.path} (SHA-256 ${e.fingerprint}): ${e.reason}. ${e.explanation}`,
  },
  'certificate.name.omitted': {
    level: 'warn',
    text: (e) => `No certificate covers ${e.host}, the name of this machine: ${e.explanation}`,
  },
  'tls.connect': { level: 'debug', text: (e) => `${e.remote} connected with ${e.protocol} ${e.cipher}` },
  'tls.failed': {
    level: 'warn',
    text: (e) => `TLS with ${e.remote} failed (${e.reason}): ${e.explanation}${more(e.withheld)}`,
    problem: always,
  },
  'tls.probe': {
    level: 'debug',
    text: (e) => `${e.remote} connected and closed without sending a byte, like a health probe`,
  },
  'http.request': { level: 'debug', text: (e) => `${e.remote} ${e.method} ${e.path}` },
  'http.response': { level: 'debug', text: (e) => `${e.remote} got the answer ${e.status} ${e.text}` },
  'http.rejected': {
    level: 'warn',
    text: (e) => `Closed the connection of ${e.remote} (${e.reason}): ${e.explanation}`,
    problem: byItself,
  },
  'identity.token.issued': {
    level: 'info',
    text: (e) => `Issued a token to ${who(e.user)} (${e.grant}) for ${e.audience}`,
  },
  'identity.token.refused': {
    level: 'warn',
    text: (e) => `Refused a token to ${who(e.user)} (${e.grant}): AADSTS${e.code} ${e.explanation}`,
    problem: (e) => !e.ordered && e.code !== AUTHORIZATION_PENDING,
  },
  'identity.signin.completed': {
    level: 'info',
    text: (e) => `${e.user} signed in to ${e.client} (${e.methods})`,
  },
  'identity.signin.failed': {
    level: 'warn',
    text: (e) => `${who(e.user)} could not sign in to ${e.client}: AADSTS${e.code} ${e.explanation}`,
    problem: (e) => !e.ordered,
  },
  'identity.request.failed': {
    level: 'error',
    text: (e) => `The identity provider failed at ${e.path}: ${e.explanation}`,
    problem: always,
  },
  'identity.connections.refused': {
    level: 'warn',
    text: (e) =>
      `Closed ${e.count} ${e.count === 1 ? 'connection' : 'connections'} to Entra ID on arrival: the limit of ${e.limit} open connections is reached`,
    problem: always,
  },
  'identity.keys.rotated': {
    level: 'info',
    text: (e) => `Signing key is now ${e.kid}${e.emergency ? ' (emergency: the old keys were removed)' : ''}`,
  },
  'identity.keys.loaded': { level: 'debug', text: (e) => `Loaded ${e.count} signing keys from ${e.url}` },
  'identity.keys.unsaved': {
    level: 'warn',
    text: (e) => `Cannot save the new signing keys: ${e.reason} ${e.explanation}`,
    problem: always,
  },
  'identity.keys.failed': {
    level: 'warn',
    text: (e) => `Could not load signing keys from ${e.url} (${e.reason}): ${e.explanation}`,
    problem: always,
  },
  'intune.changed': {
    level: 'info',
    text: (e) => `“${e.displayName}” was ${e.change} in ${e.set}`,
  },
  'intune.configuration.applied': {
    level: 'info',
    text: (e) =>
      `The server configuration “${e.configuration}” was applied: ${e.applied === '' ? 'nothing that affects new sessions' : e.applied}${e.needsRestart === '' ? '' : `; needs a restart: ${e.needsRestart}`}`,
  },
  'intune.delivered': {
    level: 'info',
    text: (e) =>
      `${e.app} (${e.platform}${e.enrolled ? ', enrolled' : ''}) got ${e.settings} settings for ${e.user}, of ${e.policies === '' ? 'no policy' : e.policies}${e.explanation === '' ? '' : `. ${e.explanation}`}`,
  },
  'graph.refused': {
    level: 'warn',
    text: (e) => `Refused ${e.method} ${e.path}: ${e.status} ${e.code}, ${e.explanation}`,
  },
  'auth.challenge': {
    level: 'info',
    text: (e) => `${e.remote} sent no token and was asked for one (401, WWW-Authenticate: Bearer)`,
  },
  'auth.accepted': { level: 'info', text: (e) => `${who(e.user, e.signInName)} authenticated from ${e.remote}` },
  'auth.refused': {
    level: 'warn',
    text: (e) => `Refused ${e.remote} (${e.reason}): ${e.explanation}`,
    problem: byItself,
  },
  'pairing.completed': { level: 'info', text: (e) => `A phone at ${e.remote} got a test token for ${e.user}` },
  'pairing.refused': {
    level: 'warn',
    text: (e) => `No test token for ${e.remote}: its pairing code was not valid (${e.reason})`,
    problem: always,
  },
  'session.connect': {
    level: 'info',
    text: (e) =>
      `${who(e.user, e.signInName)} ${e.resumed ? 'resumed' : 'connected'} from ${e.remote} ${addressed(e.address4, e.address6)}, MTU ${e.mtu}`,
  },
  'session.refused': {
    level: 'warn',
    text: (e) => `No session for ${e.remote} (${e.reason}): ${e.explanation}`,
    problem: byItself,
  },
  'session.disconnect': {
    level: 'info',
    text: (e) =>
      `${who(e.user, e.signInName)} disconnected after ${Math.round(e.seconds)} s (${e.reason}): ${e.explanation} In ${e.bytesIn} bytes, out ${e.bytesOut} bytes`,
  },
  'session.expired': {
    level: 'info',
    text: (e) =>
      `The session ${e.session} of ${who(e.user, e.signInName)} has ended, and its cookie is no longer valid (${e.reason}): ${e.explanation}`,
  },
  'session.rekey': {
    level: 'info',
    text: (e) => `The tunnel ${e.session} of ${who(e.user, e.signInName)} must be renewed: ${e.explanation}`,
  },
  'gateway.restarting': {
    level: 'info',
    text: (e) =>
      `The gateway is restarting with ${e.sessions} connected sessions${e.cookies === 'lose' ? ', and forgets them' : '; their cookies remain valid'}`,
  },
  'gateway.stopped': {
    level: 'info',
    text: (e) =>
      `The gateway is stopped; it ended ${e.sessions} sessions${e.cookies === 'lose' ? ', and forgot them' : ', whose cookies remain valid'}`,
  },
  'gateway.started': { level: 'info', text: (e) => `The gateway accepts clients on port ${e.port} again` },
  'gateway.draining': {
    level: 'info',
    text: (e) =>
      `The gateway is draining: it accepts no new clients, and waits ${e.timeout === undefined ? '' : `${e.timeout} `}for ${e.sessions} to leave`,
  },
  'gateway.drained': {
    level: 'info',
    text: (e) => `The gateway has drained: ${e.left} sessions left by themselves, ${e.ended} were ended`,
  },
  'gateway.stalled': {
    level: 'warn',
    text: (e) =>
      `The gateway could not serve its clients for ${(e.milliseconds / 1000).toFixed(1)} s: its process was stopped or busy. That time does not count as any client's silence`,
  },
  'gateway.descriptors': { level: 'error', text: (e) => e.explanation, problem: always },
  'gateway.acceleration': { level: 'info', text: (e) => e.explanation },
  'channel.cstp.open': { level: 'debug', text: (e) => `CSTP channel of ${e.session} from ${e.remote} (${e.cipher})` },
  'channel.cstp.close': {
    level: 'debug',
    text: (e) => `CSTP channel of ${e.session} from ${e.remote} closed: ${e.reason}`,
  },
  'channel.cstp.dead': {
    level: 'warn',
    text: (e) => `CSTP channel of ${e.session} has been silent for ${Math.round(e.silence / 1000)} s: dropped`,
    problem: always,
  },
  'channel.dtls.open': {
    level: 'info',
    text: (e) => `DTLS channel of ${e.session} from ${e.remote} (${e.cipher}), MTU ${e.mtu}`,
  },
  'channel.dtls.flight': {
    level: 'debug',
    text: (e) =>
      `DTLS flight ${e.flight} of ${e.session} ${e.direction === 'in' ? 'from' : 'to'} ${e.remote}: ${e.messages} (${e.datagrams} ${e.datagrams === 1 ? 'datagram' : 'datagrams'}, ${e.bytes} bytes)${e.repeat === 0 ? '' : `, repeated (${e.repeat}): ${e.explanation ?? ''}`}`,
  },
  'channel.dtls.close': {
    level: 'info',
    text: (e) => `DTLS channel of ${e.session} from ${e.remote} closed: ${e.reason}`,
  },
  'channel.dtls.move': { level: 'info', text: (e) => `DTLS channel of ${e.session} moved from ${e.from} to ${e.to}` },
  'channel.dtls.missing': { level: 'info', text: (e) => `No DTLS for ${e.session}: ${e.explanation}` },
  'channel.dtls.refused': {
    level: 'info',
    text: (e) => `Refused DTLS from ${e.remote} (${e.reason}): ${e.explanation}${more(e.withheld)}`,
    problem: always,
  },
  'channel.switch': {
    level: 'info',
    text: (e) => `Data to ${e.session} now goes over ${e.to} instead of ${e.from}: ${e.reason}`,
  },
  'channel.spoofed': {
    level: 'warn',
    text: (e) =>
      `Session ${e.session} sent ${e.count} ${e.count === 1 ? 'packet' : 'packets'} from an address that is not its own: dropped`,
    problem: always,
  },
  'channel.malformed': {
    level: 'warn',
    text: (e) =>
      `Session ${e.session} sent ${e.count} ${e.count === 1 ? 'packet that is not an IP packet' : 'packets that are not IP packets'}: dropped`,
    problem: always,
  },
  'channel.protocol-error': {
    level: 'warn',
    text: (e) => `Protocol error on ${e.channel} of ${e.session} (${e.reason}): ${e.explanation}`,
    problem: always,
  },
  'resource.request': {
    level: 'info',
    text: (e) =>
      `${who(e.user, e.signInName)} ${e.protocol}${e.channel.startsWith('http') ? ` by ${e.channel}` : ''} ${e.source} → ${e.host ? `${e.host} (${e.destination})` : e.destination}: ${e.decision}. ${e.explanation}`,
    problem: (e) => e.decision === 'deny' && e.rule !== 'fault',
  },
  'resource.unreachable': {
    level: 'warn',
    text: (e) => `Request ${e.request} for ${e.host} has no destination: ${e.explanation}`,
    problem: always,
  },
  'resource.upstream.added': {
    level: 'info',
    text: (e) => `Upstream ${e.upstream} was added: ${e.match}, ${e.ports}, to ${e.target}`,
  },
  'resource.upstream.removed': {
    level: 'info',
    text: (e) =>
      `Upstream ${e.upstream} (${e.match}) was removed; ${e.ended} ${e.ended === 1 ? 'connection' : 'connections'} to it ended`,
  },
  'access.changed': {
    level: 'info',
    text: (e) =>
      `Access: ${e.what}; ${e.rules === 1 ? 'there is 1 rule' : `there are ${e.rules} rules`}, otherwise ${e.otherwise}; ${e.ended} ${e.ended === 1 ? 'connection' : 'connections'} ended`,
  },
  'resource.end': {
    level: 'debug',
    text: (e) =>
      `Request ${e.request} for ${e.host ?? e.destination} ${e.outcome} (${e.reason}) after ${Math.round(e.milliseconds)} ms, ${e.bytesIn} bytes in, ${e.bytesOut} out`,
  },
  'resource.limit': { level: 'warn', text: limitText, problem: always },
  'dns.query': {
    // An unresolved name matters in a log; a missing IPv6 address is common.
    level: (e) => (/^(answered$|answered by \S+$|no record)/.test(e.outcome) ? 'debug' : 'info'),
    text: (e) => `DNS ${e.type} ${e.question}: ${e.outcome}, ${e.answers} ${e.answers === 1 ? 'answer' : 'answers'}`,
  },
  'dns.stray': {
    level: 'warn',
    text: (e) =>
      `${e.count} ${e.count === 1 ? 'message' : 'messages'} from the address of ${e.server} ${e.count === 1 ? 'was' : 'were'} not an answer to DNS ${e.type} ${e.question}: ${e.explanation}`,
  },
  'service.request': {
    level: 'debug',
    text: (e) => `${e.service}: ${e.method} ${e.host}${e.path} from ${e.source} answered ${e.status}`,
  },
  'stub.request': {
    level: 'debug',
    text: (e) => `Stub ${e.stub}: ${e.method} ${e.host}${e.path} answered ${e.status} (request ${e.hit})`,
  },
  'stub.added': { level: 'info', text: (e) => `Stub ${e.stub} was added: ${e.method} ${e.host}${e.path}` },
  'stub.removed': {
    level: 'info',
    text: (e) => `Stub ${e.stub} was removed; it answered ${e.hits} ${e.hits === 1 ? 'request' : 'requests'}`,
  },
  'proxy.request': {
    level: (e) => (e.explanation === '' ? 'debug' : 'info'),
    text: (e) =>
      `${e.service} (${e.mode}): ${e.method} ${e.host}${e.path}${e.user === undefined ? '' : ` by ${e.user}`} answered ${e.status}${e.explanation === '' ? '' : `: ${e.explanation}`}`,
  },
  'fault.added': {
    level: (e) => (e.notes.length > 0 ? 'warn' : 'info'),
    text: (e) => [`Added the fault rule ${e.rule} (${e.seam}: ${e.fault})`, ...e.notes].join('. '),
  },
  'fault.removed': {
    level: (e) => (e.seen === 0 ? 'warn' : 'info'),
    text: (e) =>
      `Removed the fault rule ${e.rule}: ${e.seen === 0 ? 'it never selected anything' : `it struck ${e.hits} of ${e.seen} times`}`,
  },
  'fault.injected': {
    // Reporting all datagrams of a rule would push everything else out of the journal.
    level: (e) => (e.hit > TOLD_HITS && BUSY_SEAMS.has(e.seam) ? 'trace' : 'info'),
    text: (e) => `Injected the fault ${e.rule} (${e.seam}: ${e.fault}) ${e.detail}`,
  },
  'fault.limit': { level: 'warn', text: (e) => `Fault rule ${e.rule}: ${e.explanation}` },
  'capture.started': {
    level: 'info',
    text: (e) =>
      `The capture ${e.capture} began (${e.layers === 'both' ? 'inner and outer packets' : `${e.layers} packets`}${e.session === undefined ? '' : ` of ${e.session}`})`,
  },
  'capture.stopped': {
    level: 'info',
    text: (e) => `The capture ${e.capture} ended (${e.reason}): ${e.packets} packets, ${e.bytes} bytes`,
  },
  'netstack.limit': { level: 'warn', text: limitText, problem: always },
};

/** One event. `seq` increases by one with each event of a simulator; `time` is in milliseconds since the Unix epoch. */
export type TunneliteEvent<K extends EventName = EventName> = {
  [N in K]: {
    readonly seq: number;
    readonly time: number;
    readonly name: N;
    readonly level: EventLevel;
    readonly text: string;
    readonly fields: EventMap[N];
  };
}[K];

/** The port through which every module reports events. */
export interface Emit {
  <K extends EventName>(name: K, fields: EventMap[K]): void;
  /** Whether any sink receives events of this level; lets callers skip expensive events. Default: yes. */
  readonly wanted?: (level: EventLevel) => boolean;
}
