import t from 'tap';
import { Flight } from '../../../src/dtls/handshake/flight.ts';
import { handshakeMessage, readHandshakeHeader } from '../../../src/dtls/handshake/handshake-message.ts';
import { Reassembly } from '../../../src/dtls/handshake/reassembly.ts';
import { RETRANSMIT_TIMEOUT_MS, SMALL_MTU } from '../../../src/dtls/protocol/constants.ts';
import { RecordLayer } from '../../../src/dtls/record/record-layer.ts';
import { SlabMemory } from '../../../src/udp/datagram-memory.ts';
import { recordsOf } from '../../support/dtls-link.ts';

const MTU = 300;
/** Headers of a record and of a handshake message. */
const HEADERS = 13 + 12;
/** Smallest fragment for which the rest of a datagram is used. */
const LEAST = 32;

/** The datagrams of a flight of messages with bodies of these lengths. */
function datagramsOf(lengths: readonly number[]): { datagrams: Buffer[]; messages: Buffer[] } {
  const flight = new Flight(400);
  const messages = lengths.map((length, i) => handshakeMessage(11, i, Buffer.alloc(length, i + 1)));
  for (const message of messages) flight.push(22, 0, message);
  const memory = new SlabMemory();
  const datagrams: Buffer[] = [];
  const transmit = (length: number): void => {
    datagrams.push(Buffer.from(memory.buffer.subarray(memory.offset, memory.offset + length)));
  };
  flight.send(new RecordLayer(), memory, MTU, transmit, 0, true);
  return { datagrams, messages };
}

/** The messages that a peer puts together from datagrams. */
function received(datagrams: readonly Buffer[]): Buffer[] {
  const reassembly = new Reassembly(0, 100_000);
  for (const { body } of datagrams.flatMap(recordsOf)) {
    reassembly.add(readHandshakeHeader(body, 0, body.length)!, 0, body, 12);
  }
  const out: Buffer[] = [];
  for (let next = reassembly.take(); next; next = reassembly.take()) out.push(next.raw);
  return out;
}

t.test('messages share datagrams, and what does not fit is cut so that each datagram is full', async (t) => {
  for (const lengths of [[100, 1000], [10, 10, 10], [1000, 1000], [275], [276]]) {
    const { datagrams, messages } = datagramsOf(lengths);
    const sizes = datagrams.map(({ length }) => length);
    t.ok(
      sizes.slice(0, -1).every((size) => size === MTU) && sizes.at(-1)! <= MTU,
      `${lengths} become datagrams of ${sizes}`,
    );
    t.strictSame(received(datagrams), messages);
  }
});

t.test('the rest of a datagram is left where hardly anything would fit', async (t) => {
  for (const [rest, first] of [
    [HEADERS + LEAST, MTU],
    [HEADERS + LEAST - 1, MTU - HEADERS - LEAST + 1],
    [0, MTU],
  ] as const) {
    const { datagrams, messages } = datagramsOf([MTU - HEADERS - rest, 500]);
    t.equal(datagrams[0]!.length, first, `${rest} bytes are left`);
    t.equal(datagrams[1]!.length, MTU);
    t.strictSame(received(datagrams), messages);
  }
});

/** Sends what the flight has; the sizes of the datagrams. */
function sizesOf(flight: Flight, { mtu = 1200, now = 0, awaits = true } = {}): number[] {
  const memory = new SlabMemory();
  const sizes: number[] = [];
  flight.send(new RecordLayer(), memory, mtu, (length) => void sizes.push(length), now, awaits);
  return sizes;
}

t.test('each time nothing comes, the wait is twice as long, up to a bound, until an answer comes', async (t) => {
  const flight = new Flight(RETRANSMIT_TIMEOUT_MS);
  flight.push(22, 0, handshakeMessage(11, 0, Buffer.alloc(10)));
  t.strictSame([flight.deadline, flight.sentAt], [Infinity, -Infinity]);
  const waits: number[] = [];
  for (let now = 5; waits.length < 8; now += 10_000) {
    sizesOf(flight, { now });
    t.equal(flight.sentAt, now);
    waits.push(flight.deadline - now);
    flight.backOff();
  }
  t.strictSame(waits, [400, 800, 1600, 3200, 6400, 8000, 8000, 8000]);
  sizesOf(flight, { now: 7, awaits: false });
  t.strictSame([flight.deadline, flight.sentAt], [Infinity, 7], 'the last of all waits for nothing');

  sizesOf(flight, { now: 9 });
  t.notOk(flight.empty);
  flight.clear();
  t.ok(flight.empty);
  t.strictSame([flight.deadline, flight.sentAt], [Infinity, -Infinity]);
  t.strictSame(sizesOf(flight, { now: 11 }), []);
  t.equal(flight.deadline - 11, RETRANSMIT_TIMEOUT_MS);
});

t.test('datagrams are smaller once two large ones seem to be lost, and only in that flight', async (t) => {
  const flight = new Flight(RETRANSMIT_TIMEOUT_MS);
  const fill = (): void => flight.push(22, 0, handshakeMessage(11, 0, Buffer.alloc(1500)));
  fill();
  for (const large of [true, true, false, false]) {
    const sizes = sizesOf(flight);
    t.equal(sizes[0], large ? 1200 : SMALL_MTU);
    t.strictSame(sizesOf(flight, { mtu: SMALL_MTU - 100 })[0], SMALL_MTU - 100, 'a small path stays small');
    flight.backOff();
  }
  flight.clear();
  fill();
  t.equal(sizesOf(flight)[0], 1200);
});

t.test('a flight names its messages', async (t) => {
  const flight = new Flight(RETRANSMIT_TIMEOUT_MS);
  flight.push(22, 0, handshakeMessage(1, 0, Buffer.alloc(10)));
  flight.push(20, 0, Buffer.from([1]));
  t.strictSame(flight.messages, ['ClientHello', 'ChangeCipherSpec']);
});
