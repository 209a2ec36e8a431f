import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import type { DtlsClientCredentials, DtlsCredentials, DtlsPeer } from '../../src/dtls/association/types.ts';
import { DtlsClient } from '../../src/dtls/client.ts';
import { certificateIdentity } from '../../src/dtls/handshake/certificate-identity.ts';
import { DtlsServer } from '../../src/dtls/server.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { testCertificate } from '../support/dtls-certificates.ts';
import { PSK, SERVER } from '../support/dtls-link.ts';

const COUNT = Number(process.env.TUNNELITE_FUZZ ?? 20_000);
const SEED = Number(process.env.TUNNELITE_FUZZ_SEED ?? Date.now() % 1_000_000);
const MASTER_SECRET = Buffer.alloc(48, 5);
const RSA_GCM = 'TLS_RSA_WITH_AES_128_GCM_SHA256';
/** Associations that have to live through it all. */
const LIVING = 12;

/** More than this would be a leak: what a run keeps alive besides does not grow. */
const HEAP_GROWTH = 16 << 20;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

function heap(): number {
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

t.setTimeout(0);
const random = seededRandom(SEED);
const below = (n: number): number => random.uint32() % n;
const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;

/** Changes a datagram in one of the ways in which a network, or an attacker, might. */
function mutate(datagram: Buffer): Buffer {
  const out = Buffer.from(datagram);
  switch (below(9)) {
    case 0:
    case 1:
      for (let i = 1 + below(4); i > 0; i--) out[below(out.length)] = below(256);
      return out;
    case 2:
      return out.subarray(0, below(out.length));
    case 3:
      return Buffer.concat([out, random.bytes(below(600))]);
    case 4:
      if (out.length > 13) out.writeUInt16BE(below(65_536), 11);
      return out;
    case 5:
      if (out.length > 25) out.writeUIntBE(below(1 << 24), 13 + pick([1, 6, 9]), 3);
      return out;
    case 6:
      out[0] = pick([0, 20, 21, 22, 23, 24, 255]);
      return out;
    case 7:
      if (out.length > 6) out.writeUInt16BE(below(3), 3);
      return out;
    default:
      return Buffer.concat([out, datagram, out.subarray(0, below(out.length))]);
  }
}

function noise(): Buffer {
  const out = random.bytes(below(8) === 0 ? below(20_000) : below(200));
  if (out.length > 13 && below(2) === 0) {
    out[0] = 20 + below(5);
    out.writeUInt16BE(pick([0xfefd, 0xfeff]), 1);
    out.writeUInt16BE(below(3), 3);
    if (below(2) === 0) out.writeUInt16BE(out.length - 13, 11);
    if (out[0] === 22) out[13] = pick([0, 1, 2, 3, 11, 12, 14, 15, 16, 20]);
  }
  return out;
}

t.test(`${COUNT} malformed, truncated, replayed and random datagrams (seed ${SEED})`, { timeout: 0 }, async (t) => {
  const { cert, key, ca } = await testCertificate('p256');
  const identity = certificateIdentity(cert, key);
  const kinds: [DtlsCredentials<string>, DtlsClientCredentials][] = [
    [
      { kind: 'psk', key: PSK, context: '' },
      { kind: 'psk', key: PSK, identity: 'psk' },
    ],
    [
      { kind: 'certificate', identity, context: '' },
      { kind: 'certificate', ca },
    ],
    [
      { kind: 'resume', masterSecret: MASTER_SECRET, cipherSuite: RSA_GCM, context: '' },
      { kind: 'resume', masterSecret: MASTER_SECRET, cipherSuite: RSA_GCM, sessionId: Buffer.from('2') },
    ],
  ];
  let now = 0;
  let toClient: Buffer[] = [];
  const delivered = new Map<string, number>();
  const closed: string[] = [];
  const server = new DtlsServer<string>({
    maxHandshakes: 200,
    send: (buffer, offset, length) => {
      // The rest is for peers that nobody plays.
      if (toClient.length < 64) toClient.push(Buffer.from(buffer.subarray(offset, offset + length)));
    },
    lookup: (hello) => {
      const id = hello.sessionId.toString('latin1');
      const credentials = kinds[Number(id[0])]?.[0];
      return credentials && { ...credentials, context: id, session: id.length > 1 ? id : undefined };
    },
    onData: (_association, buffer, offset, length) => {
      const text = buffer.toString('latin1', offset, offset + length);
      delivered.set(text, (delivered.get(text) ?? 0) + 1);
    },
    onClose: (association, reason) => closed.push(`${association.context} ${reason}`),
  });
  const newClient = (kind: number, id: string, sink: Buffer[]): DtlsClient => {
    const credentials = kinds[kind]![1];
    return new DtlsClient({
      peer: SERVER,
      credentials: credentials.kind === 'resume' ? { ...credentials, sessionId: Buffer.from(id) } : credentials,
      sessionId: Buffer.from(id),
      // Plain PSK most of all: a handshake with curves costs thirty times as much.
      send: (buffer, offset, length) => sink.push(Buffer.from(buffer.subarray(offset, offset + length))),
    });
  };
  const handshake = (
    client: DtlsClient,
    sink: Buffer[],
    peer: DtlsPeer,
    disturb?: (datagram: Buffer) => void,
  ): void => {
    toClient = [];
    client.start(now);
    for (let i = 0; i < 20 && sink.length + toClient.length > 0; i++) {
      for (const datagram of sink.splice(0)) {
        disturb?.(datagram);
        server.input(datagram, peer, now);
      }
      const answers = toClient;
      toClient = [];
      for (const datagram of answers) client.input(datagram, now);
    }
  };

  const living = Array.from({ length: LIVING }, (_, index) => {
    const peer: DtlsPeer = { address: `10.0.0.${index + 1}`, port: 1000 + index, family: 'IPv4' };
    const sink: Buffer[] = [];
    const kind = index % 3;
    const client = newClient(kind, `${kind}-living-${index}`, sink);
    handshake(client, sink, peer);
    return { client, sink, peer };
  });
  t.equal(server.size, LIVING);
  const seen: Buffer[] = [];
  const remember = (datagram: Buffer): void => {
    if (seen.length < 400) seen.push(datagram);
    else seen[below(400)] = datagram;
  };

  let count = 0;
  let sent = 0;
  let missed = 0;
  const late = new Set<string>();
  const throwAt = (datagram: Buffer, peer: DtlsPeer): void => {
    count++;
    server.input(datagram, peer, now);
  };
  const anyone = (): DtlsPeer =>
    below(2) === 0 ? pick(living).peer : { address: `192.0.2.${below(250)}`, port: 1 + below(3000), family: 'IPv4' };
  let round = 0;
  let warm = 0;
  while (count < COUNT) {
    round++;
    if (warm === 0 && count > COUNT / 4) warm = heap();
    now += below(2000);
    const limited = server.stats['rate-limited'];
    for (let i = 0; i < 10; i++) throwAt(noise(), anyone());

    // A living association speaks; its record comes changed, then whole, then again.
    const one = pick(living);
    const text = `#${sent++}`;
    one.client.association?.send(Buffer.from(text), 0, text.length);
    const record = one.sink.splice(0)[0];
    if (!record) break;
    for (let i = 0; i < 5; i++) throwAt(mutate(record), below(3) === 0 ? anyone() : one.peer);
    server.input(record, one.peer, now);
    for (let i = 0; i < 3; i++) throwAt(record, below(3) === 0 ? anyone() : one.peer);
    // A changed datagram may hold the whole record, from elsewhere: a move. Then the way back is a move too, of which
    // there are only so many; the record then comes later, with what was seen before.
    if (delivered.get(text) === undefined && limited !== server.stats['rate-limited']) late.add(text);
    else if (delivered.get(text) !== 1) missed++;
    delivered.clear();
    remember(record);

    // What was seen before comes again, changed or not.
    for (let i = 0; i < 8; i++) {
      const datagram = pick(seen);
      throwAt(below(2) === 0 ? datagram : mutate(datagram), anyone());
    }
    for (const [key, times] of delivered) if (times > 1 || !late.delete(key)) missed++;
    delivered.clear();

    // A handshake is disturbed on both sides.
    const kind = below(16) === 0 ? 1 : pick([0, 2]);
    const peer: DtlsPeer = { address: '198.51.100.1', port: 1 + below(60_000), family: 'IPv4' };
    const sink: Buffer[] = [];
    const client = newClient(kind, `${kind}x${below(50)}`, sink);
    handshake(client, sink, peer, (datagram) => {
      remember(datagram);
      for (let i = 0; i < 4; i++) throwAt(mutate(datagram), peer);
      for (const answer of toClient.slice(0, 2)) {
        count++;
        client.input(mutate(answer), now);
      }
    });
    client.input(noise(), now);
    count++;
    if (below(4) > 0) client.close();
    toClient = [];
    server.tick(now);
    client.tick(now);
  }

  t.equal(missed, 0, 'each record of a living association is delivered once, and nothing else is');
  t.notOk(
    closed.find((line) => line.includes('living')),
    'no living association ended',
  );
  t.ok(living.every(({ client }) => !client.closed));
  t.ok(server.handshakes <= 200);
  t.ok(Number(server.stats.handshakesCompleted) > LIVING, 'disturbed handshakes were completed too');
  now += 70_000;
  server.tick(now);
  t.equal(server.handshakes, 0, 'no handshake is left behind');
  const growth = heap() - warm;
  t.ok(growth < HEAP_GROWTH, `the heap grew by ${growth} bytes since a quarter of the way`);
  server.close();
  t.equal(server.size, 0);
  t.equal(server.nextDeadline, Infinity);
  t.comment(`${count} datagrams in ${round} rounds: ${JSON.stringify(server.stats)}`);
});
