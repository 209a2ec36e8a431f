import type { Context, Done, Events, Helpers, Scenario, Script, Step } from './artillery.ts';
import { codeOf, wordsOf } from './errors.ts';
import { LOGIN_MEMBERS, LoginFiles } from './login.ts';
import { SourceAddresses } from './source-addresses.ts';
import { compileFlow } from './steps.ts';
import { Tokens } from './tokens.ts';
import { type Members, membersOf, scriptError } from './values.ts';
import { type Shared, VirtualUser } from './virtual-user.ts';

/** Ours: maximum number of error kinds reported in words. */
const MOST_TOLD = 20;

/**
 * The engine `tunnelite` of Artillery: a virtual user logs in to a Tunnel gateway with Tunnelite's client, and sends its requests through the
 * tunnel. Settings are in `config.engines.tunnelite` of the script; the README has them, the steps and the metrics.
 */
export class TunneliteEngine {
  readonly #script: Script;
  readonly #helpers: Helpers;
  readonly #settings: Members;
  readonly #files = new LoginFiles();
  readonly #shared: Shared;
  readonly #users = new WeakMap<Context, VirtualUser>();
  /** Codes of errors that were reported in words. */
  readonly #told = new Set<string>();

  /** Called by Artillery, once in each worker. @throws EngineError `ERR_ENGINE_SCRIPT` */
  constructor(script: Script, _events: unknown, helpers: Helpers) {
    this.#script = script;
    this.#helpers = helpers;
    const { source, ...login } = membersOf(script.config.engines?.['tunnelite'] ?? {}, 'engines.tunnelite', [
      ...LOGIN_MEMBERS,
      'source',
    ]);
    this.#settings = login;
    if (source !== undefined && typeof source !== 'string')
      throw scriptError('"source" of engines.tunnelite is not a string.');
    const { worker = 1, totalWorkers = 1 } = script.config.phases?.[0] ?? {};
    const addresses =
      source === undefined ? undefined : new SourceAddresses(source, worker, Math.max(worker, totalWorkers));
    this.#shared = { tokens: new Tokens(), nextSource: () => addresses?.next() };
  }

  /**
   * Creates the function that runs one user's flow. Artillery calls this once for each scenario, and the returned function for each user.
   * @throws EngineError `ERR_ENGINE_SCRIPT`
   */
  createScenario(scenario: Scenario, events: Events): (context: Context, done: Done) => void {
    const where = scenario.name === undefined ? 'the flow' : `the flow of "${scenario.name}"`;
    const steps = compileFlow(scenario.flow, where, {
      script: this.#script,
      settings: this.#settings,
      files: this.#files,
      helpers: this.#helpers,
      events,
      userOf: (context) => this.#users.get(context)!,
    });
    return (context, done) => {
      events.emit('started');
      void this.#run(steps, context, events).then((error) => done(error, context));
    };
  }

  /** Returns why the user failed. In any case, nothing of the user is open afterwards. */
  async #run(steps: readonly Step[], context: Context, events: Events): Promise<unknown> {
    const user = new VirtualUser(this.#shared, events);
    this.#users.set(context, user);
    try {
      for (const step of steps) await taken(step, context);
      user.assertNotLost();
      return undefined;
    } catch (error) {
      events.emit('error', codeOf(error));
      this.#tell(error);
      return error ?? new Error('The user failed.');
    } finally {
      await user.disconnect();
    }
  }

  /** Artillery only counts codes: the first error of each is reported in words. */
  #tell(error: unknown): void {
    const code = codeOf(error);
    if (this.#told.has(code) || this.#told.size >= MOST_TOLD) return;
    this.#told.add(code);
    console.error(`artillery-engine-tunnelite: ${code}: ${wordsOf(error)}`);
  }
}

/** Resolves when a step is complete. @throws the step's error */
function taken(step: Step, context: Context): Promise<void> {
  return new Promise((resolve, reject) => {
    step(context, (error) => (error ? reject(error) : resolve()));
  });
}
