import { join } from 'node:path';
import type { Test } from 'tap';
import type { ConfigInput } from '../../../src/index.ts';
import { skipUnless } from '../interop.ts';
import { SOCKS_TUNNEL_PROGRAMS } from '../socks-tunnel.ts';
import type { AttackName } from './attacker-main.ts';
import { Child, type ChildOptions } from './child.ts';
import { gatewayChild, targetOf } from './gateway-child.ts';
import type { Measured, Ready } from './gateway-main.ts';
import type { Target } from './intruder.ts';
import { bundledVictim, honestLogin, newcomers, openconnectVictim, type Upstreams, type Victim } from './victims.ts';

const here = (file: string): string => join(import.meta.dirname, file);

/** Logins that the unit of work is the mean of, after as many to warm up. */
const LOGINS = 20;

/** Rounds of each victim's work at the height of an attack. */
const ROUNDS = 3;

/**
 * The most work in one turn of the event loop, in honest logins. Turns of several dozen are what a flood of small packets makes; an attack
 * that holds the loop for seconds makes turns of thousands.
 */
const LONGEST_TURN = 150;

const MIB = 1024 * 1024;

/** What an attack may leave in use, and all of an arena, in bytes: caches, compiled code, what the victims do meanwhile. The first leaves most. */
const LEFT_BY_ONE = 8 * MIB;
const LEFT_BY_ALL = 16 * MIB;

/** How often an event that is told now and then may come during one attack, on a slow machine too. */
export const NOW_AND_THEN: readonly [number, number] = [1, 40];

/** What an attack may come to. */
interface Bounds {
  /** MiB more in use while the attack lasts. */
  readonly held?: number;
  /** How often each event must have been told, at least and at most; by name and kind. Of those with ` | ` between them, the sum counts. */
  readonly events?: Readonly<Record<string, readonly [least: number, most: number] | number>>;
  /** Waits for something else that has to come about while the attack lasts. */
  readonly until?: () => Promise<void>;
}

export interface ArenaOptions extends ChildOptions {
  readonly config?: ConfigInput;
  /** What the victim uses beside the mock network. */
  readonly upstreams?: Upstreams;
}

/** A gateway, sessions that do honest work on it, and an attacker: three processes. What the attacker does must not disturb the others. */
export class Arena {
  readonly gateway: Child;
  readonly attacker: Child;
  readonly ready: Ready;
  readonly victims: readonly Victim[];
  /** CPU time of the gateway for one honest login, in microseconds. */
  readonly unit: number;
  readonly #tokens: readonly string[];
  /** Bytes that the gateway had in use when the last attack was over. */
  #inUse = 0;
  #atFirst = 0;

  private constructor(
    parts: Pick<Arena, 'gateway' | 'attacker' | 'ready' | 'victims' | 'unit'>,
    tokens: readonly string[],
  ) {
    this.gateway = parts.gateway;
    this.attacker = parts.attacker;
    this.ready = parts.ready;
    this.victims = parts.victims;
    this.unit = parts.unit;
    this.#tokens = tokens;
  }

  static async open(t: Test, options: ArenaOptions = {}): Promise<Arena> {
    const gateway = gatewayChild(options.config, options);
    const attacker = new Child(here('attacker-main.ts'), []);
    t.teardown(() => Promise.all([gateway[Symbol.asyncDispose](), attacker[Symbol.asyncDispose]()]));
    const ready = await gateway.ready<Ready>();
    await attacker.ready();
    const token = (user: string): Promise<string> => gateway.ask<string>({ ask: 'token', user });
    const honest = await token('alice@contoso.com');
    for (let i = 0; i < LOGINS; i++) await honestLogin(ready, honest);
    await gateway.ask({ ask: 'reset' });
    for (let i = 0; i < LOGINS; i++) await honestLogin(ready, honest);
    const { total } = await gateway.ask<Measured>({ ask: 'measured' });
    const victims = [await bundledVictim(ready, honest, options.upstreams), newcomers(ready, honest)];
    if (skipUnless({ programs: SOCKS_TUNNEL_PROGRAMS }) === false) {
      victims.push(await openconnectVictim(ready, honest, t.testdir()));
    }
    const tokens = [await token('bob@contoso.com')];
    const arena = new Arena({ gateway, attacker, ready, victims, unit: total / LOGINS }, tokens);
    t.teardown(() => Promise.all(victims.map((victim) => victim[Symbol.asyncDispose]())));
    await arena.rounds();
    arena.#inUse = arena.#atFirst = await arena.#memory();
    return arena;
  }

