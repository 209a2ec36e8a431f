import { TunneliteError } from '../lib/errors.ts';
import { printable } from '../lib/printable.ts';
import type { EventName, TunneliteEvent } from '../telemetry/index.ts';
import { CAUSES } from './causes/index.ts';
import { type Step, storyOf } from './story.ts';
import { subjectText } from './subject.ts';
import type { Area, Cause, Evidence, Weight } from './visit/cause.ts';
import type { ClientDescription } from './visit/client-kind.ts';
import { gather, type Subject } from './visit/gather.ts';
import type { Visit } from './visit/visit.ts';

/** One problem, or something worth knowing. */
export interface Finding {
  /** Stable ID of the cause, such as `token-expired`: docs/reference/explain.md lists all. */
  readonly cause: string;
  readonly area: Area;
  readonly weight: Weight;
  readonly title: string;
  /** What happened. */
  readonly what: string;
  readonly why: string;
  /** What to do next, one action each: the likeliest first. */
  readonly next: readonly string[];
  /** Pages with details, relative to the root of the repository. */
  readonly docs: readonly string[];
  /** The fault rule that caused it. */
  readonly rule: string | undefined;
  /** True if the client got a tunnel later. */
  readonly overcome: boolean;
  /** How many times it happened. */
  readonly times: number;
  /** Sequence numbers of the first and the last event behind it. */
  readonly seq: number;
  readonly last: number;
}

/** `connected`: the tunnel is up; `ended`: it was up; `failed`: there was none; `unfinished`: the client has not tried, or is still trying. */
export type Outcome = 'connected' | 'ended' | 'failed' | 'unfinished';

/** What one client did, what the gateway decided and why, and what to do next. */
export interface Explanation {
  /** Short ID; absent when the client got no session. */
  readonly session: string | undefined;
  /** Address of the client, without a port. */
  readonly address: string | undefined;
  readonly client: ClientDescription;
  readonly outcome: Outcome;
  /** Summary in one or two sentences. */
  readonly summary: string;
  readonly steps: readonly Step[];
  /** Number of steps omitted in the middle. */
  readonly stepsLeft: number;
  /** Most important first. */
  readonly findings: readonly Finding[];
  /** Number of findings omitted. */
  readonly findingsLeft: number;
  /** Sequence number of the newest event that the journal dropped, 0 if none: earlier events may be missing. */
  readonly lost: number;
}

/** Maximum number of different findings to distinguish and to show. */
const MAX_DISTINCT = 500;
const MAX_FINDINGS = 30;

const BY_EVENT: ReadonlyMap<EventName, readonly Cause[]> = Map.groupBy(CAUSES, ({ on }) => on);

/**
 * Explains one client from the events of a journal. Has no side effects, and takes linear time.
 * @param lost sequence number of the newest event that the journal dropped
 * @throws TunneliteError `ERR_EXPLAIN_UNKNOWN` when the journal has no events of the client
 */
export function explain(events: readonly TunneliteEvent[], subject: Subject = { kind: 'last' }, lost = 0): Explanation {
  const visit = gather(events, subject);
  if (!visit) {
    const gone = lost > 0 ? ` Events up to #${lost} were dropped from it.` : '';
    throw new TunneliteError('ERR_EXPLAIN_UNKNOWN', `The journal has no events of ${subjectText(subject)}.${gone}`);
  }
  const { findings, left } = findingsOf(visit);
  const outcome = outcomeOf(visit, findings);
  const { steps, left: stepsLeft } = storyOf(visit);
  const { session, address, client } = visit;
  return {
    session,
    address,
    client: { ...client, name: printable(client.name), agent: client.agent && printable(client.agent) },
    outcome,
    summary: printable(summaryOf(visit, outcome, findings)),
    steps: steps.map((step) => ({ ...step, text: printable(step.text) })),
    stepsLeft,
    findings,
    findingsLeft: left,
    lost,
  };
}

/** State of a tunnel: when it last came up, and whether it has ended since. */
function tunnelOf(visit: Visit): { readonly up: number | undefined; readonly ended: boolean } {
  const up = visit.of('session.connect').at(-1)?.seq;
  const ended =
    up !== undefined && (visit.has('session.disconnect', { after: up }) || visit.has('session.expired', { after: up }));
  return { up, ended };
}

