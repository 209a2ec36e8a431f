import { createCipheriv } from 'node:crypto';
import t from 'tap';
import {
  CIPHER_SUITES,
  type CipherSuite,
  type CipherSuiteName,
  cipherSuite,
} from '../../../src/dtls/protocol/cipher-suites.ts';
import { EvpRecordProtection } from '../../../src/dtls/record/evp-record-protection.ts';
import { type Libcrypto, loadLibcrypto } from '../../../src/dtls/record/libcrypto.ts';
import { nodeRecordProtection } from '../../../src/dtls/record/node-record-protection.ts';
import type { RecordKeys } from '../../../src/dtls/record/record-protection.ts';
import { isTunneliteError } from '../../../src/lib/errors.ts';
import { seededRandom } from '../../../src/lib/random.ts';
import { skipWithout } from '../../support/accelerator.ts';

const libcrypto = loadLibcrypto();
const skip = skipWithout(t, libcrypto);
const crypto = libcrypto as Libcrypto;
const ROUNDS = Math.max(1, Math.round(Number(process.env.TUNNELITE_FUZZ ?? 3000) / 3));

// One suite of each AEAD: the rest differ only in the handshake.
const suites = (
  [
    'TLS_PSK_WITH_AES_128_GCM_SHA256',
    'TLS_PSK_WITH_AES_256_GCM_SHA384',
    'TLS_PSK_WITH_CHACHA20_POLY1305_SHA256',
  ] as const
).map((name) => cipherSuite(name));

const random = seededRandom(4242);
const keysFor = (suite: CipherSuite): RecordKeys => ({
  key: random.bytes(suite.keyLength),
  iv: random.bytes(suite.ivLength),
});

/** The record as RFC 5288 §3 and RFC 7905 §2 describe it, in the plainest way. */
function reference(
  suite: CipherSuite,
  keys: RecordKeys,
  type: number,
  epoch: number,
  sequence: number,
  text: Buffer,
): Buffer {
  const number = Buffer.alloc(8);
  number.writeUInt16BE(epoch, 0);
  number.writeUIntBE(sequence, 2, 6);
  const nonce = Buffer.alloc(12);
  if (suite.explicitNonceLength === 8) {
    keys.iv.copy(nonce);
    number.copy(nonce, 4);
  } else {
    number.copy(nonce, 4);
    for (let i = 0; i < 12; i++) nonce[i]! ^= keys.iv[i]!;
  }
  const head = Buffer.from([type, 0xfe, 0xfd]);
  const size = Buffer.from([text.length >> 8, text.length & 0xff]);
  const cipher = createCipheriv(suite.cipher as 'aes-128-gcm', keys.key, nonce, { authTagLength: 16 });
  cipher.setAAD(Buffer.concat([number, head, size]));
  const sealed = Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()]);
  const body = suite.explicitNonceLength === 8 ? Buffer.concat([number, sealed]) : sealed;
  return Buffer.concat([head, number, Buffer.from([body.length >> 8, body.length & 0xff]), body]);
}

t.test('every suite with an AEAD can be accelerated, and the other is left to node:crypto', { skip }, async (t) => {
  const protection = new EvpRecordProtection(crypto);
  for (const name of Object.keys(CIPHER_SUITES) as CipherSuiteName[]) {
    const suite = cipherSuite(name);
    const sealer = protection.createSealer(suite, keysFor(suite));
    const opener = protection.createOpener(suite, keysFor(suite));
    t.equal(Boolean(sealer && opener), suite.macKeyLength === 0, name);
    sealer?.free();
    opener?.free();
  }
});

