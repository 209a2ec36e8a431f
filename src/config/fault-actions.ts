import { TCP_ACTIONS, TCP_KINDS } from './fault-tcp.ts';

/* What fault rules can be about and do, as tables: the schema, the checks and the documentation are made from them. */

/** Where something passes that a rule may disturb. */
export const SEAMS = ['udp', 'tcp', 'decision', 'http'] as const;
export type SeamName = (typeof SEAMS)[number];

/** What can pass at a seam, by its kind. */
export const KINDS: Readonly<Record<SeamName, readonly string[]>> = {
  udp: [
    'client-hello',
    'hello-verify',
    'handshake',
    'change-cipher',
    'alert',
    'application',
    'other',
    'data',
    'dpd',
    'keepalive',
    'disconnect',
  ],
  tcp: TCP_KINDS,
  decision: ['accept', 'tls', 'authenticate', 'connect', 'traffic', 'cookie', 'resource', 'dns'],
  http: ['instance', 'metadata', 'keys', 'authorize', 'token', 'devicecode', 'logout', 'userinfo', 'user-realm'],
};

/** Kinds of a datagram that show only after decryption: what is in a record of the kind `application`. */
export const INNER_KINDS: readonly string[] = ['data', 'dpd', 'keepalive', 'disconnect'];

interface ActionSpec {
  readonly seams: readonly SeamName[];
  /** Members of `then` beside `do`. */
  readonly needs: readonly string[];
  readonly may: readonly string[];
  readonly text: string;
}

/** Every action. Milliseconds, bytes, and kilobits per second, unless a member says otherwise. */
export const ACTIONS = {
  drop: { seams: ['udp'], needs: [], may: [], text: 'It is lost.' },
  delay: {
    seams: ['udp', 'http'],
    needs: ['ms'],
    may: ['jitter'],
    text: 'It comes `ms` later, and up to `jitter` more; an answer over HTTP likewise. Datagrams of one rule and direction stay in their order.',
  },
  jitter: {
    seams: ['udp'],
    needs: ['ms'],
    may: [],
    text: 'It comes 0 to `ms` later, so that datagrams overtake each other.',
  },
  reorder: {
    seams: ['udp'],
    needs: [],
    may: ['by', 'ms'],
    text: 'It waits until `by` more that the rule selects have gone by (default 1), but no longer than `ms` (default 200).',
  },
  duplicate: {
    seams: ['udp'],
    needs: [],
    may: ['copies', 'ms'],
    text: 'It comes again: `copies` times (default 1), each `ms` after the one before (default 0).',
  },
  corrupt: { seams: ['udp'], needs: [], may: ['bit'], text: 'One bit is turned over: `bit`, or one by chance.' },
  rate: {
    seams: ['udp'],
    needs: ['kbps'],
    may: ['queue', 'ms', 'jitter'],
    text: 'All that the rule selects goes through a line of `kbps`, each direction its own; what would wait longer than `queue` ms (default 200) is lost. The line is `ms` long, and up to `jitter` longer.',
  },
  mtu_blackhole: {
    seams: ['udp'],
    needs: ['bytes'],
    may: [],
    text: 'It is lost if it has more than `bytes` (UDP payload). Smaller ones are not selected.',
  },
  nat_rebind: {
    seams: ['udp'],
    needs: [],
    may: [],
    text: 'From this datagram on its client comes from another port, as behind a NAT that forgot it. Removing the rule gives the old port back.',
  },
  hold: {
    seams: ['udp', 'tcp'],
    needs: [],
    may: ['max'],
    text: 'It waits until `release`, or until the rule is removed. Of datagrams at most `max` do (default 4096), more are lost and told; of the bytes of a connection no more are read when much of them wait, and none are lost.',
  },
  refuse: {
    seams: ['decision'],
    needs: [],
    may: ['reason'],
    text: 'The answer is no, on the wire as a real one; the journal has `reason`.',
  },
  stall: {
    seams: ['decision', 'tcp'],
    needs: [],
    may: ['ms'],
    text: 'Nothing more is read from the connection (at `tcp` nothing passes in the direction) for `ms`, or until the rule is removed. Nothing is lost.',
  },
  terminate: {
    seams: ['decision'],
    needs: [],
    may: ['reason'],
    text: 'The session ends as by an administrator: a disconnect packet, and its cookie is invalid. The journal has `reason`.',
  },
  rekey_now: {
    seams: ['decision'],
    needs: [],
    may: [],
    text: 'The client has to renew its tunnel, and with it all keys, as by `tunnelite sessions rekey`.',
  },
  pool_exhausted: {
    seams: ['decision'],
    needs: [],
    may: [],
    text: 'No tunnel, as when every address of the pool is in use.',
  },
  status: {
    seams: ['http'],
    needs: ['status'],
    may: ['retryAfter', 'ms'],
    text: 'The answer has this `status`, after `ms`; `retryAfter` seconds are in its header.',
  },
  body: {
    seams: ['http'],
    needs: ['body'],
    may: ['status', 'ms'],
    text: 'The answer is this text, such as garbage in place of keys.',
  },
  close: { seams: ['decision', 'http'], needs: [], may: [], text: 'The connection is closed.' },
  reset: { seams: ['decision'], needs: [], may: [], text: 'The connection ends with a TCP reset.' },
  ...TCP_ACTIONS,
} as const satisfies Readonly<Record<string, ActionSpec>>;

export type ActionName = keyof typeof ACTIONS;
export const ACTION_NAMES = Object.keys(ACTIONS) as ActionName[];

/** Turning points of a connection, where it can be stalled, closed or reset; all other decisions can be refused. */
export const STREAM_KINDS: readonly string[] = ['accept', 'tls', 'connect', 'traffic'];
export const REFUSABLE_KINDS: readonly string[] = ['authenticate', 'connect', 'cookie', 'resource', 'dns'];
/** Actions that are for some decisions only. */
export const ACTION_KINDS: Readonly<Record<string, readonly string[]>> = {
  refuse: REFUSABLE_KINDS,
  pool_exhausted: ['connect'],
  terminate: ['traffic'],
  rekey_now: ['traffic'],
};
/** Where a host name or port is asked for. */
export const NAMED_KINDS: readonly string[] = ['resource', 'dns'];

/** The entry of an action in {@link ACTIONS}, its members as plain texts. */
export const actionSpec = (name: ActionName): ActionSpec => ACTIONS[name];
