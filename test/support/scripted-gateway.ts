import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createServer, type TLSSocket, type TlsOptions } from 'node:tls';
import { TunnelClient, type TunnelClientOptions } from '../../src/client/index.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { seededRandom } from '../../src/lib/random.ts';
import { createNetstack, driveNetstack, type Netstack, type NetstackOptions } from '../../src/netstack/index.ts';
import { serializeServerDocument } from '../../src/wire/config-auth.ts';
import { CstpReader, CstpType, serializeCstp } from '../../src/wire/cstp.ts';
import { type HttpRequest, RequestReader } from '../../src/wire/http1/index.ts';
import { testLeaf } from './certificates.ts';

/** A server that does to a client what its script says. */
export interface ScriptedGateway extends AsyncDisposable {
  readonly port: number;
  readonly caPem: string;
  /** TLS connections that were made. */
  readonly accepted: readonly TLSSocket[];
  /** The bundled client, as its user calls it. */
  connect(options?: Partial<TunnelClientOptions>): Promise<TunnelClient>;
}

/** A TLS server on a free port, with a certificate that the client trusts. @param script gets each connection */
export async function scriptedGateway(
  script: (socket: TLSSocket) => void | Promise<void>,
  options: TlsOptions = {},
): Promise<ScriptedGateway> {
  const leaf = await testLeaf('localhost', 'vpn.contoso.internal');
  const accepted: TLSSocket[] = [];
  const raw = new Set<Socket>();
  const server = createServer({ cert: leaf.certPem, key: leaf.keyPem, ...options }, (socket) => {
    accepted.push(socket);
    socket.on('error', () => {});
    // A script that waits for what no longer comes ends with its connection.
    Promise.resolve(script(socket)).catch(() => socket.destroy());
  });
  server.on('connection', (socket) => {
    raw.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => raw.delete(socket));
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  return {
    port,
    caPem: leaf.caPem,
    accepted,
    connect: (changes) =>
      TunnelClient.connect({
        server: `https://localhost:${port}`,
        ca: leaf.caPem,
        token: 'good',
        reconnectTimeout: 0,
        ...changes,
      }),
    async [Symbol.asyncDispose]() {
      for (const socket of raw) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** The requests of a connection, one after the other. */
export function requestsOf(socket: TLSSocket): { next(): Promise<HttpRequest> } {
  const reader = new RequestReader({ target: 1024, head: 65_536, headerCount: 256, body: 65_536 });
  return {
    async next() {
      for (;;) {
        const result = reader.next();
        if (result && 'message' in result) return result.message;
        if (result) throw new Error(result.fault.explanation);
        const [chunk] = await Promise.race([once(socket, 'data'), once(socket, 'close')]);
        if (!Buffer.isBuffer(chunk)) throw new Error('the connection ended');
        reader.feed(chunk);
      }
    },
  };
}

const COMPLETE = serializeServerDocument({ type: 'complete', title: 'SSL VPN Service' }, 'wrapped');

/** Answers of a gateway. */
export const ANSWERS = {
  challenge: 'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\nContent-Length: 0\r\n\r\n',
  complete: `HTTP/1.1 200 OK\r\nContent-Length: ${Buffer.byteLength(COMPLETE)}\r\n\r\n${COMPLETE}`,
  connected: (headers: Readonly<Record<string, string>> = {}): string => {
    const all = { 'X-CSTP-Address': '10.0.0.2', 'X-CSTP-MTU': '1400', 'X-CSTP-DNS': '10.0.0.1', ...headers };
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
    return `HTTP/1.1 200 CONNECTED\r\n${lines.join('')}\r\n`;
  },
} as const;

/** Lets a client in and opens its tunnel. */
export async function welcome(socket: TLSSocket, headers: Readonly<Record<string, string>> = {}): Promise<void> {
  const requests = requestsOf(socket);
  for (const answer of [ANSWERS.challenge, ANSWERS.complete, ANSWERS.connected(headers)]) {
    await requests.next();
    socket.write(answer);
  }
}

/** A TCP/IP host behind an open tunnel: what is in `options` answers the client. */
export function innerNetwork(socket: TLSSocket, options: Partial<NetstackOptions>): Netstack {
  const stack = createNetstack({
    random: seededRandom(9),
    now: systemClock.monotonic(),
    mtu: 1400,
    output: (buffer, offset, length) => {
      if (!socket.destroyed) socket.write(serializeCstp(CstpType.Data, buffer.subarray(offset, offset + length)));
    },
    ...options,
  });
  const driver = driveNetstack(stack, systemClock);
  const reader = new CstpReader((type, buffer, offset, length) => {
    if (type === CstpType.Data) stack.input(buffer, offset, length);
  });
  socket.on('data', (chunk: Buffer) => {
    driver.tick();
    reader.push(chunk);
    stack.flush();
  });
  socket.once('close', () => {
    driver.stop();
    stack.close();
  });
  return stack;
}
