import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { startSimulator, TunnelClient } from '../../src/index.ts';
import { readsAreShared } from '../../src/tls/direct-trial.ts';

const BYTES = 3_000_000;

/** Bytes of which no part is like another. */
function content(): Buffer {
  const bytes = Buffer.alloc(BYTES);
  for (let i = 0, x = 1; i + 4 <= BYTES; i += 4) {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0;
    bytes.writeInt32LE(x, i);
  }
  return bytes;
}

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

/** Takes a connection's bytes slowly, so that those who send have to wait; then tells their digest, and ends it. */
async function slowServer() {
  const { promise, resolve } = Promise.withResolvers<string>();
  const server = createServer(async (socket: Socket) => {
    const hash = createHash('sha256');
    let pauses = 0;
    for await (const chunk of socket) {
      hash.update(chunk as Buffer);
      // The system takes a few megabytes without being asked: two hundred turns of the event loop each time are enough to fill it.
      for (let i = 0; i < 200 && pauses < 4_000; i++, pauses++) await new Promise((next) => setImmediate(next));
    }
    resolve(hash.digest('hex'));
    socket.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: (server.address() as { port: number }).port, digest: promise, close: () => server.close() };
}

/** How traffic fared; each value is true, or as long as what was sent. */
export interface Traffic {
  /** Sockets read into shared memory. */
  readonly shared: boolean;
  readonly echoed: boolean;
  readonly upstream: boolean;
  readonly downloaded: number;
  readonly datagram: string;
}

/**
 * A simulator and its bundled client, with megabytes both ways over TLS: through an echo that is read slowly, to a slow upstream, and from
 * a web service.
 */
export async function carryTraffic(): Promise<Traffic> {
  const slow = await slowServer();
  // Not `await using`, so that every Node that is supported can run this.
  const sim = await startSimulator({
    gateway: { disableUdp: true },
    resources: {
      upstreams: [{ match: 'slow.contoso.internal', ports: [80], to: { host: '127.0.0.1', port: slow.port } }],
    },
  });
  try {
    const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: () => sim.token() });
    const sent = content();
    const echo = await client.openTcp('tools.contoso.internal', 7);
    echo.end(sent);
    const back: Buffer[] = [];
    for await (const chunk of echo) {
      back.push(Buffer.from(chunk as Buffer));
      await new Promise((next) => setImmediate(next));
    }
    const upstream = await client.openTcp('slow.contoso.internal', 80);
    upstream.end(sent);
    upstream.resume();
    const { body } = await client.fetch(`http://intranet.contoso.internal/bytes/${BYTES}`);
    const datagram = await client.exchangeUdp('tools.contoso.internal', 7, Buffer.from('a datagram'));
    return {
      shared: readsAreShared(),
      echoed: digest(Buffer.concat(back)) === digest(sent),
      upstream: (await slow.digest) === digest(sent),
      downloaded: body.length,
      datagram: datagram.toString(),
    };
  } finally {
    await sim.close();
    slow.close();
  }
}
