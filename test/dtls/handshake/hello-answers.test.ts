import t from 'tap';
import type { DtlsClientCredentials, DtlsCredentials } from '../../../src/dtls/association/types.ts';
import { certificateIdentity } from '../../../src/dtls/handshake/certificate-identity.ts';
import { type ClientHello, parseClientHello, serializeClientHello } from '../../../src/dtls/handshake/client-hello.ts';
import { handshakeMessage } from '../../../src/dtls/handshake/handshake-message.ts';
import { parseServerHello } from '../../../src/dtls/handshake/server-hello.ts';
import { testCertificate } from '../../support/dtls-certificates.ts';
import { CLIENT, DtlsLink, type LinkOptions, PSK, plainRecord, recordsOf } from '../../support/dtls-link.ts';

/* Numbers are those of IANA's "TLS ExtensionType Values", spelled out: a peer knows no others. */

/** The ClientHello that a client sends first. */
function clientHello(client: LinkOptions['client'] = {}): ClientHello {
  const link = new DtlsLink({ client, fate: () => [] });
  link.client.start(0);
  return parseClientHello(recordsOf(link.datagrams('to-server')[0]!)[0]!.body.subarray(12))!;
}

/** What a server answers to a ClientHello, and how it judges it. */
function answered(hello: ClientHello, options: LinkOptions = {}): { link: DtlsLink; first: Buffer } {
  const link = new DtlsLink({ ...options, fate: () => [] });
  link.server.input(plainRecord(22, 0, handshakeMessage(1, 0, serializeClientHello(hello))), CLIENT, 0);
  return { link, first: recordsOf(link.datagrams('to-client')[0]!)[0]!.body };
}

const extensionsOf = (hello: ClientHello, options: LinkOptions = {}): number[] => [
  ...parseServerHello(answered(hello, options).first.subarray(12))!.extensions.keys(),
];

const HANDSHAKE_FAILURE = Buffer.from([2, 40]);

t.test('a client without the null compression is refused (RFC 5246 §7.4.1.2)', async (t) => {
  const { link, first } = answered({ ...clientHello(), compressionMethods: Buffer.from([1, 64]) });
  t.strictSame(first, HANDSHAKE_FAILURE);
  t.match(link.failed[0], { reason: 'handshake-failed', details: { alert: 'handshake_failure' } });
  const more = answered({ ...clientHello(), compressionMethods: Buffer.from([1, 0]) });
  t.equal(more.first[0], 2, 'beside others it is taken');
  t.equal(more.link.server.handshakes, 1);
});

t.test('renegotiation_info of a first handshake is empty, and answered (RFC 5746 §3.6)', async (t) => {
  const hello = clientHello();
  const having = (body?: Buffer): ClientHello => {
    const extensions = new Map(hello.extensions);
    if (body) extensions.set(0xff01, body);
    else extensions.delete(0xff01);
    return { ...hello, extensions };
  };
  t.ok(extensionsOf(having(Buffer.from([0]))).includes(0xff01));
  t.notOk(extensionsOf(having()).includes(0xff01), 'not without being asked');
  const signalled = { ...having(), cipherSuites: [...hello.cipherSuites, 0x00ff] };
  t.ok(extensionsOf(signalled).includes(0xff01), 'the number among the suites asks for it as well');
  t.strictSame(answered(having(Buffer.from([1, 9]))).first, HANDSHAKE_FAILURE, 'that of another handshake is refused');
});

