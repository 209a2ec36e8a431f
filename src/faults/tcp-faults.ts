import type { Clock, Timer } from '../lib/clock.ts';
import { parseDuration } from '../lib/duration.ts';
import { Lane } from './lane.ts';
import type { TcpConnection, TcpFaults } from './ports.ts';
import type { Rule } from './rule.ts';
import { type LinkHost, TcpLink } from './tcp-link.ts';
import type { Passing } from './types.ts';
import type { WaitingBudget } from './waiting.ts';

/** Maximum number of sockets that wait for their last bytes after their connections were given up; beyond it the oldest is closed. */
const MAX_LINGERING = 1024;

interface TcpRulesOptions {
  /** The simulator's clock, for `after` and `during`. */
  readonly clock: Clock;
  /** The network's clock. */
  readonly machine: Clock;
  readonly budget: WaitingBudget;
}

/**
 * Rules about the bytes of connections. A rule decides about a connection once, when it first selects it; the decision applies as long as
 * both exist. All rules for a connection act one after another.
 */
export class TcpRules implements TcpFaults, LinkHost {
  readonly clock: Clock;
  readonly budget: WaitingBudget;
  readonly #simulatorClock: Clock;
  readonly #lane = new Lane();
  readonly #links = new Map<TcpConnection, TcpLink>();
  /** Connections on which a rule acts. */
  readonly #byRule = new Map<Rule, Set<TcpLink>>();
  readonly #lingering = new Set<TcpLink>();
  /** Rules that have decided, by connection. */
  readonly #asked = new WeakMap<TcpConnection, WeakSet<Rule>>();
  readonly #timers = new Map<Rule, Map<number, Timer>>();
  #connections: () => Iterable<TcpConnection> = () => [];

  constructor({ clock, machine, budget }: TcpRulesOptions) {
    this.clock = machine;
    this.#simulatorClock = clock;
    this.budget = budget;
  }

  get size(): number {
    return this.#lane.size;
  }

  /** Finds the connections that are already open. */
  knowConnections(connections: () => Iterable<TcpConnection>): void {
    this.#connections = connections;
  }

  add(rule: Rule): void {
    this.#lane.add(rule);
    const { after, during } = rule.rule.when ?? {};
    const begin = after === undefined ? 0 : parseDuration(after);
    if (begin > 0) this.#atTime(rule, begin, () => this.#askAll(rule));
    if (during !== undefined) this.#atTime(rule, begin + parseDuration(during), () => this.#lift(rule));
    this.#askAll(rule);
  }

  /** @param lose what waits because of it is lost, and so is the connection */
  remove(rule: Rule, lose: boolean): void {
    this.#lane.remove(rule);
    for (const timer of this.#timers.get(rule)?.values() ?? []) timer.cancel();
    this.#timers.delete(rule);
    this.#lift(rule, lose);
  }

  look(connection: TcpConnection): void {
    for (const rule of this.#lane.about(connection)) this.#ask(rule, connection);
  }

  abandon(): void {
    for (const { connection } of [...this.#lingering]) connection.place.dropSocket();
  }

  lingers(link: TcpLink): void {
    this.#lingering.add(link);
    if (this.#lingering.size <= MAX_LINGERING) return;
    const [oldest] = this.#lingering;
    oldest!.connection.place.dropSocket();
  }

  over(link: TcpLink): void {
    this.#links.delete(link.connection);
    this.#lingering.delete(link);
  }

  left(link: TcpLink, rule: Rule): void {
    const links = this.#byRule.get(rule);
    links?.delete(link);
    if (links?.size === 0) this.#byRule.delete(rule);
  }

  /** Calls back after this many milliseconds, never a fraction earlier, as timers may. */
  #atTime(rule: Rule, ms: number, work: () => void): void {
    const clock = this.#simulatorClock;
    const due = clock.monotonic() + ms;
    const timers = this.#timers.get(rule) ?? new Map<number, Timer>();
    this.#timers.set(rule, timers);
    const wait = (): void => {
      const left = due - clock.monotonic();
      if (left > 0) timers.set(due, clock.setTimer(left, wait));
      else work();
    };
    wait();
  }

  #askAll(rule: Rule): void {
    for (const connection of [...this.#connections()]) this.#ask(rule, connection);
  }

  #ask(rule: Rule, connection: TcpConnection): void {
    const asked = this.#asked.get(connection);
    if (asked?.has(rule)) return;
    const { kind, session, person, remote } = connection;
    const { direction } = rule.rule.on;
    const passing: Passing = { seam: 'tcp', kind, direction, session, person, remote };
    if (!rule.selects(passing)) return;
    if (asked) asked.add(rule);
    else this.#asked.set(connection, new WeakSet([rule]));
    if (!rule.draw(passing)) return;
    let link = this.#links.get(connection);
    if (!link) this.#links.set(connection, (link = new TcpLink(connection, this)));
    if (!link.apply(rule)) return;
    const links = this.#byRule.get(rule);
    if (links) links.add(link);
    else this.#byRule.set(rule, new Set([link]));
  }

  #lift(rule: Rule, lose = false): void {
    for (const link of [...(this.#byRule.get(rule) ?? [])]) link.lift(rule, lose);
  }
}
