import t from 'tap';
import type { DtlsClientCredentials, DtlsCredentials } from '../../../src/dtls/association/types.ts';
import { certificateIdentity } from '../../../src/dtls/handshake/certificate-identity.ts';
import { CIPHER_SUITES, type CipherSuiteName } from '../../../src/dtls/protocol/cipher-suites.ts';
import { type KeyKind, testCertificate } from '../../support/dtls-certificates.ts';
import { DtlsLink, PSK, plainRecord, recordsOf } from '../../support/dtls-link.ts';

const SESSION_ID = Buffer.alloc(32, 0xab);
const MASTER_SECRET = Buffer.alloc(48, 7);

/** The ServerHello's session id and extension numbers, from the datagrams of a link. */
function serverHello(link: DtlsLink): { sessionId: Buffer; extensions: number[] } {
  const body = recordsOf(link.datagrams('to-client')[0]!)[0]!.body.subarray(12);
  const length = body[34]!;
  const extensions: number[] = [];
  for (let at = 35 + length + 3 + 2; at + 4 <= body.length; at += 4 + body.readUInt16BE(at + 2)) {
    extensions.push(body.readUInt16BE(at));
  }
  return { sessionId: body.subarray(35, 35 + length), extensions };
}

const names = Object.keys(CIPHER_SUITES) as CipherSuiteName[];
for (const name of names.filter((item) => item.includes('PSK'))) {
  t.test(`${name}: handshake, data both ways, close`, (t) => {
    const link = new DtlsLink({ client: { cipherSuites: [name] }, server: { cipherSuites: [name] } }).connect();
    t.equal(link.client.association?.cipherSuite, name);
    t.equal(link.connected[0]?.cipherSuite, name);
    t.equal(link.connected[0]?.recordOverhead, name.includes('CHACHA') ? 29 : name.includes('CBC') ? 65 : 37);
    link.say('ping').answer('pong');
    t.strictSame([link.atServer, link.atClient], [['ping'], ['pong']]);
    link.client.close();
    link.run(link.now + 10);
    t.equal(link.closed[0]?.reason, 'close-notify');
    t.equal(link.server.size, 0);
    t.equal(link.keylog.length, 1);
    t.match(link.keylog[0], /^CLIENT_RANDOM [0-9a-f]{64} [0-9a-f]{96}$/);
    t.end();
  });
}

for (const name of names.filter((item) => !item.includes('PSK'))) {
  t.test(`${name}: the abbreviated handshake with a master secret agreed elsewhere [reference §7.3]`, (t) => {
    const link = new DtlsLink({
      credentials: { kind: 'resume', masterSecret: MASTER_SECRET, cipherSuite: name, context: 'legacy' },
      client: {
        credentials: { kind: 'resume', masterSecret: MASTER_SECRET, sessionId: SESSION_ID, cipherSuite: name },
      },
    }).connect();
    link.say('ping').answer('pong');
    t.strictSame([link.atServer, link.atClient], [['ping'], ['pong']]);
    t.ok(serverHello(link).sessionId.equals(SESSION_ID), 'the session id is repeated');
    t.strictSame(serverHello(link).extensions, [28], 'record_size_limit only');
    t.equal(link.connected[0]?.context, 'legacy');
    t.end();
  });
}

