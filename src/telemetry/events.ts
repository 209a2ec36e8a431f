/** Severity of an event in the log, in pino's words. */
export type EventLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error';

/**
 * Fields of each event, by name. Names are `area.verb`; a field that repeats keeps its name everywhere:
 * `session` (short session id), `user`, `remote` (ip:port of the client), `reason` (a word), `explanation` (a sentence).
 * Never a token, cookie, key or password.
 */
export interface EventMap {
  // simulator
  'simulator.ready': { gateway: string; identity: string; milliseconds: number };
  'simulator.closing': { reason: string };
  'simulator.closed': Record<never, never>;
  // certificates
  'certificate.created': { name: string; path: string };
  'certificate.renewed': { name: string; path: string; reason: string };
  // tls and http on the gateway's port
  'tls.connect': { remote: string; protocol: string; cipher: string; serverName: string | undefined };
  'tls.failed': { remote: string; reason: string; explanation: string };
  'tls.probe': { remote: string };
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
    explanation: string;
  };
  'identity.signin.completed': { user: string; client: string; methods: string };
  'identity.signin.failed': { user: string | undefined; client: string; code: number; explanation: string };
  'identity.request.failed': { path: string; explanation: string };
  'identity.keys.rotated': { kid: string; emergency: boolean };
  'identity.keys.loaded': { url: string; count: number };
  'identity.keys.failed': { url: string; reason: string; explanation: string };
  // authentication at the gateway
  'auth.challenge': { remote: string; agent: string | undefined };
  'auth.accepted': {
    remote: string;
    user: string;
    signInName: string | undefined;
    session: string;
    tenant: string | undefined;
    agent: string | undefined;
    client: string | undefined;
  };
  'auth.refused': { remote: string; reason: string; explanation: string };
  // sessions
  'session.connect': {
    session: string;
    user: string;
    signInName: string | undefined;
    remote: string;
    address4: string | undefined;
    address6: string | undefined;
    mtu: number;
    agent: string | undefined;
    resumed: boolean;
  };
  'session.refused': { remote: string; reason: string; explanation: string };
  'session.disconnect': {
    session: string;
    user: string;
    reason: string;
    explanation: string;
    seconds: number;
    bytesIn: number;
    bytesOut: number;
  };
  'session.expired': { session: string; user: string };
  'gateway.acceleration': { records: string; datagrams: string; explanation: string };
  // channels
  'channel.cstp.open': { session: string; remote: string; cipher: string };
  'channel.cstp.close': { session: string; remote: string; reason: string };
  'channel.cstp.dead': { session: string; silence: number };
  'channel.dtls.open': { session: string; remote: string; cipher: string; mtu: number };
  'channel.dtls.close': { session: string; remote: string; reason: string };
  'channel.dtls.move': { session: string; from: string; to: string };
  'channel.dtls.refused': { remote: string; reason: string; explanation: string };
  'channel.switch': { session: string; from: string; to: string; reason: string };
  'channel.protocol-error': { session: string; channel: string; reason: string; explanation: string };
  // resources
  'resource.request': {
    request: string;
    session: string | undefined;
    user: string | undefined;
    signInName: string | undefined;
    protocol: string;
    source: string;
    destination: string;
    host: string | undefined;
    decision: string;
    rule: string;
    explanation: string;
  };
  'resource.end': { request: string; bytesIn: number; bytesOut: number; milliseconds: number; reason: string };
  'dns.query': { session: string | undefined; name: string; type: string; outcome: string; answers: number };
  // services
  'service.listen': { service: string; address: string };
  'service.request': { service: string; method: string; host: string; path: string; status: number; source: string };
  // faults
  'fault.injected': { fault: string; seam: string; session: string | undefined; detail: string };
  // netstack
  'flow.state': { session: string | undefined; flow: string; from: string; to: string };
}

/** The name of an event. */
export type EventName = keyof EventMap;

/** How an event is shown: its level, and its one-line text. */
export interface EventSpec<K extends EventName> {
  /** Fixed, or following from what happened. */
  readonly level: EventLevel | ((fields: EventMap[K]) => EventLevel);
  readonly text: (fields: EventMap[K]) => string;
}

/** The name that people know a user by, and the one that the gateway keeps. */
const who = (user: string | undefined, signInName?: string): string =>
  signInName === undefined || signInName === user ? (user ?? 'unknown user') : `${signInName} (${user})`;

