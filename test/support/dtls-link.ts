import type {
  CloseDetails,
  CloseReason,
  DropReason,
  DtlsAssociation,
  DtlsClientOptions,
  DtlsCredentials,
  DtlsPeer,
  DtlsServerOptions,
} from '../../src/dtls/association/types.ts';
import { DtlsClient } from '../../src/dtls/client.ts';
import { DtlsServer } from '../../src/dtls/server.ts';

export const PSK = Buffer.alloc(32, 0x11);
export const CLIENT: DtlsPeer = { address: '10.0.0.2', port: 5000, family: 'IPv4' };
export const SERVER: DtlsPeer = { address: '10.0.0.1', port: 443, family: 'IPv4' };

export type Direction = 'to-server' | 'to-client';

/** What happens to the n-th datagram of a direction: the delay of each copy that arrives, in ms; none = lost. */
export type Fate = (direction: Direction, index: number, datagram: Buffer) => readonly number[];

export interface LinkOptions {
  readonly server?: Partial<DtlsServerOptions<string>>;
  readonly client?: Partial<DtlsClientOptions>;
  readonly credentials?: DtlsCredentials<string>;
  readonly fate?: Fate;
}

interface Arrival {
  readonly at: number;
  readonly order: number;
  readonly deliver: () => void;
}

/** A server and clients on virtual time, with a link between them that loses, repeats and reorders as told. */
export class DtlsLink {
  now = 0;
  readonly server: DtlsServer<string>;
  client: DtlsClient;
  clientPeer: DtlsPeer = CLIENT;
  /** Everything that was put on the link. */
  readonly sent: { direction: Direction; datagram: Buffer; peer: DtlsPeer }[] = [];
  readonly connected: DtlsAssociation<string>[] = [];
  readonly atServer: string[] = [];
  readonly atClient: string[] = [];
  readonly closed: { reason: CloseReason; details: CloseDetails }[] = [];
  readonly failed: { reason: CloseReason; details: CloseDetails }[] = [];
  readonly clientClosed: { reason: CloseReason; details: CloseDetails }[] = [];
  readonly drops: DropReason[] = [];
  readonly clientDrops: DropReason[] = [];
  readonly keylog: string[] = [];
  readonly moves: [DtlsPeer, DtlsPeer][] = [];
  /** Order of callbacks, for tests of what comes first. */
  readonly events: string[] = [];
  readonly #fate: Fate;
  readonly #counts = { 'to-server': 0, 'to-client': 0 };
  #queue: Arrival[] = [];
  #order = 0;

  constructor(options: LinkOptions = {}) {
    this.#fate = options.fate ?? (() => [1]);
    const credentials = options.credentials ?? { kind: 'psk', key: PSK, context: 'c' };
    this.server = new DtlsServer<string>({
      lookup: () => credentials,
      onConnect: (association) => {
        this.connected.push(association);
        this.events.push('connect');
      },
      onData: (_association, buffer, offset, length) => {
        this.atServer.push(buffer.toString('latin1', offset, offset + length));
        this.events.push('data');
      },
      onClose: (_association, reason, details) => {
        this.closed.push({ reason, details });
        this.events.push(`close ${reason}`);
      },
      onHandshakeFailed: (_context, _peer, reason, details) => this.failed.push({ reason, details }),
      onMove: (_association, from, to) => {
        this.moves.push([from, to]);
        this.events.push('move');
      },
      onDrop: (reason) => this.drops.push(reason),
      onKeylog: (line) => this.keylog.push(line),
      ...options.server,
      send: (buffer, offset, length, peer) => {
        this.transfer('to-client', Buffer.from(buffer.subarray(offset, offset + length)), peer);
      },
    });
    this.client = this.newClient(options.client);
  }

