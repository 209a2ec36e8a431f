import { PROFILE_NAMES, type ProfileName, profileRules } from '../config/fault-profiles.ts';
import type { FaultRule } from '../config/fault-schema.ts';
import type { Clock, Timer } from '../lib/clock.ts';
import { parseDuration } from '../lib/duration.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { Person } from '../lib/person.ts';
import { type RandomSource, seededRandom } from '../lib/random.ts';
import type { Emit } from '../telemetry/events.ts';
import { checked, keyOf } from './checked-rule.ts';
import { listOf } from './matcher.ts';
import { notesOn, type Surroundings } from './notes.ts';
import { streamFault } from './outcomes.ts';
import type { FaultedSessions, FaultPorts, TcpConnection } from './ports.ts';
import { Rule, type RuleHost, selectorOf } from './rule.ts';
import { FaultSeams } from './seams.ts';
import { TcpRules } from './tcp-faults.ts';
import type { FaultHandle, FaultRuleInput, FaultStatus, Passing } from './types.ts';
import { UdpPort } from './udp-port.ts';
import { WaitingBudget } from './waiting.ts';

/** Actions that have no effect on a session without a tunnel. */
const NEEDS_TUNNEL: ReadonlySet<string> = new Set(['stall', 'close', 'reset', 'rekey_now']);

/** An active rule, and its form in the configuration. */
interface ConfiguredRule {
  readonly given: FaultRule;
  readonly rule: FaultHandle;
}

/** Maximum number of active rules. */
export const MAX_RULES = 20_000;

export interface FaultEngineOptions extends FaultSettings {
  /** The simulator's clock, used for `after` and `during`. */
  readonly clock: Clock;
  /** The network's clock, used for delays. */
  readonly machine: Clock;
  readonly emit: Emit;
  /** Settings that make rules ineffective. */
  readonly surroundings?: Surroundings;
  /** The rules and the profile of the configuration become active with `begin`, not at once. */
  readonly later?: boolean;
}

/** The fault settings of the configuration. */
export interface FaultSettings {
  /** Each rule has its own random generator, seeded with this number and its name. */
  readonly seed: number;
  /** Rules that are active at the start and again after a reset. */
  readonly rules?: readonly FaultRule[];
  /** Network profile at the start and again after a reset. */
  readonly profile?: ProfileName | null;
}

/**
 * The faults of one simulator: a list of rules, each of which selects some of the passing items and applies an action to them.
 * Every rule counts what it selects; of the rules that strike, the one that was added first acts.
 *
 * @example
 * ```ts
 * await using rule = sim.faults.add({ name: 'no-udp', on: { seam: 'udp' }, then: { do: 'drop' } });
 * await rule.struck();
 * await sim.journal.waitFor({ name: 'channel.switch', fields: { to: 'cstp' } });
 * ```
 */
export class FaultEngine extends FaultSeams implements FaultPorts {
  readonly #options: FaultEngineOptions;
  readonly #host: RuleHost;
  readonly #rules = new Map<string, Rule>();
  readonly #tcp: TcpRules;
  readonly #udpPort: UdpPort;
  #sessions: FaultedSessions | undefined;
  /** Rules that wait for their time to check the existing sessions. */
  readonly #sweeps = new Map<Rule, Timer>();
  #order = 0;
  #settings: FaultSettings;
  /** Rules of the configuration, with the form of each in it. */
  #configured: readonly ConfiguredRule[] = [];
  /** Names used in the configuration, never assigned to an unnamed rule, since a later rule may have that name. */
  #reserved: ReadonlySet<string> = new Set();
  /** Where to continue the search for a free name. */
  readonly #numbers = new Map<string, number>();
  #profile: { readonly name: ProfileName; readonly rules: readonly FaultHandle[] } | undefined;
  constructor(options: FaultEngineOptions) {
    super(options.machine);
    this.#options = options;
    this.#settings = options;
    const { clock, machine, emit } = options;
    const budget = new WaitingBudget();
    this.#host = { clock, machine, emit, budget, removed: (rule, lost) => this.#forget(rule, lost) };
    this.#udpPort = new UdpPort(machine);
    this.#tcp = new TcpRules({ clock, machine, budget });
    if (!options.later) this.begin();
  }

  /** Activates the rules and the profile of the configuration. @internal */
  begin(): void {
    const { rules = [], profile = null } = this.#settings;
    this.#reserve(rules);
    this.#configured = rules.map((given) => ({ given, rule: this.add(given) }));
    this.useProfile(profile);
  }

