/**
 * An echo server to load: node bench/dtls/serve.ts PORT [plain|evp|batched]. Its keys are those of the prototype's load
 * client: SHA-256 of "psk" and the session id.
 */
import { createHash } from 'node:crypto';
import { acceleratedProtection } from '../../src/dtls/acceleration.ts';
import { DtlsServer, EngineTimer } from '../../src/dtls/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { type DatagramMemory, type DatagramReceiver, type Endpoint, openDatagramSocket } from '../../src/udp/index.ts';

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
const discard = Buffer.alloc(20_000);
const memory: DatagramMemory & { buffer: Buffer; offset: number } = {
  buffer: discard,
  offset: 0,
  reserve(length) {
    const room = socket.reserve(length);
    memory.buffer = room ? socket.reserved : discard;
    memory.offset = room ? socket.reservedOffset : 0;
  },
};
const server = new DtlsServer<undefined>({
  protection: acceleratedProtection(mode !== 'plain'),
  memory,
  send: (buffer, _offset, length, peer) => {
    if (buffer !== discard) socket.commit(length, peer as Endpoint);
  },
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
  globalThis.gc?.();
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  console.log(JSON.stringify({ rss, heap: heapUsed + external, size: server.size }));
});
