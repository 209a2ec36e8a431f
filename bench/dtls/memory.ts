/**
 * Bytes of JavaScript heap and of process memory per idle association, clients not counted.
 *
 *   node --expose-gc bench/dtls/memory.ts [associations]
 *   TUNNELITE_PROTOTYPES=… node --expose-gc bench/dtls/memory.ts      also the prototype's
 */
import { DtlsClient, type DtlsPeer } from '../../src/dtls/index.ts';
import { type Contender, contenders, PSK } from './contenders.ts';
import { prototypeFolder } from './prototype.ts';

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
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { heap: heapUsed + external, rss };
}

for (const server of await contenders(prototypeFolder())) {
  for (let i = 0; i < 200; i++) connectOnce(server, 60_000 + i);
  const before = memory();
  for (let i = 0; i < count; i++) connectOnce(server, i);
  const after = memory();
  const each = (a: number, b: number): string => `${((a - b) / count / 1024).toFixed(1)} KB`;
  console.log(`${server.name.padEnd(24)} heap ${each(after.heap, before.heap)}, RSS ${each(after.rss, before.rss)}`);
}
process.exit(0);