  #reserve(rules: readonly FaultRule[]): void {
    this.#reserved = new Set(rules.flatMap(({ name }) => name ?? []));
  }

  /**
   * Applies another configuration. Unchanged rules stay active and keep their counts; removed rules end; new and changed rules start.
   * Rules that were added by other means are not affected. @internal
   */
  configure(settings: FaultSettings): void {
    const { profile = null } = settings;
    const { leaving, staying, coming } = this.#planOf(settings);
    const before = this.#settings.profile ?? null;
    this.#settings = settings;
    this.#reserve(settings.rules ?? []);
    for (const { rule } of leaving) rule.remove();
    const added = coming.map((given) => ({ given, rule: this.add(given) }));
    this.#configured = [...staying, ...added];
    if (profile !== before) this.useProfile(profile);
  }

  /**
   * Checks whether `configure` would succeed.
   * @throws TunneliteError `ERR_FAULT_EXISTS` when a rule added by other means has the name of a new one, `ERR_FAULT_RULE`, `ERR_FAULT_LIMIT`
   * @internal
   */
  assertConfigurable(settings: FaultSettings): void {
    const { leaving, coming } = this.#planOf(settings);
    const { profile = null } = settings;
    const changed = profile !== (this.#settings.profile ?? null);
    const ended = [...leaving.map(({ rule }) => rule), ...(changed ? (this.#profile?.rules ?? []) : [])];
    const begun = [...coming, ...(changed && profile !== null ? profileRules(profile) : [])];
    for (const rule of coming) this.#assertKnown(rule);
    this.#assertRoomFor(begun, ended);
  }

  #planOf({ rules = [] }: FaultSettings) {
    const left = new Map<string, ConfiguredRule[]>();
    for (const one of this.#configured) {
      const key = keyOf(one.given);
      const same = left.get(key);
      if (same) same.push(one);
      else left.set(key, [one]);
    }
    const staying: ConfiguredRule[] = [];
    const coming: FaultRule[] = [];
    for (const given of rules) {
      const same = left.get(keyOf(given))?.shift();
      if (same === undefined) coming.push(given);
      else staying.push(same);
    }
    return { leaving: [...left.values()].flat(), staying, coming };
  }

  /** Sets the access to sessions. @internal */
  knowSessions(sessions: FaultedSessions): void {
    this.#sessions = sessions;
  }

  /** @internal */
  protected override personOf(session: string): Person | undefined {
    return this.#sessions?.personOf(session);
  }

  /** Sets the function that opens and closes UDP; false: there is no UDP. @internal */
  knowUdp(openPort: (open: boolean) => Promise<boolean>): void {
    this.#udpPort.know(openPort);
  }

  /** Whether the UDP port must be closed. @internal */
  get udpShut(): boolean {
    return this.#udpPort.shut;
  }

  /** Sets the access to connections that are already open. @internal */
  knowConnections(connections: () => Iterable<TcpConnection>): void {
    this.#tcp.knowConnections(connections);
  }

  /**
   * Adds a rule and activates it.
   * @throws TunneliteError `ERR_FAULT_RULE` naming the invalid members, `ERR_FAULT_EXISTS`, `ERR_FAULT_LIMIT`
   */
  add(input: FaultRuleInput): FaultHandle {
    const { where, rule } = checked(input);
    const name = rule.name ?? this.#freeName(rule);
    const named = { ...rule, name };
    this.#assertRoomFor([named], []);
    this.#assertKnown(named);
    const selector = selectorOf(named);
    const lanes = this.lanesOf({ ...named, on: selector });
    const { surroundings } = this.#options;
    const notes = where === undefined ? notesOn({ ...named, on: selector }, lanes[0]?.rules() ?? [], surroundings) : [];
    const ids = listOf(selector.session);
    if (this.#sessions !== undefined && ids?.every((id) => this.#sessions?.personOf(id) === undefined)) {
      notes.push(`There is no session ${ids.join(', ')}, and ids are not reused.`);
    }
    const made = new Rule(
      this.#host,
      { rule: named, where },
      { order: this.#order++, random: generatorOf(this.#settings.seed, name), notes },
    );
    this.#rules.set(name, made);
    this.#options.emit('fault.added', { rule: name, seam: rule.on.seam, fault: rule.then.do, notes });
    for (const lane of lanes) lane.add(made);
    if (lanes.length === 0) this.#worker(made).add(made);
    this.showSeams(this.#tcp);
    if (listOf(made.on.kind)?.includes('session')) this.#sweepInTime(made);
    return made;
  }

  /** Applies a rule about sessions to the existing ones: at once, or when its time comes. */
  #sweepInTime(rule: Rule): void {
    const wait = parseDuration(rule.rule.when?.after ?? 0);
    if (wait === 0) {
      this.#sweep(rule);
      return;
    }
    const timer = this.#options.clock.setTimer(wait, () => {
      this.#sweeps.delete(rule);
      this.#sweep(rule);
    });
    this.#sweeps.set(rule, timer);
  }

  #sweep(rule: Rule): void {
    for (const { connected, ...facts } of [...(this.#sessions?.list() ?? [])]) {
      if (!connected && NEEDS_TUNNEL.has(rule.action.do)) continue;
      const passing: Passing = { seam: 'decision', kind: 'session', ...facts };
      const fault = rule.offer(passing) ? streamFault(rule) : undefined;
      if (fault === undefined) continue;
      rule.strike(passing);
      this.#sessions?.inject(facts.session, fault);
    }
  }

  /** Checks what depends on this simulator: whether Entra ID has such an error. */
  #assertKnown({ then }: FaultRule): void {
    const { aadstsCodes } = this.#options.surroundings ?? {};
    if (then.code === undefined || aadstsCodes === undefined || aadstsCodes.includes(then.code)) return;
    throw new TunneliteError(
      'ERR_FAULT_RULE',
      `rule then.code: The built-in Entra ID has no error AADSTS${then.code}.`,
      {
        hint: 'docs/reference/aadsts-codes.md lists its codes.',
      },
    );
  }

  /** All rules, in the order in which they were added. */
  list(): readonly FaultStatus[] {
    return Array.from(this.#rules.values(), (rule) => rule.status);
  }

  /** @throws TunneliteError `ERR_FAULT_UNKNOWN` */
  get(name: string): FaultHandle {
    const rule = this.#rules.get(name);
    if (rule === undefined) {
      throw new TunneliteError('ERR_FAULT_UNKNOWN', `There is no fault rule ${name}.`, { details: { rule: name } });
    }
    return rule;
  }

  /** Ends a rule. @throws TunneliteError `ERR_FAULT_UNKNOWN` */
  remove(name: string): void {
    this.get(name).remove();
  }

  /** Ends all rules, those of the configuration too. Returns how many there were. */
  clear(): number {
    const all = [...this.#rules.values()];
    for (const rule of all) rule.remove();
    this.#profile = undefined;
    return all.length;
  }

  /** The network profile of the clients; null = none. */
  get profile(): ProfileName | null {
    return this.#profile?.name ?? null;
  }

  /**
   * Simulates a network profile, such as `3g` or `udp-blocked`, for all clients, replacing the previous one. Its rules, named `3g.1`,
   * `3g.2`, …, are added after the existing rules. null = none.
   * @throws TunneliteError `ERR_FAULT_RULE` for an unknown name; `ERR_FAULT_EXISTS` when another rule has the name of one of
   * its rules; `ERR_FAULT_LIMIT`. On an error the previous profile stays active
   */
  useProfile(name: ProfileName | null): void {
    if (name !== null && !PROFILE_NAMES.includes(name)) {
      throw new TunneliteError('ERR_FAULT_RULE', `There is no network profile ${JSON.stringify(name)}.`, {
        hint: `Use one of ${PROFILE_NAMES.join(', ')}.`,
      });
    }
    const rules = name === null ? [] : profileRules(name);
    const before = this.#profile?.rules ?? [];
    // A profile that cannot be activated as a whole changes nothing.
    this.#assertRoomFor(rules, before);
    for (const rule of before) rule.remove();
    this.#profile = name === null ? undefined : { name, rules: rules.map((rule) => this.add(rule)) };
  }

  /** Throws unless rules can replace others. */
  #assertRoomFor(added: readonly { readonly name?: string }[], replaced: readonly FaultHandle[]): void {
    // A rule that was removed individually frees neither its place nor its name, which another may have taken.
    const leaving = new Set<FaultHandle>(replaced.filter((rule) => this.#rules.get(rule.name) === rule));
    for (const { name } of added) {
      const taken = name === undefined ? undefined : this.#rules.get(name);
      if (taken === undefined || leaving.has(taken)) continue;
      throw new TunneliteError('ERR_FAULT_EXISTS', `There is already a fault rule ${name}.`, {
        details: { rule: name },
      });
    }
    if (this.#rules.size - leaving.size + added.length > MAX_RULES) {
      throw new TunneliteError('ERR_FAULT_LIMIT', `The limit of ${MAX_RULES} fault rules is reached.`);
    }
  }

  /** Restores the rules of the configuration, as at the start. Held items are lost. @internal */
  reset(): void {
    for (const rule of [...this.#rules.values()]) rule.discard();
    this.#profile = undefined;
    this.#numbers.clear();
    this.begin();
  }

  #worker({ action }: Rule): { add(rule: Rule): void; remove(rule: Rule, lost: boolean): void } {
    return action.do === 'reject' ? this.#udpPort : this.#tcp;
  }

  #forget(rule: Rule, lost: boolean): void {
    this.#rules.delete(rule.name);
    const lanes = this.lanesOf({ ...rule.rule, on: rule.on });
    for (const lane of lanes) lane.remove(rule);
    if (lanes.length === 0) this.#worker(rule).remove(rule, lost);
    this.#sweeps.get(rule)?.cancel();
    this.#sweeps.delete(rule);
    this.forgetPorts(rule);
    this.showSeams(this.#tcp);
  }

  #freeName({ on, then }: FaultRule): string {
    const base = `${on.seam}-${then.do}`;
    const taken = (name: string): boolean => this.#rules.has(name) || this.#reserved.has(name);
    if (!taken(base)) return base;
    let n = this.#numbers.get(base) ?? 2;
    while (taken(`${base}-${n}`)) n++;
    this.#numbers.set(base, n + 1);
    return `${base}-${n}`;
  }
}

/** The same seed and name give the same random numbers, regardless of other rules (FNV-1a). */
function generatorOf(seed: number, name: string): RandomSource {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${seed}:${name}`)) hash = Math.imul(hash ^ byte, 0x01000193);
  return seededRandom(hash >>> 0);
}
