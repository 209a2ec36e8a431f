import type { FaultPorts } from '../faults/ports.ts';
import type { Clock } from '../lib/clock.ts';
import { endpointText } from '../lib/endpoint.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Emit, EventMap } from '../telemetry/events.ts';
import { withFault } from './fault-decision.ts';
import type { AddressNames, AskedFor, ConnectRequest, Decision, Policy, ResourceTarget } from './types.ts';

/**
 * How a request ended. `denied`: by the decision; `failed`: the resource never responded; `broken`: cut off; `completed`: all
 * data was transferred.
 */
export type RequestOutcome = 'denied' | 'failed' | 'broken' | 'completed';

/** Details of the end of a request. */
export interface RequestResult {
  readonly outcome: RequestOutcome;
  /** Bytes from the client, and to it. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** A reason code, or an error message. */
  readonly reason: string;
}

/** A request and its decision, while it is active. */
export interface OpenRequest {
  readonly request: ConnectRequest;
  readonly decision: Decision;
  /** The resource has responded. */
  answered(): void;
  readonly isAnswered: boolean;
  /** Registers how to end it from here; the callback is called at most once, with the reason. */
  endBy(end: (reason: string) => void): void;
  /** Ends it, if a callback is registered; false if there is none or it is over. */
  stop(reason: string): boolean;
  /** Marks it as over and writes its one journal entry. Only the first call counts. */
  end(result: RequestResult): void;
}

/** Number of requests by outcome. */
export interface RequestCounts {
  readonly requests: number;
  /** Allowed and still active. */
  readonly open: number;
  readonly denied: number;
  readonly failed: number;
  readonly broken: number;
  readonly completed: number;
}

interface LedgerOptions {
  readonly policy: Policy;
  readonly emit: Emit;
  /** Default: the machine's. */
  readonly clock: Clock;
  /** Milliseconds since the Unix epoch, as in the journal. */
  readonly now: () => number;
  readonly random: RandomSource;
  readonly faults: FaultPorts;
  readonly names: AddressNames;
  readonly onAllowed: ((request: ConnectRequest, target: ResourceTarget) => void) | undefined;
}

const NOTHING = { bytesIn: 0, bytesOut: 0 } as const;
/** Digits of the half of a trace ID that identifies the run, and of the half that counts. */
const HALF = 16;

/** All connect requests: one decision at the start and one complete journal entry at the end, whatever the transport. */
export class RequestLedger {
  readonly #options: LedgerOptions;
  readonly #open = new Set<Entry>();
  readonly #counts = { requests: 0, denied: 0, failed: 0, broken: 0, completed: 0 };
  /** Generated at the first request. */
  #run: string | undefined;

  constructor(options: LedgerOptions) {
    this.#options = options;
  }

