/**
 * Bytes of JavaScript heap and of process memory per idle association, clients not counted.
 *
 *   node bench/dtls/memory.ts [associations]
 */
import { DtlsClient, type DtlsPeer } from '../../src/dtls/index.ts';
import { collectGarbage } from '../lib/garbage.ts';
import { type Contender, contenders, PSK } from './contenders.ts';

const count = Number(process.argv[2] ?? 5000);

function connectOnce(server: Contender, index: number): void {
  const peer: DtlsPeer = { address: `127.0.${index >>> 8}.${index & 0xff}`, port: 1000 + index, family: 'IPv4' };
  const toServer: Buffer[] = [];
  const toClient: Buffer[] = [];
  server.sent = (buffer, offset, length) => void toClient.push(Buffer.from(buffer.subarray(offset, offset + length)));
  const client = new DtlsClient({
    peer,
    credentials: { kind: 'psk', key: PSK, identity: 'psk' },
    cipherSuites: ['TLS_PSK_WITH_AES_128_GCM_SHA256'],
    sessionId: Buffer.from(String(index)),
    send: (buffer, offset, length) => void toServer.push(Buffer.from(buffer.subarray(offset, offset + length))),
    onConnect: (association) => association.send(PSK, 0, PSK.length),
  });
  client.start(0);
  while (toServer.length + toClient.length > 0) {
    for (const datagram of toServer.splice(0)) server.input(datagram, peer);
    for (const datagram of toClient.splice(0)) client.input(datagram, 0);
  }
}

function memory(): { heap: number; rss: number } {
  collectGarbage();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

const list = contenders();
if (list.length === 1)
  console.log('OpenSSL inside node cannot be called here: node:crypto has nothing to be compared with.');
let plain: ReturnType<typeof memory> | undefined;
for (const server of list) {
  for (let i = 0; i < 200; i++) connectOnce(server, 60_000 + i);
  const before = memory();
  for (let i = 0; i < count; i++) connectOnce(server, i);
  const after = memory();
  const grown = { heap: after.heap - before.heap, rss: after.rss - before.rss };
  const each = (bytes: number, peer: number | undefined): string =>
    `${(bytes / count / 1024).toFixed(1)} KiB${peer === undefined ? '' : ` (${(bytes / peer).toFixed(2)} × ${list[0]!.name})`}`;
  console.log(`${server.name.padEnd(12)} heap ${each(grown.heap, plain?.heap)}, RSS ${each(grown.rss, plain?.rss)}`);
  plain ??= grown;
}
process.exit(0);
