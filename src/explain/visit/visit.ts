import type { EventMap, EventName, TunneliteEvent } from '../../telemetry/index.ts';
import type { ClientDescription } from './client-kind.ts';

/** A fault rule that affected this client. */
export interface Strike {
  readonly rule: string;
  /** Sequence number of the event. */
  readonly seq: number;
}

const LOGINS = [
  'auth.challenge',
  'auth.accepted',
  'auth.refused',
  'session.refused',
  'session.connect',
] as const satisfies readonly EventName[];

interface VisitParts {
  readonly session: string | undefined;
  readonly address: string | undefined;
  readonly client: ClientDescription;
  readonly events: readonly TunneliteEvent[];
}

/** The journal's events of one client, oldest first. */
export class Visit {
  /** Short ID; undefined if the client got no session. */
  readonly session: string | undefined;
  /** The client's address, without a port; undefined if no event contains it. */
  readonly address: string | undefined;
  readonly client: ClientDescription;
  readonly events: readonly TunneliteEvent[];
  readonly #byName = new Map<EventName, TunneliteEvent[]>();
  #logins: ReadonlySet<string> | undefined;
  /** By seam, and by seam and remote address, in order. */
  readonly #strikes = new Map<string, Strike[]>();

  constructor({ session, address, client, events }: VisitParts) {
    this.session = session;
    this.address = address;
    this.client = client;
    this.events = events;
    for (const event of events) {
      const same = this.#byName.get(event.name);
      if (same) same.push(event);
      else this.#byName.set(event.name, [event]);
      if (event.name === 'fault.injected') {
        this.#addStrike(event as TunneliteEvent<'fault.injected'>);
      }
    }
  }

  #addStrike({ seq, fields: { rule, seam, remote } }: TunneliteEvent<'fault.injected'>): void {
    for (const key of remote === undefined ? [seam] : [seam, `${seam} ${remote}`]) {
      const same = this.#strikes.get(key);
      if (same) same.push({ rule, seq });
      else this.#strikes.set(key, [{ rule, seq }]);
    }
  }

  /** All events of one name. */
  of<K extends EventName>(name: K): readonly TunneliteEvent<K>[] {
    return (this.#byName.get(name) ?? []) as unknown as readonly TunneliteEvent<K>[];
  }

  /** True if there is one after the given sequence number. */
  has<K extends EventName>(name: K, { after = 0 } = {}): boolean {
    return (this.of(name).at(-1)?.seq ?? 0) > after;
  }

  /** The last event of a name before the given sequence number. */
  last<K extends EventName>(name: K, before: number): TunneliteEvent<K> | undefined {
    return lastBefore(this.of(name), before);
  }

  /** The last events of a name before the given sequence number, at most `most`, oldest first. */
  recent<K extends EventName>(name: K, before: number, most: number): readonly TunneliteEvent<K>[] {
    const all = this.of(name);
    const end = countBefore(all, before);
    return all.slice(Math.max(0, end - most), end);
  }

  /** The last fault rule to strike before an event, at one of these seams; with `remote`, on that connection. */
  struckBy(seams: readonly string[], before: number, remote?: string): Strike | undefined {
    const keys = remote === undefined ? seams : seams.map((seam) => `${seam} ${remote}`);
    const last = keys.flatMap((key) => lastBefore(this.#strikes.get(key) ?? [], before) ?? []);
    return last.reduce<Strike | undefined>((latest, one) => (latest && latest.seq > one.seq ? latest : one), undefined);
  }

  /** True if the client tried to log in or to open a tunnel on this connection. */
  triedLogin(remote: string): boolean {
    this.#logins ??= new Set(LOGINS.flatMap((name) => this.of(name).map(({ fields }) => fields.remote)));
    return this.#logins.has(remote);
  }

  /** The user's name, for a sentence. */
  get who(): string {
    const known = this.of('session.connect').at(-1)?.fields ?? this.of('auth.accepted').at(-1)?.fields;
    return known?.signInName ?? known?.user ?? 'the client';
  }
}

/** Fields of an event, as a cause reads them. */
export type Fields<K extends EventName> = EventMap[K];

/** The last entry of a sorted list with a lower number. */
function lastBefore<T extends { readonly seq: number }>(list: readonly T[], before: number): T | undefined {
  return list[countBefore(list, before) - 1];
}

/** The number of entries of a sorted list with a lower number. */
function countBefore(list: readonly { readonly seq: number }[], before: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]!.seq < before) low = middle + 1;
    else high = middle;
  }
  return low;
}
