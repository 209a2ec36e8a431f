import type { EventName, TunneliteEvent } from '../telemetry/index.ts';
import type { Visit } from './visit/visit.ts';

/** One step: something that the client did, or that happened to it. */
export interface Step {
  /** Sequence number of the event, or of the first of several. */
  readonly seq: number;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
  readonly text: string;
}

/** Number of steps to show at the start and at the end. */
const FIRST_STEPS = 15;
const LAST_STEPS = 25;

/** Most different values that one step names. */
const NAMED = 4;

/** Repeated events that form one step: how they are grouped, and how the count is worded. */
const COUNTED: { readonly [K in EventName]?: (event: TunneliteEvent<K>) => readonly [said: string, what: string] } = {
  'http.request': ({ fields }) => ['Sent', `${fields.method} ${fields.path}`],
  'http.response': ({ fields }) => ['Got the answer', `${fields.status} ${fields.text}`],
  'dns.query': ({ fields }) => [fields.answers > 0 ? 'Looked up' : 'Looked up without success', fields.question],
  'resource.request': ({ fields }) => [
    fields.decision === 'deny' ? 'Was denied' : 'Was allowed',
    `${fields.host ?? fields.destination} (${fields.protocol})`,
  ],
  'channel.dtls.flight': ({ fields }) => [
    fields.direction === 'in' ? 'Sent in DTLS' : 'Received in DTLS',
    `${fields.messages}${fields.repeat === 0 ? '' : ', again'}`,
  ],
  'proxy.request': ({ fields }) => ['Asked a proxy for', `${fields.host}${fields.path}`],
  'stub.request': ({ fields }) => ['Got an answer from the stub', fields.stub],
  'fault.injected': ({ fields }) => [
    'Was affected by the fault rule',
    `${fields.rule} (${fields.seam}: ${fields.fault})`,
  ],
};

/** Events that other steps cover. */
const UNTOLD: ReadonlySet<EventName> = new Set<EventName>(['resource.end', 'channel.cstp.open', 'auth.challenge']);

interface Counted {
  readonly seq: number;
  readonly time: number;
  readonly said: string;
  readonly whats: Map<string, number>;
  total: number;
}

/** Describes what happened to a client, step by step, merging repeated events. Takes linear time. */
export function storyOf({ events }: Visit): { readonly steps: readonly Step[]; readonly left: number } {
  const steps: (Step | Counted)[] = [];
  /** Since the last standalone step. */
  let run = new Map<string, Counted>();
  for (const event of events) {
    if (UNTOLD.has(event.name)) continue;
    const counted = COUNTED[event.name] as ((event: TunneliteEvent) => readonly [string, string]) | undefined;
    if (!counted) {
      steps.push({ seq: event.seq, time: event.time, text: event.text });
      run = new Map();
      continue;
    }
    const [said, what] = counted(event);
    let one = run.get(said);
    if (!one) {
      one = { seq: event.seq, time: event.time, said, whats: new Map(), total: 0 };
      run.set(said, one);
      steps.push(one);
    }
    one.total++;
    if (one.whats.has(what) || one.whats.size < NAMED) one.whats.set(what, (one.whats.get(what) ?? 0) + 1);
  }
  const left = Math.max(0, steps.length - FIRST_STEPS - LAST_STEPS);
  const shown = left === 0 ? steps : [...steps.slice(0, FIRST_STEPS), ...steps.slice(-LAST_STEPS)];
  return { steps: shown.map((step) => ('text' in step ? step : told(step))), left };
}

function told({ seq, time, said, whats, total }: Counted): Step {
  const names = Array.from(whats, ([what, count]) => (count === 1 ? what : `${what} (${count} times)`));
  const more = total - [...whats.values()].reduce((sum, count) => sum + count, 0);
  return { seq, time, text: `${said}: ${names.join(', ')}${more > 0 ? `, and ${more} more` : ''}` };
}
