import t from 'tap';
import type { DtlsClientCredentials } from '../../../src/dtls/association/types.ts';
import { DtlsClient } from '../../../src/dtls/client.ts';
import { parseClientHello } from '../../../src/dtls/handshake/client-hello.ts';
import { readServerName } from '../../../src/dtls/handshake/hello-extensions.ts';

/** The extensions of the first ClientHello of a client. */
function extensionsOf(credentials: DtlsClientCredentials): ReadonlyMap<number, Buffer> {
  const sent: Buffer[] = [];
  const client = new DtlsClient({
    credentials,
    peer: { address: '192.0.2.1', port: 443, family: 'IPv4' },
    send: (buffer, offset, length) => sent.push(Buffer.from(buffer.subarray(offset, offset + length))),
  });
  client.start(0);
  const hello = parseClientHello(sent[0]!.subarray(13 + 12));
  return hello!.extensions;
}

const SERVER_NAME = 0;

t.test('a client that checks a certificate says for which name, but no address (RFC 6066 §3)', async (t) => {
  const named = extensionsOf({ kind: 'certificate', servername: 'gateway.test' }).get(SERVER_NAME);
  t.equal(named?.toString('hex'), `000f00000c${Buffer.from('gateway.test').toString('hex')}`);
  for (const servername of ['192.0.2.1', '2001:db8::1', undefined]) {
    const credentials = { kind: 'certificate', ...(servername === undefined ? {} : { servername }) } as const;
    t.notOk(extensionsOf(credentials).has(SERVER_NAME), servername ?? 'none');
  }
  t.notOk(extensionsOf({ kind: 'psk', key: Buffer.alloc(32), identity: 'x' }).has(SERVER_NAME));
});

t.test('a server reads the name as it stands on the wire, and nothing that is malformed', async (t) => {
  const name = Buffer.from('gateway.test').toString('hex');
  const read = (hex: string): string | undefined => readServerName(Buffer.from(hex, 'hex'));
  t.equal(read(`000f00000c${name}`), 'gateway.test');
  t.equal(read(`001e00000c${name}00000c${Buffer.from('another.test').toString('hex')}`), 'gateway.test', 'the first');
  t.equal(readServerName(undefined), undefined);
  for (const [what, hex] of Object.entries({
    nothing: '',
    'a list longer than the extension': `001000000c${name}`,
    'a name longer than the list': `000f00000d${name}`,
    'a name that is no host name': `000f01000c${name}`,
    'an empty name': '0003000000',
    'a name of 256 bytes': `0103000100${'61'.repeat(256)}`,
  })) {
    t.equal(read(hex), undefined, what);
  }
  t.equal(read(`01020000ff${'61'.repeat(255)}`)?.length, 255);
});
