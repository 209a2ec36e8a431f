import fc from 'fast-check';
import t from 'tap';
import {
  handshakeMessage,
  readHandshakeHeader,
  writeHandshakeHeader,
} from '../../../src/dtls/handshake/handshake-message.ts';
import { Reassembly } from '../../../src/dtls/handshake/reassembly.ts';

function fragment(type: number, sequence: number, body: Buffer, from: number, to: number): Buffer {
  const out = Buffer.alloc(12 + to - from);
  writeHandshakeHeader(out, type, body.length, sequence, from, to - from);
  body.copy(out, 12, from, to);
  return out;
}

function add(reassembly: Reassembly, part: Buffer, epoch = 0): boolean {
  const header = readHandshakeHeader(part, 0, part.length);
  return header !== undefined && reassembly.add(header, epoch, part, 12);
}

t.test('messages come out whole and in order, however they were cut, shuffled and repeated', (t) => {
  const messages = fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 6 });
  const cuts = fc.array(fc.tuple(fc.nat(5), fc.nat(60), fc.nat(60)), { maxLength: 60 });
  fc.assert(
    fc.property(messages, cuts, fc.infiniteStream(fc.nat(1000)), (bodies, random, order) => {
      const parts: Buffer[] = [];
      for (const [which, a, b] of random) {
        const index = which % bodies.length;
        const body = Buffer.from(bodies[index]!);
        const [from, to] = [Math.min(a, b), Math.max(a, b)].map((x) => Math.min(x, body.length)) as [number, number];
        parts.push(fragment(11 + index, index, body, from, to));
      }
      bodies.forEach((body, index) => {
        const buffer = Buffer.from(body);
        const half = body.length >> 1;
        parts.push(
          fragment(11 + index, index, buffer, 0, half),
          fragment(11 + index, index, buffer, half, body.length),
        );
      });
      for (const part of [...parts]) parts.splice(order.next().value % (parts.length + 1), 0, part);
      const reassembly = new Reassembly(0, 4096);
      const out: Buffer[] = [];
      for (const part of parts) {
        add(reassembly, part);
        for (let m = reassembly.take(); m; m = reassembly.take()) out.push(m.raw);
      }
      return (
        out.length === bodies.length &&
        out.every((raw, index) => raw.equals(handshakeMessage(11 + index, index, bodies[index]!)))
      );
    }),
    { numRuns: 300 },
  );
  t.end();
});

t.test('a message longer than allowed is not given room', (t) => {
  const reassembly = new Reassembly(0, 100);
  t.equal(add(reassembly, fragment(11, 0, Buffer.alloc(101), 0, 1)), false);
  t.equal(add(reassembly, fragment(11, 0, Buffer.alloc(100), 0, 1)), true);
  t.end();
});

t.test('messages ahead share the room, and the next in order always has it', (t) => {
  const reassembly = new Reassembly(0, 100);
  t.equal(add(reassembly, fragment(11, 1, Buffer.alloc(90), 0, 1)), true);
  t.equal(add(reassembly, fragment(11, 2, Buffer.alloc(90), 0, 1)), false);
  t.equal(add(reassembly, fragment(11, 0, Buffer.alloc(90), 0, 90)), true);
  t.equal(reassembly.take()?.raw.length, 102);
  t.equal(add(reassembly, fragment(11, 20, Buffer.alloc(1), 0, 1)), false, 'too far ahead');
  t.end();
});

t.test('a fragment that contradicts an earlier one is refused', (t) => {
  const reassembly = new Reassembly(0, 100);
  add(reassembly, fragment(11, 0, Buffer.alloc(50), 0, 10));
  t.equal(add(reassembly, fragment(12, 0, Buffer.alloc(50), 10, 50)), false, 'other type');
  t.equal(add(reassembly, fragment(11, 0, Buffer.alloc(51), 10, 51)), false, 'other length');
  t.equal(add(reassembly, fragment(11, 0, Buffer.alloc(50), 10, 50), 1), false, 'other epoch');
  t.equal(reassembly.take(), undefined);
  t.end();
});

t.test('a header whose fragment does not fit its message or its record is refused', (t) => {
  const part = fragment(11, 0, Buffer.alloc(50), 0, 50);
  t.equal(readHandshakeHeader(part, 0, part.length - 1), undefined);
  t.equal(readHandshakeHeader(part, 0, 11), undefined);
  part.writeUIntBE(1, 6, 3);
  t.equal(readHandshakeHeader(part, 0, part.length), undefined, 'offset + length > message');
  t.end();
});

t.test(
  'time and memory stay in proportion to the bytes that come, however small and overlapping the fragments',
  (t) => {
    const LENGTH = 4000;
    const body = Buffer.alloc(LENGTH, 7);
    const shape = fc.array(fc.tuple(fc.nat(LENGTH - 1), fc.oneof(fc.constant(1), fc.nat(3), fc.nat(600))), {
      maxLength: 300,
    });
    fc.assert(
      fc.property(shape, (shapes) => {
        const reassembly = new Reassembly(0, 4096);
        let received = 0;
        let read = 0;
        for (const [from, size] of shapes) {
          const part = fragment(11, 0, body, from, Math.min(LENGTH, from + size));
          received += 13 + part.length;
          const counted = new Proxy(part, {
            get(target, key) {
              if (typeof key === 'string' && /^\d+$/.test(key)) read++;
              const value: unknown = Reflect.get(target, key, target);
              return typeof value === 'function' ? value.bind(target) : value;
            },
          });
          const header = readHandshakeHeader(part, 0, part.length)!;
          reassembly.add(header, 0, counted, 12);
        }
        return reassembly.held <= 10 * received && read <= received;
      }),
      {
        numRuns: 200,
        examples: [[[[3999, 1]]], [Array.from({ length: 300 }, (_, i) => [i * 13, 1] as [number, number])]],
      },
    );
    t.end();
  },
);

t.test('bytes that come again change nothing, and cost no memory', (t) => {
  const reassembly = new Reassembly(0, 4096);
  const first = Buffer.alloc(1000, 1);
  for (let from = 0; from < 900; from++) add(reassembly, fragment(11, 0, first, from, from + 1));
  const { held } = reassembly;
  for (let i = 0; i < 100; i++) add(reassembly, fragment(11, 0, Buffer.alloc(1000, 2), 0, 900));
  t.equal(reassembly.held, held);
  add(reassembly, fragment(11, 0, first, 900, 1000));
  t.ok(reassembly.take()?.raw.subarray(12).equals(first));
  t.equal(reassembly.held, 0);
  t.end();
});
