import { parseDuration } from '../../lib/duration.ts';
import { seededRandom } from '../../lib/random.ts';
import type { CheckedPlan } from '../plan/read.ts';
import { ALONE, isOwn, ownPlace } from '../plan/worker.ts';
import type { Tally } from '../result/tally.ts';
import { arrivalTimes, shuffled } from './arrival-times.ts';
import type { Books, PhaseBook } from './books.ts';
import type { Fleet } from './fleet.ts';
import type { LoadClientRun } from './load-client.ts';
import { ArrivalList, type Pacer, type Timetable } from './pacer.ts';

type Phase = CheckedPlan['phases'][number];

/** What is known of a phase before the run begins. */
export interface PlannedPhase {
  readonly phase: Phase;
  readonly length: number;
  readonly warmup: number;
  /** Intended times of arrivals, in milliseconds since its beginning. */
  readonly times: readonly number[];
  /** The clients in order of their turn, by their index in the fleet. */
  readonly order: readonly number[];
}

/**
 * All random decisions about the phases, from the seed of the plan. Each worker computes the arrivals of all, and takes its own:
 * together they are the same as those of one process that runs the plan alone.
 */
export function planPhases({ plan, phases, worker = ALONE }: CheckedPlan): PlannedPhase[] {
  const { seed = 1, clients } = plan;
  const chance = seededRandom(seed);
  return phases.map((phase) => {
    // A separate generator for each, so that another phase changes nothing for later ones.
    const random = seededRandom(chance.uint32());
    const length = parseDuration(phase.for);
    const warmup = parseDuration(phase.warmup ?? '0s');
    if (phase.phase === 'steady') return { phase, length, warmup, times: [], order: [] };
    const most = Math.round((phase.share ?? 1) * clients);
    const all = arrivalTimes(phase.arrivals ?? 'at once', length, most, random);
    const turns = shuffled(clients, random);
    // For logins, the next client without a tunnel is used; for faults, the number of the arrival determines the client.
    const login = phase.phase === 'login storm';
    const times = all.filter((_at, number) => isOwn(login ? number : turns[number]!, worker));
    const order = turns.filter((client) => isOwn(client, worker)).map((client) => ownPlace(client, worker));
    return { phase, length, warmup, times, order };
  });
}

/** The phases in sequence: a timetable of their boundaries, and in each one a timetable of its arrivals. */
export class Course implements Timetable {
  next: number;
  readonly #phases: readonly PlannedPhase[];
  readonly #fleet: Fleet;
  readonly #books: Books;
  readonly #pacer: Pacer;
  readonly #onEnd: () => void;
  readonly #onPhase: (book: PhaseBook) => void;
  #list: ArrivalList | undefined;
  #begun = 0;
  #turn = 0;

  constructor(
    phases: readonly PlannedPhase[],
    start: number,
    parts: {
      readonly fleet: Fleet;
      readonly books: Books;
      readonly pacer: Pacer;
      readonly onPhase: (book: PhaseBook) => void;
      readonly onEnd: () => void;
    },
  ) {
    this.#phases = phases;
    this.next = start;
    this.#fleet = parts.fleet;
    this.#books = parts.books;
    this.#pacer = parts.pacer;
    this.#onPhase = parts.onPhase;
    this.#onEnd = parts.onEnd;
  }

  run(intended: number, now: number): void {
    this.#endPhase(now, 'the phase was over');
    const planned = this.#phases[this.#begun++];
    if (planned === undefined) {
      this.next = Number.POSITIVE_INFINITY;
      this.#onEnd();
      return;
    }
    const { phase, length, warmup, times } = planned;
    const book = this.#books.open(phase, intended, length, warmup);
    this.next = intended + length;
    this.#turn = 0;
    this.#list = new ArrivalList(intended, times, (number, at, actual) =>
      this.#arrive(planned, book, number, at, actual),
    );
    this.#pacer.add(this.#list);
    this.#onPhase(book);
  }

  /** Checks whether a phase with `until: done` is complete. */
  check(now: number): void {
    const book = this.#books.phases.at(-1);
    if (book?.phase.until !== 'done' || now >= this.next || this.#list?.next !== Number.POSITIVE_INFINITY) return;
    if (!this.#fleet.clients.every(({ settled }) => settled)) return;
    book.to = now;
    this.next = now;
  }

  /** Ends the phase early. */
  interrupt(now: number): void {
    const book = this.#books.phases.at(-1);
    if (book) book.to = Math.min(book.to, now);
    this.next = Number.POSITIVE_INFINITY;
    this.#endPhase(now, 'the run was interrupted');
  }

  #endPhase(now: number, why: string): void {
    const book = this.#books.phases.at(-1);
    if (!book) return;
    const left = this.#list?.end() ?? 0;
    this.#list = undefined;
    if (left > 0) {
      book.tally.count('arrivals.planned', left);
      book.tally.count('arrivals.dropped', left);
      book.dropped.add(why, left);
    }
    for (const client of this.#fleet.clients) {
      client.endPhase(now);
      if (book.phase.phase === 'return') client.endReturn(now);
    }
  }

  #arrive({ phase, order }: PlannedPhase, book: PhaseBook, number: number, intended: number, now: number): void {
    const tally = this.#books.at(intended);
    tally.count('arrivals.planned');
    const why =
      phase.phase === 'login storm'
        ? this.#login(order, intended, tally)
        : this.#strike(phase, order[number]!, tally, now);
    if (why === undefined) {
      tally.count('arrivals.started');
      return;
    }
    tally.count('arrivals.dropped');
    book.dropped.add(why);
  }

  /** The next client in order without a tunnel. */
  #login(order: readonly number[], intended: number, tally: Tally): string | undefined {
    const { clients } = this.#fleet;
    while (this.#turn < order.length) {
      const client = clients[order[this.#turn++]!]!;
      if (client.place !== 'out' && client.place !== 'over') continue;
      client.login(intended, tally);
      return undefined;
    }
    return 'every client has a tunnel, or is connecting';
  }

  #strike(phase: Phase, index: number, tally: Tally, now: number): string | undefined {
    const client: LoadClientRun = this.#fleet.clients[index]!;
    switch (phase.phase) {
      case 'udp blackout':
        return client.cutUdp(1, tally, now);
      case 'partial loss':
        return client.cutUdp(phase.loss!, tally, now);
      case 'return':
        return client.restoreUdp(tally, now);
      case 'roam':
        return client.roam(tally, now);
      case 'node loss':
        return client.loseNode(phase.how ?? 'silence', phase.cookies ?? 'lost', tally, now);
      case 'thundering reconnect':
        return client.loseNode('reset', 'kept', tally, now);
      default:
        return 'nothing arrives in this phase';
    }
  }
}