  get counts(): RequestCounts {
    return { ...this.#counts, open: this.#open.size };
  }

  /** Resets the counters; active requests are counted when they end. */
  resetCounts(): void {
    Object.assign(this.#counts, { requests: 0, denied: 0, failed: 0, broken: 0, completed: 0 });
  }

  /** Active requests. */
  *[Symbol.iterator](): IterableIterator<OpenRequest> {
    yield* [...this.#open];
  }

  /** Decides on a request. While it is active, its destination keeps its name. */
  open(asked: AskedFor): OpenRequest {
    const { names } = this.#options;
    const { address, port } = asked.destination;
    const named = names.namesOf(address);
    const known = named.length > 0 || asked.name === undefined ? named : [asked.name];
    this.#sequence += 1;
    this.#counts.requests += 1;
    const request: ConnectRequest = {
      id: `r${this.#sequence}`,
      trace: asked.trace ?? this.#trace(this.#sequence),
      protocol: asked.protocol,
      channel: asked.channel,
      requester: asked.requester,
      source: asked.source,
      destination: { address, port, host: known[0], names: known, isVirtual: names.isVirtual(address) },
    };
    const { clock, emit, faults, now, policy } = this.#options;
    const decision = withFault(faults, request, policy(request));
    const told = fieldsOf(request, decision);
    emit('resource.request', told);
    const entry = new Entry({
      request,
      decision,
      told,
      clock,
      began: now(),
      release: decision.allow ? names.keep(address, request.requester.session) : () => {},
      onEnd: (fields, outcome) => {
        this.#open.delete(entry);
        this.#counts[outcome] += 1;
        emit('resource.end', fields);
      },
    });
    if (decision.allow) {
      this.#open.add(entry);
      this.#options.onAllowed?.(request, decision.target);
    } else {
      entry.end({ ...NOTHING, outcome: 'denied', reason: 'denied' });
    }
    return entry;
  }

  /** The current decision on a request, without side effects. */
  reconsider(request: ConnectRequest): Decision {
    return this.#options.policy(request);
  }

  #sequence = 0;

  #trace(count: number): string {
    this.#run ??= this.#options.random.bytes(HALF / 2).toString('hex');
    return `${this.#run}${count.toString(16).padStart(HALF, '0')}`;
  }
}

interface EntryOptions {
  readonly request: ConnectRequest;
  readonly decision: Decision;
  /** The journal's view of both. */
  readonly told: EventMap['resource.request'];
  readonly clock: Clock;
  readonly began: number;
  readonly release: () => void;
  readonly onEnd: (fields: EventMap['resource.end'], outcome: RequestOutcome) => void;
}

class Entry implements OpenRequest {
  readonly request: ConnectRequest;
  readonly decision: Decision;
  readonly #options: EntryOptions;
  readonly #since: number;
  #answeredAt: number | undefined;
  #stop: ((reason: string) => void) | undefined;
  #over = false;

  constructor(options: EntryOptions) {
    this.request = options.request;
    this.decision = options.decision;
    this.#options = options;
    this.#since = options.clock.monotonic();
  }

  get isAnswered(): boolean {
    return this.#answeredAt !== undefined;
  }

  answered(): void {
    this.#answeredAt ??= this.#options.clock.monotonic();
  }

  endBy(end: (reason: string) => void): void {
    this.#stop = end;
  }

  stop(reason: string): boolean {
    const stop = this.#stop;
    if (this.#over || stop === undefined) return false;
    this.#stop = undefined;
    stop(reason);
    return true;
  }

  end({ outcome, bytesIn, bytesOut, reason }: RequestResult): void {
    if (this.#over) return;
    this.#over = true;
    this.#stop = undefined;
    const { decision, told, clock, began, release, onEnd } = this.#options;
    release();
    const answered = this.#answeredAt === undefined ? undefined : this.#answeredAt - this.#since;
    const fields = {
      ...told,
      target: decision.allow ? targetText(decision.target) : undefined,
      outcome,
      began,
      answered,
      milliseconds: clock.monotonic() - this.#since,
      bytesIn,
      bytesOut,
      reason,
    };
    onEnd(fields, outcome);
  }
}

function fieldsOf(request: ConnectRequest, decision: Decision): EventMap['resource.request'] {
  const { requester, source, destination } = request;
  return {
    request: request.id,
    trace: request.trace,
    session: requester.session,
    user: requester.person?.username,
    signInName: requester.person?.signInName,
    channel: request.channel,
    protocol: request.protocol,
    source: endText(source),
    destination: endText(destination),
    host: destination.host,
    decision: decision.allow ? 'allow' : 'deny',
    rule: decision.rule,
    explanation: decision.explanation,
  };
}

/** A ping has no ports. */
function endText({ address, port }: { readonly address: string; readonly port: number }): string {
  return port === 0 ? address : endpointText(address, port);
}

function targetText(target: ResourceTarget): string {
  switch (target.kind) {
    case 'service':
      return `service ${target.service}`;
    case 'upstream':
      return `upstream ${target.id} ${target.here ? 'in this process' : endpointText(target.host, target.port)}`;
    case 'echo':
      return 'echo';
  }
}
