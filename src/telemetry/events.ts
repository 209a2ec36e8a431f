import { durationText } from '../lib/duration.ts';
import type { Person, PersonFields } from '../lib/person.ts';

/** Severity of an event in the log, in pino's words. */
export type EventLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/** The levels by gravity, as numbers to compare: pino's. */
export const LEVEL_RANK: Readonly<Record<EventLevel, number>> = { trace: 10, debug: 20, info: 30, warn: 40, error: 50 };

/**
 * Fields of each event, by name. Names are `area.verb`; a field that repeats keeps its name everywhere:
 * `session` (short session id), `user`, `remote` (ip:port of the client), `reason` (a word), `explanation` (a sentence).
 * Never a token, cookie, key or password, and no name that a line of the log has already ({@link LogField}).
 */
export interface EventMap {
  // simulator
  /** The first event of a simulator. */
  'simulator.starting': { node: string; platform: string };
  'simulator.ready': { gateway: string; identity: string; milliseconds: number };
  /** All is as at the start again, but for the journal. `sessions`: how many there were. */
  'simulator.reset': { sessions: number; milliseconds: number };
  /** The configuration was read again. Names of members, separated by commas. */
  'config.reloaded': { applied: string; needsRestart: string };
  /** The configuration was read again, and cannot be; nothing changed. */
  'config.refused': { code: string; explanation: string };
  'simulator.closing': { reason: string };
  'simulator.closed': Record<never, never>;
  /** The clock was moved, and what that brought about has happened. `offset`: ahead of the machine's clock, in milliseconds. */
  'clock.advanced': { milliseconds: number; offset: number; timers: number };
  'clock.mode': { mode: string };
  // certificates
  'certificate.created': { certificate: string; path: string };
  'certificate.renewed': { certificate: string; path: string; reason: string };
  /** A new CA certificate with the old key. `explanation` says which clients must trust it. */
  'certificate.authority.renewed': { path: string; fingerprint: string; reason: string; explanation: string };
  /** A name of this machine that certificates go without, as the CA does not permit it. */
  'certificate.name.omitted': { host: string; explanation: string };
  // tls and http on the gateway's port
  'tls.connect': {
    remote: string;
    protocol: string;
    cipher: string;
    serverName: string | undefined;
    /** The TLS library of the client, told by its ClientHello. */
    library?: string | undefined;
  };
  /** In a flood only some events of each reason are reported; `withheld`: how many more there were since the last one. */
  'tls.failed': {
    remote: string;
    reason: string;
    explanation: string;
    withheld: number;
    /** The alert that the client sent, such as `unknown_ca`. */
    alert?: string | undefined;
    /** The name that the client asked for. */
    serverName?: string | undefined;
    /** Whether the gateway's certificate is for that name. */
    covered?: boolean | undefined;
    /** The TLS library of the client, told by its ClientHello. */
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
  /** Connections that were closed as they came, for there were `limit` already. `count`: how many since the last report. */
  'identity.connections.refused': { limit: number; count: number };
  'identity.keys.rotated': { kid: string; emergency: boolean };
  'identity.keys.loaded': { url: string; count: number };
  'identity.keys.failed': { url: string; reason: string; explanation: string };
  // policies
  /** An object of Microsoft Graph was created, changed or removed. `set`: its collection. */
  'intune.changed': { set: string; change: string; displayName: string; id: string };
  /** The server configuration of the site changed. Names of members, separated by commas: what new sessions see, and what waits for a start. */
  'intune.configuration.applied': { configuration: string; applied: string; needsRestart: string };
  /**
   * An app got what policies say for its user. `enrolled`: its device is managed as a whole; `policies`: their names, `settings`: how many keys,
   * `explanation`: what did not reach it, and why.
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
  /** A request to Microsoft Graph was refused, and changed nothing. */
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
    /** The claim, or the member of the header, that the token was refused for. */
    claim?: string | undefined;
    /** What the token had there. */
    found?: string | undefined;
    /** What it has to have. */
    wanted?: string | undefined;
  };
  // pairing of phones
  /** A phone had the right code, and got a test token. */
  'pairing.completed': { remote: string; user: string };
  /** A phone had no good code. */
  'pairing.refused': { remote: string; reason: string };
  // sessions
  'session.connect': PersonFields & {
    session: string;
    remote: string;
    address4: string | undefined;
    address6: string | undefined;
    mtu: number;
    agent: string | undefined;
    /** DTLS: `offered`, `not asked for`, `off`, or `nothing in common` of what client and gateway can do. */
    udp?: string;
    resumed: boolean;
  };
  'session.refused': {
    remote: string;
    reason: string;
    explanation: string;
    /** The session that the cookie is or was of, where that is known. */
    session?: string | undefined;
  };
  /** Comes once for each time that a session was connected; time and bytes are those since then, whatever tunnels replaced each other. */
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
  /** The cookie of a session without a tunnel is no longer valid. Of one that was connected, `session.disconnect` came before. */
  'session.expired': {
    session: string;
    user: PersonFields['user'];
    signInName: PersonFields['signInName'];
    reason: string;
    explanation: string;
  };
  /** A tunnel was ended for the client to come back with new keys. */
  'session.rekey': {
    session: string;
    user: PersonFields['user'];
    signInName: PersonFields['signInName'];
    explanation: string;
  };
  /** The gateway is going down to come up again. `cookies`: whether clients can come back with theirs (`keep`, `lose`). */
  'gateway.restarting': { sessions: number; cookies: string };
  'gateway.stopped': { sessions: number; cookies: string };
  /** The gateway listens again, after it was stopped, or takes new clients again, after it was draining. */
  'gateway.started': { port: number };
  /** The gateway takes no new clients, and waits for those that it has to leave. */
  'gateway.draining': { sessions: number; timeout: string | undefined };
  /** No client is connected any more. The fields count the clients that left, and those that were disconnected when the time was up. */
  'gateway.drained': { left: number; ended: number };
  /** The gateway did not get to its clients for a while; no client is held to account for that. */
  'gateway.stalled': { milliseconds: number };
  /** File descriptors run out, or a connection could not be accepted. */
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
   * One flight of a DTLS handshake. `flight`: its number in RFC 6347 §4.2.4, `direction`: `in` from the client; `messages`: what it carries;
   * `repeat`: how often it had come or gone before, and then `explanation` says what has not arrived.
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
  /** DTLS was offered, and the client's datagrams never arrived. */
  'channel.dtls.missing': { session: string; port: number; explanation: string };
  /** Only some of each reason are reported; `withheld`: how many more there were since the last one. */
  'channel.dtls.refused': {
    remote: string;
    reason: string;
    explanation: string;
    withheld: number;
    /** The session that the client named, where that is known. */
    session?: string | undefined;
  };
  /** Data to the client takes another channel. `silence`: milliseconds since something was heard over DTLS, when it is given up. */
  'channel.switch': { session: string; from: string; to: string; reason: string; silence?: number | undefined };
  /** Packets that did not carry the session's own source address, and were dropped. `count`: how many since the last report. */
  'channel.spoofed': { session: string; count: number };
  /** Packets that are no IP packets, and were dropped. `count`: how many since the last report. */
  'channel.malformed': { session: string; count: number };
  'channel.protocol-error': { session: string; channel: string; reason: string; explanation: string };
  // resources
  /**
   * A resource was asked for, and it was decided. `channel`: the way it came (`cstp`, `dtls`, `http-connect`, `http-proxy`); `protocol`: `tcp`,
   * `udp` or `icmp`; `trace`: a trace id of W3C Trace Context. When the request is over, `resource.end` says all of this again, and the rest.
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
  /** An upstream that was allowed does not answer: its name is not known, or nothing listens there. */
  'resource.unreachable': {
    request: string;
    session: string | undefined;
    host: string;
    /** `refused`, `unreachable`, `timeout` or `denied`. */
    reason?: string;
    explanation: string;
  };
  /** A rule that leads to an upstream was added while the simulator ran. `ports`, `target`: in words. */
  'resource.upstream.added': { upstream: string; match: string; ports: string; target: string };
  /** A rule was taken out. `ended`: connections and UDP destinations that went by it, which were reset. */
  'resource.upstream.removed': { upstream: string; match: string; ended: number };
  /**
   * The one whole entry on a request, when it is over, whatever way it came. `target`: where it went, absent when it was denied; `outcome`:
   * `denied`, `failed` (the resource never answered), `broken` (something was cut off) or `completed`; `began`: milliseconds since the Unix
   * epoch; `answered`: milliseconds from there until the resource answered; bytes from the client (`bytesIn`) and to it; `reason`: a word, or
   * what went wrong.
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
  /** Access rules were added or removed while the simulator runs. `ended`: connections, UDP destinations and pings that the rules no longer allow. */
  'access.changed': { what: string; rules: number; otherwise: string; ended: number };
  /** The limit on sockets to upstreams was met. `count`: how often since the last report on this session and action. */
  'resource.limit': { session: string | undefined; table: string; action: string; count: number };
  'dns.query': { session: string | undefined; question: string; type: string; outcome: string; answers: number };
  /**
   * Messages that came from the address of a name server under `resources.dns` while it was asked, and were no answer to the question: other id,
   * other question, too long. They were ignored. `explanation`: what was wrong with the last.
   */
  'dns.stray': { server: string; question: string; type: string; count: number; explanation: string };
  // services
  'service.request': { service: string; method: string; host: string; path: string; status: number; source: string };
  /** A stub answered. `hit`: how often it has by now. */
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
   * A request to a proxy of the mock network. `user`: who it is to the proxy; `host`: with the port, where that is not the usual one; `status`:
   * what the client got, 0 where a connection broke; `explanation`: why it was not passed on.
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
  /** `notes`: why it may never strike, in words. */
  'fault.added': { rule: string; seam: string; fault: string; notes: readonly string[] };
  /** `seen`: how often something was selected; `hits`: how often it struck. */
  'fault.removed': { rule: string; seen: number; hits: number };
  /** A rule struck. `hit`: how often it has by now; `fault`: what it does. */
  'fault.injected': {
    rule: string;
    fault: string;
    seam: string;
    session: string | undefined;
    /** The client that it struck, where that is known. */
    remote?: string | undefined;
    detail: string;
    hit: number;
  };
  /** More waits because of a rule than may be kept: it is lost instead. Once for each rule. */
  'fault.limit': { rule: string; kept: number; explanation: string };
  // capture
  /** Packets are captured from now on. Unless `layers` is `inner`, the keys of connections that begin are too. */
  'capture.started': { capture: string; layers: string; session: string | undefined };
  'capture.stopped': { capture: string; packets: number; bytes: number; reason: string };
  // netstack
  /** A limit of the TCP/IP stack was met. `count`: how often since the last report on this session, table and action. */
  'netstack.limit': { session: string | undefined; table: string; action: string; count: number };
}

