import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { DtlsClient } from '../../../src/dtls/client.ts';
import { DtlsPacketType, PSK_BYTES, PSK_LABEL } from '../../../src/wire/dtls-channel.ts';
import { header, TUNNEL_HEADERS } from '../gateway.ts';
import { Intruder, type Target } from './intruder.ts';

/** Asks for DTLS with a pre-shared key. */
const DTLS_HEADERS = [...TUNNEL_HEADERS, 'X-DTLS-CipherSuite: PSK-NEGOTIATE'];

/** A UDP socket that sends to the gateway only. */
export async function udpTo(target: Target): Promise<Socket> {
  const socket = createSocket('udp4');
  // The gateway may go first.
  socket.on('error', () => {});
  socket.connect(target.port, target.host);
  await once(socket, 'connect');
  return socket;
}

export const send = (socket: Socket, bytes: Uint8Array): Promise<void> =>
  new Promise((resolve) => socket.send(bytes, () => resolve()));

/** A session that was offered DTLS, and what it takes to shake hands. */
export class DtlsIntruder {
  readonly intruder: Intruder;
  readonly target: Target;
  readonly id: Buffer;
  readonly #key: Buffer;

  private constructor(intruder: Intruder, target: Target) {
    this.intruder = intruder;
    this.target = target;
    this.id = Buffer.from(header(intruder.head, 'X-DTLS-App-ID')!, 'hex');
    const exporter = intruder.client.tls.exportKeyingMaterial as (length: number, label: string) => Buffer;
    this.#key = exporter.call(intruder.client.tls, PSK_BYTES, PSK_LABEL);
  }

  static async join(target: Target): Promise<DtlsIntruder> {
    return new DtlsIntruder(await Intruder.join(target, undefined, DTLS_HEADERS), target);
  }

  engine(calls: {
    readonly transmit: (datagram: Buffer) => void;
    readonly onConnect?: () => void;
    /** A packet of the channel came, of this type. */
    readonly onData?: (type: number) => void;
  }): DtlsClient {
    const { host, port } = this.target;
    const { transmit, onConnect = () => {}, onData = () => {} } = calls;
    return new DtlsClient({
      send: (buffer, offset, length) => transmit(Buffer.from(buffer.subarray(offset, offset + length))),
      peer: { address: host, port, family: 'IPv4' },
      credentials: { kind: 'psk', key: this.#key, identity: 'psk' },
      sessionId: this.id,
      onConnect,
      onData: (_association, buffer, offset) => onData(buffer[offset]!),
      onClose: () => {},
    });
  }

  /** Shakes hands. */
  async connect(): Promise<DtlsLine> {
    const line = new DtlsLine(await udpTo(this.target));
    await line.open(this);
    return line;
  }
}

/** A DTLS association and its socket. Unless it is told otherwise it hears nothing that the gateway asks. */
export class DtlsLine {
  readonly #socket: Socket;
  #engine: DtlsClient | undefined;
  #answers = 0;
  #wake: (() => void) | undefined;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  async open(session: DtlsIntruder): Promise<void> {
    const connected = Promise.withResolvers<void>();
    const engine = session.engine({
      transmit: (datagram) => this.#socket.send(datagram),
      onConnect: connected.resolve,
      onData: (type) => {
        if (type !== DtlsPacketType.DpdResponse) return;
        this.#answers++;
        this.#wake?.();
      },
    });
    this.#engine = engine;
    const timer = setInterval(() => engine.tick(performance.now()), 100);
    this.#socket.on('message', (message) => engine.input(message, performance.now()));
    engine.start(performance.now());
    try {
      await connected.promise;
    } finally {
      clearInterval(timer);
    }
  }

  /** Sends an IP packet. */
  send(packet: Buffer): void {
    const record = Buffer.concat([Buffer.from([DtlsPacketType.Data]), packet]);
    this.#engine!.association?.send(record, 0, record.length);
  }

  /** Asks whether the gateway is there. */
  ask(): void {
    const request = Buffer.from([DtlsPacketType.DpdRequest]);
    this.#engine!.association?.send(request, 0, request.length);
  }

  /** Asks until it is answered. */
  async answered(): Promise<void> {
    const before = this.#answers;
    while (this.#answers === before) {
      this.ask();
      const woken = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await Promise.race([woken, delay(200)]);
    }
  }

  close(): void {
    this.#socket.close();
  }
}
