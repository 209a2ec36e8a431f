import { TCP_ACTIONS, TCP_KINDS } from './fault-tcp.ts';
import { TLS_ACTIONS } from './fault-tls.ts';

/* Subjects and actions of fault rules, as tables: the schema, the checks and the documentation are generated from them. */

import { DECISION_ACTIONS, DECISION_KINDS } from './fault-decision-actions.ts';
import { DNS_ACTIONS, DNS_KINDS } from './fault-dns-actions.ts';

/** A place where a rule may interfere with traffic. */
export const SEAMS = ['udp', 'tcp', 'packet', 'decision', 'dns', 'http'] as const;
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
  packet: ['tcp', 'udp', 'icmp', 'other'],
  decision: ['accept', 'tls', 'authenticate', 'connect', 'session', 'traffic', 'dpd', 'cookie', 'rekey', 'resource'],
  dns: DNS_KINDS,
  http: ['instance', 'metadata', 'keys', 'authorize', 'token', 'devicecode', 'logout', 'userinfo', 'user-realm'],
};

/** Kinds of a datagram that are visible only after decryption: the content of a record of the kind `application`. */
export const INNER_KINDS: readonly string[] = ['data', 'dpd', 'keepalive', 'disconnect'];

interface ActionSpec {
  readonly seams: readonly SeamName[];
  /** Members of `then` besides `do`. */
  readonly needs: readonly string[];
  readonly may: readonly string[];
  readonly text: string;
}

/** All actions. Units are milliseconds, bytes, and kilobits per second, unless a member says otherwise. */
export const ACTIONS = {
  drop: { seams: ['udp', 'packet', 'dns'], needs: [], may: [], text: 'The item is lost; at `dns` there is no answer.' },
  delay: {
    seams: ['udp', 'packet', 'decision', 'dns', 'http'],
    needs: ['ms'],
    may: ['jitter'],
    text: 'It arrives `ms` later, and up to `jitter` more. The same applies to answers over DNS and HTTP, and to the connection to a resource (for UDP, each datagram to it). Datagrams and packets of one rule and direction keep their order.',
  },
  jitter: {
    seams: ['udp', 'packet'],
    needs: ['ms'],
    may: [],
    text: 'It arrives 0 to `ms` later, so that datagrams overtake each other.',
  },
  reorder: {
    seams: ['udp', 'packet'],
    needs: [],
    may: ['by', 'ms'],
    text: 'It waits until the rule has selected `by` more and they have passed (default 1), but no longer than `ms` (default 200).',
  },
  duplicate: {
    seams: ['udp', 'packet'],
    needs: [],
    may: ['copies', 'ms'],
    text: 'It arrives again: `copies` times (default 1), each `ms` after the one before (default 0).',
  },
  corrupt: {
    seams: ['udp', 'packet'],
    needs: [],
    may: ['bit'],
    text: 'One bit is flipped: `bit`, or a random one.',
  },
  rate: {
    seams: ['udp', 'packet', 'decision'],
    needs: ['kbps'],
    may: ['queue', 'ms', 'jitter'],
    text: 'Everything that the rule selects goes through a line of `kbps`, one for each direction. Anything that would wait longer than `queue` ms (default 200) is lost. The line adds a delay of `ms`, and up to `jitter` more. Each connection to a resource has its own line, without losses. For UDP, each destination of a socket has its own line, with losses after 200 ms.',
  },
  mtu_blackhole: {
    seams: ['udp', 'packet'],
    needs: ['bytes'],
    may: ['icmp'],
    text: 'It is lost if it has more than `bytes`: the payload for UDP, the whole packet at `packet`. Smaller ones are not selected. With `icmp: true` the sender of a packet gets an ICMP error (fragmentation needed, or Packet Too Big, with `bytes` as the MTU).',
  },
  nat_rebind: {
    seams: ['udp'],
    needs: [],
    may: [],
    text: 'From this datagram on, the client has another port, as behind a NAT that lost its mapping. Removing the rule restores the old port.',
  },
  reject: {
    seams: ['udp'],
    needs: [],
    may: [],
    text: 'UDP is closed, so that the system answers each datagram with ICMP “port unreachable”. This affects all of UDP, so the rule cannot select further.',
  },
  hold: {
    seams: ['udp', 'tcp', 'packet'],
    needs: [],
    may: ['max'],
    text: 'It waits until `release`, or until the rule is removed. At most `max` datagrams and packets wait (default 4096); more are lost and reported. A connection with many waiting bytes is not read, so no data is lost.',
  },
  refuse: {
    seams: ['decision'],
    needs: [],
    may: ['reason'],
    text: 'The gateway refuses, as a real one does on the wire. For a resource, TCP is reset and UDP gets ICMP port unreachable. The journal has `reason`.',
  },
  stall: {
    seams: ['decision', 'tcp'],
    needs: [],
    may: ['ms'],
    text: 'The connection is not read for `ms`, or until the rule is removed (at `tcp`, no data passes in the direction); at `authenticate` the answer waits. Nothing is lost.',
  },
  terminate: {
    seams: ['decision'],
    needs: [],
    may: ['reason'],
    text: 'The session ends as if by an administrator: the client gets a disconnect packet, and the cookie is invalid. The journal has `reason`.',
  },
  rekey_now: {
    seams: ['decision'],
    needs: [],
    may: [],
    text: 'The client must renew its tunnel and thereby all keys, as with `tunnelite sessions rekey`.',
  },
  pool_exhausted: {
    seams: ['decision'],
    needs: [],
    may: [],
    text: 'No tunnel, as when every address of the pool is in use.',
  },
  status: {
    seams: ['http', 'decision'],
    needs: ['status'],
    may: ['retryAfter', 'ms'],
    text: 'The answer has this `status`, after `ms`; `retryAfter` seconds are in its header. At `resource`: each answer of an HTTP mock service, on connections that begin then.',
  },
  body: {
    seams: ['http'],
    needs: ['body'],
    may: ['status', 'ms'],
    text: 'The answer is this `text`, such as garbage instead of keys.',
  },
  aadsts: {
    seams: ['http'],
    needs: ['code'],
    may: ['ms'],
    text: "The answer is Entra's error document with this AADSTS `code`, after `ms`.",
  },
  garbage: {
    seams: ['http'],
    needs: [],
    may: ['as', 'ms'],
    text: 'The key set or the metadata is garbage: `text` that is not JSON (the default), `empty`, or `foreign`, like the answer of another provider.',
  },
  close: { seams: ['decision', 'http'], needs: [], may: [], text: 'The connection is closed.' },
  reset: {
    seams: ['decision'],
    needs: [],
    may: ['bytes'],
    text: 'The connection ends with a TCP reset; that to a resource after `bytes` to the client (default 0).',
  },
  ...DECISION_ACTIONS,
  ...DNS_ACTIONS,
  ...TCP_ACTIONS,
  ...TLS_ACTIONS,
} as const satisfies Readonly<Record<string, ActionSpec>>;

