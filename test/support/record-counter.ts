import { connect, createServer, type Socket } from 'node:net';

/** A TLS record as the wire shows it. */
export interface RecordSeen {
  /** 20 change cipher spec, 21 alert, 22 handshake, 23 application data. */
  readonly type: number;
  readonly length: number;
}

/** Stands between client and server and reads the record headers of what one of them sends. */
export interface RecordCounter extends AsyncDisposable {
  readonly port: number;
  /** Records since the last `reset`. */
  readonly records: RecordSeen[];
  reset(): void;
}

const HEADER = 5;

/** Makes a proxy to a port of this machine that notes the TLS records from there, or to there. */
export async function countRecords(target: number, of: 'server' | 'client' = 'server'): Promise<RecordCounter> {
  let records: RecordSeen[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.setNoDelay(true);
    }
    client.pipe(upstream);
    upstream.pipe(client);
    let rest: Buffer = Buffer.alloc(0);
    (of === 'server' ? upstream : client).on('data', (chunk: Buffer) => {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      while (rest.length >= HEADER && rest.length >= HEADER + rest.readUInt16BE(3)) {
        const length = rest.readUInt16BE(3);
        records.push({ type: rest[0]!, length });
        rest = rest.subarray(HEADER + length);
      }
    });
    upstream.on('close', () => client.destroy());
    client.on('close', () => upstream.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    port: (server.address() as { port: number }).port,
    get records() {
      return records;
    },
    reset() {
      records = [];
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