for (const suite of suites) {
  t.test(
    `${suite.cipher}: records equal those of node:crypto byte by byte, and open again [RFC 5288 §3, RFC 7905 §2]`,
    { skip },
    async (t) => {
      const protection = new EvpRecordProtection(crypto);
      const keys = keysFor(suite);
      const sealer = protection.createSealer(suite, keys)!;
      const opener = protection.createOpener(suite, keys)!;
      const output = Buffer.alloc(20_000, 0xee);
      let sequence = 0;
      let epoch = 1;
      for (let round = 0; round < ROUNDS; round++) {
        // mostly one after the other, sometimes a jump, sometimes another epoch
        const dice = random.uint32() % 50;
        if (dice === 0) sequence = random.uint32() * 0x1_0000 + (random.uint32() & 0xffff);
        else if (dice === 1) epoch = random.uint32() & 0xffff;
        else sequence++;
        const length = dice < 5 ? [0, 1, 16_384, 16_383, 15][dice]! : random.uint32() % 1500;
        const type = 20 + (random.uint32() % 4);
        const text = random.bytes(length);
        const at = random.uint32() % 1000;
        const expected = reference(suite, keys, type, epoch, sequence, text);
        const inPlace = (random.uint32() & 1) === 0;
        let size: number;
        if (inPlace) {
          text.copy(output, at + 13 + suite.explicitNonceLength);
          size = sealer.seal(output, at, type, epoch, sequence, output, at + 13 + suite.explicitNonceLength, length);
        } else size = sealer.seal(output, at, type, epoch, sequence, text, 0, length);
        if (!expected.equals(output.subarray(at, at + size))) return t.fail(`round ${round}: sealed differently`);
        const before = Buffer.from(output);
        const opened = opener.open(output, at, size - 13);
        if (opened !== length) return t.fail(`round ${round}: opened ${opened} instead of ${length}`);
        if (!text.equals(opener.plaintext.subarray(opener.plaintextOffset, opener.plaintextOffset + opened))) {
          return t.fail(`round ${round}: opened to other bytes`);
        }
        if (!before.equals(output)) return t.fail(`round ${round}: the input was changed`);
      }
      sealer.free();
      opener.free();
      return t.pass();
    },
  );

  t.test(
    `${suite.cipher}: no changed, shortened or invented record opens, and the next good one does`,
    { skip },
    async (t) => {
      const protection = new EvpRecordProtection(crypto);
      const keys = keysFor(suite);
      const opener = protection.createOpener(suite, keys)!;
      for (let round = 0; round < ROUNDS; round++) {
        const text = random.bytes(random.uint32() % 200);
        const good = reference(suite, keys, 23, 1, round, text);
        const bad = Buffer.from(good);
        let length = bad.length - 13;
        const kind = round % 4;
        if (kind === 0) {
          // any bit but those of the version and the length, which the caller has checked
          const positions = [0, 3 + (random.uint32() % 8), 13 + (random.uint32() % length)];
          bad[positions[random.uint32() % 3]!]! ^= 1 << (random.uint32() % 8);
        } else if (kind === 1) length = random.uint32() % length;
        else if (kind === 2) random.fill(bad.subarray(13));
        else length += 1 + (random.uint32() % 60_000);
        if (opener.open(bad, 0, length) !== -1) return t.fail(`round ${round}: a bad record opened`);
        if (opener.open(good, 0, good.length - 13) !== text.length)
          return t.fail(`round ${round}: a good record did not`);
      }
      opener.free();
      return t.pass();
    },
  );
}

for (const suite of suites) {
  t.test(
    `${suite.cipher}: it agrees with its twin on node:crypto about every record, good or bad`,
    { skip },
    async (t) => {
      const keys = keysFor(suite);
      const evp = new EvpRecordProtection(crypto);
      const [sealA, sealB] = [evp.createSealer(suite, keys)!, nodeRecordProtection.createSealer(suite, keys)!];
      const [openA, openB] = [evp.createOpener(suite, keys)!, nodeRecordProtection.createOpener(suite, keys)!];
      const [a, b] = [Buffer.alloc(3000), Buffer.alloc(3000)];
      let opened = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const text = random.bytes(random.uint32() % 1500);
        const type = 20 + (random.uint32() % 4);
        a.fill(0);
        b.fill(0);
        const size = sealA.seal(a, 7, type, 1, round, text, 0, text.length);
        if (sealB.seal(b, 7, type, 1, round, text, 0, text.length) !== size || !a.equals(b))
          return t.fail(`round ${round}`);
        const at = 7 + (random.uint32() % size);
        // half of them are changed somewhere, or cut
        if ((random.uint32() & 1) === 0) a[at]! ^= random.uint32() & 0xff;
        const length = random.uint32() % 8 === 0 ? random.uint32() % 2000 : size - 13;
        const [first, second] = [openA.open(a, 7, length), openB.open(a, 7, length)];
        if (first !== second) return t.fail(`round ${round}: one says ${first}, the other ${second}`);
        if (first < 0) continue;
        opened++;
        const left = openA.plaintext.subarray(openA.plaintextOffset, openA.plaintextOffset + first);
        const right = openB.plaintext.subarray(openB.plaintextOffset, openB.plaintextOffset + first);
        if (!left.equals(right)) return t.fail(`round ${round}: other bytes`);
      }
      for (const one of [sealA, sealB, openA, openB]) one.free();
      return t.ok(opened > ROUNDS / 4 && opened < ROUNDS);
    },
  );
}

