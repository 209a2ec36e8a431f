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
