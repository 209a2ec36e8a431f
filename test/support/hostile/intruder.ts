import { once } from 'node:events';
import { CstpReader, CstpType, DISCONNECT_BY_USER, serializeCstp } from '../../../src/wire/cstp.ts';
import { cookieOf, header, RawClient } from '../gateway.ts';

/** Where the attacker finds the gateway, and tokens to attack with. */
export interface Target {
  readonly host: string;
  readonly port: number;
  readonly ca: string;
  readonly authority: string;
  readonly admin: string;
  readonly tokens: readonly string[];
}

export function dial(target: Target, options: object = {}): Promise<RawClient> {
  return RawClient.dial({ host: target.host, port: target.port, ca: target.ca, ...options });
}

/** A session that sends whatever it likes into its tunnel. */
export class Intruder {
  readonly client: RawClient;
  readonly cookie: string;
  readonly address: string;
  /** The answer to CONNECT. */
  readonly head: string;
  /** Called with each IP packet that comes; the bytes are valid during the call only. */
  onPacket: ((packet: Buffer) => void) | undefined;
  readonly #reader: CstpReader;
  readonly #echoes = new Map<string, () => void>();
  #marks = 0;

  private constructor(client: RawClient, cookie: string, head: string | undefined) {
    const address = header(head, 'X-CSTP-Address');
    if (head === undefined || address === undefined) throw new Error(`CONNECT was answered ${head}`);
    this.client = client;
    this.cookie = cookie;
    this.head = head;
    this.address = address;
    this.#reader = new CstpReader((type, buffer, offset, length) => {
      const payload = buffer.subarray(offset, offset + length);
      if (type === CstpType.Data) this.onPacket?.(payload);
      else if (type === CstpType.DpdRequest) client.send(serializeCstp(CstpType.DpdResponse, payload));
      else if (type === CstpType.DpdResponse) this.#echoes.get(payload.toString('latin1'))?.();
    });
    client.tls.removeAllListeners('data').on('data', (chunk: Buffer) => void this.#reader.push(chunk));
  }

  /** Logs in. */
  static async join(target: Target, token = target.tokens[0]!, headers?: readonly string[]): Promise<Intruder> {
    const client = await dial(target);
    const cookie = cookieOf(await client.login(token));
    return new Intruder(client, cookie, await client.connectTunnel(undefined, headers));
  }

  /** Comes back with a cookie. */
  static async take(target: Target, cookie: string): Promise<Intruder> {
    const client = await dial(target);
    return new Intruder(client, cookie, await client.connectTunnel(cookie));
  }

  /** Sends bytes of the CSTP stream, as they are. */
  async raw(bytes: Buffer): Promise<void> {
    if (!this.client.tls.write(bytes)) await Promise.race([once(this.client.tls, 'drain'), this.client.ended]);
  }

  /** Sends IP packets, many in one write. */
  async send(packets: Iterable<Buffer>): Promise<void> {
    let batch: Buffer[] = [];
    let bytes = 0;
    for (const packet of packets) {
      batch.push(serializeCstp(CstpType.Data, packet));
      bytes += packet.length;
      if (bytes < 64 * 1024) continue;
      await this.raw(Buffer.concat(batch));
      batch = [];
      bytes = 0;
    }
    if (batch.length > 0) await this.raw(Buffer.concat(batch));
  }

  /** Resolves when the gateway has taken everything that was sent. */
  async settled(): Promise<void> {
    const mark = `mark ${++this.#marks}`;
    const answered = new Promise<true>((resolve) => this.#echoes.set(mark, () => resolve(true)));
    await this.raw(serializeCstp(CstpType.DpdRequest, Buffer.from(mark)));
    if (!(await Promise.race([answered, this.client.ended]))) throw new Error('the gateway ended the session');
    this.#echoes.delete(mark);
  }

  /** Ends the session, so that nothing of it is kept for its return. */
  async leave(): Promise<void> {
    await this.raw(serializeCstp(CstpType.Disconnect, Buffer.from([DISCONNECT_BY_USER])));
    await this.client.ended;
    this.client.close();
  }
}
