import type { Clock, Timer } from '../lib/clock.ts';
import { checkTimeout, parseDuration } from '../lib/duration.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { Emit, TunneliteEvent } from '../telemetry/events.ts';
import type { DatagramTap } from '../udp/datagram-tap.ts';
import type { Endpoint } from '../udp/index.ts';
import { Capture, type Frame } from './capture.ts';
import { type FrameEnd, FrameHead, frameEnd, sameFamily } from './frames.ts';
import type { CaptureDirection, CaptureTaps, PacketTap, TappedConnection } from './ports.ts';
import { TcpTap, type TcpTapHost } from './tcp-tap.ts';
import type { CaptureOptions } from './types.ts';

/** Most captures at once, including stopped ones that were not removed. Own choice. */
const MAX_CAPTURES = 8;

/** Memory of one capture in bytes: default, minimum and maximum; and the maximum of all captures together. */
export const RING_BYTES = { default: 16 * 1024 * 1024, min: 256 * 1024, max: 1024 * 1024 * 1024 } as const;

/** Number of clients whose local address is remembered. */
const MAX_LOCALS = 10_000;

const NO_BYTES = Buffer.alloc(0);
const LOOPBACK = { IPv4: '127.0.0.1', IPv6: '::1' } as const;

interface HubOptions {
  /** Clock of the network: provides the timestamps of packets. */
  readonly machine: Clock;
  readonly emit: Emit;
  readonly version: string;
  /** Follows events as they happen; call the returned function to stop. */
  readonly subscribe: (listener: (event: TunneliteEvent) => void) => () => void;
}

/** All captures of one simulator, and the port for the gateway. Without a capture, the gateway does no capture work. */
export class CaptureHub implements CaptureTaps, TcpTapHost {
  packets: PacketTap | undefined;
  datagrams: DatagramTap | undefined;
  keys: ((line: string) => void) | undefined;
  connections: ((connection: TappedConnection) => void) | undefined;
  outer: readonly Capture[] = [];
  readonly head = new FrameHead();
  readonly #options: HubOptions;
  readonly #captures = new Map<string, Capture>();
  readonly #timers = new Map<Capture, Timer>();
  #inner: readonly Capture[] = [];
  #number = 0;
  /** Wall-clock time at zero of the monotonic clock. */
  readonly #epoch: number;
  #open: () => Iterable<TappedConnection> = () => [];
  #unsubscribe: (() => void) | undefined;
  /** The local addresses that clients connected to, by client address. */
  readonly #locals = new Map<string, FrameEnd>();
  #ends = new WeakMap<Endpoint, Readonly<Record<CaptureDirection, readonly [FrameEnd, FrameEnd]>>>();

  constructor(options: HubOptions) {
    this.#options = options;
    this.#epoch = options.machine.now() - options.machine.monotonic();
  }

  /** Finds the connections that are open when a capture starts. */
  attach(open: () => Iterable<TappedConnection>): void {
    this.#open = open;
  }

  /** Milliseconds since the Unix epoch, with microsecond resolution. */
  time(): number {
    return this.#epoch + this.#options.machine.monotonic();
  }

  /**
   * Starts a capture.
   * @throws TunneliteError `ERR_CAPTURE_LIMIT`, `ERR_CAPTURE_OPTIONS`, `ERR_DURATION_INVALID`
   */
  start({ session, layers = 'both', duration, size, ring = RING_BYTES.default }: CaptureOptions = {}): Capture {
    assertBytes('ring', ring, RING_BYTES.min, RING_BYTES.max);
    if (size !== undefined) assertBytes('size', size, 1, Number.MAX_SAFE_INTEGER);
    const ms = duration === undefined ? undefined : checkTimeout(parseDuration(duration));
    this.#assertRoom(ring);
    const id = `c${++this.#number}`;
    const capture: Capture = new Capture({
      id,
      layers,
      session,
      ring,
      size,
      startedAt: Math.round(this.time()),
      application: `Tunnelite ${this.#options.version}`,
      onStop: (reason) => this.#stopped(capture, reason),
    });
    this.#captures.set(id, capture);
    if (ms !== undefined) {
      const timer = this.#options.machine.setTimer(ms, () => capture.stop('time limit'));
      this.#timers.set(capture, timer);
    }
    this.#options.emit('capture.started', { capture: id, layers, session });
    this.#refresh();
    return capture;
  }

