import fc from 'fast-check';
import t from 'tap';
import { certificateIdentity } from '../../src/dtls/handshake/certificate-identity.ts';
import { testCertificate } from '../support/dtls-certificates.ts';
import { type Direction, DtlsLink, type LinkOptions, recordsOf } from '../support/dtls-link.ts';

const MASTER_SECRET = Buffer.alloc(48, 7);
const RSA_GCM = 'TLS_RSA_WITH_AES_256_GCM_SHA384';
const resume: LinkOptions = {
  credentials: { kind: 'resume', masterSecret: MASTER_SECRET, cipherSuite: RSA_GCM, context: '' },
  client: {
    credentials: {
      kind: 'resume',
      masterSecret: MASTER_SECRET,
      sessionId: Buffer.alloc(32, 1),
      cipherSuite: RSA_GCM,
    },
  },
};

async function modes(): Promise<[string, LinkOptions][]> {
  const { cert, key, ca } = await testCertificate('p256');
  const certificate: LinkOptions = {
    server: { mtu: 300 },
    credentials: { kind: 'certificate', identity: certificateIdentity(cert, key), context: '' },
    client: { mtu: 300, credentials: { kind: 'certificate', ca, servername: 'localhost' } },
  };
  return [
    ['PSK', {}],
    ['PSK with a cookie', { server: { cookie: true } }],
    ['resumption', resume],
    ['certificates in fragments', certificate],
  ];
}

/** True when both ends are connected within the time of a handshake, and data then passes both ways. */
function completes(options: LinkOptions): boolean {
  const link = new DtlsLink(options);
  link.client.start(0);
  link.run(60_000, () => link.up);
  if (!link.up) return false;
  link.run(link.now + 2000);
  // What a lossy link delivers of data is not the handshake's business; the last of many tries gets through.
  const through = (): boolean => link.atServer.includes('ping') && link.atClient.includes('pong');
  for (let i = 0; i < 20 && !through(); i++) link.say('ping').answer('pong');
  return through() && link.server.size === 1;
}

t.test('every pattern of losses among the first datagrams each way leads to an association', async (t) => {
  for (const [name, options] of await modes()) {
    const each = name.startsWith('certificates') ? 3 : 4;
    let failures = 0;
    for (let pattern = 0; pattern < 1 << (2 * each); pattern++) {
      const fate = (direction: Direction, index: number): readonly number[] => {
        const bit = direction === 'to-server' ? index : each + index;
        return index < each && (pattern >> bit) & 1 ? [] : [1];
      };
      if (!completes({ ...options, fate })) failures++;
    }
    t.equal(failures, 0, name);
  }
});

t.test('loss, repetition and reordering at random', async (t) => {
  const seconds = fc.array(fc.oneof(fc.constant([]), fc.array(fc.integer({ min: 1, max: 900 }), { maxLength: 3 })), {
    minLength: 5,
    maxLength: 5,
  });
  for (const [name, options] of await modes()) {
    fc.assert(
      fc.property(seconds, seconds, (toServer, toClient) => {
        const fate = (direction: Direction, index: number): readonly number[] =>
          (direction === 'to-server' ? toServer : toClient)[index] ?? [1];
        return completes({ ...options, fate });
      }),
      { numRuns: 60 },
    );
    t.pass(name);
  }
});

t.test('a flight is repeated after 400 ms, then twice as long each time, up to 8 s; at 60 s it is over', (t) => {
  const times: number[] = [];
  const link = new DtlsLink({
    fate: () => {
      times.push(link.now);
      return [];
    },
  });
  link.client.start(0);
  link.run(100_000);
  t.strictSame(times, [0, 400, 1200, 2800, 6000, 12_400, 20_400, 28_400, 36_400, 44_400, 52_400]);
  t.match(link.clientClosed[0], { reason: 'timeout', details: { explanation: /did not answer/ } });
  t.equal(link.client.nextDeadline, Infinity);
  t.end();
});

t.test('a repeated flight has the same messages under new record numbers (RFC 6347 §4.2.4)', (t) => {
  const link = new DtlsLink({ fate: () => [] });
  link.client.start(0);
  link.run(500);
  const [first, second] = link.datagrams('to-server').map((datagram) => recordsOf(datagram)[0]!);
  t.ok(first!.body.equals(second!.body));
  t.equal(second!.sequence, first!.sequence + 1);
  t.end();
});

t.test('a repetition by the client gets the last flight again at once, and no more than every 100 ms', (t) => {
  const link = new DtlsLink({ fate: (direction, index) => (direction === 'to-client' && index === 1 ? [] : [1]) });
  link.client.start(0);
  link.run(150);
  t.equal(link.server.size, 1, 'the server is through, its Finished is lost');
  const repeated = link.datagrams('to-server')[1]!;
  for (let i = 0; i < 10; i++) link.server.input(Buffer.from(repeated), link.clientPeer, link.now);
  link.run(160, () => link.up);
  t.ok(link.up);
  t.equal(link.datagrams('to-client').length, 3);
  t.end();
});

t.test('a Finished that overtakes its ClientKeyExchange is kept', (t) => {
  const link = new DtlsLink({ fate: () => [] });
  link.client.start(0);
  link.server.input(link.datagrams('to-server')[0]!, link.clientPeer, 0);
  link.client.input(link.datagrams('to-client')[0]!, 0);
  const flight = link.datagrams('to-server')[1]!;
  const split = flight.length - 61;
  t.equal(recordsOf(flight.subarray(split))[0]?.epoch, 1);
  link.server.input(flight.subarray(split), link.clientPeer, 1);
  t.equal(link.server.size, 0);
  link.server.input(flight.subarray(0, split), link.clientPeer, 2);
  t.equal(link.server.size, 1);
  t.end();
});
