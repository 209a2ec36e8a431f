import t from 'tap';
import { Flight } from '../../../src/dtls/handshake/flight.ts';
import { handshakeMessage, readHandshakeHeader } from '../../../src/dtls/handshake/handshake-message.ts';
import { Reassembly } from '../../../src/dtls/handshake/reassembly.ts';
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