for (const suite of suites) {
  t.test(`${suite.cipher}: a record opens that holds as much as a record may, and none that holds more`, async (t) => {
    const keys = keysFor(suite);
    const openers = { 'node:crypto': nodeRecordProtection.createOpener(suite, keys)! };
    if (!skip) Object.assign(openers, { evp: new EvpRecordProtection(crypto).createOpener(suite, keys)! });
    for (const [name, opener] of Object.entries(openers)) {
      for (const [length, opened] of [
        [16_384, 16_384],
        [16_385, -1],
        [60_000, -1],
      ] as const) {
        const record = reference(suite, keys, 23, 1, length, Buffer.alloc(length, 5));
        t.equal(opener.open(record, 0, record.length - 13), opened, `${name}: ${length} bytes`);
      }
      opener.free();
    }
  });
}

for (const suite of suites) {
  t.test(`${suite.cipher}: text of another buffer is sealed, wherever it lies in it`, { skip }, async (t) => {
    const keys = keysFor(suite);
    const sealer = new EvpRecordProtection(crypto).createSealer(suite, keys)!;
    const place = 13 + suite.explicitNonceLength;
    for (const at of [0, place, place + 1]) {
      const text = Buffer.from('text');
      const input = Buffer.concat([Buffer.alloc(at), text]);
      const output = Buffer.alloc(100);
      const size = sealer.seal(output, 0, 23, 1, at, input, at, text.length);
      t.ok(reference(suite, keys, 23, 1, at, text).equals(output.subarray(0, size)), `at ${at}`);
    }
    sealer.free();
  });
}

t.test('a sealer refuses to write beyond its memory, and to work after free', { skip }, async (t) => {
  const suite = suites[0]!;
  const sealer = new EvpRecordProtection(crypto).createSealer(suite, keysFor(suite))!;
  const text = Buffer.alloc(100);
  const thrown = (fn: () => void): unknown => {
    try {
      fn();
    } catch (error) {
      return error;
    }
    return undefined;
  };
  t.equal(sealer.seal(Buffer.alloc(137), 0, 23, 1, 0, text, 0, 100), 137);
  t.ok(
    isTunneliteError(
      thrown(() => sealer.seal(Buffer.alloc(136), 0, 23, 1, 1, text, 0, 100)),
      'ERR_INTERNAL',
    ),
  );
  t.ok(
    isTunneliteError(
      thrown(() => sealer.seal(Buffer.alloc(200), 64, 23, 1, 1, text, 0, 100)),
      'ERR_INTERNAL',
    ),
  );
  t.ok(
    isTunneliteError(
      thrown(() => sealer.seal(Buffer.alloc(200), -1, 23, 1, 1, text, 0, 100)),
      'ERR_INTERNAL',
    ),
  );
  sealer.free();
  sealer.free();
  t.ok(
    isTunneliteError(
      thrown(() => sealer.seal(Buffer.alloc(200), 0, 23, 1, 1, text, 0, 100)),
      'ERR_CLOSED',
    ),
  );
});

t.test('contexts are freed once by free, and by the collector when they were forgotten', { skip }, async (t) => {
  const suite = suites[0]!;
  const live = new Set<number>();
  const used = (context: number): void => {
    if (!live.has(context)) t.fail('used when it was freed');
  };
  const counted: Libcrypto = {
    ...crypto,
    control(context, ...rest) {
      used(context);
      return crypto.control(context, ...rest);
    },
    run(context, ...rest) {
      used(context);
      return crypto.run(context, ...rest);
    },
    newContext() {
      const context = crypto.newContext();
      live.add(context);
      return context;
    },
    freeContext(context) {
      if (!live.delete(context)) t.fail('freed twice');
      crypto.freeContext(context);
    },
  };
  const protection = new EvpRecordProtection(counted);
  const opener = protection.createOpener(suite, keysFor(suite))!;
  t.equal(live.size, 1);
  opener.free();
  opener.free();
  t.equal(live.size, 0);
  t.equal(opener.open(Buffer.alloc(100), 0, 87), -1, 'a freed opener opens nothing');
  (() => {
    for (let i = 0; i < 10; i++) protection.createSealer(suite, keysFor(suite));
  })();
  t.equal(live.size, 10);
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let i = 0; i < 100 && live.size > 0; i++) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal(live.size, 0);
});

t.test('a suite that this OpenSSL lacks is left to node:crypto, without a leak', { skip }, async (t) => {
  let live = 0;
  const lacking: Libcrypto = {
    ...crypto,
    newContext() {
      live++;
      return crypto.newContext();
    },
    freeContext(context) {
      live--;
      crypto.freeContext(context);
    },
    init: () => false,
  };
  const protection = new EvpRecordProtection(lacking);
  const suite = suites[0]!;
  t.equal(protection.createSealer(suite, keysFor(suite)), undefined);
  t.equal(protection.createOpener(suite, keysFor(suite)), undefined);
  t.equal(live, 0);
});
