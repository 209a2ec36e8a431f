import { INNER_KINDS } from '../config/fault-actions.ts';
import { faultProblems } from '../config/fault-checks.ts';
import { PROFILE_NAMES, type ProfileName, profileRules } from '../config/fault-profiles.ts';
import { type FaultRule, FaultRuleSchema } from '../config/fault-schema.ts';
import type { Clock } from '../lib/clock.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { Person } from '../lib/person.ts';
import { type RandomSource, seededRandom } from '../lib/random.ts';
import { check, pathText } from '../lib/schema/index.ts';
import type { Emit } from '../telemetry/events.ts';
import type { DatagramGate } from '../udp/index.ts';
import { DatagramActions } from './datagram-actions.ts';
import { RuleGate } from './datagram-gate.ts';
import { Lane } from './lane.ts';
import { listOf } from './matcher.ts';
import { notesOn, type Surroundings } from './notes.ts';
import type { FaultPorts, HttpFault, StreamFault, TcpConnection, TcpFaults } from './ports.ts';
import { Rule, type RuleHost } from './rule.ts';
import { TcpRules } from './tcp-faults.ts';
import type { FaultHandle, FaultRuleInput, FaultStatus, Passing } from './types.ts';
import { WaitingBudget } from './waiting.ts';

/** Rules at a time. */
export const MAX_RULES = 20_000;

export interface FaultEngineOptions {
  /** Of the simulator: what `after` and `during` go by. */
  readonly clock: Clock;
  /** Of the network: what delays go by. */
  readonly machine: Clock;
  readonly emit: Emit;
  /** Each rule has a generator of its own, made from this and its name. */
  readonly seed: number;
  /** Those that are there from the start, and again after a reset. */
  readonly rules?: readonly FaultRule[];
  /** The kind of network at the start, and again after a reset. */
  readonly profile?: ProfileName | null;
  /** What makes rules pointless here. */
  readonly surroundings?: Surroundings;
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
export class FaultEngine implements FaultPorts {
  readonly #options: FaultEngineOptions;
  readonly #host: RuleHost;
  readonly #rules = new Map<string, Rule>();
  readonly #actions: DatagramActions;
  readonly #wire = new Lane();
  readonly #inner = new Lane();
  readonly #streams = new Lane();
  readonly #decisions = new Lane();
  readonly #requests = new Lane();
  readonly #wireGate: DatagramGate;
  readonly #innerGate: DatagramGate;
  readonly #tcp: TcpRules;
  #personOf: (session: string) => Person | undefined = () => undefined;
  #order = 0;
  /** Names that the configuration gives, which none may get that has no name: a rule may come after it that has. */
  readonly #configured: ReadonlySet<string>;
  /** Where to go on looking for a free name. */
  readonly #numbers = new Map<string, number>();
  #profile: { readonly name: ProfileName; readonly rules: readonly FaultHandle[] } | undefined;
  /** What is done to datagrams on the wire; undefined while no rule is about them. @internal */
  datagrams: DatagramGate | undefined;
  /** What is done to connections at their turning points. @internal */
  stream: FaultPorts['stream'];
  /** What happens to requests to the built-in Entra ID. @internal */
  http: FaultPorts['http'];
  /** How decisions are overruled. @internal */
  decision: FaultPorts['decision'];
  /** What is done to packets of the data channel, before encryption and after decryption. @internal */
  packets: DatagramGate | undefined;
  /** What is done to the bytes of connections. @internal */
  tcp: TcpFaults | undefined;

  constructor(options: FaultEngineOptions) {
    this.#options = options;
    const { clock, machine, emit } = options;
    this.#configured = new Set((options.rules ?? []).flatMap(({ name }) => name ?? []));
    const personOf = (session: string) => this.#personOf(session);
    const budget = new WaitingBudget();
    this.#host = { clock, machine, emit, budget, removed: (rule, lost) => this.#forget(rule, lost) };
    this.#tcp = new TcpRules({ clock, machine, budget });
    this.#actions = new DatagramActions(machine);
    this.#wireGate = new RuleGate(this.#wire, this.#actions, personOf, false);
    this.#innerGate = new RuleGate(this.#inner, this.#actions, personOf, true);
    this.#begin();
  }

