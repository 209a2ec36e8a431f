import fc from 'fast-check';
import t from 'tap';
import { certificateIdentity } from '../../src/dtls/handshake/certificate-identity.ts';
import { testCertificate } from '../support/dtls-certificates.ts';
import { CLIENT, type Direction, DtlsLink, type LinkOptions, recordsOf } from '../support/dtls-link.ts';

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

/**
 * True when both ends are connected within the time of a handshake, and data then passes both ways. A client that is through sends data each
 * second, as real ones do: a server that has sent all that an unproven address gets learns from it that it may go on.
 */
function completes(options: LinkOptions): boolean {
  const link = new DtlsLink(options);
  link.client.start(0);
  while (!link.up && link.now < 60_000) {
    link.run(link.now + 1000, () => link.up);
    if (!link.up) link.client.association?.send(Buffer.from('early'), 0, 5);
  }
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

t.test('the last flight is repeated for as long as the peer may ask for it', (t) => {
  // Of the server's datagrams only the first comes through, until its last flight was lost for more than half a minute.
  const link: DtlsLink = new DtlsLink({
    fate: (direction, index) => (direction === 'to-client' && index > 0 && link.now < 35_000 ? [] : [1]),
  });
  link.client.start(0);
  link.run(60_000, () => link.up);
  t.ok(link.up);
  t.ok(link.now > 35_000);
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

for (const [name, options] of [
  ['PSK', {}],
  ['ECDHE-PSK', { server: { cipherSuites: ['TLS_ECDHE_PSK_WITH_AES_256_GCM_SHA384'] } }],
  ['resumption', resume],
] as [string, LinkOptions][]) {
  t.test(
    `an address that is not proven gets at most three times what came from there: ${name} (RFC 9000 §8.1)`,
    (t) => {
      const bytes = (link: DtlsLink, direction: Direction): number =>
        link.datagrams(direction).reduce((sum, datagram) => sum + datagram.length, 0);
      const link = new DtlsLink({ ...options, fate: (direction) => (direction === 'to-server' ? [1] : []) });
      link.client.start(0);
      link.run(1, () => link.datagrams('to-client').length > 0);
      const hello = link.datagrams('to-server')[0]!;
      t.equal(link.datagrams('to-client').length, 1, 'the first answer always fits');
      link.client.close();
      link.run(59_000);
      const came = link.datagrams('to-server')[0]!.length;
      t.ok(bytes(link, 'to-client') <= 3 * (came + 15), `${bytes(link, 'to-client')} for ${came}`);
      for (let i = 1; i < 40; i++) {
        link.server.input(hello, CLIENT, link.now);
        t.ok(bytes(link, 'to-client') <= 3 * (came * (i + 1) + 15), `after ${i} repetitions`);
        link.run(link.now + 500);
      }
      t.end();
    },
  );
}

t.test('a certificate asks for a cookie first, also where cookies are not demanded', async (t) => {
  const [, options] = (await modes())[3]!;
  const link = new DtlsLink(options);
  link.client.start(0);
  link.run(1000, () => link.up);
  t.ok(link.up);
  t.equal(link.server.stats.helloVerifyRequests, 1);
  const [first] = link.datagrams('to-client');
  t.ok(first!.length <= link.datagrams('to-server')[0]!.length, 'the answer to what is not proven is the shorter one');
});

t.test(
  'a server that hears no more than a ClientHello repeats its answer until three times as much has gone out',
  (t) => {
    for (const options of [{}, resume] as LinkOptions[]) {
      const link = new DtlsLink({ ...options, fate: () => [] });
      link.client.start(0);
      const hello = link.datagrams('to-server')[0]!;
      link.server.input(hello, CLIENT, 0);
      for (let now = 0; now < 59_000; now += 100) link.server.tick(now);
      t.equal(link.server.handshakes, 1, 'it still waits');
      const answers = link.datagrams('to-client').map(({ length }) => length);
      const sum = answers.reduce((total, length) => total + length, 0);
      t.ok(sum <= 3 * hello.length, `${sum} bytes for ${hello.length}`);
      t.ok(sum + answers[0]! > 3 * hello.length, 'and no less');
    }
    t.end();
  },
);
