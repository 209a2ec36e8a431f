import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import t from 'tap';
import { pskPremasterSecret } from '../../../src/dtls/handshake/key-schedule.ts';
import { prf } from '../../../src/dtls/handshake/prf.ts';

t.test('the PRF gives the test vector of the IETF TLS list for SHA-256', (t) => {
  const output = prf(
    'sha256',
    Buffer.from('9bbe436ba940f017b17652849a71db35', 'hex'),
    'test label',
    Buffer.from('a0ba9f936cda311827a6f796ffd5198c', 'hex'),
    100,
  );
  t.equal(
    output.toString('hex'),
    'e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a46b4e14baf9af0fa022f7' +
      '077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d122ee42c5a72e5a5110fff70187347b66',
  );
  t.end();
});

t.test('the PRF equals P_hash over the HMAC of node:crypto', (t) => {
  const reference = (hash: string, secret: Uint8Array, seed: Buffer, length: number): Buffer => {
    const hmac = (data: Buffer): Buffer => createHmac(hash, secret).update(data).digest();
    let a = seed;
    let out = Buffer.alloc(0);
    while (out.length < length) {
      a = hmac(a);
      out = Buffer.concat([out, hmac(Buffer.concat([a, seed]))]);
    }
    return out.subarray(0, length);
  };
  fc.assert(
    fc.property(
      fc.constantFrom('sha256' as const, 'sha384' as const),
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 100 }),
      fc.integer({ min: 1, max: 200 }),
      (hash, secret, seed, length) =>
        prf(hash, secret, 'key expansion', seed, length).equals(
          reference(hash, secret, Buffer.concat([Buffer.from('key expansion'), seed]), length),
        ),
    ),
  );
  t.end();
});

t.test('the premaster secret of a PSK is zeros and the key, each with its length (RFC 4279 §2)', (t) => {
  t.equal(pskPremasterSecret(Buffer.from('abcd', 'hex')).toString('hex'), '000200000002abcd');
  t.equal(
    pskPremasterSecret(Buffer.from('ab', 'hex'), Buffer.from('010203', 'hex')).toString('hex'),
    '00030102030001ab',
  );
  t.end();
});
