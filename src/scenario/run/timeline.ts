import { profileRules } from '../../config/fault-profiles.ts';
import type { FaultHandle } from '../../faults/index.ts';
import { durationText, parseDuration } from '../../lib/duration.ts';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import type { LoadedScenario } from '../format/load.ts';
import { actionOf } from '../format/timeline-checks.ts';
import type { ScenarioStep } from '../format/types.ts';
import type { Recording } from './record.ts';
import type { Stage } from './stage.ts';

/** Default timeout of a page. Milliseconds. */
const PAGE_TIMEOUT_MS = 20_000;

/** Carries out the steps of a scenario, each at its time, and fetches pages meanwhile. */
export class Timeline {
  readonly #loaded: LoadedScenario;
  readonly #stage: Stage;
  readonly #recording: Recording;
  /** Every rule that was ever in force, by its name. */
  readonly rules = new Map<string, FaultHandle>();
  readonly #over = Promise.withResolvers<void>();
  /** The steps in progress, and those that wait for them. */
  #working: Promise<void> | undefined;
  #ended = false;

  constructor(loaded: LoadedScenario, stage: Stage, recording: Recording) {
    this.#loaded = loaded;
    this.#stage = stage;
    this.#recording = recording;
    this.#over.promise.catch(() => undefined);
  }

  /** Settled when the last step is complete, or one failed. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Starts everything. Steps at 0s are carried out before the first client connects. */
  begin(): void {
    const { scenario } = this.#loaded;
    const { clock } = this.#stage;
    for (const [i, step] of scenario.timeline.entries()) {
      const at = parseDuration(step.at);
      if (at === 0) this.#make(step, i);
      else clock.setTimer(at, () => this.#make(step, i));
    }
    this.#stage.begin();
    const { traffic } = scenario;
    if (!traffic) return;
    const [every, timeout] = [parseDuration(traffic.every), timeoutOf(this.#loaded)];
    for (const client of this.#stage.clients) {
      const visit = (): void => {
        if (this.#ended) return;
        clock.setTimer(every, visit);
        if (client.connected) void this.#fetch(client.index, traffic.fetch, timeout);
      };
      clock.setTimer(every, visit);
    }
  }

  async #fetch(index: number, url: string, timeout: number): Promise<void> {
    const begin = this.#recording.now;
    const failure = await this.#stage.clients[index]!.fetch(url, timeout);
    if (!this.#ended) this.#recording.page(index, failure, this.#recording.now - begin);
  }

  /** Steps wait for earlier ones: new keys take time, and sessions ended afterwards must already see them. */
  #make(step: ScenarioStep, index: number): void {
    if (this.#ended) return;
    const work = (): Promise<void> | undefined => {
      if (this.#ended) return undefined;
      if (actionOf(step) === undefined) {
        this.#end();
        return undefined;
      }
      return this.#act(step).catch((error: unknown) => this.#failed(step, index, error));
    };
    const before = this.#working;
    const now = before ? before.then(work) : work();
    const done: Promise<void> | undefined = now?.then(() => {
      if (this.#working === done) this.#working = undefined;
    });
    this.#working = done;
  }

  #failed(step: ScenarioStep, index: number, error: unknown): void {
    this.#ended = true;
    const where = this.#loaded.locate(['timeline', index]);
    const message = `${where}: the step at ${step.at} failed: ${errorText(error)}`;
    this.#over.reject(new TunneliteError('ERR_SCENARIO_STEP', message, { cause: error }));
  }

  #end(): void {
    this.#ended = true;
    this.#recording.step('end');
    this.#over.resolve();
  }

  async #act(step: ScenarioStep): Promise<void> {
    const { sim, clients } = this.#stage;
    const { fault, clear, profile, keys, sessions, gateway, client, fetch, advance, cookies = 'keep', of } = step;
    const chosen = of === undefined ? clients : [clients[of]!];
    const whose = of === undefined ? (clients.length === 1 ? 'client' : 'clients') : `client ${of}`;
    const told = (text: string): void => this.#recording.step(text);
    if (fault) {
      told(`fault ${fault.name}: ${[fault.on.seam, fault.on.kind ?? []].flat(2).join(' ')} ${fault.then.do}`);
      this.rules.set(fault.name, sim.faults.add(fault));
    } else if (clear !== undefined) {
      const rule = this.rules.get(clear)!;
      told(`clear ${clear}: it struck ${rule.hits()} of ${rule.seen()} times`);
      rule.remove();
    } else if (profile !== undefined) {
      told(`profile ${profile ?? 'none'}`);
      sim.faults.useProfile(profile);
      for (const { name } of profile === null ? [] : profileRules(profile)) this.rules.set(name, sim.faults.get(name));
    } else if (keys !== undefined) {
      told(`keys ${keys}`);
      await (keys === 'emergency' ? sim.identity.keys.emergencyRotate() : sim.identity.keys.rotate());
    } else if (sessions !== undefined) {
      told(`sessions ${sessions}`);
      for (const { id, state } of sim.sessions.list()) {
        if (sessions === 'end') sim.sessions.disconnect(id, { reason: 'The scenario ends it.' });
        else if (sessions === 'expire') sim.sessions.expire(id);
        else if (state === 'connected') sim.sessions.rekey(id);
      }
    } else if (gateway !== undefined) {
      told(`gateway ${gateway}${cookies === 'lose' ? ', cookies are lost' : ''}`);
      if (gateway === 'start') await sim.gateway.start();
      // Complete when all clients have left, which may be never.
      else if (gateway === 'drain') sim.gateway.drain().catch(() => undefined);
      else await sim.gateway[gateway]({ cookies });
    } else if (client !== undefined) {
      told(`${whose}: ${client}`);
      await Promise.all(chosen.map((one) => one.act(client)));
    } else if (fetch !== undefined) {
      told(`${whose}: fetch ${fetch}`);
      for (const one of chosen) void this.#fetch(one.index, fetch, timeoutOf(this.#loaded));
    } else if (advance !== undefined) {
      told(`advance ${durationText(parseDuration(advance))}`);
      await sim.clock.advance(advance);
    }
  }
}

const timeoutOf = ({ scenario: { traffic } }: LoadedScenario): number =>
  traffic?.timeout === undefined ? PAGE_TIMEOUT_MS : parseDuration(traffic.timeout);
