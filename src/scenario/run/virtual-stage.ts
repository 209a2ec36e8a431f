import { systemClock } from '../../lib/clock.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { createWorld, type World, type WorldClient } from '../../world/index.ts';
import { configurationOf } from '../format/checks.ts';
import type { LoadedScenario } from '../format/load.ts';
import type { ClientAction } from '../format/types.ts';
import type { Recording } from './record.ts';
import type { Stage, StageClient } from './stage.ts';
import { Tokens } from './tokens.ts';

/** A note of a world: time, client, and text. */
const NOTE = /^(\d+\.\d+) client (\d+) (.*)$/s;

class VirtualClient implements StageClient {
  readonly index: number;
  readonly #client: WorldClient;
  readonly #tokens: Tokens;

  constructor(client: WorldClient, tokens: Tokens) {
    this.index = client.index;
    this.#client = client;
    this.#tokens = tokens;
  }

  get connected(): boolean {
    return this.#client.connected;
  }

  async fetch(url: string, timeout: number): Promise<string | undefined> {
    const { status, failure } = await this.#client.fetch(url, { timeout });
    return status === undefined ? failure : status >= 400 ? `status ${status}` : undefined;
  }

  act(action: ClientAction): void | Promise<void> {
    const client = this.#client;
    switch (action) {
      case 'connect':
        // Its notes contain the reason, and it tries again.
        client.connect().catch(() => undefined);
        return;
      case 'disconnect':
        return client.disconnect();
      case 'rekey':
        return client.rekey();
      case 'roam':
        return client.roam();
      case 'rebind':
        return client.rebind();
      case 'cut':
        return client.cut();
      case 'restore':
        return client.restore();
      case 'cut-udp':
        return client.cutUdp();
      case 'restore-udp':
        return client.restoreUdp();
      case 'forget-token':
        return this.#tokens.forget(this.index);
    }
  }
}

/** A stage in virtual time: everything in this process and in memory. */
export async function virtualStage(
  { scenario, end }: LoadedScenario,
  { seed, timeout, recording, signal }: StageParts,
): Promise<Stage> {
  let world: World | undefined;
  const tokens = new Tokens(scenario.token ?? {}, () => world!.sim, {
    get clock() {
      return world!.clock;
    },
    dial: (target) => world!.network.connect(target),
  });
  const made = await createWorld({
    seed,
    clients: scenario.clients ?? 1,
    ...(scenario.link !== undefined && { link: scenario.link }),
    ...(scenario.nat !== undefined && { nat: scenario.nat }),
    config: { ...configurationOf({ ...scenario, seed }) },
    token: (client, refused) => tokens.get(client, refused),
    runtime: { onEvent: recording.onEvent },
  });
  world = made;
  return {
    sim: made.sim,
    clock: made.clock,
    clients: made.clients.map((client) => new VirtualClient(client, tokens)),
    // They connect at random times within the first second.
    begin: () => undefined,
    async pass(over) {
      const limit = Promise.withResolvers<never>();
      const timer = systemClock.setTimer(timeout, () => limit.reject(overtime(timeout, made.now, end)));
      const onAbort = (): void => limit.reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        // One more day than the end, for operations that a step has started and waits for.
        await made.until(Promise.race([over, limit.promise]), end + 86_400_000);
      } finally {
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
        takeNotes(made, recording);
      }
    },
    [Symbol.asyncDispose]: () => made.close(),
  };
}

/** What stages need in addition to the scenario. */
export interface StageParts {
  readonly seed: number;
  /** Real time that a run may take, in addition to time that passes by the timeline, in milliseconds. */
  readonly timeout: number;
  readonly recording: Recording;
  readonly signal: AbortSignal | undefined;
}

function takeNotes(world: World, recording: Recording): void {
  for (const line of world.notes) {
    const [, at, client, text] = NOTE.exec(line) ?? [];
    if (text !== undefined && !text.startsWith('page ')) recording.note(Number(client), text, Number(at));
  }
}

function overtime(timeout: number, now: number, end: number): TunneliteError {
  return new TunneliteError(
    'ERR_SCENARIO_LIMIT',
    `After ${timeout / 1000} s of this machine's time, ${Math.round(now / 1000)} of the ${Math.round(end / 1000)} virtual seconds have passed.`,
  );
}