  list(): Capture[] {
    return [...this.#captures.values()];
  }

  /** @throws TunneliteError `ERR_CAPTURE_UNKNOWN` */
  get(id: string): Capture {
    const capture = this.#captures.get(id);
    if (capture) return capture;
    throw new TunneliteError('ERR_CAPTURE_UNKNOWN', `There is no capture ${JSON.stringify(id.slice(0, 64))}.`, {
      details: { id },
    });
  }

  /** Stops a capture and frees its memory. */
  remove(id: string): void {
    const capture = this.get(id);
    capture.stop('removed');
    this.#captures.delete(id);
  }

  close(): void {
    for (const capture of this.list()) capture.stop('the simulator closed');
  }

  #stopped(capture: Capture, reason: string): void {
    this.#timers.get(capture)?.cancel();
    this.#timers.delete(capture);
    const { packets, bytes } = capture.status;
    this.#refresh();
    this.#options.emit('capture.stopped', { capture: capture.id, packets, bytes, reason });
  }

  #assertRoom(ring: number): void {
    if (this.#captures.size >= MAX_CAPTURES) {
      throw new TunneliteError('ERR_CAPTURE_LIMIT', `The limit of ${MAX_CAPTURES} captures is reached.`);
    }
    const taken = this.list().reduce((sum, { status }) => sum + status.ring, 0);
    if (taken + ring > RING_BYTES.max) {
      const message = `All captures together are limited to ${RING_BYTES.max} bytes of memory, and ${taken} are in use.`;
      throw new TunneliteError('ERR_CAPTURE_LIMIT', message);
    }
  }

  /** Updates the gateway's view after a capture starts or ends. */
  #refresh(): void {
    const running = this.list().filter(({ stopped }) => !stopped);
    const before = this.outer.length > 0;
    this.#inner = running.filter(({ layers }) => layers !== 'outer');
    this.outer = running.filter(({ layers }) => layers !== 'inner');
    this.packets = this.#inner.length > 0 ? this.#packetTap : undefined;
    const outer = this.outer.length > 0;
    this.datagrams = outer ? this.#datagramTap : undefined;
    this.keys = outer ? this.#key : undefined;
    this.connections = outer ? this.#connected : undefined;
    if (outer && !before) for (const connection of this.#open()) this.#tap(connection, false);
    if (!outer && before) {
      for (const { transport } of this.#open()) transport.useTap(undefined);
      this.#ends = new WeakMap();
      this.#locals.clear();
    }
    this.#unsubscribe?.();
    this.#unsubscribe =
      running.length === 0 ? undefined : this.#options.subscribe((event) => this.#note(running, event));
  }

  #note(running: readonly Capture[], { name, level, text, fields }: TunneliteEvent): void {
    if (level === 'trace' && name !== 'fault.injected') return;
    const { session } = fields as { readonly session?: string };
    const time = this.time();
    for (const capture of running) {
      if (capture.session === undefined || session === undefined || session === capture.session) {
        capture.note(time, `${name}: ${text}`);
      }
    }
  }

  readonly #key = (line: string): void => {
    for (const capture of this.outer) capture.key(line);
  };

  readonly #connected = (connection: TappedConnection): void => this.#tap(connection, true);

  #tap(connection: TappedConnection, fresh: boolean): void {
    const tap = new TcpTap(connection, this, fresh);
    connection.transport.useTap(tap);
    if (this.#locals.size >= MAX_LOCALS) this.#locals.clear();
    this.#locals.set(connection.transport.raw.remoteAddress ?? '', tap.local);
  }

  readonly #packetTap: PacketTap = {
    packet: (direction, session, buffer, offset, length) => {
      const frame: Frame = { time: this.time(), direction, head: NO_BYTES, headLength: 0, buffer, offset, length };
      for (const capture of this.#inner) capture.frame('inner', session, frame);
    },
  };

  readonly #datagramTap: DatagramTap = {
    datagram: (direction, { buffer, offset, length }, remote, port, session) => {
      this.head.udp(this.#endsOf(remote, port)[direction], { buffer, offset, length });
      const { bytes: head, length: headLength } = this.head;
      const frame: Frame = { time: this.time(), direction, head, headLength, buffer, offset, length };
      for (const capture of this.outer) capture.frame('outer', session, frame);
    },
  };

  #endsOf(remote: Endpoint, port: number): Readonly<Record<CaptureDirection, readonly [FrameEnd, FrameEnd]>> {
    const known = this.#ends.get(remote);
    if (known !== undefined) return known;
    const local = this.#locals.get(remote.address) ?? this.#locals.get(`::ffff:${remote.address}`);
    const address = local?.address ?? frameEnd(LOOPBACK[remote.family], port).address;
    const [client, gateway] = sameFamily(frameEnd(remote.address, remote.port), { address, port });
    const ends = { in: [client, gateway], out: [gateway, client] } as const;
    this.#ends.set(remote, ends);
    return ends;
  }
}

function assertBytes(name: string, value: number, min: number, max: number): void {
  if (Number.isSafeInteger(value) && value >= min && value <= max) return;
  throw new TunneliteError(
    'ERR_CAPTURE_OPTIONS',
    `${name} is ${value}; it must be a number of bytes from ${min} to ${max}.`,
  );
}
