import t from 'tap';
import {
  type DatagramGate,
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

async function pair(gate: DatagramGate) {
  const here = new Collector();
  const there = new Collector();
  const faults: { datagrams: DatagramGate | undefined } = { datagrams: gate };
  const sessionOf = (endpoint: Endpoint) => (endpoint.port > 0 ? 'abc123' : undefined);
  const faulty = await FaultyDatagramSocket.open(
    { faults, taps: {}, sessionOf },
    { host: '127.0.0.1', port: 0, receiver: here },
    openDatagramSocket,
  );
  const plain: DatagramSocket = await openDatagramSocket({ host: '127.0.0.1', port: 0, receiver: there });
  const out = (text: string) =>
    faulty.send(Buffer.from(text), 0, text.length, faulty.endpoint('127.0.0.1', plain.port));
  const back = (text: string) => {
    plain.send(Buffer.from(text), 0, text.length, plain.endpoint('127.0.0.1', faulty.port));
    plain.flush();
  };
  return { here, there, faults, faulty, plain, out, back };
}

/** Keeps datagrams that begin with a k, changes those with a c, and lets all others go. */
function gate() {
  const kept: (() => void)[] = [];
  const sessions = new Set<string | undefined>();
  const pass: DatagramGate['pass'] = ({ direction, buffer, offset, length, remote, session }, place) => {
    sessions.add(session);
    const bytes = Buffer.from(buffer.subarray(offset, offset + length));
    if (bytes[0] === 0x6b) kept.push(() => place.later(direction, bytes, remote));
    if (bytes[0] === 0x63) buffer[offset] = 0x43;
    return bytes[0] !== 0x6b;
  };
  return { pass, kept, sessions };
}

t.test('what is sent passes the gate: it is kept, changed, or goes on', async (t) => {
  const { pass, kept, sessions } = gate();
  const { there, faulty, plain, out } = await pair({ pass });
  for (const text of ['kept', 'changed', 'fence']) out(text);
  await there.until('fence');
  t.same(there.texts, ['Changed', 'fence']);
  kept[0]!();
  await there.until('kept');
  t.same([...sessions], ['abc123']);
  await faulty.close();
  t.doesNotThrow(kept[0]!, 'what comes after the end goes nowhere');
  await plain.close();
});

t.test('what is received likewise, and without a gate all goes on', async (t) => {
  const { pass, kept } = gate();
  const { here, faults, faulty, plain, back } = await pair({ pass });
  for (const text of ['kept', 'changed', 'fence']) back(text);
  await here.until('fence');
  t.same(here.texts, ['Changed', 'fence']);
  kept[0]!();
  t.same(here.texts.at(-1), 'kept');
  faults.datagrams = undefined;
  back('kept too');
  await here.until('kept too');
  t.equal(kept.length, 1);
  await faulty.close();
  await plain.close();
});