/** What pino and its pretty form put into a line, or read from one, by themselves: a field of that name would be taken for it. */
export type LogField = 'level' | 'time' | 'pid' | 'hostname' | 'name' | 'msg' | 'v' | 'err' | 'caller' | 'event';

/** The name of an event. */
export type EventName = keyof EventMap;

/** How an event is shown: its level, and its one-line text. */
interface EventSpec<K extends EventName> {
  /** Fixed, or following from what happened. */
  readonly level: EventLevel | ((fields: EventMap[K]) => EventLevel);
  readonly text: (fields: EventMap[K]) => string;
  /**
   * True when it is a refusal, a protocol error or anything else that a test which asked for no fault does not expect.
   * Never when a fault or an ordered failure brought it about. Left out: never.
   */
  readonly problem?: (fields: EventMap[K]) => boolean;
}

const more = (withheld: number): string => (withheld > 0 ? ` (${withheld} more like it were not logged)` : '');

/** Refused for the reason `fault`: a fault rule asked for it. */
const byItself = (e: { readonly reason: string }): boolean => e.reason !== 'fault';
/** Seams at which a rule may strike thousands of times a second, and how many strikes of a rule there are told at the level `info`. */
const BUSY_SEAMS: ReadonlySet<string> = new Set(['udp', 'tcp', 'packet']);
const TOLD_HITS = 20;
const always = (): boolean => true;