t.test('the ClientHello of each kind has the extensions that go with it', async (t) => {
  const byNumber = (a: number, b: number): number => a - b;
  const offered = (client: LinkOptions['client']): number[] =>
    [...clientHello(client).extensions.keys()].sort(byNumber);
  const psk: DtlsClientCredentials = { kind: 'psk', key: PSK, identity: 'psk' };
  const certificate: DtlsClientCredentials = { kind: 'certificate', servername: 'gateway.test' };
  t.strictSame(offered({ credentials: psk, cipherSuites: ['TLS_PSK_WITH_AES_256_GCM_SHA384'] }), [23, 28, 0xff01]);
  t.strictSame(offered({ credentials: psk, cipherSuites: ['TLS_PSK_WITH_AES_256_CBC_SHA'] }), [22, 23, 28, 0xff01]);
  t.strictSame(offered({ credentials: psk }), [10, 11, 23, 28, 0xff01]);
  t.strictSame(offered({ credentials: certificate }), [0, 10, 11, 13, 23, 28, 0xff01]);
  t.strictSame(
    offered({ credentials: { ...certificate, servername: '127.0.0.1' } }),
    [10, 11, 13, 23, 28, 0xff01],
    'an IP address is no server_name (RFC 6066 §3)',
  );
});

t.test('a record_size_limit that is none is refused (RFC 8449 §4)', async (t) => {
  const hello = clientHello();
  for (const [bytes, taken] of [
    [[0, 64], true],
    [[0x40, 1], true],
    [[0, 63], false],
    [[64], false],
    [[0, 1, 0], false],
    [[], false],
  ] as const) {
    const extensions = new Map(hello.extensions).set(28, Buffer.from(bytes));
    const { first, link } = answered({ ...hello, extensions });
    if (taken) t.equal(first[0], 2, `${bytes}`);
    else t.strictSame(first, Buffer.from([2, 47]), `${bytes}: illegal_parameter`);
    t.equal(link.server.handshakes, taken ? 1 : 0);
  }
});

t.test('signature schemes and groups are offered by their IANA numbers', async (t) => {
  const { extensions } = clientHello({ credentials: { kind: 'certificate' } });
  const numbers = (type: number): string | undefined => extensions.get(type)?.toString('hex', 2);
  // ECDSA, Ed25519, RSA-PSS and RSA PKCS #1, each with SHA-256, SHA-384 and SHA-512.
  t.equal(numbers(13), ['0403', '0503', '0603', '0807', '0804', '0805', '0806', '0401', '0501', '0601'].join(''));
  // x25519, secp256r1, secp384r1.
  t.equal(numbers(10), ['001d', '0017', '0018'].join(''));
});

t.test('point formats are answered where a curve is used, and to those who named some (RFC 8422 §5.2)', async (t) => {
  const hello = clientHello();
  const ecdhe = { server: { cipherSuites: ['TLS_ECDHE_PSK_WITH_AES_128_GCM_SHA256'] } } as const;
  t.ok(extensionsOf(hello, ecdhe).includes(11));
  t.notOk(extensionsOf(hello).includes(11), 'plain PSK uses none');
  const silent = { ...hello, extensions: new Map([...hello.extensions].filter(([type]) => type !== 11)) };
  t.notOk(extensionsOf(silent, ecdhe).includes(11));
  const formats = parseServerHello(answered(hello, ecdhe).first.subarray(12))!.extensions.get(11);
  t.strictSame(formats, Buffer.from([1, 0]), 'uncompressed only');
});

t.test('a certificate whose message is longer than a client reads is not read', async (t) => {
  const { cert, key } = await testCertificate('p256');
  const identity = certificateIdentity(cert, key);
  const size = 3 + identity.chain[0]!.length;
  const most = Math.floor((32_768 - 3) / size);
  const connects = (certificates: number): boolean => {
    const chain = Array.from({ length: certificates }, () => identity.chain[0]!);
    const credentials: DtlsCredentials<string> = { kind: 'certificate', identity: { ...identity, chain }, context: '' };
    const link = new DtlsLink({
      credentials,
      client: { credentials: { kind: 'certificate', rejectUnauthorized: false } },
    });
    link.client.start(0);
    link.run(2000, () => link.up);
    return link.up;
  };
  t.equal(connects(most), true, `${most} certificates`);
  t.equal(connects(most + 1), false, `${most + 1} certificates`);
});