const kinds: [KeyKind, CipherSuiteName][] = [
  ['rsa', 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384'],
  ['p256', 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'],
  ['p384', 'TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384'],
  ['ed25519', 'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256'],
];
for (const [kind, name] of kinds) {
  t.test(`a certificate with a key of kind ${kind}: ${name}`, async (t) => {
    const { cert, key, ca } = await testCertificate(kind);
    const link = new DtlsLink({
      credentials: { kind: 'certificate', identity: certificateIdentity(cert, key), context: 'x' },
      client: {
        credentials: { kind: 'certificate', ca, servername: 'gateway.test' },
        cipherSuites: [name],
      },
    }).connect();
    t.equal(link.client.association?.cipherSuite, name);
    link.say('ping').answer('pong');
    t.strictSame([link.atServer, link.atClient], [['ping'], ['pong']]);
  });
}

t.test('a certificate is refused, with the reason in words', async (t) => {
  const good = await testCertificate('p256');
  const other = await testCertificate('p256');
  const expired = await testCertificate('p256', { notBefore: new Date(0), notAfter: new Date(1000) });
  const clientOnly = await testCertificate('p256', { clientOnly: true });
  const cases: [typeof good, { ca?: string; servername?: string }, string, RegExp][] = [
    [good, { ca: good.ca, servername: 'wrong.test' }, 'bad_certificate', /not for wrong\.test but for DNS:localhost/],
    [good, { ca: other.ca, servername: 'localhost' }, 'unknown_ca', /No trusted certificate/],
    [good, { servername: 'localhost' }, 'unknown_ca', /No trusted certificate/],
    [expired, { ca: expired.ca, servername: 'localhost' }, 'certificate_expired', /valid from/],
    [clientOnly, { ca: clientOnly.ca, servername: 'localhost' }, 'unsupported_certificate', /server authentication/],
  ];
  for (const [{ cert, key }, options, alert, explanation] of cases) {
    const link = new DtlsLink({
      credentials: { kind: 'certificate', identity: certificateIdentity(cert, key), context: '' },
      client: { credentials: { kind: 'certificate', ...options } },
    });
    link.client.start(0);
    link.run(1000);
    t.match(link.clientClosed[0], { reason: 'handshake-failed', details: { alert, explanation } });
    t.match(link.failed[0], { reason: 'alert', details: { alert } }, 'the server is told');
  }
});

t.test('the validity of a certificate is judged by the clock that is handed in', async (t) => {
  const { cert, key, ca } = await testCertificate('p256', { notBefore: new Date(1000), notAfter: new Date(2000) });
  for (const [now, up] of [
    [999, false],
    [1000, true],
    [2000, true],
    [2001, false],
  ] as const) {
    const link = new DtlsLink({
      credentials: { kind: 'certificate', identity: certificateIdentity(cert, key), context: '' },
      client: { credentials: { kind: 'certificate', ca, servername: 'localhost' }, wallClock: () => now },
    });
    link.client.start(0);
    link.run(1000, () => link.up);
    t.equal(link.up, up, `at ${now} ms`);
  }
});

t.test('an IP address is matched against the IP addresses of the certificate', async (t) => {
  const { cert, key, ca } = await testCertificate('p256');
  const credentials: DtlsCredentials<string> = {
    kind: 'certificate',
    identity: certificateIdentity(cert, key),
    context: '',
  };
  const connect = (servername: string): DtlsLink =>
    new DtlsLink({ credentials, client: { credentials: { kind: 'certificate', ca, servername } } });
  connect('127.0.0.1').connect();
  t.throws(() => connect('127.0.0.2').connect());
});

t.test('a key that is not the certificate’s is refused at once', async (t) => {
  const [a, b] = [await testCertificate('p256'), await testCertificate('p256')];
  t.throws(() => certificateIdentity(a.cert, b.key), { code: 'ERR_DTLS_CERTIFICATE' });
  t.throws(() => certificateIdentity('nonsense', b.key), { code: 'ERR_DTLS_CERTIFICATE' });
});

t.test('in a PSK handshake the session id is not repeated [reference §7.2]', (t) => {
  const seen: Buffer[] = [];
  const link = new DtlsLink({
    server: {
      lookup: (hello) => {
        seen.push(Buffer.from(hello.sessionId));
        return { kind: 'psk', key: PSK, context: '' };
      },
    },
    client: { sessionId: SESSION_ID },
  }).connect();
  t.ok(seen[0]?.equals(SESSION_ID));
  t.equal(serverHello(link).sessionId.length, 0);
  t.end();
});

t.test('plain PSK is chosen before ECDHE-PSK, and there is no ServerKeyExchange', (t) => {
  const link = new DtlsLink().connect();
  t.equal(link.connected[0]?.cipherSuite, 'TLS_PSK_WITH_AES_256_GCM_SHA384');
  const types = recordsOf(link.datagrams('to-client')[0]!).map((record) => record.body[0]);
  t.strictSame(types, [2, 14]);
  t.end();
});

t.test('the suites of the credentials are the server’s order of preference', (t) => {
  const cipherSuites: CipherSuiteName[] = ['TLS_PSK_WITH_CHACHA20_POLY1305_SHA256', 'TLS_PSK_WITH_AES_128_GCM_SHA256'];
  const link = new DtlsLink({ credentials: { kind: 'psk', key: PSK, context: '', cipherSuites } }).connect();
  t.equal(link.connected[0]?.cipherSuite, 'TLS_PSK_WITH_CHACHA20_POLY1305_SHA256');
  t.end();
});

t.test('extended master secret is used when both sides want it (RFC 7627)', (t) => {
  for (const [server, client] of [
    [true, true],
    [true, false],
    [false, true],
    [false, false],
  ] as const) {
    const link = new DtlsLink({
      server: { extendedMasterSecret: server },
      client: { extendedMasterSecret: client },
    }).connect();
    t.equal(serverHello(link).extensions.includes(23), server && client);
    link.say('x');
    t.strictSame(link.atServer, ['x']);
  }
  t.end();
});

t.test('a key is found by the identity that the client sends', (t) => {
  const credentials: DtlsCredentials<string> = {
    kind: 'psk',
    key: (identity) => (identity.toString() === 'alice' ? PSK : undefined),
    context: '',
  };
  const as = (identity: string): DtlsClientCredentials => ({ kind: 'psk', key: PSK, identity });
  new DtlsLink({ credentials, client: { credentials: as('alice') } }).connect();
  const link = new DtlsLink({ credentials, client: { credentials: as('mallory') } });
  link.client.start(0);
  link.run(1000);
  t.match(link.failed[0], { reason: 'handshake-failed', details: { alert: 'unknown_psk_identity' } });
  t.end();
});

t.test('CBC is taken last, and with encrypt_then_mac only (RFC 7366 §3)', (t) => {
  const suites: CipherSuiteName[] = ['TLS_PSK_WITH_AES_256_GCM_SHA384', 'TLS_PSK_WITH_AES_256_CBC_SHA'];
  const server = { cipherSuites: suites };
  t.equal(
    new DtlsLink({ server, client: { cipherSuites: suites.toReversed() } }).connect().client.association?.cipherSuite,
    suites[0],
  );
  const bare = new DtlsLink({ server, client: { cipherSuites: [suites[1]!] }, fate: () => [] });
  bare.client.start(0);
  const hello = bare.datagrams('to-server')[0]!;
  // Another extension in the place of encrypt_then_mac.
  const at = hello.indexOf(Buffer.from([0, 22, 0, 0]));
  t.ok(at > 0);
  hello.writeUInt16BE(0x1234, at);
  bare.server.input(hello, bare.clientPeer, 0);
  t.match(bare.failed[0], { details: { alert: 'handshake_failure' } });
  t.end();
});

t.test('different keys on the two sides end in a timeout that says so', (t) => {
  const link = new DtlsLink({ credentials: { kind: 'psk', key: Buffer.alloc(32, 9), context: '' } });
  link.client.start(0);
  link.run(70_000);
  t.match(link.failed[0], { reason: 'timeout', details: { explanation: /different keys/, otherKey: true } });
  t.match(link.clientClosed[0], { reason: 'timeout', details: { explanation: /key may be different/ } });
  t.equal(link.server.handshakes, 0);
  t.equal(link.server.nextDeadline, Infinity);
  t.end();
});

t.test('without a common suite the client gets handshake_failure', (t) => {
  const link = new DtlsLink({
    server: { cipherSuites: ['TLS_PSK_WITH_AES_128_GCM_SHA256'] },
    client: { cipherSuites: ['TLS_PSK_WITH_AES_256_GCM_SHA384'] },
  });
  link.client.start(0);
  link.run(100);
  t.match(link.clientClosed[0], { reason: 'alert', details: { alert: 'handshake_failure' } });
  t.match(link.failed[0], { reason: 'handshake-failed', details: { explanation: /cipher suite/ } });
  t.strictSame(link.drops, ['no-common-cipher']);
  t.end();
});

t.test('a client of DTLS 1.0 only gets protocol_version', (t) => {
  const link = new DtlsLink();
  link.client.start(0);
  const hello = Buffer.from(link.datagrams('to-server')[0]!);
  hello.writeUInt16BE(0xfeff, 25);
  link.server.input(hello, { address: '10.0.0.9', port: 1, family: 'IPv4' }, 0);
  t.strictSame(recordsOf(link.datagrams('to-client')[0]!)[0]?.body, Buffer.from([2, 70]));
  t.equal(link.server.handshakes, 0);
  t.end();
});

t.test('an unknown session gets no answer, and leaves no state', (t) => {
  const link = new DtlsLink({ server: { lookup: () => undefined } });
  link.client.start(0);
  link.run(300);
  t.equal(link.datagrams('to-client').length, 0);
  t.strictSame(link.drops, ['unknown-session']);
  t.equal(link.server.handshakes, 0);
  t.end();
});

t.test('a ClientHello with an all-zero random is dropped [reference §7.4]', (t) => {
  const link = new DtlsLink();
  link.client.start(0);
  const hello = Buffer.from(link.datagrams('to-server')[0]!);
  hello.fill(0, 27, 59);
  link.server.input(hello, { address: '10.0.0.9', port: 1, family: 'IPv4' }, 0);
  t.strictSame(link.drops, ['zero-random']);
  t.end();
});

t.test('record_size_limit is obeyed in both directions (RFC 8449)', (t) => {
  const link = new DtlsLink({ server: { recordSizeLimit: 500 }, client: { recordSizeLimit: 700 } }).connect();
  const buffer = Buffer.alloc(1000);
  t.equal(link.client.association?.maxPlaintext, 500);
  t.equal(link.connected[0]?.maxPlaintext, 700);
  t.equal(link.client.association?.send(buffer, 0, 500), true);
  t.equal(link.client.association?.send(buffer, 0, 501), false);
  t.equal(link.connected[0]?.send(buffer, 0, 701), false);
  const without = new DtlsLink({ client: { recordSizeLimit: 0 } }).connect();
  t.notOk(serverHello(without).extensions.includes(28));
  t.end();
});

t.test('small datagrams on both sides: a certificate handshake in fragments', async (t) => {
  const { cert, key, ca } = await testCertificate('rsa');
  const link = new DtlsLink({
    server: { mtu: 200 },
    credentials: { kind: 'certificate', identity: certificateIdentity(cert, key), context: '' },
    client: { mtu: 128, credentials: { kind: 'certificate', ca, servername: 'localhost' } },
  }).connect();
  t.ok(link.datagrams('to-client').every((datagram) => datagram.length <= 200));
  t.ok(link.datagrams('to-server').every((datagram) => datagram.length <= 128));
  t.ok(link.datagrams('to-client').length > 4);
});

t.test('after two timeouts a flight is sent in small datagrams (RFC 6347 §4.1.1.1)', async (t) => {
  const { cert, key, ca } = await testCertificate('rsa');
  const link = new DtlsLink({
    fate: (direction, _index, datagram) => (direction === 'to-client' && datagram.length > 600 ? [] : [1]),
    server: { mtu: 1400 },
    credentials: { kind: 'certificate', identity: certificateIdentity(cert, key), context: '' },
    client: { credentials: { kind: 'certificate', ca, servername: 'localhost' } },
  });
  link.client.start(0);
  link.run(10_000, () => link.up);
  t.ok(link.up);
});

t.test('renegotiation is refused with a warning, and the association lives on (RFC 5746 §4.5)', (t) => {
  const link = new DtlsLink().connect();
  link.say('first');
  // A ClientHello under the association's keys, made by the record layer of the client's own connection.
  const inside = link.client.association as unknown as {
    records: { write(out: Buffer, at: number, type: number, epoch: 1, b: Buffer, o: number, n: number): number };
  };
  const hello = recordsOf(link.datagrams('to-server')[0]!)[0]!.body;
  const out = Buffer.alloc(600);
  for (let i = 0; i < 3; i++) {
    const length = inside.records.write(out, 0, 22, 1, hello, 0, hello.length);
    link.server.input(Buffer.from(out.subarray(0, length)), link.clientPeer, link.now);
  }
  const before = link.datagrams('to-client').length;
  link.say('second');
  t.strictSame(link.atServer, ['first', 'second']);
  t.equal(link.datagrams('to-client').length, before);
  t.equal(before, 3, 'one warning for three attempts');
  t.end();
});

t.test('a fatal alert in the clear ends a handshake, but not an association', (t) => {
  const alert = plainRecord(21, 5, Buffer.from([2, 40]));
  const link = new DtlsLink({ fate: (direction) => (direction === 'to-server' ? [1] : []) });
  link.client.start(0);
  link.run(5);
  link.server.input(alert, link.clientPeer, link.now);
  t.match(link.failed[0], { reason: 'alert', details: { alert: 'handshake_failure' } });
  const up = new DtlsLink().connect();
  up.server.input(alert, up.clientPeer, up.now);
  up.client.input(alert, up.now);
  up.say('still here');
  t.strictSame(up.atServer, ['still here']);
  t.end();
});

t.test('when the sequence numbers are used up the association ends (RFC 6347 §4.1)', (t) => {
  const link = new DtlsLink().connect();
  const inside = link.client.association as unknown as { records: { sequence: number } };
  inside.records.sequence = 2 ** 48 - 1;
  link.say('the last one');
  t.strictSame(link.atServer, ['the last one']);
  t.equal(recordsOf(link.datagrams('to-server').at(-1)!)[0]?.sequence, 2 ** 48 - 1);
  t.equal(link.client.association?.send(Buffer.from('x'), 0, 1), false);
  t.match(link.clientClosed[0], { reason: 'sequence-overflow' });
  t.end();
});

t.test('a server that resumes what the client does not have is refused, and the other way round', (t) => {
  const name = 'TLS_RSA_WITH_AES_128_GCM_SHA256';
  const resume: DtlsClientCredentials = {
    kind: 'resume',
    masterSecret: MASTER_SECRET,
    sessionId: SESSION_ID,
    cipherSuite: name,
  };
  t.throws(() => new DtlsLink({ client: { credentials: { ...resume, masterSecret: PSK } } }), {
    code: 'ERR_DTLS_OPTION',
  });
  t.throws(() => new DtlsLink({ client: { sessionId: Buffer.alloc(33) } }), { code: 'ERR_DTLS_OPTION' });
  const link = new DtlsLink({
    credentials: {
      kind: 'resume',
      masterSecret: MASTER_SECRET,
      cipherSuite: 'TLS_PSK_WITH_AES_256_GCM_SHA384',
      context: '',
    },
    client: { sessionId: SESSION_ID },
  });
  link.client.start(0);
  link.run(100);
  t.match(link.clientClosed[0], { reason: 'handshake-failed', details: { alert: 'illegal_parameter' } });
  t.end();
});

t.test('close_notify is answered, and sending after it fails', (t) => {
  const link = new DtlsLink().connect();
  const association = link.connected[0]!;
  link.server.close();
  link.run(link.now + 10);
  t.equal(link.closed[0]?.reason, 'local');
  t.equal(link.clientClosed[0]?.reason, 'close-notify');
  t.equal(association.send(PSK, 0, 1), false);
  association.close();
  t.equal(link.closed.length, 1, 'closing twice is one close');
  t.equal(link.server.size, 0);
  t.end();
});

t.test('handshake state is gone once data flows, or in time', (t) => {
  const link = new DtlsLink().connect();
  t.ok(link.server.nextDeadline < Infinity, 'the last flight may be asked for again');
  link.say('data');
  t.equal(link.server.nextDeadline, Infinity);
  const idle = new DtlsLink().connect();
  idle.run(70_000);
  t.equal(idle.server.nextDeadline, Infinity);
  t.end();
});