/** AADSTS70016: a device that polls while its user has not signed in yet. */
const AUTHORIZATION_PENDING = 70016;

/** The name that people know a user by, and the one that the gateway keeps. */
const who = (user: string | undefined, signInName?: string): string =>
  signInName === undefined || signInName === user ? (user ?? 'unknown user') : `${signInName} (${user})`;

const addressed = (address4: string | undefined, address6: string | undefined): string =>
  address4 === undefined && address6 === undefined
    ? 'without an address (the gateway has a pool for no address family that the client asked for)'
    : `as ${[address4, address6].filter((address) => address !== undefined).join(' and ')}`;
/** What became of a limit, and whom it concerns. */
const limitText = ({ session, table, action, count }: EventMap['netstack.limit']): string => {
  const party = session === undefined ? 'The stack itself' : `Session ${session}`;
  switch (action) {
    case 'evicted':
      return `${party} held most of ${table} and gave up ${count}, so that others have their share`;
    case 'replaced':
      return `${party} has its share of ${table}: ${count} given up for new ones of its own`;
    default:
      return `${party} has its share of ${table}: ${count} refused`;
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
      `Read the configuration again: ${e.applied === '' ? 'nothing to take over' : `took over ${e.applied}`}${e.needsRestart === '' ? '' : `; after a restart: ${e.needsRestart}`}`,
  },
  'config.refused': {
    level: 'error',
    text: (e) => `The configuration cannot be read again, and nothing changed (${e.code}): ${e.explanation}`,
    problem: always,
  },
  'simulator.closing': { level: 'info', text: (e) => `Closing: ${e.reason}` },
  'simulator.closed': { level: 'info', text: () => 'Closed' },
  'clock.advanced': {
    level: 'info',
    text: (e) =>
      `The clock was moved on by ${durationText(e.milliseconds)}; it is ${e.offset < 0 ? `${durationText(-e.offset)} behind` : `${durationText(e.offset)} ahead of`} this machine’s`,
  },
  'clock.mode': {
    level: 'info',
    text: (e) => (e.mode === 'manual' ? 'The clock stands still until it is moved' : 'The clock runs by itself'),
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
  'tls.probe': { level: 'debug', text: (e) => `${e.remote} connected and left without a byte, as health probes do` },
  'http.request': { level: 'debug', text: (e) => `${e.remote} ${e.method} ${e.path}` },
  'http.response': { level: 'debug', text: (e) => `${e.remote} was answered ${e.status} ${e.text}` },
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
      `Closed ${e.count} ${e.count === 1 ? 'connection' : 'connections'} to Entra ID as they came: ${e.limit} are open, as many as may be`,
    problem: always,
  },
  'identity.keys.rotated': {
    level: 'info',
    text: (e) => `Signing key is now ${e.kid}${e.emergency ? ' (emergency: the old ones are gone)' : ''}`,
  },
  'identity.keys.loaded': { level: 'debug', text: (e) => `Loaded ${e.count} signing keys from ${e.url}` },
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
      `The server configuration “${e.configuration}” is applied: ${e.applied === '' ? 'nothing that new sessions would see' : e.applied}${e.needsRestart === '' ? '' : `; after a restart: ${e.needsRestart}`}`,
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
    text: (e) => `${e.remote} came without a token and was asked for one (401, WWW-Authenticate: Bearer)`,
  },
  'auth.accepted': { level: 'info', text: (e) => `${who(e.user, e.signInName)} authenticated from ${e.remote}` },
  'auth.refused': {
    level: 'warn',
    text: (e) => `Refused ${e.remote} (${e.reason}): ${e.explanation}`,
    problem: byItself,
  },
  'pairing.completed': { level: 'info', text: (e) => `A phone at ${e.remote} has a test token for ${e.user}` },
  'pairing.refused': {
    level: 'warn',
    text: (e) => `No test token for ${e.remote}: its pairing code was not good (${e.reason})`,
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
      `The session ${e.session} of ${who(e.user, e.signInName)} is over, its cookie is no longer valid (${e.reason}): ${e.explanation}`,
  },
  'session.rekey': {
    level: 'info',
    text: (e) => `The tunnel ${e.session} of ${who(e.user, e.signInName)} is to be renewed: ${e.explanation}`,
  },
  'gateway.restarting': {
    level: 'info',
    text: (e) =>
      `The gateway restarts, with ${e.sessions} sessions connected${e.cookies === 'lose' ? ', and forgets them' : '; their cookies stay good'}`,
  },
  'gateway.stopped': {
    level: 'info',
    text: (e) =>
      `The gateway is stopped; it ended ${e.sessions} sessions${e.cookies === 'lose' ? ', and forgot them' : ', whose cookies stay good'}`,
  },
  'gateway.started': { level: 'info', text: (e) => `The gateway accepts clients on port ${e.port} again` },
  'gateway.draining': {
    level: 'info',
    text: (e) =>
      `The gateway is draining: it takes no new clients, and waits ${e.timeout === undefined ? '' : `${e.timeout} `}for ${e.sessions} to leave`,
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
    text: (e) => `DTLS from ${e.remote} refused (${e.reason}): ${e.explanation}${more(e.withheld)}`,
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
      `Session ${e.session} sent ${e.count} ${e.count === 1 ? 'packet that is no IP packet' : 'packets that are no IP packets'}: dropped`,
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
    text: (e) => `Request ${e.request} for ${e.host} leads nowhere: ${e.explanation}`,
    problem: always,
  },
  'resource.upstream.added': {
    level: 'info',
    text: (e) => `Upstream ${e.upstream} was added: ${e.match}, ${e.ports}, goes to ${e.target}`,
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
    // A name that does not resolve is what people look for in a log; one without an IPv6 address is every other name.
    level: (e) => (/^(answered$|answered by \S+$|no record)/.test(e.outcome) ? 'debug' : 'info'),
    text: (e) => `DNS ${e.type} ${e.question}: ${e.outcome}, ${e.answers} answers`,
  },
  'dns.stray': {
    level: 'warn',
    text: (e) =>
      `${e.count} ${e.count === 1 ? 'message' : 'messages'} with the address of ${e.server} ${e.count === 1 ? 'was' : 'were'} no answer to DNS ${e.type} ${e.question}: ${e.explanation}`,
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
    // All datagrams of a rule would push everything else out of the journal.
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
    text: (e) => `The capture ${e.capture} ended, as ${e.reason}: ${e.packets} packets, ${e.bytes} bytes`,
  },
  'netstack.limit': { level: 'warn', text: limitText, problem: always },
};

/** One thing that happened. `seq` grows by one with each event of a simulator; `time` is in milliseconds since the Unix epoch. */
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

/** The narrow port through which every module reports. */
export interface Emit {
  <K extends EventName>(name: K, fields: EventMap[K]): void;
  /** Whether anybody will see such an event: what costs something to put together is not put together for nobody. Left out: yes. */
  readonly wanted?: (level: EventLevel) => boolean;
}
