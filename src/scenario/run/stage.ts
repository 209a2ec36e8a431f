import type { Clock } from '../../lib/clock.ts';
import type { Simulator } from '../../simulator/index.ts';
import type { ClientAction } from '../format/types.ts';

/** A client of a run, of any kind. */
export interface StageClient {
  readonly index: number;
  /** Whether pages can be expected to pass through its tunnel. */
  readonly connected: boolean;
  /** Fetches a page, and returns why it failed. Never rejects. */
  fetch(url: string, timeout: number): Promise<string | undefined>;
  /** Carries out the action of a step. */
  act(action: ClientAction): void | Promise<void>;
}

/** The environment of a scenario: a simulator, its clients, and their shared time. */
export interface Stage extends AsyncDisposable {
  readonly sim: Simulator;
  /** The clock of the timeline. */
  readonly clock: Clock;
  readonly clients: readonly StageClient[];
  /** Starts the clients. */
  begin(): void;
  /**
   * Advances time until a promise is settled, up to the time limit.
   * @throws what the promise is rejected with
   */
  pass(over: Promise<void>): Promise<void>;
}
