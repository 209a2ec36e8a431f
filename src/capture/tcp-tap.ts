import type { StreamTap } from '../tls/stream-tap.ts';
import type { Capture, Frame } from './capture.ts';
import { type FrameEnd, type FrameHead, frameEnd, MAX_SEGMENT, sameFamily, TcpFlag } from './frames.ts';
import type { CaptureDirection, TappedConnection } from './ports.ts';

/** Bytes of a connection to buffer for single-session captures until its session is known. Own choice. */
const MAX_HELD = 64 * 1024;

const NO_BYTES = Buffer.alloc(0);

/** State shared by the taps of all connections. */
export interface TcpTapHost {
  /** Captures of network traffic. */
  readonly outer: readonly Capture[];
  readonly head: FrameHead;
  time(): number;
}

/**
 * The TCP connection under a TLS connection, as a capture shows it: the bytes are real, the segments around them are
 * synthetic. Pure acknowledgements, retransmissions and segment sizes stay in the kernel and are not visible here.
 */
export class TcpTap implements StreamTap {
  readonly #connection: TappedConnection;
  readonly #host: TcpTapHost;
  readonly #ends: Readonly<Record<CaptureDirection, readonly [FrameEnd, FrameEnd]>>;
  /** Next sequence number in each direction. */
  readonly #next = { in: 0, out: 0 };
  readonly #ended = { in: false, out: false };
  #held: { readonly direction: CaptureDirection; readonly time: number; readonly packet: Buffer }[] = [];
  #heldBytes = 0;

  /** @param fresh true for a new connection; otherwise the capture shows it from the middle */
  constructor(connection: TappedConnection, host: TcpTapHost, fresh: boolean) {
    this.#connection = connection;
    this.#host = host;
    const { raw } = connection.transport;
    const [client, gateway] = sameFamily(
      frameEnd(raw.remoteAddress, raw.remotePort),
      frameEnd(raw.localAddress, raw.localPort),
    );
    this.#ends = { in: [client, gateway], out: [gateway, client] };
    if (!fresh) {
      this.#next.in = this.#next.out = 1;
      return;
    }
    this.#segment('in', TcpFlag.Syn);
    this.#next.in++;
    this.#segment('out', TcpFlag.Syn | TcpFlag.Ack);
    this.#next.out++;
    this.#segment('in', TcpFlag.Ack);
  }

  /** The local end of the connection. */
  get local(): FrameEnd {
    return this.#ends.in[1];
  }

  bytes(direction: CaptureDirection, chunk: Buffer): void {
    for (let at = 0; at < chunk.length; at += MAX_SEGMENT) {
      const length = Math.min(MAX_SEGMENT, chunk.length - at);
      this.#segment(direction, TcpFlag.Ack | TcpFlag.Push, chunk, at, length);
      this.#next[direction] = (this.#next[direction] + length) >>> 0;
    }
  }

  end(direction: CaptureDirection): void {
    if (this.#ended[direction]) return;
    this.#ended[direction] = true;
    this.#segment(direction, TcpFlag.Fin | TcpFlag.Ack);
    this.#next[direction]++;
  }

  gone(): void {
    if (!this.#ended.in || !this.#ended.out) {
      const { raw } = this.#connection.transport;
      const byClient = raw.errored !== null && (raw.errored as NodeJS.ErrnoException).code === 'ECONNRESET';
      this.#segment(byClient ? 'in' : 'out', TcpFlag.Rst | TcpFlag.Ack);
      this.#ended.in = this.#ended.out = true;
    }
    this.#held = [];
  }

  #segment(direction: CaptureDirection, flags: number, buffer: Buffer = NO_BYTES, offset = 0, length = 0): void {
    const { outer, head } = this.#host;
    const sequence = this.#next[direction];
    const acknowledged = flags & TcpFlag.Ack ? this.#next[direction === 'in' ? 'out' : 'in'] : 0;
    head.tcp(this.#ends[direction], { sequence, acknowledged, flags }, { buffer, offset, length });
    const session = this.#connection.session?.id;
    const frame: Frame = {
      time: this.#host.time(),
      direction,
      head: head.bytes,
      headLength: head.length,
      buffer,
      offset,
      length,
    };
    if (this.#held.length > 0 && session !== undefined) this.#release(session);
    let waits = false;
    for (const capture of outer) {
      if (capture.session !== undefined && session === undefined) waits = true;
      else capture.frame('outer', session, frame);
    }
    if (waits) this.#hold(frame);
  }

  #hold({ time, direction, head, headLength, buffer, offset, length }: Frame): void {
    if (this.#heldBytes + headLength + length > MAX_HELD) return;
    const packet = Buffer.concat([head.subarray(0, headLength), buffer.subarray(offset, offset + length)]);
    this.#heldBytes += packet.length;
    this.#held.push({ time, direction, packet });
  }

  /** The session is known: captures of that session receive the buffered bytes. */
  #release(session: string): void {
    const held = this.#held;
    this.#held = [];
    for (const capture of this.#host.outer) {
      if (capture.session !== session) continue;
      for (const { time, direction, packet } of held) {
        const rest = { head: NO_BYTES, headLength: 0, buffer: packet, offset: 0, length: packet.length };
        capture.frame('outer', session, { time, direction, ...rest });
      }
    }
  }
}
