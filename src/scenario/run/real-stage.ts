import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allEnded } from '../../lib/all-ended.ts';
import { systemClock } from '../../lib/clock.ts';
import { CloseStack } from '../../lib/dispose.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import { configurationOf } from '../format/checks.ts';
import type { LoadedScenario } from '../format/load.ts';
import { BundledClient } from './bundled-client.ts';
import { OPENCONNECT, ProgramClient } from './program-client.ts';
import type { Stage } from './stage.ts';
import { Tokens } from './tokens.ts';
import type { StageParts } from './virtual-stage.ts';

/** A stage on the machine's sockets and in real time. */
export async function realStage(
  { scenario, end }: LoadedScenario,
  { seed, timeout, recording, signal }: StageParts,
): Promise<Stage> {
  const { client = 'bundled', clients: count = 1 } = scenario;
  const closing = new CloseStack();
  // In a folder that nobody else can read, because it contains tokens.
  const folder = client === 'bundled' ? undefined : mkdtempSync(join(tmpdir(), 'tunnelite-scenario-'));
  if (folder !== undefined) closing.defer(() => rmSync(folder, { recursive: true, force: true }));
  let sim: Simulator;
  try {
    sim = await startSimulator({ ...configurationOf({ ...scenario, seed }) }, { onEvent: recording.onEvent });
  } catch (error) {
    await closing.close();
    throw error;
  }
  closing.use(sim);
  const tokens = new Tokens(scenario.token ?? {}, () => sim, { clock: systemClock });
  const indices = Array.from({ length: count }, (_, i) => i);
  const wanted = client === 'openconnect' ? OPENCONNECT : client;
  const clients = indices.map((index) =>
    typeof wanted === 'string'
      ? new BundledClient(index, sim, tokens, recording)
      : new ProgramClient({ index, sim, wanted, tokens, recording, folder: join(folder!, `client-${index}`) }),
  );
  closing.defer(async () => void (await allEnded(clients.map((one) => one.stop()))));
  return {
    sim,
    clock: systemClock,
    clients,
    begin() {
      for (const one of clients) void one.start();
    },
    async pass(over) {
      const limit = Promise.withResolvers<never>();
      const most = end + timeout;
      const timer = systemClock.setTimer(most, () =>
        limit.reject(new TunneliteError('ERR_SCENARIO_LIMIT', `It has not ended after ${Math.round(most / 1000)} s.`)),
      );
      const onAbort = (): void => limit.reject(signal?.reason);
      signal?.addEventListener('abort', onAbort, { once: true });
      try {
        await Promise.race([over, limit.promise]);
      } finally {
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
      }
    },
    [Symbol.asyncDispose]: () => closing.close(),
  };
}
