import type { EventMap, EventName, TunneliteEvent } from '../../telemetry/index.ts';
import type { Visit } from './visit.ts';

/** What a cause is about, in the order of a client's visit. */
export const AREAS = {
  sign_in: 'Sign-in at Entra ID',
  tls: 'TLS',
  request: 'Requests',
  token: 'Tokens',
  admission: 'Admission',
  cookie: 'Cookies',
  channel: 'Channels',
  ending: 'Ends of sessions',
  names: 'DNS and routes',
  resource: 'Resources',
  fault: 'Injected faults',
} as const;
export type Area = keyof typeof AREAS;

/** `fatal`: the tunnel fails or ends; `trouble`: something did not work; `note`: worth knowing. */
export type Weight = 'fatal' | 'trouble' | 'note';

/** Input of a cause. */
export interface Evidence<K extends EventName = EventName> {
  readonly fields: EventMap[K];
  readonly event: TunneliteEvent<K>;
  readonly visit: Visit;
}

type Told<K extends EventName, T> = T | ((fields: EventMap[K], evidence: Evidence<K>) => T);

/** One cause: when it applies, and its texts. */
export interface CauseSpec<K extends EventName> {
  /** Stable ID: scripts depend on it. */
  readonly id: string;
  readonly area: Area;
  readonly weight: Weight;
  /** For the table of causes. */
  readonly title: string;
  /** The events that the cause applies to. */
  readonly on: K;
  readonly when?: (fields: EventMap[K], evidence: Evidence<K>) => boolean;
  /** What happened, as a sentence. The caller makes external values printable. */
  readonly what: Told<K, string>;
  /** Why, as one or two sentences. */
  readonly why: Told<K, string>;
  /** What to do next, one action each: the likeliest first. */
  readonly next: Told<K, readonly string[]>;
  /** Pages with details, relative to the root of the repository. */
  readonly docs: readonly string[];
  /** Used when an earlier fault rule is the reason. */
  readonly seams?: readonly string[];
}

/** A cause without the type of its events. */
export type Cause = Omit<CauseSpec<EventName>, 'on' | 'when' | 'what' | 'why' | 'next'> & {
  readonly on: EventName;
  readonly when: (evidence: Evidence) => boolean;
  readonly what: (evidence: Evidence) => string;
  readonly why: (evidence: Evidence) => string;
  readonly next: (evidence: Evidence) => readonly string[];
};

/** Defines a cause; its functions receive the typed fields of the event. */
export function cause<K extends EventName>(spec: CauseSpec<K>): Cause {
  const told =
    <T>(words: Told<K, T>) =>
    (evidence: Evidence): T =>
      typeof words === 'function'
        ? (words as (fields: EventMap[K], evidence: Evidence<K>) => T)(
            evidence.fields as EventMap[K],
            evidence as unknown as Evidence<K>,
          )
        : words;
  return {
    ...spec,
    when: told(spec.when ?? true),
    what: told(spec.what),
    why: told(spec.why),
    next: told(spec.next),
  };
}
