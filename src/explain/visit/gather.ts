import { canonicalAddress } from '../../lib/ip-address.ts';
import type { EventName, TunneliteEvent } from '../../telemetry/index.ts';
import { describeClient } from './client-kind.ts';
import { splitRemote } from './remote.ts';
import { Visit } from './visit.ts';

/** The client to explain: a session by short ID, all clients at an address (with a port: one connection), or the latest client. */
export type Subject =
  | { readonly kind: 'session'; readonly session: string }
  | { readonly kind: 'address'; readonly address: string; readonly port?: number }
  | { readonly kind: 'last' };

/** One TLS or UDP connection of a client, and its events. */
interface Connection {
  readonly address: string;
  readonly port: number;
  readonly events: TunneliteEvent[];
  session: string | undefined;
  /** It counts as a client only if there is no other. */
  idle: boolean;
}

/** Milliseconds between two attempts of one client that are explained together. */
const TRIES_APART_MS = 60_000;

/** Milliseconds before a session in which a sign-in of its user belongs to it. */
const SIGN_IN_BEFORE_MS = 900_000;

/** Most connections without a session to explain together. */
const MAX_CONNECTIONS = 8;

/** Events that affect all clients present at the time. */
const FOR_ALL: ReadonlySet<EventName> = new Set<EventName>([
  'gateway.restarting',
  'gateway.stopped',
  'gateway.started',
  'gateway.draining',
  'gateway.drained',
  'gateway.stalled',
  'simulator.reset',
  'clock.advanced',
]);

/** Failures at Entra ID: a client without a token may never reach the gateway. */
const SIGN_IN_FAILURES: ReadonlySet<EventName> = new Set<EventName>([
  'identity.token.refused',
  'identity.signin.failed',
]);

/** Events of a client's address that are not part of a connection attempt. */
const ASIDE: ReadonlySet<EventName> = new Set<EventName>([
  'identity.signin.completed',
  'pairing.completed',
  'pairing.refused',
]);

type Loose = Readonly<Record<string, unknown>>;

const textOf = (event: TunneliteEvent, field: string): string | undefined => {
  const value = (event.fields as Loose)[field];
  return typeof value === 'string' && value !== '' ? value : undefined;
};

/** The client's `address:port`, if an event has one. */
function remoteOf(event: TunneliteEvent): string | undefined {
  const remote = textOf(event, 'remote');
  if (remote !== undefined || !event.name.startsWith('resource.')) return remote;
  return textOf(event, 'channel') === 'http-connect' ? textOf(event, 'source') : undefined;
}

/** Events of a journal, grouped by client. */
class Sorted {
  readonly events: readonly TunneliteEvent[];
  readonly connections: Connection[] = [];
  /** The connection of each event that has one, by sequence number. */
  readonly connectionOf = new Map<number, Connection>();

  constructor(events: readonly TunneliteEvent[]) {
    this.events = events;
    const open = new Map<string, Connection>();
    for (const event of events) {
      const remote = remoteOf(event);
      if (remote === undefined) continue;
      const key = `${event.name.startsWith('channel.dtls') ? 'udp ' : ''}${remote}`;
      let connection = open.get(key);
      // A port is reused.
      if (
        !connection ||
        (event.name === 'tls.connect' && connection.events.some(({ name }) => name.startsWith('tls.')))
      ) {
        connection = { ...splitRemote(remote), events: [], session: undefined, idle: true };
        open.set(key, connection);
        this.connections.push(connection);
      }
      connection.events.push(event);
      connection.session ??= textOf(event, 'session');
      connection.idle &&= isIdle(event);
      this.connectionOf.set(event.seq, connection);
    }
  }
}

/** User-Agents of the simulator's own probes. */
const PROBE = 'tunnelite-probe';

/** Only a reachability check, as health probes make. */
function isIdle({ name, fields }: TunneliteEvent): boolean {
  if (name === 'tls.connect' || name === 'tls.probe' || name === 'http.response' || ASIDE.has(name)) return true;
  return name === 'http.request' && fields.method === 'GET' && (fields.agent === undefined || fields.agent === PROBE);
}

/** Collects the journal's events of one client; undefined when there are none. Takes linear time. */
export function gather(events: readonly TunneliteEvent[], subject: Subject): Visit | undefined {
  const sorted = new Sorted(events);
  switch (subject.kind) {
    case 'session':
      return sessionVisit(sorted, subject.session);
    case 'address':
      return addressVisit(sorted, subject.address, subject.port);
    case 'last':
      return lastVisit(sorted, false) ?? lastVisit(sorted, true);
  }
}

