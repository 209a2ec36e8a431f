import { Buffer } from 'node:buffer';
import { seededRandom } from '../../src/lib/random.ts';
import type {
  Netstack,
  NetstackOptions,
  TcpCloseReason,
  TcpConnectRequest,
  TcpFlow,
} from '../../src/netstack/core/types.ts';
import { createNetstack } from '../../src/netstack/index.ts';

export const FIN = 1;
export const SYN = 2;
export const RST = 4;
export const PSH = 8;
export const ACK = 16;

export const LOCAL = '10.1.2.3';
export const REMOTE = '10.77.0.1';

/** A TCP segment, parsed or to be made. Sequence numbers are unsigned. */
export interface RawSegment {
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly window: number;
  readonly payload: Buffer;
  readonly options: Buffer;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

function ones(buffer: Buffer, sum = 0): number {
  for (let i = 0; i + 1 < buffer.length; i += 2) sum += buffer.readUInt16BE(i);
  if (buffer.length & 1) sum += buffer[buffer.length - 1]! << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return sum;
}

const bytesOf = (address: string): Buffer => Buffer.from(address.split('.').map(Number));

/** An IPv4 packet around a TCP segment, with right checksums. */
export function buildPacket(segment: RawSegment, source = REMOTE, destination = LOCAL): Buffer {
  const { options, payload } = segment;
  const tcp = Buffer.alloc(20 + options.length + payload.length);
  tcp.writeUInt16BE(segment.sourcePort, 0);
  tcp.writeUInt16BE(segment.destinationPort, 2);
  tcp.writeUInt32BE(segment.seq >>> 0, 4);
  tcp.writeUInt32BE(segment.ack >>> 0, 8);
  tcp[12] = ((20 + options.length) >> 2) << 4;
  tcp[13] = segment.flags;
  tcp.writeUInt16BE(segment.window, 14);
  options.copy(tcp, 20);
  payload.copy(tcp, 20 + options.length);
  const ip = Buffer.alloc(20);
  ip[0] = 0x45;
  ip.writeUInt16BE(20 + tcp.length, 2);
  ip[6] = 0x40;
  ip[8] = 64;
  ip[9] = 6;
  bytesOf(source).copy(ip, 12);
  bytesOf(destination).copy(ip, 16);
  ip.writeUInt16BE(~ones(ip) & 0xffff, 10);
  const pseudo = ones(ip.subarray(12, 20), 6 + tcp.length);
  tcp.writeUInt16BE(~ones(tcp, pseudo) & 0xffff, 16);
  return Buffer.concat([ip, tcp]);
}

/** Takes an IPv4 packet apart; throws when a checksum is wrong, as our stack must never send such. */
export function parsePacket(packet: Buffer): RawSegment {
  const header = (packet[0]! & 15) << 2;
  const total = packet.readUInt16BE(2);
  const tcp = packet.subarray(header, total);
  if (ones(packet.subarray(0, header)) !== 0xffff) throw new Error('wrong IP checksum');
  if (ones(tcp, ones(packet.subarray(12, 20), 6 + tcp.length)) !== 0xffff) throw new Error('wrong TCP checksum');
  const data = (tcp[12]! >> 4) << 2;
  return {
    sourcePort: tcp.readUInt16BE(0),
    destinationPort: tcp.readUInt16BE(2),
    seq: tcp.readUInt32BE(4),
    ack: tcp.readUInt32BE(8),
    flags: tcp[13]!,
    window: tcp.readUInt16BE(14),
    options: Buffer.from(tcp.subarray(20, data)),
    payload: Buffer.from(tcp.subarray(data)),
  };
}

/** Options by kind; NOP and END are left out. */
export function optionsOf(segment: RawSegment): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  const { options } = segment;
  for (let at = 0; at < options.length; ) {
    const kind = options[at]!;
    if (kind === 0) break;
    if (kind === 1) {
      at++;
      continue;
    }
    const length = options[at + 1]!;
    found.set(kind, options.subarray(at + 2, at + length));
    at += length;
  }
  return found;
}

export interface RawPeerOptions {
  readonly stack?: Partial<NetstackOptions>;
  /** Options of the peer's SYN. */
  readonly mss?: number;
  readonly windowScale?: number;
  readonly sack?: boolean;
  readonly timestamps?: boolean;
  readonly window?: number;
  /** Take every request; default true. */
  readonly accept?: boolean;
  readonly noDelay?: boolean;
}

/**
 * A peer whose every segment the test makes itself, before one stack on virtual time. Sequence numbers of `send` and of
 * `sent` are relative: 0 is the SYN, 1 the first byte.
 */
export class RawPeer {
  readonly stack: Netstack;
  now = 10_000;
  /** What the stack has sent and nobody has looked at. */
  readonly out: RawSegment[] = [];
  readonly other: Buffer[] = [];
  readonly requests: TcpConnectRequest[] = [];
  readonly isn = 0x7fff_ff00;
  port = 40_000;
  iss = 0;
  flow: TcpFlow | undefined;
  received: Buffer[] = [];
  ended = false;
  closed: TcpCloseReason | undefined;
  connected = false;
  drains = 0;
  autoConsume = true;
  window: number;
  omitTimestamps = false;
  tsval = 5000;
  tsecr = 0;
  readonly #options: RawPeerOptions;