export type ActionName = keyof typeof ACTIONS;
export const ACTION_NAMES = Object.keys(ACTIONS) as ActionName[];

/** Requests to Entra ID to which an action of the seam `http` applies, if it does not apply to all. */
export const HTTP_KINDS: Readonly<Record<string, readonly string[]>> = {
  aadsts: ['authorize', 'token', 'devicecode', 'userinfo'],
  garbage: ['metadata', 'keys'],
};

/** The kinds at a seam to which an action can be applied. */
export function kindsFor(action: ActionName, seam: SeamName): readonly string[] {
  if (seam === 'decision') return DECISION_KINDS[action]?.at ?? [];
  return (seam === 'http' ? HTTP_KINDS[action] : undefined) ?? KINDS[seam];
}

/** The kinds selected by a rule that names none; undefined = everything that passes. */
export function unnamedKinds(action: ActionName, seam: SeamName): readonly string[] | undefined {
  if (seam === 'decision') return DECISION_KINDS[action]?.unnamed ?? DECISION_KINDS[action]?.at;
  if (action === 'wrong_address') return ADDRESS_KINDS;
  return seam === 'http' ? HTTP_KINDS[action] : undefined;
}

/** Questions for addresses. */
export const ADDRESS_KINDS: readonly string[] = ['A', 'AAAA'];
/** The decision that has a requested host name or port, and the one that has a token's claims. */
export const NAMED_KINDS: readonly string[] = ['resource'];
export const CLAIMED_KINDS: readonly string[] = ['authenticate'];

/** The entry of an action in {@link ACTIONS}, with its members as plain strings. */
export const actionSpec = (name: ActionName): ActionSpec => ACTIONS[name];
