import t from 'tap';
import type { DtlsCredentials } from '../../src/dtls/association/types.ts';
import { parseClientHello, serializeClientHello } from '../../src/dtls/handshake/client-hello.ts';
import { handshakeMessage } from '../../src/dtls/handshake/handshake-message.ts';
import { parseServerHello } from '../../src/dtls/handshake/server-hello.ts';
import { CLIENT, DtlsLink, PSK, plainRecord, recordsOf } from '../support/dtls-link.ts';

/*
 * ClientHellos of real clients, as dissected in reference/transcripts/50-dtls-handshakes.txt, and what ocserv answered.
 */

const hex = (...parts: string[]): Buffer => Buffer.from(parts.join('').replaceAll(' ', ''), 'hex');

/** signature_algorithms of GnuTLS. */
const GNUTLS_SIGNATURES =
  '000d 0022 0020 0401 0809 0804 0403 0807 0501 080a 0805 0503 0808 0601 080b 0806 0603 0201 0203';

/** A: openconnect 9.01 (GnuTLS), PSK-NEGOTIATE. */
const openconnect = hex(
  'fefd', // client_version DTLS 1.2
  'fbd84a39a12b7aceb0adb8a8fc1704aca49b34f17829a3a36cbeac6824527e5b', // random
  '20 d2ae752c65b0809d3e328747ceb53924a4b6fa938a72a84cb2bd28e2a4673fed', // session_id = App-ID
  '00', // cookie
  '0010 00a9 ccab c0a5 008d 00a8 c0a4 008c 00ae', // cipher_suites
  '01 00', // compression_methods
  '0035', // extensions
  GNUTLS_SIGNATURES,
  '0023 0000', // session_ticket
  'ff01 0001 00', // renegotiation_info
  '001c 0002 4000', // record_size_limit
);

/** The same as a resumption: the suites of X-DTLS12-CipherSuite in place of PSK. */
const legacy = hex(
  'fefd',
  'fbd84a39a12b7aceb0adb8a8fc1704aca49b34f17829a3a36cbeac6824527e5b',
  '20 d2ae752c65b0809d3e328747ceb53924a4b6fa938a72a84cb2bd28e2a4673fed',
  '00',
  '0002 c030',
  '01 00',
  '0035',
  GNUTLS_SIGNATURES,
  '0023 0000',
  'ff01 0001 00',
  '001c 0002 4000',
);

/** The records of our answer. */
function answer(hello: Buffer, credentials: DtlsCredentials<string>): { body: Buffer; type: number }[] {
  const link = new DtlsLink({ credentials, server: { extendedMasterSecret: false } });
  link.server.input(plainRecord(22, 0, handshakeMessage(1, 0, hello)), CLIENT, 0);
  return link.datagrams('to-client').flatMap(recordsOf);
}

t.test('the ClientHello of openconnect is read field by field, and written again byte by byte [T:50 A]', (t) => {
  t.equal(openconnect.length, 143, 'the length in the capture');
  const hello = parseClientHello(openconnect)!;
  t.strictSame(hello.cipherSuites, [0x00a9, 0xccab, 0xc0a5, 0x008d, 0x00a8, 0xc0a4, 0x008c, 0x00ae]);
  t.equal(hello.sessionId.toString('hex'), 'd2ae752c65b0809d3e328747ceb53924a4b6fa938a72a84cb2bd28e2a4673fed');
  t.strictSame([...hello.extensions.keys()], [13, 35, 0xff01, 28]);
  t.ok(serializeClientHello(hello).equals(openconnect));
  t.end();
});

t.test('it is answered as ocserv answers it: suite, extensions and messages [T:50 A]', (t) => {
  const records = answer(openconnect, { kind: 'psk', key: PSK, context: '' });
  t.strictSame(
    records.map((record) => record.body[0]),
    [2, 14],
    'ServerHello, ServerHelloDone',
  );
  const hello = parseServerHello(records[0]!.body.subarray(12))!;
  t.equal(hello.version, 0xfefd);
  t.equal(hello.cipherSuite, 0x00a9);
  t.equal(hello.compressionMethod, 0);
  t.strictSame(
    [...hello.extensions],
    [
      [0xff01, Buffer.from([0])],
      [28, Buffer.from([0x40, 0])],
    ],
  );
  t.not(hello.sessionId.toString('hex'), openconnect.subarray(35, 67).toString('hex'));
  t.end();
});

t.test(
  'in legacy mode the answer is ServerHello with the same session id, ChangeCipherSpec, Finished [T:50 C]',
  (t) => {
    const records = answer(legacy, {
      kind: 'resume',
      masterSecret: Buffer.alloc(48, 1),
      cipherSuite: 'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
      context: '',
    });
    t.strictSame(
      records.map((record) => [record.type, record.body.length]),
      [
        [22, 90],
        [20, 1],
        [22, 48],
      ],
      'the lengths in the capture',
    );
    const hello = parseServerHello(records[0]!.body.subarray(12))!;
    t.equal(hello.cipherSuite, 0xc030);
    t.strictSame([...hello.extensions.keys()], [28]);
    t.ok(hello.sessionId.equals(legacy.subarray(35, 67)));
    t.end();
  },
);

t.test('no truncation of a ClientHello is read as one, nor is one with bytes after it', (t) => {
  // The extension block may be left out as a whole, so the hello without it is one.
  const withoutExtensions = openconnect.length - 0x35 - 2;
  for (let length = 0; length < openconnect.length; length++) {
    const hello = parseClientHello(openconnect.subarray(0, length));
    if (length === withoutExtensions) t.equal(hello?.extensions.size, 0);
    else if (hello) t.fail(`${length} bytes were read as a ClientHello`);
  }
  t.equal(parseClientHello(Buffer.concat([openconnect, Buffer.alloc(1)])), undefined);
  const twice = hex(openconnect.subarray(0, 88).toString('hex'), '000c 0023 0000 0023 0000 0017 0000');
  t.equal(parseClientHello(twice), undefined, 'an extension sent twice');
  t.end();
});
