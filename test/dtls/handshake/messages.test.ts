import fc from 'fast-check';
import t from 'tap';
import {
  parseClientHello,
  parseClientHelloStart,
  serializeClientHello,
} from '../../../src/dtls/handshake/client-hello.ts';
import {
  parseCertificate,
  parseCertificateRequest,
  parseClientKeyExchange,
  parseHelloVerifyRequest,
  parseServerKeyExchange,
  serializeCertificate,
  serializeClientKeyExchange,
  serializeEcdhParameters,
  serializeSignature,
} from '../../../src/dtls/handshake/key-exchange-messages.ts';
import { parseServerHello, serializeServerHello } from '../../../src/dtls/handshake/server-hello.ts';

const bytes = (max: number, min = 0): fc.Arbitrary<Buffer> =>
  fc.uint8Array({ minLength: min, maxLength: max }).map((array) => Buffer.from(array));
const number16 = fc.nat(0xffff);
const extensions = fc.array(fc.tuple(number16, bytes(40)), { maxLength: 6 }).map((list) => new Map(list));
const common = { version: number16, random: bytes(32, 32), sessionId: bytes(32), extensions };

t.test('hellos are read as they were written', (t) => {
  const client = fc.record({
    ...common,
    cookie: bytes(255),
    cipherSuites: fc.array(number16, { minLength: 1, maxLength: 60 }),
    compressionMethods: bytes(4),
  });
  fc.assert(
    fc.property(client, (hello) => {
      const body = serializeClientHello(hello);
      t.same(parseClientHello(body), { ...hello });
      t.ok(parseClientHelloStart(body)?.cookie.equals(hello.cookie));
    }),
    { numRuns: 50 },
  );
  const server = fc.record({ ...common, cipherSuite: number16, compressionMethod: fc.nat(255) });
  fc.assert(
    fc.property(server, (hello) => t.same(parseServerHello(serializeServerHello(hello)), { ...hello })),
    { numRuns: 50 },
  );
  t.end();
});

t.test('messages of the key exchange are read as they were written', (t) => {
  fc.assert(
    fc.property(
      fc.array(bytes(300), { maxLength: 5 }),
      bytes(60),
      bytes(133),
      number16,
      bytes(70),
      (chain, id, key, n, sig) => {
        t.strictSame(parseCertificate(serializeCertificate(chain)), chain);
        t.strictSame(parseClientKeyExchange(serializeClientKeyExchange(id, key), { identity: true, ecdhe: true }), {
          identity: id,
          publicKey: key,
        });
        const parameters = serializeEcdhParameters(n, key);
        const signed = Buffer.concat([parameters, serializeSignature(n, sig)]);
        t.strictSame(parseServerKeyExchange(signed, { hint: false, ecdhe: true, signature: true }), {
          group: n,
          publicKey: key,
          parameters,
          scheme: n,
          signature: sig,
        });
      },
    ),
    { numRuns: 30 },
  );
  t.end();
});

t.test('no bytes make a reader throw, or read past them', (t) => {
  const flags = fc.record({ hint: fc.boolean(), ecdhe: fc.boolean(), signature: fc.boolean(), identity: fc.boolean() });
  fc.assert(
    fc.property(bytes(200), flags, (body, has) => {
      parseClientHello(body);
      parseClientHelloStart(body);
      parseServerHello(body);
      parseCertificate(body);
      parseCertificateRequest(body);
      parseHelloVerifyRequest(body);
      parseClientKeyExchange(body, has);
      parseServerKeyExchange(body, has);
    }),
    { numRuns: 3000 },
  );
  t.pass();
  t.end();
});
