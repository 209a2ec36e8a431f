import { FaultEngine, type FaultRuleInput } from '../../src/faults/index.ts';
import type { TcpConnection } from '../../src/faults/ports.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import type { Person } from '../../src/lib/person.ts';
import type { StreamDirection, StreamGate } from '../../src/tls/stream-gate.ts';
import { Events } from './gateway.ts';

/** What came out of a connection, and when. */
export interface Arrival {
  readonly at: number;
  readonly direction: StreamDirection;
  /** `<end>`, `<close>` and `<reset>` beside bytes. */
  readonly text: string;
}

/** A connection in memory, as rules see one. */
export class FakeConnection implements TcpConnection {
  kind = 'handshake';
  session: string | undefined;
  person: Person | undefined;
  readonly remote;
  readonly arrivals: Arrival[] = [];
  /** The socket is read, and has room. */
  reads = true;
  drains = 0;
  gate: StreamGate | undefined;
  readonly #clock: ManualClock;

  constructor(clock: ManualClock, address = '192.0.2.7') {
    this.#clock = clock;
    this.remote = { address, key: `${address}:5000` };
  }

  readonly place = {
    useGate: (gate: StreamGate | undefined) => {
      this.gate = gate;
    },
    pass: (direction: StreamDirection, bytes: Buffer) => this.#arrive(direction, bytes.toString('latin1')),
    finish: (direction: StreamDirection) => this.#arrive(direction, '<end>'),
    readOn: (wanted: boolean) => {
      this.reads = wanted;
    },
    drained: () => {
      this.drains++;
    },
    dropSocket: () => {
      this.#arrive('out', '<dropped>');
      this.gone();
    },
  };

  end(how: 'close' | 'reset'): void {
    this.#arrive('out', `<${how}>`);
    this.gone();
  }

  /** The socket is gone. */
  gone(): void {
    this.gate?.gone();
  }

  send(text: string, direction: StreamDirection = 'in'): void {
    if (this.gate) this.gate.take(direction, Buffer.from(text, 'latin1'));
    else this.#arrive(direction, text);
  }

  finish(direction: StreamDirection): void {
    if (this.gate) this.gate.end(direction);
    else this.#arrive(direction, '<end>');
  }

  /** What came, in one direction or in both. */
  texts(direction?: StreamDirection): string[] {
    return this.arrivals.filter((one) => direction === undefined || one.direction === direction).map((one) => one.text);
  }

  #arrive(direction: StreamDirection, text: string): void {
    this.arrivals.push({ at: this.#clock.monotonic(), direction, text });
  }
}

/** An engine on a clock that stands still, with connections in memory. */
export function tcpLine(...rules: FaultRuleInput[]) {
  const events = new Events();
  const clock = new ManualClock();
  const faults = new FaultEngine({ clock, machine: clock, emit: events.emit, seed: 1 });
  const open = new Set<FakeConnection>();
  faults.knowConnections(() => open);
  const added = rules.map((rule) => faults.add(rule));
  const connect = (address?: string): FakeConnection => {
    const connection = new FakeConnection(clock, address);
    open.add(connection);
    faults.tcp?.look(connection);
    return connection;
  };
  return { faults, added, events, clock, open, connect };
}