function findingsOf(visit: Visit): { readonly findings: readonly Finding[]; readonly left: number } {
  const found = new Map<string, Finding>();
  let left = 0;
  const { up = 0 } = tunnelOf(visit);
  for (const event of visit.events) {
    const evidence = { fields: event.fields, event, visit } as Evidence;
    for (const one of BY_EVENT.get(event.name) ?? []) {
      if (!one.when(evidence)) continue;
      const finding = findingOf(one, evidence, up);
      const key = `${finding.cause} ${finding.what}`;
      const same = found.get(key);
      if (same) found.set(key, { ...same, times: same.times + 1, last: event.seq, overcome: finding.overcome });
      else if (found.size < MAX_DISTINCT) found.set(key, finding);
      else left++;
    }
  }
  const sorted = [...found.values()].sort((a, b) => rankOf(a) - rankOf(b) || b.last - a.last);
  return { findings: sorted.slice(0, MAX_FINDINGS), left: left + Math.max(0, sorted.length - MAX_FINDINGS) };
}

function findingOf(one: Cause, evidence: Evidence, up: number): Finding {
  const { event, visit } = evidence;
  // A handshake belongs to one connection: a rule that struck another one did not make it fail.
  const connection = event.name === 'tls.failed' ? (event as TunneliteEvent<'tls.failed'>).fields.remote : undefined;
  const { rule } = (one.seams && visit.struckBy(one.seams, event.seq, connection)) ?? {};
  const why = one.why(evidence);
  return {
    cause: one.id,
    area: one.area,
    weight: one.weight,
    title: one.title,
    what: sentence(printable(one.what(evidence))),
    why: printable(rule === undefined ? why : `The fault rule ${rule} caused this. Without it: ${why}`),
    next: [...(rule === undefined ? [] : [`\`tunnelite fault remove ${rule}\``]), ...one.next(evidence)].map(printable),
    docs: one.docs,
    rule,
    overcome: event.seq < up,
    times: 1,
    seq: event.seq,
    last: event.seq,
  };
}

/** Adds a full stop to external text that lacks one. */
const sentence = (text: string): string => (/[.!?)]$/.test(text) ? text : `${text}.`);

const RANKS: Readonly<Record<Weight, number>> = { fatal: 0, trouble: 1, note: 3 };

/** Problems that the client recovered from rank below current ones. */
function rankOf({ weight, overcome }: Finding): number {
  return RANKS[weight] + (overcome && weight !== 'note' ? 1.5 : 0);
}

function outcomeOf(visit: Visit, findings: readonly Finding[]): Outcome {
  const { up, ended } = tunnelOf(visit);
  if (up !== undefined) return ended ? 'ended' : 'connected';
  return findings.some(({ weight }) => weight === 'fatal') ? 'failed' : 'unfinished';
}

/** Describes the end of a session from the events that ended it. */
const isEnd = ({ area }: Finding): boolean => area === 'ending';

function summaryOf(visit: Visit, outcome: Outcome, findings: readonly Finding[]): string {
  const { client, session, who, address } = visit;
  const from = address === undefined ? '' : ` from ${address}`;
  const [worst] = findings.filter(({ weight }) => weight !== 'note');
  // Program names keep their case.
  const name = client.name.replace(/^(a|the) /, (article) => article.charAt(0).toUpperCase() + article.slice(1));
  switch (outcome) {
    case 'connected': {
      const trouble = worst && !isEnd(worst) ? ` ${worst.overcome ? 'Before that' : 'However'}: ${titled(worst)}.` : '';
      return `${name}${from} is connected as ${who}, session ${session}; data goes over ${carrierOf(visit) === 'dtls' ? 'DTLS (UDP)' : 'TLS (TCP)'}.${trouble}`;
    }
    case 'ended': {
      const end = findings.find((one) => isEnd(one) && !one.overcome);
      return `The session ${session} of ${who} has ended${end ? `: ${titled(end)}` : ''}.`;
    }
    case 'failed':
      return `${name}${from} got no tunnel: ${worst ? titled(worst) : 'the reason is unknown'}.`;
    case 'unfinished': {
      const [note] = findings;
      return `${name}${from} has no tunnel, and nothing refused it${note ? `: ${titled(note)}` : ''}.`;
    }
  }
}

/** Formats a title for use within a sentence. */
function titled({ title, rule }: Finding): string {
  const [first = '', second = ''] = title;
  // Abbreviations such as DTLS keep their case.
  const inside =
    second === second.toUpperCase() && second !== ' ' && second !== '’' ? title : first.toLowerCase() + title.slice(1);
  return rule === undefined ? inside : `${inside} (caused by the fault rule ${rule})`;
}

/** The channel that last carried data. */
function carrierOf(visit: Visit): 'cstp' | 'dtls' {
  const { up = 0 } = tunnelOf(visit);
  return visit.of('channel.switch').findLast(({ seq }) => seq > up)?.fields.to === 'dtls' ? 'dtls' : 'cstp';
}
