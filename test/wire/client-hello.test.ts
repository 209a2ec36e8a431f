import t from 'tap';
import { parseClientHello } from '../../src/wire/client-hello.ts';

interface Parts {
  readonly type?: number;
  readonly message?: number;
  readonly sessionId?: number;
  readonly ciphers?: readonly number[];
  readonly extensions?: readonly (readonly [type: number, data: Buffer])[];
}

const uint16 = (value: number): Buffer => Buffer.of(value >> 8, value & 0xff);
const vector = (data: Buffer): Buffer => Buffer.concat([uint16(data.length), data]);
/** The server_name extension with one name, of the kind "host name" if none other is given. */
const serverName = (name: string, kind = 0): readonly [number, Buffer] => [
  0,
  vector(Buffer.concat([Buffer.of(kind), vector(Buffer.from(name))])),
];

function hello({ type = 0x16, message = 1, sessionId = 32, ciphers = [0x1301], extensions = [] }: Parts): Buffer {
  const body = Buffer.concat([
    Buffer.of(3, 3),
    Buffer.alloc(32, 7),
    Buffer.of(sessionId),
    Buffer.alloc(sessionId, 8),
    vector(Buffer.concat(ciphers.map(uint16))),
    Buffer.of(1, 0),
    vector(Buffer.concat(extensions.map(([kind, data]) => Buffer.concat([uint16(kind), vector(data)])))),
  ]);
  return Buffer.concat([Buffer.of(type, 3, 1), uint16(body.length + 4), Buffer.of(message, 0), vector(body)]);
}

const nameIn = (...extensions: NonNullable<Parts['extensions']>) => parseClientHello(hello({ extensions }))?.serverName;
const libraryOf = (parts: Parts) => parseClientHello(hello(parts))?.library;

t.test('the name that is asked for is found wherever it stands', async (t) => {
  const other = [10, Buffer.from('0004001d0017', 'hex')] as const;
  t.equal(nameIn(serverName('vpn.contoso.com')), 'vpn.contoso.com');
  t.equal(nameIn(other, serverName('vpn.contoso.com'), other), 'vpn.contoso.com');
  for (const sessionId of [0, 1, 32]) {
    const extensions = [serverName('a')];
    t.equal(parseClientHello(hello({ sessionId, ciphers: [1, 2, 3], extensions }))?.serverName, 'a');
  }
  t.equal(nameIn(other), undefined);
  t.equal(nameIn(), undefined);
});

t.test('a name that is none is not taken for one', async (t) => {
  t.equal(nameIn(serverName('a'.repeat(253))), 'a'.repeat(253));
  t.equal(nameIn(serverName('a'.repeat(254))), undefined, 'longer than DNS knows');
  t.equal(nameIn(serverName('')), undefined);
  t.equal(nameIn(serverName('a', 1)), undefined, 'of another kind');
  t.equal(nameIn([0, Buffer.from('0004000009', 'hex')]), undefined, 'longer than its extension');
  t.equal(nameIn([0, Buffer.from('000400', 'hex')]), undefined, 'cut off');
  t.equal(nameIn([0, Buffer.alloc(0)]), undefined);
});

t.test('each library is told by what the others do not send', async (t) => {
  const points = (formats: string) => [11, Buffer.from(formats, 'hex')] as const;
  const [limit, delegated] = [[28, Buffer.from('4001', 'hex')] as const, [34, Buffer.from('00', 'hex')] as const];
  t.equal(libraryOf({ extensions: [points('03000102')] }), 'OpenSSL');
  t.equal(libraryOf({ extensions: [points('0100')] }), undefined);
  t.equal(libraryOf({ extensions: [limit] }), 'GnuTLS');
  t.equal(libraryOf({ extensions: [limit, delegated] }), undefined, 'NSS');
  t.equal(libraryOf({ extensions: [limit, points('03000102')] }), 'GnuTLS');
  for (const grease of [0x0a0a, 0x1a1a, 0xfafa]) {
    t.equal(libraryOf({ ciphers: [grease, 0x1301] }), 'BoringSSL', 'as the first cipher');
    t.equal(libraryOf({ extensions: [[grease, Buffer.alloc(0)]] }), 'BoringSSL', 'as an extension');
  }
  for (const none of [0x0a1a, 0x1a0a, 0x0b0b, 0x1301]) {
    t.equal(libraryOf({ ciphers: [none] }), undefined, none.toString(16));
    t.equal(libraryOf({ extensions: [[none, Buffer.alloc(0)]] }), undefined);
  }
  t.equal(libraryOf({ ciphers: [0x1301, 0x0a0a] }), undefined, 'only the first cipher counts');
});

t.test('what is no ClientHello is none', async (t) => {
  t.equal(parseClientHello(hello({ type: 0x17 })), undefined);
  t.equal(parseClientHello(hello({ message: 2 })), undefined);
  t.equal(parseClientHello(Buffer.from('GET / HTTP/1.1\r\n')), undefined);
  t.equal(parseClientHello(Buffer.from('1603010200', 'hex')), undefined, 'too short to tell');
  t.ok(parseClientHello(Buffer.from('160301020001', 'hex')), 'just long enough');
});

t.test('a hello that is cut anywhere says less, and nothing wrong', async (t) => {
  const whole = hello({
    ciphers: [0x0a0a],
    extensions: [serverName('vpn.contoso.com'), [28, Buffer.from('4001', 'hex')]],
  });
  for (let length = 6; length < whole.length; length++) {
    const facts = parseClientHello(whole.subarray(0, length))!;
    if (facts.serverName !== undefined) t.equal(facts.serverName, 'vpn.contoso.com', `${length} bytes`);
    if (facts.library !== undefined) t.equal(facts.library, 'BoringSSL', `${length} bytes`);
  }
  t.equal(parseClientHello(whole.subarray(0, 80))?.library, 'BoringSSL', 'the ciphers are there');
  t.equal(parseClientHello(whole.subarray(0, 79))?.library, undefined, 'all but one byte of them');
});
