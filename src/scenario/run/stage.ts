import type { Clock } from '../../lib/clock.ts';
import type { Simulator } from '../../simulator/index.ts';
import type { ClientAction } from '../format/types.ts';

/** A client of a run, whatever it is. */
export interface StageClient {
  readonly index: number;
  /** Whether pages can be expected to come through its tunnel. */
  readonly connected: boolean;
  /** Fetches a page, and says why it did not come. Never rejects. */
  fetch(url: string, timeout: number): Promise<string | undefined>;
  /** Does what a step says. */
  act(action: ClientAction): void | Promise<void>;
}

/** Where a scenario takes place: a simulator, its clients, and the time that both live in. */
export interface Stage extends AsyncDisposable {
  readonly sim: Simulator;
  /** What the timeline goes by. */
  readonly clock: Clock;
  readonly clients: readonly StageClient[];
  /** Lets the clients come. */
  begin(): void;
  /**
   * Lets time pass until a promise is settled, and no longer than it may.
   * @throws what the promise is rejected with
   */
  pass(over: Promise<void>): Promise<void>;
}
