import t from 'tap';
import type { DtlsPeer } from '../../../src/dtls/association/types.ts';
import { serializeClientHello } from '../../../src/dtls/handshake/client-hello.ts';
import { writeHandshakeHeader } from '../../../src/dtls/handshake/handshake-message.ts';
import { beginsWithClientHello, HelloIntake } from '../../../src/dtls/handshake/hello-intake.ts';
import {
  DTLS_1_2,
  FRAGMENTED_HELLO_MS,
  MAX_FRAGMENTED_HELLOS,
  SERVER_MAX_MESSAGE,
} from '../../../src/dtls/protocol/constants.ts';
import { seededRandom } from '../../../src/lib/random.ts';

const HELLO = {
  version: DTLS_1_2,
  random: Buffer.alloc(32, 1),
  sessionId: Buffer.alloc(32, 2),
  cookie: Buffer.alloc(0),
  cipherSuites: Array.from({ length: 40 }, (_, i) => 0xc000 + i),
  compressionMethods: Buffer.from([0]),
  extensions: new Map(),
};

const peer = (port: number): DtlsPeer => ({ address: '192.0.2.1', port, family: 'IPv4' });

interface Part {
  readonly from?: number;
  readonly to?: number;
  /** message_seq */
  readonly sequence?: number;
  /** Length that the header of the message says. */
  readonly length?: number;
}

/** A datagram with one fragment of a ClientHello, or with all of it. */
function datagram(body: Buffer, { from = 0, to = body.length, sequence = 0, length = body.length }: Part = {}): Buffer {
  const out = Buffer.alloc(13 + 12 + to - from);
  out.writeUInt8(22, 0);
  out.writeUInt16BE(DTLS_1_2, 1);
  out.writeUIntBE(7, 5, 6);
  out.writeUInt16BE(out.length - 13, 11);
  const header = Buffer.alloc(12);
  writeHandshakeHeader(header, 1, length, sequence, from, to - from);
  header.copy(out, 13);
  body.copy(out, 25, from, to);
  return out;
}

const body = (changes: Partial<Record<keyof typeof HELLO, unknown>> = {}): Buffer =>
  serializeClientHello({ ...HELLO, ...changes } as never);
const FIRST = { to: 100 };
const intake = (demanded = false): HelloIntake => new HelloIntake(seededRandom(1), demanded);

t.test('a whole ClientHello is handed on with its numbers, and says whether its cookie was good', async (t) => {
  const hellos = intake();
  const plain = hellos.input(datagram(body(), { sequence: 3 }), peer(1), 0);
  t.match(plain, { kind: 'hello', received: { messageSequence: 3, recordSequence: 7, proven: false } });
  if (plain.kind !== 'hello') return;
  const { cookie, recordSequence } = hellos.demand(plain.received, peer(1), 0);
  t.equal(recordSequence, 7);
  t.match(hellos.input(datagram(body({ cookie })), peer(1), 0), { kind: 'hello', received: { proven: true } });
  t.match(hellos.input(datagram(body({ cookie })), peer(2), 0), { kind: 'hello', received: { proven: false } });
});

t.test('where a cookie is demanded, the first fragment has to bring it', async (t) => {
  const hellos = intake(true);
  for (const part of [{}, FIRST]) {
    const asked = hellos.input(datagram(body(), part), peer(1), 0);
    t.match(asked, { kind: 'verify', recordSequence: 7 });
    if (asked.kind !== 'verify') return;
    const { cookie } = asked;
    t.equal(hellos.input(datagram(body({ cookie }), part), peer(1), 0).kind, part === FIRST ? 'wait' : 'hello');
  }
  t.strictSame(hellos.input(datagram(body(), { from: 100, sequence: 9 }), peer(3), 0), {
    kind: 'drop',
    reason: 'unexpected',
  });
});

t.test('what is malformed is dropped as that', async (t) => {
  const hellos = intake();
  const good = body();
  const change = (what: (out: Buffer) => void): Buffer => {
    const out = datagram(good);
    what(out);
    return out;
  };
  for (const [name, bytes] of Object.entries({
    'a record longer than its datagram': datagram(good).subarray(0, -1),
    'another major version': change((out) => out.writeUInt8(3, 1)),
    'a record too short for a header': change((out) => out.writeUInt16BE(11, 11)),
    'a message longer than is read': datagram(good, { ...FIRST, length: SERVER_MAX_MESSAGE + 1 }),
    'a beginning that is none': datagram(Buffer.alloc(20, 9)),
    'an end that is none': datagram(Buffer.concat([good, Buffer.alloc(3)])),
  })) {
    t.strictSame(hellos.input(bytes, peer(1), 0), { kind: 'drop', reason: 'malformed' }, name);
  }
  t.equal(hellos.input(datagram(good, { ...FIRST, length: SERVER_MAX_MESSAGE }), peer(1), 0).kind, 'wait');
  const zero = datagram(body({ random: Buffer.alloc(32) }));
  t.strictSame(hellos.input(zero, peer(1), 0), { kind: 'drop', reason: 'zero-random' });
});

t.test('fragments of one client make one hello, for as long as they are waited for', async (t) => {
  const whole = body();
  const [first, second] = [datagram(whole, FIRST), datagram(whole, { from: 100 })];
  for (const [ms, outcome] of [
    [0, 'hello'],
    [FRAGMENTED_HELLO_MS - 1, 'hello'],
    [FRAGMENTED_HELLO_MS, 'wait'],
  ] as const) {
    const hellos = intake();
    t.equal(hellos.input(first, peer(1), 100).kind, 'wait');
    t.equal(hellos.input(second, peer(2), 100).kind, 'wait', 'not the same client');
    t.equal(hellos.input(second, peer(1), 100 + ms).kind, outcome, `after ${ms} ms`);
  }
  const hellos = intake();
  hellos.input(first, peer(1), 0);
  t.equal(hellos.input(datagram(whole, { from: 100, sequence: 1 }), peer(1), 0).kind, 'wait', 'of another message');
  t.equal(hellos.input(second, peer(1), 0).kind, 'wait', 'which took the place of the first');
});

t.test(
  `no more than ${MAX_FRAGMENTED_HELLOS} clients with fragments are waited for; the oldest goes first`,
  async (t) => {
    const hellos = intake();
    const whole = body();
    const first = datagram(whole, FIRST);
    for (let i = 1; i <= MAX_FRAGMENTED_HELLOS; i++) hellos.input(first, peer(i), i);
    const second = datagram(whole, { from: 100 });
    const now = MAX_FRAGMENTED_HELLOS;
    t.equal(hellos.input(first, peer(1000), now).kind, 'wait');
    t.equal(hellos.input(second, peer(2), now).kind, 'hello', 'the second is still known');
    t.equal(hellos.input(second, peer(1000), now).kind, 'hello', 'so is the new one');
    t.equal(hellos.input(second, peer(1), now).kind, 'wait', 'the oldest is not');
  },
);

t.test('only a handshake record in the clear that begins with a ClientHello is looked at', async (t) => {
  const good = datagram(body());
  t.equal(beginsWithClientHello(good), true);
  t.equal(beginsWithClientHello(good.subarray(0, 13)), false, 'nothing behind the header of the record');
  for (const at of [0, 3, 4, 13]) {
    const other = Buffer.from(good);
    other[at]! ^= 2;
    t.equal(beginsWithClientHello(other), false, `byte ${at}`);
  }
});