  /** Another client at the same end of the link; what comes there goes to it from now on. */
  newClient(options: Partial<DtlsClientOptions> = {}): DtlsClient {
    this.client = new DtlsClient({
      credentials: { kind: 'psk', key: PSK, identity: 'psk' },
      onData: (_association, buffer, offset, length) => {
        this.atClient.push(buffer.toString('latin1', offset, offset + length));
      },
      onClose: (reason, details) => this.clientClosed.push({ reason, details }),
      onDrop: (reason) => this.clientDrops.push(reason),
      ...options,
      peer: SERVER,
      send: (buffer, offset, length) => {
        this.transfer('to-server', Buffer.from(buffer.subarray(offset, offset + length)), this.clientPeer);
      },
    });
    return this.client;
  }

  /** Puts a datagram on the link. `peer`: the client's end, as the server sees it. */
  transfer(direction: Direction, datagram: Buffer, peer: DtlsPeer): void {
    this.sent.push({ direction, datagram, peer });
    for (const delay of this.#fate(direction, this.#counts[direction]++, datagram)) {
      const deliver = (): void => {
        if (direction === 'to-server') this.server.input(datagram, peer, this.now);
        else if (peer.port === this.clientPeer.port && peer.address === this.clientPeer.address) {
          this.client.input(datagram, this.now);
        }
      };
      this.#queue.push({ at: this.now + delay, order: this.#order++, deliver });
    }
  }

  /** Lets time pass until `until` ms, or until `done`. */
  run(until: number, done: () => boolean = () => false): this {
    for (let steps = 0; steps < 100_000 && !done(); steps++) {
      this.#queue.sort((a, b) => a.at - b.at || a.order - b.order);
      const arrival = this.#queue[0];
      const next = Math.min(arrival?.at ?? Infinity, this.server.nextDeadline, this.client.nextDeadline);
      if (next > until) break;
      this.now = Math.max(this.now, next);
      if (arrival && arrival.at <= this.now) {
        this.#queue.shift();
        arrival.deliver();
      }
      this.server.tick(this.now);
      this.client.tick(this.now);
    }
    if (!done()) this.now = Math.max(this.now, until);
    return this;
  }

  /** True when both ends have completed the handshake. */
  get up(): boolean {
    return this.client.association !== undefined && this.connected.some((association) => !association.closed);
  }

  /** Completes the handshake within a second of virtual time, or throws. */
  connect(): this {
    this.client.start(this.now);
    this.run(this.now + 1000, () => this.up);
    if (!this.up) throw new Error('no handshake');
    return this;
  }

  /** Sends text from the client, and lets it arrive. */
  say(text: string): this {
    this.client.association!.send(Buffer.from(text, 'latin1'), 0, text.length);
    return this.run(this.now + 5);
  }

  /** Sends text from the server's newest association, and lets it arrive. */
  answer(text: string): this {
    this.connected.at(-1)!.send(Buffer.from(text, 'latin1'), 0, text.length);
    return this.run(this.now + 5);
  }

  datagrams(direction: Direction): Buffer[] {
    return this.sent.filter((item) => item.direction === direction).map((item) => item.datagram);
  }
}

/** Headers of the records of a datagram. */
export function recordsOf(datagram: Buffer): { type: number; epoch: number; sequence: number; body: Buffer }[] {
  const records = [];
  for (let at = 0; at + 13 <= datagram.length; ) {
    const length = datagram.readUInt16BE(at + 11);
    records.push({
      type: datagram[at]!,
      epoch: datagram.readUInt16BE(at + 3),
      sequence: datagram.readUIntBE(at + 5, 6),
      body: datagram.subarray(at + 13, at + 13 + length),
    });
    at += 13 + length;
  }
  return records;
}

/** An unprotected record. */
export function plainRecord(type: number, sequence: number, body: Buffer): Buffer {
  const out = Buffer.alloc(13 + body.length);
  out[0] = type;
  out.writeUInt16BE(0xfefd, 1);
  out.writeUIntBE(sequence, 5, 6);
  out.writeUInt16BE(body.length, 11);
  body.copy(out, 13);
  return out;
}
