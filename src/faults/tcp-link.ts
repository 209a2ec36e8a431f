import type { Clock } from '../lib/clock.ts';
import type { StreamDirection, StreamGate } from '../tls/stream-gate.ts';
import type { TcpConnection } from './ports.ts';
import type { Rule } from './rule.ts';
import { Pipe } from './tcp-pipe.ts';
import type { Stage } from './tcp-stage.ts';
import { stageOf } from './toxics.ts';
import type { WaitingBudget } from './waiting.ts';

/** What links need from their owner. */
export interface LinkHost {
  readonly clock: Clock;
  readonly budget: WaitingBudget;
  /** The connection was given up, and its socket waits for the bytes held here. */
  lingers(link: TcpLink): void;
  /** A rule no longer acts on it. */
  left(link: TcpLink, rule: Rule): void;
  /** No rule acts on it any more, or its socket has closed. */
  over(link: TcpLink): void;
}

/** A connection on which rules act. */
export class TcpLink implements StreamGate {
  readonly connection: TcpConnection;
  readonly #host: LinkHost;
  readonly #pipes: Readonly<Record<StreamDirection, Pipe>>;
  readonly #works = new Map<Rule, readonly (readonly [Pipe, Stage])[]>();
  /** Reading was stopped. */
  #stopped = false;
  #over = false;

  constructor(connection: TcpConnection, host: LinkHost) {
    this.connection = connection;
    this.#host = host;
    const pipe = (direction: StreamDirection): Pipe =>
      new Pipe(host.budget, {
        take: (bytes) => this.connection.place.pass(direction, bytes),
        end: () => this.connection.place.finish(direction),
      });
    this.#pipes = { in: pipe('in'), out: pipe('out') };
    connection.place.useGate(this);
  }

  // --- the gate

  take(direction: StreamDirection, bytes: Buffer): void {
    this.#pipes[direction].take(bytes);
  }

  end(direction: StreamDirection): void {
    this.#pipes[direction].end();
  }

  get queued(): number {
    const { out } = this.#pipes;
    return out.full ? Infinity : out.queued;
  }

  linger(): boolean {
    const { out } = this.#pipes;
    if (!this.#over) out.end();
    if (this.#over || out.ended) return false;
    this.#host.lingers(this);
    return true;
  }

  gone(): void {
    if (this.#over) return;
    this.#over = true;
    for (const pipe of Object.values(this.#pipes)) pipe.forget();
    for (const rule of [...this.#works.keys()]) this.#forget(rule);
    this.#host.over(this);
  }

  // --- rules

  /** Applies a rule; false: the connection has closed. */
  apply(rule: Rule): boolean {
    if (this.#over) return false;
    let bitten = false;
    const { direction } = rule.rule.on;
    const stages: [Pipe, Stage][] = [];
    for (const way of ['in', 'out'] as const) {
      if (direction !== undefined && direction !== way) continue;
      const pipe = this.#pipes[way];
      const stage = pipe.add(rule, (next) =>
        stageOf(
          rule.action,
          {
            clock: this.#host.clock,
            random: rule.random,
            struck: (length) => {
              if (bitten) return;
              bitten = true;
              rule.strike(this.#passing(way, length));
            },
            waits: (bytes) => this.#waits(rule, way, bytes),
            endConnection: (how) => this.connection.end(how, `the fault rule ${rule.name}`),
          },
          next,
        ),
      );
      if (stage) stages.push([pipe, stage]);
    }
    this.#works.set(rule, stages);
    for (const [, stage] of stages) rule.stages.add(stage);
    return true;
  }

  /** Ends a rule: held bytes continue. Closes the connection if the rule dropped bytes of it. `lose`: held bytes are lost too. */
  lift(rule: Rule, lose = false): void {
    const stages = this.#works.get(rule);
    if (!stages || this.#over) return;
    const broken = stages.some(([, stage]) => stage.broken || (lose && stage.size > 0));
    for (const [pipe, stage] of stages) {
      if (broken) stage.forget();
      else pipe.remove(stage);
    }
    this.#forget(rule);
    if (broken) this.connection.end('reset', `the fault rule ${rule.name}, which has lost some of its bytes`);
    else this.#detachIfIdle();
  }

  #forget(rule: Rule): void {
    for (const [, stage] of this.#works.get(rule) ?? []) rule.stages.delete(stage);
    this.#works.delete(rule);
    this.#host.left(this, rule);
  }

  #passing(direction: StreamDirection, length: number) {
    const { kind, session, person, remote } = this.connection;
    // A handshake contains signatures of varying length: with these, the same seed would give another journal.
    const counted = kind === 'handshake' ? undefined : length;
    return { seam: 'tcp' as const, kind, direction, session, person, remote, length: counted };
  }

  #waits(rule: Rule, way: StreamDirection, bytes: number): void {
    const pipe = this.#pipes[way];
    pipe.waits(bytes);
    if (this.#host.budget.full && bytes > 0) rule.tellFull('connections wait until others have released theirs.');
    const { full } = pipe;
    if (way === 'out') {
      if (!full) this.connection.place.drained();
    } else if (full !== this.#stopped) {
      this.#stopped = full;
      this.connection.place.readOn(!full);
    }
  }

  #detachIfIdle(): void {
    if (this.#over || this.#works.size > 0) return;
    this.#over = true;
    this.connection.place.useGate(undefined);
    this.connection.place.drained();
    this.#host.over(this);
  }
}
