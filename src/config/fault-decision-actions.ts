/* Rule actions on sessions, logins and resources behind the tunnel: entries of the table of all actions. */

/** Decisions about a session's TLS connection, or about the session as a whole. */
export const STREAM_KINDS: readonly string[] = [
  'accept',
  'tls',
  'authenticate',
  'cookie',
  'rekey',
  'connect',
  'session',
  'traffic',
  'dpd',
];
/** The decisions selected by a connection rule that names none. */
const TURNING_POINTS: readonly string[] = ['accept', 'tls', 'connect', 'session', 'traffic'];
/** Moments of a session. */
const SESSION_KINDS: readonly string[] = ['session', 'traffic', 'dpd'];

interface DecisionKinds {
  /** Where the action can be applied. */
  readonly at: readonly string[];
  /** Where it is applied if the rule names no kind. If omitted: at all of them. */
  readonly unnamed?: readonly string[];
}

const AT_RESOURCES: DecisionKinds = { at: ['resource'] };
const OF_CONNECTIONS: DecisionKinds = { at: [...STREAM_KINDS, 'resource'], unnamed: TURNING_POINTS };

/** The decisions at which an action can be applied. */
export const DECISION_KINDS: Readonly<Record<string, DecisionKinds>> = {
  refuse: {
    at: ['authenticate', 'connect', 'cookie', 'rekey', 'resource'],
    unnamed: ['authenticate', 'connect', 'cookie', 'resource'],
  },
  pool_exhausted: { at: ['connect'] },
  stall: { at: STREAM_KINDS, unnamed: TURNING_POINTS },
  close: { at: STREAM_KINDS, unnamed: TURNING_POINTS },
  reset: OF_CONNECTIONS,
  terminate: { at: SESSION_KINDS, unnamed: ['session'] },
  rekey_now: { at: SESSION_KINDS, unnamed: ['session'] },
  cookie_expire: { at: [...SESSION_KINDS, 'cookie'], unnamed: ['session'] },
  ban: { at: [...SESSION_KINDS, 'accept', 'tls'], unnamed: ['session'] },
  dpd_mute: { at: ['dpd'] },
  certificate: { at: ['tls'] },
  tls_version: { at: ['tls'] },
  unreachable: AT_RESOURCES,
  filter: AT_RESOURCES,
  delay: AT_RESOURCES,
  rate: AT_RESOURCES,
  status: AT_RESOURCES,
};

/** Actions of the seam `decision` that were added later. */
export const DECISION_ACTIONS = {
  dpd_mute: {
    seams: ['decision'],
    needs: [],
    may: [],
    text: "The client's DPD requests get no answer, over TLS and over DTLS.",
  },
  cookie_expire: {
    seams: ['decision'],
    needs: [],
    may: [],
    text: "The session's cookie is no longer valid. Its tunnel stays open; a client that returns with the cookie is refused, and must sign in.",
  },
  ban: {
    seams: ['decision'],
    needs: [],
    may: ['points'],
    text: "The client's address is banned for `gateway.bans.banTime`, as after too many failed logins. With `points` its score grows by that number, and it is banned at `gateway.bans.maxScore`. Open connections stay. Only time or a reset ends the ban.",
  },
  unreachable: {
    seams: ['decision'],
    needs: [],
    may: ['reason'],
    text: 'The resource cannot be reached: ICMP reports the host as unreachable.',
  },
  filter: {
    seams: ['decision'],
    needs: [],
    may: ['reason'],
    text: 'The resource does not answer, as behind a firewall that drops packets.',
  },
} as const;
