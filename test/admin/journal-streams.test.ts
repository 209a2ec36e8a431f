import { EventEmitter, once } from 'node:events';
import type { ServerResponse } from 'node:http';
import t from 'tap';
import { JournalStreams } from '../../src/admin/routes/journal-streams.ts';
import { Journal, type TunneliteEvent } from '../../src/telemetry/index.ts';

/** A connection that notes each write, and emits `data` for it. */
class Response extends EventEmitter {
  readonly writes: string[] = [];
  readonly destroyed = false;
  writableLength = 0;
  readonly writableNeedDrain = false;
  writeHead(): void {}
  write(text: string): void {
    this.writes.push(text);
    this.emit('data');
  }
  end(): void {}
  /** Numbers of the events in each write that has some. */
  numbers(): number[][] {
    const all = this.writes.map((text) => [...text.matchAll(/^id: (\d+)$/gm)].map(([, number]) => Number(number)));
    return all.filter((some) => some.length > 0);
  }
}

function lab(capacity = 10_000) {
  const journal = new Journal({ capacity });
  const listeners = new Set<() => void>();
  const streams = new JournalStreams(journal, (listener) => {
    const call = listener as unknown as () => void;
    listeners.add(call);
    return () => listeners.delete(call);
  });
  let seq = 0;
  const emit = () => {
    seq += 1;
    journal.append({
      seq,
      time: 0,
      name: 'tls.probe',
      level: 'info',
      text: '',
      fields: {},
    } as unknown as TunneliteEvent);
    for (const listener of listeners) listener();
  };
  const open = (pace?: number) => {
    const response = new Response();
    streams.add(response as unknown as ServerResponse, {}, 0, pace);
    return response;
  };
  return { streams, emit, open, listeners };
}

// Pauses do not keep a process alive, as its connections do.
const alive = setInterval(() => {}, 1_000);
t.teardown(() => clearInterval(alive));

/** Emits events in turns of their own, and lets each be delivered. */
async function emitAll(emit: () => void, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    emit();
    await new Promise(setImmediate);
    await new Promise(setImmediate);
  }
}

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

t.test('a reader with a pace gets the first event at once, and what follows together', async (t) => {
  const { streams, emit, open } = lab();
  const [paced, other] = [open(3_600_000), open()];
  await emitAll(emit, 6);
  t.strictSame(other.numbers(), [[1], [2], [3], [4], [5], [6]], 'one without a pace gets each');
  t.strictSame(paced.numbers(), [[1]]);
  streams.close();
  t.strictSame(paced.numbers(), [[1], range(2, 6)], 'nothing is kept back when the instance ends');
});

t.test('after the pause, a reader gets what came meanwhile, and the next event at once', async (t) => {
  const { streams, emit, open } = lab();
  const paced = open(1);
  await emitAll(emit, 1);
  emit();
  emit();
  while (paced.numbers().flat().length < 3) await once(paced, 'data');
  t.strictSame(paced.numbers().flat(), [1, 2, 3]);
  streams.close();
});

t.test('a pace never costs events: whoever falls far behind gets them early', async (t) => {
  const { streams, emit, open } = lab(2_000);
  const paced = open(3_600_000);
  await emitAll(emit, 1);
  for (let i = 0; i < 5; i++) {
    for (let event = 0; event < 1_000; event++) emit();
    await new Promise(setImmediate);
  }
  const seen = paced.numbers();
  t.strictSame(seen.flat(), range(1, seen.flat().length), 'in order, without a gap');
  t.ok(seen.flat().length > 4_000);
  t.ok(seen.length < 10, `${seen.length} deliveries`);
  t.notMatch(paced.writes.join(''), /event: lost/);
  streams.close();
});

t.test('a reader that leaves during its pause is forgotten', async (t) => {
  const { emit, open, listeners } = lab();
  const paced = open(1);
  await emitAll(emit, 1);
  emit();
  paced.emit('close');
  t.equal(listeners.size, 0);
  const later = open(1);
  await emitAll(emit, 1);
  t.strictSame(paced.numbers(), [[1]]);
  while (later.numbers().flat().length < 3) await once(later, 'data');
  later.emit('close');
});
