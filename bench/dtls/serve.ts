/**
 * An echo server to load: node bench/dtls/serve.ts PORT [plain|evp|batched]. The key of a client is SHA-256 of "psk"
 * and its session id, as load.ts has it.
 */
import { createHash } from 'node:crypto';
import { acceleratedProtection } from '../../src/dtls/acceleration.ts';
import { DtlsServer, EngineTimer } from '../../src/dtls/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type DatagramReceiver, type Endpoint, openDatagramSocket, SocketMemory } from '../../src/udp/index.ts';
import { collectGarbage } from '../lib/garbage.ts';

const port = Number(process.argv[2]);
const mode = process.argv[3] ?? 'plain';
const clock = systemClock;
const receiver: DatagramReceiver = {
  onDatagram(buffer, offset, length, from) {
    server.input(buffer.subarray(offset, offset + length), from, clock.monotonic());
  },
  onBatchEnd: () => timer.arm(),
};
const socket = await openDatagramSocket({ host: '127.0.0.1', port, receiver }, mode === 'batched');
const memory = new SocketMemory();
memory.use(socket);
const server = new DtlsServer<undefined>({
  protection: acceleratedProtection(mode !== 'plain'),
  memory,
  send: (buffer, offset, length, peer) => memory.send(buffer, offset, length, peer as Endpoint),
  lookup: ({ sessionId }) => ({
    kind: 'psk',
    key: createHash('sha256').update('psk').update(sessionId).digest(),
    context: undefined,
    session: sessionId.toString('latin1'),
    cipherSuites: ['TLS_PSK_WITH_AES_128_GCM_SHA256', 'TLS_PSK_WITH_AES_256_GCM_SHA384'],
  }),
  onData: (association, buffer, offset, length) => void association.send(buffer, offset, length),
});
const timer = new EngineTimer(server, clock);
console.log('ready');
process.on('SIGINT', () => process.exit(0));
process.on('SIGUSR2', () => {
  collectGarbage();
  const { rss, heapUsed, external } = process.memoryUsage();
  console.log(JSON.stringify({ rss, heap: heapUsed + external, size: server.size }));
});
