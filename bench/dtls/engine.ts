/**
 * What the engine costs without sockets: opening a record, opening and sealing one (an echo), and a PSK handshake, on
 * the server's side only. All contenders take turns in one process, and the best round of each counts.
 *
 *   node bench/dtls/engine.ts [rounds]
 *   TUNNELITE_PROTOTYPES=… node bench/dtls/engine.ts      also against the prototypes
 */
import { type CipherSuiteName, DtlsClient, type DtlsPeer } from '../../src/dtls/index.ts';
import { type Contender, contenders, PSK } from './contenders.ts';
import { prototypeFolder } from './prototype.ts';

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

/** A handshake; returns the client and the time that the server's part took, in ms. */
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
    const start = performance.now();
    for (const datagram of datagrams) server.input(datagram, peer);
    elapsed += performance.now() - start;
    for (const datagram of toClient.splice(0)) client.input(datagram, 0);
  }
  return [{ client, peer, out }, elapsed];
}

interface Best {
  open: number;
  echo: number;
  handshake: number;
}

function measure(server: Contender, suite: CipherSuiteName, pair: Pair, best: Best): void {
  const payload = Buffer.alloc(SIZE, 7);
  server.sent = () => {};
  for (const echo of [false, true]) {
    pair.out.length = 0;
    for (let i = 0; i < RECORDS; i++) pair.client.association?.send(payload, 0, SIZE);
    server.echo = echo;
    server.received = 0;
    const start = performance.now();
    for (const datagram of pair.out) server.input(datagram, pair.peer);
    const each = ((performance.now() - start) * 1000) / RECORDS;
    if (server.received !== RECORDS) throw new Error(`${server.name}: ${server.received} of ${RECORDS} records`);
    if (echo) best.echo = Math.min(best.echo, each);
    else best.open = Math.min(best.open, each);
  }
  let elapsed = 0;
  for (let i = 0; i < HANDSHAKES; i++) {
    const [{ client }, took] = handshake(server, suite);
    elapsed += took;
    client.close();
  }
  server.tick();
  best.handshake = Math.min(best.handshake, (elapsed * 1000) / HANDSHAKES);
}

const list = await contenders(prototypeFolder());
for (const suite of SUITES) {
  const results = new Map<Contender, Best>();
  const running: [Contender, Pair, Best][] = [];
  for (const server of list) {
    // Neither prototype takes AES-256 first, nor does its EVP do ChaCha20.
    const best = { open: Infinity, echo: Infinity, handshake: Infinity };
    results.set(server, best);
    running.push([server, handshake(server, suite)[0], best]);
  }
  for (let round = 0; round < rounds; round++) {
    for (const [server, pair, best] of running) measure(server, suite, pair, best);
  }
  console.log(`\n${suite}, ${SIZE} bytes`);
  for (const [server, best] of results) {
    const other = list.find((item) => item !== server && item.name.split(', ')[1] === server.name.split(', ')[1]);
    const against = other && server.name.startsWith('tunnelite') ? results.get(other) : undefined;
    const ratio = (a: number, b: number | undefined): string => (b ? ` (${(b / a).toFixed(2)} × prototype)` : '');
    console.log(
      `  ${server.name.padEnd(24)} open ${best.open.toFixed(2)} µs${ratio(best.open, against?.open)}, ` +
        `open + seal ${best.echo.toFixed(2)} µs${ratio(best.echo, against?.echo)}, ` +
        `handshake ${best.handshake.toFixed(0)} µs = ${(1e6 / best.handshake).toFixed(0)}/s${ratio(best.handshake, against?.handshake)}`,
    );
  }
}
