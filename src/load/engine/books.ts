import type { CheckedPlan } from '../plan/read.ts';
import { Causes, Tally } from '../result/tally.ts';

/** The records of one phase. Times by the clock. */
export interface PhaseBook {
  readonly phase: CheckedPlan['phases'][number];
  readonly from: number;
  /** When it ends, or was ended. */
  to: number;
  /** Its planned duration, in milliseconds. */
  readonly planned: number;
  readonly warmUntil: number;
  readonly tally: Tally;
  /** Arrivals and requests intended within the warm-up. */
  readonly warm: Tally;
  readonly dropped: Causes;
}

/** The phases of a run; assigns each measurement to one of them: by its intended time. */
export class Books {
  readonly phases: PhaseBook[] = [];

  open(phase: PhaseBook['phase'], from: number, length: number, warmup: number): PhaseBook {
    const book: PhaseBook = {
      phase,
      from,
      to: from + length,
      planned: length,
      warmUntil: from + warmup,
      tally: new Tally(),
      warm: new Tally(),
      dropped: new Causes(),
    };
    this.phases.push(book);
    return book;
  }

  /** The last phase that had begun by then. */
  at(intended: number): Tally {
    const { phases } = this;
    let i = phases.length - 1;
    while (i > 0 && phases[i]!.from > intended) i--;
    const book = phases[i]!;
    return intended < book.warmUntil ? book.warm : book.tally;
  }

  /** All phases together, without their warm-ups. */
  total(): Tally {
    const total = new Tally();
    for (const { tally } of this.phases) total.add(tally);
    return total;
  }
}