/** Level and wording of every event: the one table behind log, journal and live stream. */
export const EVENTS: { readonly [K in EventName]: EventSpec<K> } = {
  'simulator.ready': {
    level: 'info',
    text: (e) => `Ready after ${Math.round(e.milliseconds)} ms: gateway ${e.gateway}, identity ${e.identity}`,
  },
  'simulator.closing': { level: 'info', text: (e) => `Closing: ${e.reason}` },
  'simulator.closed': { level: 'info', text: () => 'Closed' },
  'certificate.created': { level: 'info', text: (e) => `Made the certificate ${e.name} in ${e.path}` },
  'certificate.renewed': { level: 'info', text: (e) => `Renewed the certificate ${e.name} in ${e.path}: ${e.reason}` },
  'tls.connect': { level: 'debug', text: (e) => `${e.remote} connected with ${e.protocol} ${e.cipher}` },
  'tls.failed': { level: 'warn', text: (e) => `TLS with ${e.remote} failed (${e.reason}): ${e.explanation}` },
  'tls.probe': { level: 'debug', text: (e) => `${e.remote} connected and left without a byte, as health probes do` },
  'http.request': { level: 'debug', text: (e) => `${e.remote} ${e.method} ${e.path}` },
  'http.response': { level: 'debug', text: (e) => `${e.remote} was answered ${e.status} ${e.text}` },
  'http.rejected': {
    level: 'warn',
    text: (e) => `Closed the connection of ${e.remote} (${e.reason}): ${e.explanation}`,
  },
  'identity.token.issued': {
    level: 'info',
    text: (e) => `Issued a token to ${who(e.user)} (${e.grant}) for ${e.audience}`,
  },
  'identity.token.refused': {
    level: 'warn',
    text: (e) => `Refused a token to ${who(e.user)} (${e.grant}): AADSTS${e.code} ${e.explanation}`,
  },
  'identity.signin.completed': {
    level: 'info',
    text: (e) => `${e.user} signed in to ${e.client} (${e.methods})`,
  },
  'identity.signin.failed': {
    level: 'warn',
    text: (e) => `${who(e.user)} could not sign in to ${e.client}: AADSTS${e.code} ${e.explanation}`,
  },
  'identity.request.failed': {
    level: 'error',
    text: (e) => `The identity provider failed at ${e.path}: ${e.explanation}`,
  },
  'identity.keys.rotated': {
    level: 'info',
    text: (e) => `Signing key is now ${e.kid}${e.emergency ? ' (emergency: the old ones are gone)' : ''}`,
  },
  'identity.keys.loaded': { level: 'debug', text: (e) => `Loaded ${e.count} signing keys from ${e.url}` },
  'identity.keys.failed': {
    level: 'warn',
    text: (e) => `Could not load signing keys from ${e.url} (${e.reason}): ${e.explanation}`,
  },
  'auth.challenge': {
    level: 'info',
    text: (e) => `${e.remote} came without a token and was asked for one (401, WWW-Authenticate: Bearer)`,
  },
  'auth.accepted': { level: 'info', text: (e) => `${who(e.user, e.signInName)} authenticated from ${e.remote}` },
  'auth.refused': { level: 'warn', text: (e) => `Refused ${e.remote} (${e.reason}): ${e.explanation}` },
  'session.connect': {
    level: 'info',
    text: (e) =>
      `${who(e.user, e.signInName)} ${e.resumed ? 'resumed' : 'connected'} from ${e.remote} as ${[e.address4, e.address6].filter(Boolean).join(' and ')}, MTU ${e.mtu}`,
  },
  'session.refused': { level: 'warn', text: (e) => `No session for ${e.remote} (${e.reason}): ${e.explanation}` },
  'session.disconnect': {
    level: 'info',
    text: (e) =>
      `${e.user} disconnected after ${Math.round(e.seconds)} s (${e.reason}): ${e.explanation} In ${e.bytesIn} bytes, out ${e.bytesOut} bytes`,
  },
  'session.expired': {
    level: 'info',
    text: (e) => `The session ${e.session} of ${e.user} expired; its cookie is no longer valid`,
  },
  'gateway.acceleration': { level: 'info', text: (e) => e.explanation },
  'channel.cstp.open': { level: 'debug', text: (e) => `CSTP channel of ${e.session} from ${e.remote} (${e.cipher})` },
  'channel.cstp.close': {
    level: 'debug',
    text: (e) => `CSTP channel of ${e.session} from ${e.remote} closed: ${e.reason}`,
  },
  'channel.cstp.dead': {
    level: 'warn',
    text: (e) => `CSTP channel of ${e.session} has been silent for ${Math.round(e.silence / 1000)} s: dropped`,
  },
  'channel.dtls.open': {
    level: 'info',
    text: (e) => `DTLS channel of ${e.session} from ${e.remote} (${e.cipher}), MTU ${e.mtu}`,
  },
  'channel.dtls.close': {
    level: 'info',
    text: (e) => `DTLS channel of ${e.session} from ${e.remote} closed: ${e.reason}`,
  },
  'channel.dtls.move': { level: 'info', text: (e) => `DTLS channel of ${e.session} moved from ${e.from} to ${e.to}` },
  'channel.dtls.refused': {
    level: 'debug',
    text: (e) => `DTLS from ${e.remote} refused (${e.reason}): ${e.explanation}`,
  },
  'channel.switch': {
    level: 'info',
    text: (e) => `Data to ${e.session} now goes over ${e.to} instead of ${e.from}: ${e.reason}`,
  },
  'channel.protocol-error': {
    level: 'warn',
    text: (e) => `Protocol error on ${e.channel} of ${e.session} (${e.reason}): ${e.explanation}`,
  },
  'resource.request': {
    level: 'info',
    text: (e) =>
      `${who(e.user, e.signInName)} ${e.protocol} ${e.source} → ${e.host ? `${e.host} (${e.destination})` : e.destination}: ${e.decision}. ${e.explanation}`,
  },
  'resource.end': {
    level: 'debug',
    text: (e) => `Request ${e.request} ended (${e.reason}) after ${Math.round(e.milliseconds)} ms`,
  },
  'dns.query': {
    // A name that does not resolve is what people look for in a log; one without an IPv6 address is every other name.
    level: (e) => (e.outcome === 'answered' || e.outcome.startsWith('no record') ? 'debug' : 'info'),
    text: (e) => `DNS ${e.type} ${e.name}: ${e.outcome}, ${e.answers} answers`,
  },
  'service.listen': { level: 'debug', text: (e) => `Mock service ${e.service} on ${e.address}` },
  'service.request': {
    level: 'debug',
    text: (e) => `${e.service}: ${e.method} ${e.host}${e.path} from ${e.source} answered ${e.status}`,
  },
  'fault.injected': { level: 'info', text: (e) => `Injected ${e.fault} at ${e.seam}: ${e.detail}` },
  'flow.state': { level: 'trace', text: (e) => `Flow ${e.flow} ${e.from} → ${e.to}` },
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
export type Emit = <K extends EventName>(name: K, fields: EventMap[K]) => void;