  get target(): Target {
    return targetOf(this.ready, this.#tokens);
  }

  /** Of the victims, those who use DTLS. */
  get dtlsVictims(): number {
    return this.victims.filter(({ overDtls }) => overDtls).length;
  }

  /** Mounts an attack, and asserts that nobody else is disturbed by it. Returns what the attacker counted. */
  async endure(t: Test, attack: AttackName, bounds: Bounds = {}): Promise<Record<string, number>> {
    const before = this.#inUse;
    const lostBefore = this.#lost().length;
    await this.gateway.ask({ ask: 'reset' });
    const counts = await this.attacker.ask<Record<string, number>>({ ask: 'mount', attack, target: this.target });
    await this.rounds();
    await bounds.until?.();
    const { longest, total, events } = await this.gateway.ask<Measured>({ ask: 'measured' });
    const held = bounds.held === undefined ? undefined : ((await this.#memory()) - before) / MIB;
    await this.attacker.ask({ ask: 'release' });
    await this.rounds(1);
    const left = (await this.#settled(before + LEFT_BY_ONE)) - before;

    const turn = longest / this.unit;
    const lost = this.#lost().slice(lostBefore);
    t.comment(
      `${attack} ${JSON.stringify(counts)}: longest turn ${ms(longest)} ms of ${ms(total)} ms CPU, ${turn.toFixed(1)} logins; ` +
        `lost ${lost.length} of ${this.#ended()}; ${held === undefined ? '' : `held ${held.toFixed(1)} MiB, `}left ${mib(left)} MiB`,
    );
    if (lost.length > 0) t.comment(JSON.stringify(events));
    t.strictSame(lost, [], 'no ping, datagram, look-up, connection, download or login of others is lost');
    t.ok(turn <= LONGEST_TURN, `the longest turn is worth ${turn.toFixed(1)} logins`);
    t.ok(left <= LEFT_BY_ONE, `${mib(left)} MiB are left in use`);
    if (held !== undefined) t.ok(held <= bounds.held!, `${held.toFixed(1)} MiB were in use`);
    for (const [name, expected] of Object.entries(bounds.events ?? {})) {
      const [least, most] = typeof expected === 'number' ? [expected, expected] : expected;
      const count = name.split(' | ').reduce((sum, one) => sum + (events[one] ?? 0), 0);
      t.ok(
        count >= least && count <= most,
        `${name} was told ${count} times, expected were ${least === most ? least : `${least} to ${most}`}`,
      );
    }
    return counts;
  }

  /** Asserts that all attacks together have left nothing behind. */
  async calm(t: Test): Promise<void> {
    const left = (await this.#settled(this.#atFirst + LEFT_BY_ALL)) - this.#atFirst;
    t.ok(left <= LEFT_BY_ALL, `${mib(left)} MiB are left in use`);
    t.strictSame(this.#lost(), []);
  }

  /** What went wrong for the victims until now. */
  #lost(): string[] {
    return this.victims.flatMap(({ work }) => work.failures);
  }

  /** How much they have done until now. */
  #ended(): number {
    return this.victims.flatMap(({ work }) => Object.values(work.ended)).reduce((a, b) => a + b, 0);
  }

  /** Waits until every victim has done some of each of its work. */
  async rounds(count = ROUNDS): Promise<void> {
    await Promise.all(this.victims.map(({ work }) => work.rounds(count)));
  }

  #memory(): Promise<number> {
    return this.gateway.ask<number>({ ask: 'memory' });
  }

  /** What is in use once the gateway has seen that the attacker has gone; some of it is the victims' own work. */
  async #settled(bound: number): Promise<number> {
    for (let i = 0; ; i++) {
      this.#inUse = await this.#memory();
      if (this.#inUse <= bound || i === 10) return this.#inUse;
      await this.rounds(1);
    }
  }
}

const ms = (microseconds: number): string => (microseconds / 1000).toFixed(1);
const mib = (bytes: number): string => (bytes / MIB).toFixed(1);
