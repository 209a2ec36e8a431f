import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket as TcpSocket } from 'node:net';
import { type Answer, decode, encode, type Packet } from 'dns-packet';

/** What a scripted name server is asked. */
export interface Asked {
  readonly transport: 'udp' | 'tcp';
  readonly bytes: Buffer;
  readonly id: number;
  /** In the letters that it came in. */
  readonly name: string;
  readonly type: string;
  /** Where it came from. */
  readonly port: number;
  /** Sends a message back. */
  readonly send: (message: Buffer) => void;
  /** Sends one from another port of the same address. */
  readonly sendFromElsewhere: (message: Buffer) => Promise<void>;
  /** Closes the connection that it came by. */
  readonly hangUp: () => void;
}

/** A port that is free for both. What is free for TCP may be taken for UDP: then another. */
async function samePort(): Promise<{ readonly tcp: Server; readonly udp: Socket; readonly port: number }> {
  for (let attempt = 1; ; attempt++) {
    const tcp = createServer({ allowHalfOpen: false });
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const { port } = tcp.address() as AddressInfo;
    const udp = createSocket('udp4');
    udp.bind(port, '127.0.0.1');
    try {
      await once(udp, 'listening');
      return { tcp, udp, port };
    } catch (error) {
      tcp.close();
      if (attempt === 20) throw error;
    }
  }
}

/** A name server on loopback that does what the test says. Over UDP and TCP at the same port. */
export class NameServer implements AsyncDisposable {
  readonly asked: Asked[] = [];
  readonly port: number;
  readonly #close: () => Promise<void>;

  private constructor(port: number, close: () => Promise<void>) {
    this.port = port;
    this.#close = close;
  }

  static async start(script: (asked: Asked) => void): Promise<NameServer> {
    const streams = new Set<TcpSocket>();
    const { tcp, udp, port } = await samePort();
    const server = new NameServer(port, async () => {
      for (const stream of streams) stream.destroy();
      udp.close();
      tcp.close();
      await once(tcp, 'close');
    });
    const take = (
      transport: 'udp' | 'tcp',
      bytes: Buffer,
      from: number,
      send: (message: Buffer) => void,
      hangUp = () => {},
    ) => {
      const { id, questions } = decode(bytes) as Packet & { questions: { name: string; type: string }[] };
      const { name, type } = questions[0]!;
      const sendFromElsewhere = async (message: Buffer): Promise<void> => {
        const other = createSocket('udp4');
        await new Promise<void>((resolve) => other.send(message, from, '127.0.0.1', () => resolve()));
        other.close();
      };
      const asked = { transport, bytes, id: id!, name, type, port: from, send, sendFromElsewhere, hangUp };
      server.asked.push(asked);
      script(asked);
    };
    udp.on('message', (bytes: Buffer, { port: from, address }: RemoteInfo) =>
      take('udp', bytes, from, (message) => udp.send(message, from, address, () => {})),
    );
    tcp.on('connection', (stream: TcpSocket) => {
      streams.add(stream);
      stream.on('error', () => {});
      stream.once('close', () => streams.delete(stream));
      let held = Buffer.alloc(0);
      stream.on('data', (chunk: Buffer) => {
        held = Buffer.concat([held, chunk]);
        while (held.length >= 2 && held.length >= 2 + held.readUInt16BE(0)) {
          const message = held.subarray(2, 2 + held.readUInt16BE(0));
          held = held.subarray(2 + message.length);
          take(
            'tcp',
            message,
            stream.remotePort ?? 0,
            (answer) => {
              const length = Buffer.alloc(2);
              length.writeUInt16BE(answer.length);
              stream.write(Buffer.concat([length, answer]));
            },
            () => stream.destroy(),
          );
        }
      });
    });
    return server;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close();
  }
}

const FLAGS = { recursionDesired: 1 << 8, recursionAvailable: 1 << 7, truncated: 1 << 9 };

/** A right answer to what was asked, with these records or this code. */
export function answerTo(
  asked: Pick<Asked, 'id' | 'name' | 'type'>,
  answers: readonly Answer[],
  { rcode = 0, truncated = false, authorities = [] as readonly Answer[] } = {},
): Buffer {
  const { id, name, type } = asked;
  return encode({
    type: 'response',
    id,
    flags: FLAGS.recursionDesired | FLAGS.recursionAvailable | (truncated ? FLAGS.truncated : 0) | rcode,
    questions: [{ name, type: type as 'A' }],
    answers: [...answers],
    authorities: [...authorities],
  });
}

/** An A record. */
export const a = (name: string, data: string, ttl = 300): Answer => ({ type: 'A', name, ttl, data });
/** An alias. */
export const cname = (name: string, data: string): Answer => ({ type: 'CNAME', name, ttl: 300, data });
