/**
 * A simulator in a process of its own, which says how it fares. Configuration as JSON in the first argument; questions and answers go
 * over the channel to the parent, and with that it ends. Run with `--expose-gc`.
 */
import { type ConfigInput, startSimulator } from '../../../src/index.ts';
import type { TunneliteEvent } from '../../../src/telemetry/events.ts';
import { TurnMeter } from './turn-meter.ts';

/** What a parent may ask. */
export type Question =
  | { readonly ask: 'token'; readonly user: string }
  /** Begins a measurement. */
  | { readonly ask: 'reset' }
  | { readonly ask: 'measured' }
  /** Blocks the event loop for so many milliseconds, without work. */
  | { readonly ask: 'block'; readonly milliseconds: number }
  /** How many sessions have their data channel on DTLS. */
  | { readonly ask: 'on-dtls' }
  /** Bytes that are in use. */
  | { readonly ask: 'memory' }
  | { readonly ask: 'stats' };

export interface Ready {
  readonly gateway: string;
  readonly authority: string;
  readonly admin: string;
  readonly ca: string;
}

export interface Measured {
  /** The work of the longest turn of the event loop, and of all, in microseconds of CPU time. */
  readonly longest: number;
  readonly total: number;
  /** How many events there were, by name and by what tells them apart. */
  readonly events: Readonly<Record<string, number>>;
}

/** The fields that tell events of one name apart. */
const KINDS = ['table', 'action', 'reason', 'decision'] as const;

function kindOf({ name, fields }: TunneliteEvent): string {
  const all: Record<string, unknown> = { ...fields };
  return [name, ...KINDS.map((key) => all[key]).filter((value) => value !== undefined)].join(' ');
}

let events: Record<string, number> = {};
const sim = await startSimulator(JSON.parse(process.argv[2]!) as ConfigInput, {
  onEvent: (event) => {
    const kind = kindOf(event);
    events[kind] = (events[kind] ?? 0) + 1;
  },
});
const meter = new TurnMeter();

/** What is still in use once all that nothing refers to has gone; finalizers run between turns. */
async function memory(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    globalThis.gc!();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function answer(question: Question): Promise<unknown> {
  switch (question.ask) {
    case 'token':
      return sim.token({ user: question.user });
    case 'reset':
      events = {};
      meter.reset();
      return undefined;
    case 'measured':
      return { ...meter.read(), events };
    case 'block':
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, question.milliseconds);
      return undefined;
    case 'on-dtls':
      return sim.gateway.sessions().filter(({ dataChannel }) => dataChannel === 'dtls').length;
    case 'memory':
      return memory();
    case 'stats':
      return { ...sim.gateway.stats(), ...sim.network.stack.stats() };
  }
}

process.on('message', ({ id, question }: { id: number; question: Question }) => {
  void answer(question).then((value) => process.send!({ id, value }));
});
process.once('disconnect', () => void sim.close());
process.send!({ id: 0, value: { ...sim.urls, ca: sim.ca } satisfies Ready });