function sessionVisit(sorted: Sorted, session: string): Visit | undefined {
  const own = sorted.events.filter(
    (event) => textOf(event, 'session') === session || sorted.connectionOf.get(event.seq)?.session === session,
  );
  const [first] = own;
  const last = own.at(-1);
  if (!first || !last) return undefined;
  const addresses = new Set(own.flatMap((event) => remoteOf(event) ?? []).map((remote) => splitRemote(remote).address));
  const users = new Set(own.flatMap((event) => [textOf(event, 'user'), textOf(event, 'signInName')]));
  users.delete(undefined);
  const alone = isAlone(sorted, session, addresses, first.seq, last.seq);
  const events = sorted.events.filter((event) => {
    if (textOf(event, 'session') === session || sorted.connectionOf.get(event.seq)?.session === session) return true;
    if (event.name.startsWith('identity.')) {
      const user = textOf(event, 'user');
      return (
        user !== undefined && users.has(user) && event.time >= first.time - SIGN_IN_BEFORE_MS && event.seq <= last.seq
      );
    }
    if (event.seq < first.seq || event.seq > last.seq) return false;
    if (FOR_ALL.has(event.name)) return true;
    // Datagrams do not identify their session until they are decrypted.
    const datagrams =
      event.name === 'channel.dtls.refused' || (event.name === 'fault.injected' && event.fields.seam === 'udp');
    const remote = remoteOf(event);
    return (
      alone &&
      datagrams &&
      textOf(event, 'session') === undefined &&
      remote !== undefined &&
      addresses.has(splitRemote(remote).address)
    );
  });
  return visitOf(events, session, [...addresses].at(-1));
}

/** True if no other session used these addresses in the meantime. */
function isAlone(sorted: Sorted, session: string, addresses: ReadonlySet<string>, from: number, to: number): boolean {
  return !sorted.connections.some(
    (one) =>
      one.session !== undefined &&
      one.session !== session &&
      addresses.has(one.address) &&
      one.events.some(({ seq }) => seq >= from && seq <= to),
  );
}

function addressVisit(sorted: Sorted, address: string, port: number | undefined): Visit | undefined {
  const wanted = canonicalAddress(address);
  const own = sorted.connections.filter((one) => one.address === wanted && (port === undefined || one.port === port));
  const session = own.findLast((one) => one.session !== undefined)?.session;
  const strangers = own.filter((one) => one.session === undefined).flatMap((one) => one.events);
  const events = [...strangers, ...((session && sessionVisit(sorted, session)?.events) || [])];
  return inOrder(events, session, wanted);
}

function lastVisit(sorted: Sorted, withIdle: boolean): Visit | undefined {
  for (let i = sorted.events.length - 1; i >= 0; i--) {
    const event = sorted.events[i]!;
    const connection = sorted.connectionOf.get(event.seq);
    const session = textOf(event, 'session') ?? connection?.session;
    if (session !== undefined) return sessionVisit(sorted, session);
    if (!connection || ASIDE.has(event.name) || (connection.idle && !withIdle)) continue;
    if (event.name.startsWith('identity.') && !SIGN_IN_FAILURES.has(event.name)) continue;
    return triesVisit(sorted, connection);
  }
  return undefined;
}

/** A client without a session: its last connection, and earlier ones in quick succession. */
function triesVisit(sorted: Sorted, last: Connection): Visit | undefined {
  const tries = sorted.connections.filter(
    (one) => one.address === last.address && one.session === undefined && (!one.idle || one === last),
  );
  const taken: Connection[] = [];
  let next = last.events.at(-1)!.time;
  for (let i = tries.length - 1; i >= 0 && taken.length < MAX_CONNECTIONS; i--) {
    const one = tries[i]!;
    if (next - one.events.at(-1)!.time > TRIES_APART_MS) break;
    taken.push(one);
    next = Math.min(next, one.events[0]!.time);
  }
  return inOrder(
    taken.flatMap((one) => one.events),
    undefined,
    last.address,
  );
}

function inOrder(events: TunneliteEvent[], session: string | undefined, address: string): Visit | undefined {
  if (events.length === 0) return undefined;
  const unique = new Map(events.map((event) => [event.seq, event]));
  return visitOf(
    [...unique.values()].sort((a, b) => a.seq - b.seq),
    session,
    address,
  );
}

function visitOf(events: readonly TunneliteEvent[], session: string | undefined, address: string | undefined): Visit {
  const spoke = events.findLast((event) => textOf(event, 'agent') !== undefined);
  const hello = events.findLast((event) => textOf(event, 'library') !== undefined);
  const library = hello && textOf(hello, 'library');
  const client = describeClient(spoke && isSame(events, spoke, hello) ? textOf(spoke, 'agent') : undefined, library);
  return new Visit({ session, address, client, events });
}

/** Whether an identified client may also be the latest to connect: a failed handshake has no User-Agent, and may be another program's. */
function isSame(events: readonly TunneliteEvent[], spoke: TunneliteEvent, hello: TunneliteEvent | undefined): boolean {
  if (!hello || hello.seq < spoke.seq) return true;
  const before = events.findLast((event) => event.seq < spoke.seq && textOf(event, 'library') !== undefined);
  return before === undefined || textOf(before, 'library') === textOf(hello, 'library');
}
