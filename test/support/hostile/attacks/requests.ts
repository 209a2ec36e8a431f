import { once } from 'node:events';
import { connect as connectTcp, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { MAX_PENDING_CONNECTIONS } from '../../../../src/gateway/constants.ts';
import { AGENT, INIT, type RawClient } from '../../gateway.ts';
import { dial, type Target } from '../intruder.ts';
import type { Attack } from './types.ts';

/* Attacks of strangers on the TLS port: nothing here has a token. */

const CHUNKED = `POST / HTTP/1.1\r\nUser-Agent: ${AGENT}\r\nTransfer-Encoding: chunked\r\n\r\n`;

async function write(client: RawClient, bytes: string): Promise<void> {
  if (!client.tls.write(bytes)) await Promise.race([once(client.tls, 'drain'), client.ended]);
}

const many = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => make(i)));

/** A body of 60,000 chunks, and then one record for each byte. */
const tinyChunks: Attack = async (target) => {
  const client = await dial(target);
  client.tls.setNoDelay(true);
  await write(client, CHUNKED + '1\r\na\r\n'.repeat(60_000));
  for (let i = 0; i < 100; i++) {
    for (const byte of '1\r\na\r\n') {
      await new Promise((resolve) => client.tls.write(byte, resolve));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
  return { counts: { records: 600 }, release: () => client.close() };
};

/** Bodies that are hardly more than the extensions of their chunks. */
const chunkExtensions: Attack = async (target) => {
  const clients = await many(20, async () => {
    const client = await dial(target);
    await write(client, CHUNKED);
    for (let i = 0; i < 30; i++) await write(client, `1;${'x'.repeat(240)}\r\na\r\n`.repeat(1000));
    return client;
  });
  return {
    counts: { bytes: 20 * 30_000 * 248 },
    release: () => {
      for (const client of clients) client.close();
    },
  };
};

/** Requests that never end, sent byte by byte. */
const slowHeaders: Attack = async (target) => {
  const clients = await many(200, async () => {
    const client = await dial(target);
    await write(client, `POST / HTTP/1.1\r\nUser-Agent: ${AGENT}\r\nX-Slow: `);
    return client;
  });
  let bytes = 0;
  let held = true;
  const drip = (async () => {
    while (held) {
      for (const client of clients) client.tls.write('a');
      bytes += clients.length;
      await delay(20);
    }
  })();
  while (bytes < 10_000) await delay(20);
  return {
    counts: { connections: clients.length },
    release: async () => {
      held = false;
      await drip;
      for (const client of clients) client.close();
    },
  };
};

/** Headers up to the last byte that is taken, and one more. */
const endlessHeaders: Attack = async (target) => {
  const line = `X-Fill: ${'a'.repeat(490)}\r\n`;
  const clients = await many(100, async (i) => {
    const client = await dial(target);
    await write(client, 'GET / HTTP/1.1\r\n');
    // Half of them stop short of the limit, and stay.
    for (let at = 0; at < (i % 2 === 0 ? 250 : 400); at++) await write(client, line);
    return client;
  });
  return {
    counts: { connections: clients.length },
    release: () => {
      for (const client of clients) client.close();
    },
  };
};

/** Every client asks for a new handshake on its connection, again and again. */
const renegotiation: Attack = async (target) => {
  let refused = 0;
  for (let i = 0; i < 100; i++) {
    const client = await dial(target, { maxVersion: 'TLSv1.2' });
    let renegotiated = false;
    client.tls.renegotiate({ rejectUnauthorized: false }, (error) => {
      renegotiated = error === null;
    });
    await client.ended;
    if (!renegotiated) refused++;
    client.close();
  }
  return { counts: { refused }, release: () => {} };
};

/** Connections that say nothing, or no more than the beginning of a handshake. */
const pendingConnections: Attack = async (target) => {
  const sockets: Socket[] = [];
  const hello = Buffer.from('160301020001', 'hex');
  for (let i = 0; i < 4300; i++) {
    const socket = connectTcp(target.port, target.host);
    socket.on('error', () => {});
    socket.resume();
    sockets.push(socket);
    await once(socket, 'connect');
    if (i % 2 === 0) socket.write(hello);
  }
  // The gateway accepts them in order: when the last has taken its place, as many have lost theirs as are too many.
  const evicted = (): number => sockets.filter(({ closed }) => closed).length;
  while (evicted() < sockets.length - MAX_PENDING_CONNECTIONS) await delay(20);
  return {
    counts: { connections: sockets.length },
    release: async () => {
      await Promise.all(
        sockets.map((socket) => {
          if (socket.closed) return undefined;
          socket.destroy();
          return once(socket, 'close');
        }),
      );
    },
  };
};

/** Logins with a token that is not good, many on each connection. */
const wrongTokens: Attack = async (target) => {
  let refused = 0;
  const wrong = `${target.tokens[0]!.slice(0, -4)}AAAA`;
  for (let round = 0; round < 10; round++) {
    await many(10, async () => {
      const client = await dial(target);
      for (let i = 0; i < 16; i++) {
        const answer = await client.request('POST', '/', [`Authorization: Bearer ${wrong}`], INIT);
        if (answer === undefined) break;
        if (answer.startsWith('HTTP/1.1 401')) refused++;
      }
      client.close();
    });
  }
  return { counts: { refused }, release: () => {} };
};

/** What is not TLS at all. */
const garbage: Attack = async (target: Target) => {
  await many(500, async (i) => {
    const socket = connectTcp(target.port, target.host);
    socket.on('error', () => {});
    socket.resume();
    socket.write(i % 2 === 0 ? 'GET / HTTP/1.1\r\n\r\n' : Buffer.alloc(20_000, i));
    if (!socket.closed) await once(socket, 'close');
  });
  return { counts: { connections: 500 }, release: () => {} };
};

export const requestAttacks = {
  tinyChunks,
  chunkExtensions,
  slowHeaders,
  endlessHeaders,
  renegotiation,
  pendingConnections,
  wrongTokens,
  garbage,
} satisfies Record<string, Attack>;
