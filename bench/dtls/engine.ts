/**
 * What the engine costs without sockets: opening a record, opening and sealing one (an echo), and a PSK handshake, on
 * the server's side only, in CPU time. All contenders take turns in one process.
 *
 *   node bench/dtls/engine.ts [rounds]
 */
import { type CipherSuiteName, DtlsClient, type DtlsPeer } from '../../src/dtls/index.ts';
import { ownCpuSeconds } from '../lib/cpu.ts';
import { inTurns, medianAndLeast, times } from '../lib/figures.ts';
import { type Contender, contenders, PSK } from './contenders.ts';

const rounds = Number(process.argv[2] ?? 8);
const SIZE = 1400;
const RECORDS = 2000;
const HANDSHAKES = 300;
const SUITES: CipherSuiteName[] = [
  'TLS_PSK_WITH_AES_256_GCM_SHA384',
  'TLS_PSK_WITH_AES_128_GCM_SHA256',
  'TLS_PSK_WITH_CHACHA20_POLY1305_SHA256',
];

let port = 1000;

interface Pair {
  readonly client: DtlsClient;
  readonly peer: DtlsPeer;
  readonly out: Buffer[];
}

/** A handshake; returns the client and the CPU time of the server's part, in microseconds. */
function handshake(server: Contender, suite: CipherSuiteName): [Pair, number] {
  port = port >= 60_000 ? 1000 : port + 1;
  const peer: DtlsPeer = { address: '127.0.0.1', port, family: 'IPv4' };
  const out: Buffer[] = [];
  const toClient: Buffer[] = [];
  server.sent = (buffer, offset, length) => void toClient.push(Buffer.from(buffer.subarray(offset, offset + length)));
  const client = new DtlsClient({
    peer: { address: '127.0.0.1', port: 1, family: 'IPv4' },
    credentials: { kind: 'psk', key: PSK, identity: 'psk' },
    cipherSuites: [suite],
    send: (buffer, offset, length) => void out.push(Buffer.from(buffer.subarray(offset, offset + length))),
  });
  let elapsed = 0;
  client.start(0);
  while (!client.association) {
    const datagrams = out.splice(0);
    if (datagrams.length === 0) throw new Error(`${server.name}: no handshake`);
    const start = ownCpuSeconds();
    for (const datagram of datagrams) server.input(datagram, peer);
    elapsed += 1e6 * (ownCpuSeconds() - start);
    for (const datagram of toClient.splice(0)) client.input(datagram, 0);
  }
  return [{ client, peer, out }, elapsed];
}

/** Microseconds, one for each round. */
interface Results {
  readonly open: number[];
  readonly echo: number[];
  readonly handshake: number[];
}

function measure(server: Contender, suite: CipherSuiteName, pair: Pair, results: Results): void {
  const payload = Buffer.alloc(SIZE, 7);
  server.sent = () => {};
  for (const echo of [false, true]) {
    pair.out.length = 0;
    for (let i = 0; i < RECORDS; i++) pair.client.association?.send(payload, 0, SIZE);
    server.echo = echo;
    server.received = 0;
    const start = ownCpuSeconds();
    for (const datagram of pair.out) server.input(datagram, pair.peer);
    const each = (1e6 * (ownCpuSeconds() - start)) / RECORDS;
    if (server.received !== RECORDS) throw new Error(`${server.name}: ${server.received} of ${RECORDS} records`);
    (echo ? results.echo : results.open).push(each);
  }
  let elapsed = 0;
  for (let i = 0; i < HANDSHAKES; i++) {
    const [{ client }, took] = handshake(server, suite);
    elapsed += took;
    client.close();
  }
  server.tick();
  results.handshake.push(elapsed / HANDSHAKES);
}

const list = contenders();
const peer = list[0]!;
if (list.length === 1)
  console.log('OpenSSL inside node cannot be called here: node:crypto has nothing to be compared with.');
for (const suite of SUITES) {
  const running = list.map((server) => ({
    server,
    pair: handshake(server, suite)[0],
    results: { open: [], echo: [], handshake: [] } as Results,
  }));
  await inTurns(rounds, running, async ({ server, pair, results }) => measure(server, suite, pair, results));
  console.log(`\n${suite}, ${SIZE} bytes; median (least)`);
  const plain = running[0]!.results;
  for (const { server, results } of running) {
    const part = (key: keyof Results): string =>
      `${medianAndLeast(results[key])} µs${server === peer ? '' : ` = ${times(results[key], plain[key])} ${peer.name}`}`;
    console.log(
      `  ${server.name.padEnd(12)} open ${part('open')}, open + seal ${part('echo')}, handshake ${part('handshake')}`,
    );
  }
}