  constructor(options: RawPeerOptions = {}) {
    this.#options = options;
    this.window = options.window ?? 65_535;
    this.stack = createNetstack({
      random: seededRandom(42),
      now: this.now,
      output: (buffer, offset, length) => {
        const packet = Buffer.from(buffer.subarray(offset, offset + length));
        if (packet[9] !== 6) {
          this.other.push(packet);
          return;
        }
        const segment = parsePacket(packet);
        const timestamps = optionsOf(segment).get(8);
        if (timestamps !== undefined) this.tsecr = timestamps.readUInt32BE(0);
        this.out.push(segment);
      },
      onTcp: (request) => {
        this.requests.push(request);
        if (options.accept !== false) this.own(request.accept({ noDelay: options.noDelay ?? true }));
      },
      ...options.stack,
    });
  }

  own(flow: TcpFlow): void {
    this.flow = flow;
    flow.handler = {
      onConnect: () => {
        this.connected = true;
      },
      onData: (chunk) => {
        this.received.push(chunk);
        if (this.autoConsume) flow.consumed(chunk.length);
      },
      onDrain: () => {
        this.drains++;
      },
      onEnd: () => {
        this.ended = true;
      },
      onClose: (reason) => {
        this.closed = reason;
      },
    };
  }

  get data(): string {
    return Buffer.concat(this.received).toString('latin1');
  }

  /** Options as the peer puts them on segments other than SYN. */
  #plainOptions(): Buffer {
    if (!this.#options.timestamps || this.omitTimestamps) return Buffer.alloc(0);
    const options = Buffer.from([1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0]);
    options.writeUInt32BE(this.tsval >>> 0, 4);
    options.writeUInt32BE(this.tsecr >>> 0, 8);
    return options;
  }

  #synOptions(): Buffer {
    const parts: Buffer[] = [Buffer.from([2, 4, (this.#options.mss ?? 1460) >> 8, (this.#options.mss ?? 1460) & 0xff])];
    if (this.#options.windowScale !== undefined) parts.push(Buffer.from([1, 3, 3, this.#options.windowScale]));
    if (this.#options.sack) parts.push(Buffer.from([1, 1, 4, 2]));
    if (this.#options.timestamps) parts.push(this.#plainOptions());
    return Buffer.concat(parts);
  }

  /** One segment to the stack; `seq` and `ack` relative. Without `flush` it stays in the batch. */
  send(
    fields: {
      readonly seq?: number;
      readonly ack?: number;
      readonly flags?: number;
      readonly payload?: string | Buffer;
      readonly options?: Buffer;
      readonly window?: number;
      readonly port?: number;
    },
    flush = true,
  ): void {
    const flags = fields.flags ?? ACK;
    const plain = flags & SYN ? this.#synOptions() : this.#plainOptions();
    const packet = buildPacket({
      sourcePort: fields.port ?? this.port,
      destinationPort: 80,
      seq: (this.isn + (fields.seq ?? 1)) >>> 0,
      ack: flags & ACK ? (this.iss + (fields.ack ?? 1)) >>> 0 : 0,
      flags,
      window: fields.window ?? this.window,
      options: fields.options ? Buffer.concat([plain, fields.options]) : plain,
      payload: Buffer.from(fields.payload ?? ''),
    });
    this.stack.tick(this.now);
    this.stack.input(packet, 0, packet.length);
    if (flush) this.stack.flush();
  }

  /** Takes what the stack has sent, with relative numbers. */
  sent(): RawSegment[] {
    const segments = this.out.splice(0);
    return segments.map((segment) => ({
      ...segment,
      seq: (segment.seq - this.iss) | 0,
      ack: segment.flags & ACK ? (segment.ack - this.isn) | 0 : 0,
    }));
  }

  /** SYN, SYN-ACK, ACK. */
  establish(): this {
    this.send({ seq: 0, flags: SYN });
    this.iss = this.out.at(-1)!.seq;
    this.out.length = 0;
    this.send({ seq: 1, ack: 1 });
    return this;
  }

  /** Lets time pass, with all timers on the way. */
  wait(ms: number): void {
    const end = this.now + ms;
    while (this.stack.nextDeadline <= end) {
      this.now = Math.max(this.now, this.stack.nextDeadline);
      this.stack.tick(this.now);
      this.stack.flush();
    }
    this.now = end;
    this.stack.tick(end);
    this.stack.flush();
  }

  /** Drop and refusal counters that are not zero, for messages. */
  get counters(): Record<string, number> {
    return Object.fromEntries(Object.entries(this.stack.stats()).filter(([, value]) => value !== 0));
  }
}

/** A SACK option with padding. */
export function sackOption(peer: RawPeer, ...blocks: readonly (readonly [number, number])[]): Buffer {
  const option = Buffer.alloc(4 + 8 * blocks.length);
  option.set([1, 1, 5, 2 + 8 * blocks.length]);
  blocks.forEach(([start, end], i) => {
    option.writeUInt32BE((peer.iss + start) >>> 0, 4 + 8 * i);
    option.writeUInt32BE((peer.iss + end) >>> 0, 8 + 8 * i);
  });
  return option;
}

/** Blocks of a segment's SACK option, relative to the peer's numbers. */
export function sackBlocks(peer: RawPeer, segment: RawSegment): [number, number][] {
  const option = optionsOf(segment).get(5);
  const blocks: [number, number][] = [];
  for (let at = 0; option !== undefined && at < option.length; at += 8) {
    blocks.push([(option.readUInt32BE(at) - peer.isn) | 0, (option.readUInt32BE(at + 4) - peer.isn) | 0]);
  }
  return blocks;
}

export const describe = (segment: RawSegment): string =>
  `${[
    [SYN, 'S'],
    [FIN, 'F'],
    [RST, 'R'],
    [PSH, 'P'],
    [ACK, '.'],
  ]
    .filter(([bit]) => segment.flags & (bit as number))
    .map(([, letter]) => letter)
    .join('')} ${segment.seq}:${segment.seq + segment.payload.length} ack ${segment.ack}`;
