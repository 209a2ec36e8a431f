import t, { type Test } from 'tap';
import type { HandshakeFlight } from '../../../src/dtls/association/types.ts';
import { type Direction, DtlsLink, type LinkOptions, recordsOf } from '../../support/dtls-link.ts';

const HANDSHAKE = 22;
const CLIENT_KEY_EXCHANGE = 16;

/** The flights of a handshake over a link that loses some datagrams. */
function flightsOf(
  options: LinkOptions,
  until = 20_000,
): { readonly told: HandshakeFlight[]; readonly link: DtlsLink } {
  const told: HandshakeFlight[] = [];
  const link = new DtlsLink({
    ...options,
    server: { ...options.server, flights: { wanted: () => true, tell: (_, __, flight) => void told.push(flight) } },
  });
  link.client.start(0);
  link.run(until, () => link.up);
  return { told, link };
}

const brief = (flights: readonly HandshakeFlight[]): string[] =>
  flights.map(({ direction, flight, messages, repeat }) => {
    return `${direction} ${flight} ${messages.join('+')}${repeat > 0 ? ` again ${repeat}` : ''}`;
  });

/** Loses the first datagrams of a direction that are like this. */
function loses(direction: Direction, count: number, like: (datagram: Buffer) => boolean) {
  let left = count;
  return (to: Direction, _: number, datagram: Buffer): readonly number[] =>
    to === direction && like(datagram) && left-- > 0 ? [] : [1];
}

const holds = (type: number) => (datagram: Buffer) =>
  recordsOf(datagram).some(
    ({ type: content, epoch, body }) => content === HANDSHAKE && epoch === 0 && body[0] === type,
  );

const GOOD = [
  'in 1 ClientHello',
  'out 4 ServerHello+ServerHelloDone',
  'in 5 ClientKeyExchange+ChangeCipherSpec+Finished',
  'out 6 ChangeCipherSpec+Finished',
];

t.test('a handshake that loses nothing has its flights, each once', async (t) => {
  const { told, link } = flightsOf({});
  t.strictSame(brief(told), GOOD);
  for (const { datagrams, bytes } of told) t.ok(datagrams > 0 && bytes > 40);
  const all = (direction: Direction) => link.datagrams(direction).reduce((sum, { length }) => sum + length, 0);
  const bytes = (direction: string) =>
    told.filter((one) => one.direction === direction).reduce((sum, one) => sum + one.bytes, 0);
  t.equal(bytes('out'), all('to-client'), 'every byte is in a flight');
  t.equal(bytes('in'), all('to-server'));
});

t.test('flights of the other kinds of handshake have the numbers of RFC 6347', async (t) => {
  t.strictSame(brief(flightsOf({ server: { cookie: true } }).told)[0], 'in 3 ClientHello');
  const credentials = {
    kind: 'resume',
    masterSecret: Buffer.alloc(48, 7),
    cipherSuite: 'TLS_RSA_WITH_AES_256_GCM_SHA384',
  } as const;
  const resumed = flightsOf({
    credentials: { ...credentials, context: '' },
    client: { credentials: { ...credentials, sessionId: Buffer.alloc(32, 1) } },
  });
  t.strictSame(brief(resumed.told), [
    'in 1 ClientHello',
    'out 2 ServerHello+ChangeCipherSpec+Finished',
    'in 3 ChangeCipherSpec+Finished',
  ]);
});

const LOST: Readonly<Record<string, readonly [fate: LinkOptions['fate'], flights: readonly string[], why: RegExp]>> = {
  'our answer': [
    loses('to-client', 1, () => true),
    ['in 1 ClientHello again 1', 'out 4 ServerHello+ServerHelloDone again 1'],
    /Nothing was received from the client since|The client did not receive flight 4/,
  ],
  'our last flight': [
    (to, index) => (to === 'to-client' && index === 1 ? [] : [1]),
    ['in 5 ClientKeyExchange+ChangeCipherSpec+Finished again 1', 'out 6 ChangeCipherSpec+Finished again 1'],
    /The client did not receive flight 6/,
  ],
  'the whole reply': [
    loses('to-server', 1, holds(CLIENT_KEY_EXCHANGE)),
    ['out 4 ServerHello+ServerHelloDone again 1'],
    /Nothing was received from the client since/,
  ],
};
for (const [what, [fate, flights, why]] of Object.entries(LOST)) {
  t.test(`it is told when ${what} is lost, and what has not arrived`, async (t) => {
    const { told, link } = flightsOf({ fate: fate! });
    t.ok(link.up);
    link.run(link.now + 3000);
    const again = told.filter(({ repeat }) => repeat > 0);
    for (const one of brief(again)) t.ok(flights.includes(one), one);
    t.match(again[0]?.explanation, why);
    t.strictSame(brief(told.filter(({ repeat }) => repeat === 0)), GOOD);
  });
}

t.test('which datagram of the reply is missing is told where the client sends it in several', async (t: Test) => {
  const reply: Buffer[] = [];
  const { link: whole } = flightsOf({});
  t.ok(whole.up);
  const told: HandshakeFlight[] = [];
  const link = new DtlsLink({
    server: { flights: { wanted: () => true, tell: (_, __, flight) => void told.push(flight) } },
    fate: (to, _, datagram) => {
      if (to === 'to-client' || !holds(CLIENT_KEY_EXCHANGE)(datagram)) return [1];
      reply.push(datagram);
      return [];
    },
  });
  link.client.start(0);
  link.run(20_000, () => reply.length > 0);
  // As GnuTLS sends it: each record in a datagram of its own.
  const records: Buffer[] = [];
  for (let at = 0; at < reply[0]!.length; ) {
    const end = at + 13 + reply[0]!.readUInt16BE(at + 11);
    records.push(reply[0]!.subarray(at, end));
    at = end;
  }
  t.equal(records.length, 3);
  const peer = link.clientPeer;
  link.server.input(records[2]!, peer, link.now);
  link.server.tick(link.now + 500);
  t.match(told.at(-1), {
    flight: 4,
    repeat: 1,
    explanation: /datagram with the client's ClientKeyExchange was not received/,
  });
  link.server.input(records[0]!, peer, link.now + 501);
  t.match(told.at(-1), { direction: 'out', flight: 6 }, 'the Finished that came early was kept');
});

t.test(
  'nobody who looks costs nothing, and repetitions that somebody provokes are told so many times only',
  async (t) => {
    let asked = 0;
    const quiet = new DtlsLink({
      server: {
        flights: {
          wanted: () => {
            asked++;
            return false;
          },
          tell: () => t.fail('nobody wanted to know'),
        },
      },
    });
    quiet.connect();
    t.equal(asked, 1, 'asked once for a handshake');
    const { told, link } = flightsOf({ fate: (to) => (to === 'to-client' ? [] : [1]) }, 1);
    const hello = link.datagrams('to-server')[0]!;
    for (let at = 200; at < 30_000; at += 101) link.server.input(hello, link.clientPeer, at);
    t.ok(told.length > 10 && told.length <= 24, `${told.length} flights`);
  },
);