  #begin(): void {
    for (const rule of this.#options.rules ?? []) this.add(rule);
    this.useProfile(this.#options.profile ?? null);
  }

  /** How it is found out whose a session is. @internal */
  knowPersons(personOf: (session: string) => Person | undefined): void {
    this.#personOf = personOf;
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
    const lane = this.#lane(named);
    const notes = where === undefined ? notesOn(named, lane?.rules() ?? [], this.#options.surroundings) : [];
    const made = new Rule(
      this.#host,
      { rule: named, where },
      { order: this.#order++, random: generatorOf(this.#options.seed, name), notes },
    );
    this.#rules.set(name, made);
    this.#options.emit('fault.added', { rule: name, seam: rule.on.seam, fault: rule.then.do, notes });
    if (lane) lane.add(made);
    else this.#tcp.add(made);
    this.#refresh();
    return made;
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
  #assertRoomFor(added: readonly { readonly name: string }[], replaced: readonly FaultHandle[]): void {
    // A rule that was removed on its own frees neither its place nor its name, which another may have taken.
    const leaving = new Set<FaultHandle>(replaced.filter((rule) => this.#rules.get(rule.name) === rule));
    for (const { name } of added) {
      const taken = this.#rules.get(name);
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
    this.#begin();
  }

  /** Undefined: it is about the bytes of connections. */
  #lane(rule: FaultRule): Lane | undefined {
    if (rule.on.seam === 'tcp') return undefined;
    if (rule.on.seam === 'http') return this.#requests;
    if (rule.on.seam === 'decision') return overrules(rule.then) ? this.#decisions : this.#streams;
    return listOf(rule.on.kind)?.some((kind) => INNER_KINDS.includes(kind)) ? this.#inner : this.#wire;
  }

  readonly #atStream: NonNullable<FaultPorts['stream']> = (point, facts) => {
    const passing: Passing = { seam: 'decision', kind: point, ...facts };
    const rule = this.#streams.decide(passing);
    const act = rule && streamFault(rule);
    if (act !== undefined) rule!.strike(passing);
    return act;
  };

  readonly #atRequest: NonNullable<FaultPorts['http']> = (endpoint) => {
    const passing: Passing = { seam: 'http', kind: endpoint };
    const rule = this.#requests.decide(passing);
    rule?.strike(passing);
    return rule && httpFault(rule);
  };

  readonly #atDecision: NonNullable<FaultPorts['decision']> = (point, facts) => {
    const passing: Passing = { seam: 'decision', kind: point, ...facts };
    const rule = this.#decisions.decide(passing);
    if (rule === undefined) return undefined;
    rule.strike(passing);
    return { kind: 'refuse', explanation: explanationOf(rule) };
  };

  #forget(rule: Rule, lost: boolean): void {
    this.#rules.delete(rule.name);
    const lane = this.#lane(rule.rule);
    if (lane) lane.remove(rule);
    else this.#tcp.remove(rule, lost);
    this.#actions.forget(rule);
    this.#refresh();
  }

  #refresh(): void {
    this.datagrams = this.#wire.size > 0 ? this.#wireGate : undefined;
    this.tcp = this.#tcp.size > 0 ? this.#tcp : undefined;
    this.packets = this.#inner.size > 0 ? this.#innerGate : undefined;
    this.http = this.#requests.size > 0 ? this.#atRequest : undefined;
    this.stream = this.#streams.size > 0 ? this.#atStream : undefined;
    this.decision = this.#decisions.size > 0 ? this.#atDecision : undefined;
  }

  #freeName({ on, then }: FaultRule): string {
    const base = `${on.seam}-${then.do}`;
    const taken = (name: string): boolean => this.#rules.has(name) || this.#configured.has(name);
    if (!taken(base)) return base;
    let n = this.#numbers.get(base) ?? 2;
    while (taken(`${base}-${n}`)) n++;
    this.#numbers.set(base, n + 1);
    return `${base}-${n}`;
  }
}

function checked(input: FaultRuleInput): { readonly rule: FaultRule; readonly where: FaultRuleInput['on']['where'] } {
  const given: unknown = (input as FaultRuleInput | null)?.on;
  const { where, ...on } = (typeof given === 'object' && given !== null ? given : {}) as FaultRuleInput['on'];
  if (where !== undefined && typeof where !== 'function') {
    throw new TunneliteError(
      'ERR_FAULT_RULE',
      'rule on.where: it has to be a function, as only a program can give it.',
    );
  }
  const plain = typeof given === 'object' && given !== null ? { ...input, on } : input;
  const rule = check<FaultRule>(FaultRuleSchema, plain, { what: 'rule', code: 'ERR_FAULT_RULE' });
  const problems = faultProblems(rule);
  if (problems.length === 0) return { rule, where };
  const sentences = problems.map(({ path, message, expected, hint }) => {
    const more = hint === undefined ? (expected === undefined ? '' : `, expected: ${expected}`) : `. ${hint}`;
    return `rule ${pathText(path)}: ${message}${more}`;
  });
  const text = sentences.join('; ');
  throw new TunneliteError('ERR_FAULT_RULE', /[.?]$/.test(text) ? text : `${text}.`, { details: { problems } });
}

/** The same seed and name, the same luck: whatever other rules there are (FNV-1a). */
function generatorOf(seed: number, name: string): RandomSource {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(`${seed}:${name}`)) hash = Math.imul(hash ^ byte, 0x01000193);
  return seededRandom(hash >>> 0);
}

const overrules = ({ do: action }: FaultRule['then']): boolean => action === 'refuse' || action === 'pool_exhausted';

function explanationOf({ name, action }: Rule): string {
  if (action.reason !== undefined) return action.reason;
  return action.do === 'pool_exhausted'
    ? `Every address of the pool is in use: so the fault rule ${name} has it.`
    : `The fault rule ${name} has it so.`;
}

function httpFault({ action, random }: Rule): HttpFault {
  const delay = (action.ms ?? 0) + Math.round(random.float() * (action.jitter ?? 0));
  if (action.do === 'close') return { drop: true };
  const { status, retryAfter, body } = action;
  return {
    delay,
    ...(status !== undefined && { status }),
    ...(retryAfter !== undefined && { retryAfter }),
    ...(body !== undefined && { body }),
  };
}

function streamFault(rule: Rule): StreamFault | undefined {
  const { action, waiting } = rule;
  switch (action.do) {
    case 'terminate':
    case 'rekey_now':
      return { kind: action.do, explanation: explanationOf(rule) };
    case 'stall':
      return { kind: 'stall', until: (go) => void (waiting.keep(Buffer.alloc(0), go, action.ms) ?? go()) };
    case 'close':
    case 'reset':
      return { kind: action.do };
    default:
      return undefined;
  }
}
