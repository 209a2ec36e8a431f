import type { EventName, TunneliteEvent } from '../../telemetry/index.ts';

/** An event in a form that can be compared between two runs. */
export interface NormalEvent {
  readonly event: TunneliteEvent;
  /** Equal for the same event in another run: without the values that differ in each run. */
  readonly key: string;
  /** This run's IDs in it, by field: each corresponds to one of the other run. */
  readonly ids: readonly (readonly [kind: string, value: string])[];
}

/** Measured values: they differ between any two runs. */
const MEASURED: ReadonlySet<string> = new Set([
  'milliseconds',
  'seconds',
  'began',
  'answered',
  'silence',
  'bytesIn',
  'bytesOut',
  'count',
  'withheld',
  'hit',
  'hits',
  'seen',
  'kept',
  'timers',
  'path',
  'fingerprint',
  'node',
  'platform',
  'trace',
  'tokenId',
  'kid',
]);

/** IDs that differ in each run, and what they identify. */
const IDS: Readonly<Record<string, string>> = {
  session: 'session',
  request: 'request',
  remote: 'client',
  source: 'client',
};

/** Events about the state of a process rather than its actions, and retransmissions of flights, which depend on the machine's load. */
const ASIDE: ReadonlySet<EventName> = new Set<EventName>([
  'simulator.starting',
  'simulator.ready',
  'gateway.stalled',
  'gateway.acceleration',
  'channel.dtls.flight',
]);

/** Sessions whose IDs are searched for in sentences. */
const MAX_SESSIONS = 100_000;

/** Normalizes the events of one run for comparison with another. */
export class Normalizer {
  readonly #sessions = new Set<string>();

  /** Returns undefined for an event that is not compared. */
  normal(event: TunneliteEvent): NormalEvent | undefined {
    if (ASIDE.has(event.name) || event.level === 'trace') return undefined;
    const ids: [string, string][] = [];
    const parts: string[] = [event.name];
    for (const [field, value] of Object.entries(event.fields as Readonly<Record<string, unknown>>)) {
      if (value === undefined || MEASURED.has(field)) continue;
      const kind = Object.hasOwn(IDS, field) ? IDS[field] : undefined;
      if (kind !== undefined && typeof value === 'string' && value !== '') {
        ids.push([kind, value]);
        if (kind === 'session' && this.#sessions.size < MAX_SESSIONS) this.#sessions.add(value);
        parts.push(`${field}=<${kind}>`);
      } else {
        parts.push(`${field}=${typeof value === 'string' ? this.#sentence(value) : JSON.stringify(value)}`);
      }
    }
    return { event, key: parts.join('\u001f'), ids };
  }

  /** A string without times, durations, ports and session IDs. */
  #sentence(text: string): string {
    const plain = /\d/.test(text)
      ? text
          .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]{5,12}Z/g, '<time>')
          .replaceAll(/\b\d+(?:\.\d+)? (?:ms|s|min|h|bytes)\b/g, '<amount>')
          .replaceAll(/(:|port )\d{4,5}\b/g, '$1<port>')
      : text;
    // Only sentences contain session IDs: single words are compared unchanged.
    if (!plain.includes(' ')) return plain;
    return plain.replaceAll(/\b[a-z2-9]{6}\b/g, (word) => (this.#sessions.has(word) ? '<session>' : word));
  }
}

/** Names of fields whose values differ between two events of one name, except measured ones. */
export function differingFields(one: NormalEvent, other: NormalEvent): string[] {
  const [first, second] = [partsOf(one), partsOf(other)];
  return [...new Set([...first.keys(), ...second.keys()])].filter((field) => first.get(field) !== second.get(field));
}

function partsOf({ key }: NormalEvent): Map<string, string> {
  return new Map(
    key
      .split('\u001f')
      .slice(1)
      .map((part): [string, string] => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)]),
  );
}
