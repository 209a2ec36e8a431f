import t from 'tap';
import { ManualClock } from '../../src/lib/clock.ts';
import {
  type DatagramFault,
  type DatagramReceiver,
  type DatagramSocket,
  type Endpoint,
  FaultyDatagramSocket,
  openDatagramSocket,
} from '../../src/udp/index.ts';

class Collector implements DatagramReceiver {
  readonly texts: string[] = [];
  #wake: (() => void) | undefined;
  onDatagram(buffer: Buffer, offset: number, length: number): void {
    this.texts.push(buffer.toString('latin1', offset, offset + length));
  }
  onBatchEnd(): void {
    this.#wake?.();
  }
  async until(text: string): Promise<void> {
    while (!this.texts.includes(text)) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

async function pair(plan: (direction: 'in' | 'out', text: number) => DatagramFault | undefined) {
  const clock = new ManualClock();
  const here = new Collector();
  const there = new Collector();
  const sessions: (string | undefined)[] = [];
  let faulty: FaultyDatagramSocket;
  const options = {
    clock,
    sessionOf: (endpoint: Endpoint) => (endpoint.port > 0 ? 'abc123' : undefined),
    faults: {
      datagram(direction: 'in' | 'out', length: number, session: string | undefined) {
        sessions.push(session);
        return plan(direction, length);
      },
    },
  };
  faulty = await FaultyDatagramSocket.open(options, { host: '127.0.0.1', port: 0, receiver: here }, openDatagramSocket);
  const plain: DatagramSocket = await openDatagramSocket({ host: '127.0.0.1', port: 0, receiver: there });
  const out = (text: string) =>
    faulty.send(Buffer.from(text), 0, text.length, faulty.endpoint('127.0.0.1', plain.port));
  const back = (text: string) => {
    plain.send(Buffer.from(text), 0, text.length, plain.endpoint('127.0.0.1', faulty.port));
    plain.flush();
  };
  return { clock, here, there, sessions, faulty, plain, out, back };
}

// The plan tells datagrams apart by their length.
const PLAN: Record<number, DatagramFault> = {
  1: { kind: 'drop' },
  2: { kind: 'delay', milliseconds: 50 },
  3: { kind: 'duplicate', milliseconds: 20 },
  4: { kind: 'corrupt', bit: 33 },
};

t.test('what is sent is dropped, delayed, duplicated and corrupted as the plan says', async (t) => {
  const { clock, there, sessions, faulty, plain, out } = await pair((direction, length) =>
    direction === 'out' ? PLAN[length] : undefined,
  );
  for (const text of ['a', 'bb', 'ccc', 'dddd', 'fence']) out(text);
  await there.until('fence');
  t.same(there.texts, ['ccc', 'fddd', 'fence']);
  clock.advance(20);
  await there.until('ccc');
  clock.advance(30);
  await there.until('bb');
  t.same(there.texts.slice(3), ['ccc', 'bb']);
  t.ok(sessions.every((session) => session === 'abc123'));
  await faulty.close();
  await plain.close();
});

t.test('what is received likewise', async (t) => {
  const { clock, here, faulty, plain, back } = await pair((direction, length) =>
    direction === 'in' ? PLAN[length] : undefined,
  );
  for (const text of ['a', 'bb', 'ccc', 'dddd', 'fence']) back(text);
  await here.until('fence');
  t.same(here.texts, ['ccc', 'fddd', 'fence']);
  clock.advance(50);
  t.same(here.texts.slice(3), ['ccc', 'bb']);
  await faulty.close();
  await plain.close();
});

t.test('closing forgets what is held back', async (t) => {
  const { clock, faulty, plain, out } = await pair(() => ({ kind: 'delay', milliseconds: 50 }));
  out('held');
  t.equal(clock.pending, 1);
  await faulty.close();
  t.equal(clock.pending, 0);
  await plain.close();
});
