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

/** Actions that do nothing to a session without a tunnel. */
const NEEDS_TUNNEL: ReadonlySet<string> = new Set(['stall', 'close', 'reset', 'rekey_now']);

/** A rule in force, and what the configuration says of it. */
interface ConfiguredRule {
  readonly given: FaultRule;
  readonly rule: FaultHandle;
}

/** Rules at a time. */
export const MAX_RULES = 20_000;

export interface FaultEngineOptions extends FaultSettings {
  /** Of the simulator: what `after` and `during` go by. */
  readonly clock: Clock;
  /** Of the network: what delays go by. */
  readonly machine: Clock;
  readonly emit: Emit;
  /** What makes rules pointless here. */
  readonly surroundings?: Surroundings;
  /** The rules and the profile of the configuration are in force from `begin` on, and not at once. */
  readonly later?: boolean;
}

/** What of the configuration is about faults. */
export interface FaultSettings {
  /** Each rule has a generator of its own, made from this and its name. */
  readonly seed: number;
  /** Those that are there from the start, and again after a reset. */
  readonly rules?: readonly FaultRule[];
  /** The kind of network at the start, and again after a reset. */
  readonly profile?: ProfileName | null;
}

/**
 * The faults of one simulator: a list of rules, each of which selects some of what passes, and does something to it.
 * Each rule that selects something counts it; the first in the order of their making that strikes acts.
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
  /** Rules that wait for their time to look at the sessions that there are. */
  readonly #sweeps = new Map<Rule, Timer>();
  #order = 0;
  #settings: FaultSettings;
  /** Rules of the configuration, with what it says of each. */
  #configured: readonly ConfiguredRule[] = [];
  /** Names that the configuration gives, which none may get that has no name: a rule may come after it that has. */
  #reserved: ReadonlySet<string> = new Set();
  /** Where to go on looking for a free name. */
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

  /** Puts the rules and the profile of the configuration in force. @internal */
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
   * Goes by another configuration. Rules that it has as before stay as they are, with what they have counted; those that it has no more
   * end, new ones and changed ones begin. What was added otherwise is left alone. @internal
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
   * Whether `configure` would do.
   * @throws TunneliteError `ERR_FAULT_EXISTS` when a rule that was added otherwise has the name of a new one, `ERR_FAULT_RULE`, `ERR_FAULT_LIMIT`
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

  /** How sessions are found, and how something is done to them. @internal */
  knowSessions(sessions: FaultedSessions): void {
    this.#sessions = sessions;
  }

  /** @internal */
  protected override personOf(session: string): Person | undefined {
    return this.#sessions?.personOf(session);
  }

  /** How UDP is opened and closed; false: there is none. @internal */
  knowUdp(openPort: (open: boolean) => Promise<boolean>): void {
    this.#udpPort.know(openPort);
  }

  /** The UDP port has to be closed. @internal */
  get udpShut(): boolean {
    return this.#udpPort.shut;
  }

  /** How the connections are found that are open already. @internal */
  knowConnections(connections: () => Iterable<TcpConnection>): void {
    this.#tcp.knowConnections(connections);
  }

  /**
   * Puts a rule in force.
   * @throws TunneliteError `ERR_FAULT_RULE` naming the members that are wrong, `ERR_FAULT_EXISTS`, `ERR_FAULT_LIMIT`
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
      notes.push(`There is no session ${ids.join(', ')} now, and an id is not given twice.`);
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

  /** Holds the sessions that there are against a rule about sessions: at once, or when its time comes. */
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

  /** What only this simulator can tell: whether Entra ID has such an error. */
  #assertKnown({ then }: FaultRule): void {
    const { aadstsCodes } = this.#options.surroundings ?? {};
    if (then.code === undefined || aadstsCodes === undefined || aadstsCodes.includes(then.code)) return;
    throw new TunneliteError('ERR_FAULT_RULE', `rule then.code: Entra ID has no error AADSTS${then.code} here.`, {
      hint: 'docs/reference/aadsts-codes.md lists the codes that it has.',
    });
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

  /** The kind of network that clients are on; null = none. */
  get profile(): ProfileName | null {
    return this.#profile?.name ?? null;
  }

  /**
   * Puts all clients on a kind of network, such as `3g` or `udp-blocked`, in place of the one before: as rules named `3g.1`, `3g.2`, …,
   * after those that there are. null = none.
   * @throws TunneliteError `ERR_FAULT_RULE` for a name that there is not; `ERR_FAULT_EXISTS` when another rule has the name of one of
   * its rules, `ERR_FAULT_LIMIT`: the profile before stays in force then
   */
  useProfile(name: ProfileName | null): void {
    if (name !== null && !PROFILE_NAMES.includes(name)) {
      throw new TunneliteError('ERR_FAULT_RULE', `There is no network profile ${JSON.stringify(name)}.`, {
        hint: `There are ${PROFILE_NAMES.join(', ')}.`,
      });
    }
    const rules = name === null ? [] : profileRules(name);
    const before = this.#profile?.rules ?? [];
    // One that cannot be put in force as a whole leaves everything as it was.
    this.#assertRoomFor(rules, before);
    for (const rule of before) rule.remove();
    this.#profile = name === null ? undefined : { name, rules: rules.map((rule) => this.add(rule)) };
  }

  /** Throws unless rules can be added in place of others. */
  #assertRoomFor(added: readonly { readonly name?: string }[], replaced: readonly FaultHandle[]): void {
    // A rule that was removed on its own frees neither its place nor its name, which another may have taken.
    const leaving = new Set<FaultHandle>(replaced.filter((rule) => this.#rules.get(rule.name) === rule));
    for (const { name } of added) {
      const taken = name === undefined ? undefined : this.#rules.get(name);
      if (taken === undefined || leaving.has(taken)) continue;
      throw new TunneliteError('ERR_FAULT_EXISTS', `There is a fault rule ${name} already.`, {
        details: { rule: name },
      });
    }
    if (this.#rules.size - leaving.size + added.length > MAX_RULES) {
      throw new TunneliteError('ERR_FAULT_LIMIT', `There are ${MAX_RULES} fault rules, as many as there may be.`);
    }
  }

  /** Back to the rules of the configuration, as at the start. What waited is lost. @internal */
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

/** The same seed and name, the same luck: whatever other rules there are (FNV-1a). */
function generatorOf(seed: number, name: string): RandomSource {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${seed}:${name}`)) hash = Math.imul(hash ^ byte, 0x01000193);
  return seededRandom(hash >>> 0);
}
