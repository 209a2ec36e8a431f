import { addAbortSignal, type Duplex } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';
import { patience } from '../lib/late-tick.ts';
import type { RandomSource } from '../lib/random.ts';
import {
  createNetstack,
  driveNetstack,
  type Netstack,
  type NetstackDriver,
  type PacketOutput,
  TcpState,
} from '../netstack/index.ts';
import { OPEN_TIMEOUT_MS } from './constants.ts';
import type { TunnelConfiguration } from './core/tunnel-configuration.ts';
import { TunnelUdpSocket } from './traffic/udp-socket.ts';

export interface InnerHostOptions {
  readonly configuration: TunnelConfiguration;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly output: PacketOutput;
  /** Largest packet that the current tunnel carries, in bytes; undefined = as in the first one. */
  readonly mtu?: () => number | undefined;
}

/** Source and destination of a connection to open. */
export interface InnerEnds {
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** The other end, for messages. */
  readonly where: string;
  readonly signal?: AbortSignal | undefined;
}

/** The equivalent of another client's TUN device: a host with the tunnel's addresses, in user space. */
export class InnerHost {
  readonly stack: Netstack;
  readonly driver: NetstackDriver;
  readonly #clock: Clock;
  readonly #streams = new Set<Duplex>();
  readonly #openings = new Map<object, (state: TcpState) => void>();

  constructor(options: InnerHostOptions) {
    const { configuration, clock, random, output, mtu } = options;
    const { address4, address6 } = configuration;
    this.#clock = clock;
    this.stack = createNetstack({
      output,
      random,
      now: clock.monotonic(),
      mtu: configuration.mtu,
      ...(mtu && { pathMtu: mtu }),
      isLocal: (address) => address === address4 || address === address6,
      onStateChange: (flow, _from, to) => this.#openings.get(flow)?.(to),
    });
    this.driver = driveNetstack(this.stack, clock);
  }

  /** Opens a TCP connection. @throws TunneliteError `ERR_CLIENT_OPEN`; the reason of the signal */
  async openTcp({ where, signal, ...ends }: InnerEnds): Promise<Duplex> {
    signal?.throwIfAborted();
    const stream = await this.#opened({ where, signal, ...ends });
    // One batch of packets may both open and reset the connection, before any listener could be added.
    if (!stream.errored) return stream;
    const message = `${where} was reset right after it opened: ${errorText(stream.errored)}`;
    throw new TunneliteError('ERR_CLIENT_OPEN', message, { cause: stream.errored, details: { reset: true } });
  }

  #opened({ where, signal, ...ends }: InnerEnds): Promise<Duplex> {
    const flow = orFull(where, () => this.stack.connect({ ...ends, noDelay: true }));
    const stream = flow.toDuplex();
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    this.stack.flush();
    return new Promise<Duplex>((resolve, reject) => {
      const onAbort = (): void => finish(signal!.reason);
      const finish = (error?: unknown): void => {
        this.#openings.delete(flow);
        timer.cancel();
        signal?.removeEventListener('abort', onAbort);
        stream.off('error', onError);
        // A reset may arrive before the caller gets the stream: that is an error of the stream, not an unhandled one.
        stream.on('error', () => {});
        if (error === undefined) {
          if (signal) addAbortSignal(signal, stream);
          resolve(stream);
          return;
        }
        stream.destroy();
        reject(error);
      };
      const onError = (error: Error): void =>
        finish(new TunneliteError('ERR_CLIENT_OPEN', `${where}: ${errorText(error)}`, { cause: error }));
      const timer = patience(this.#clock, OPEN_TIMEOUT_MS, () =>
        finish(new TunneliteError('ERR_CLIENT_OPEN', `${where} did not answer within ${OPEN_TIMEOUT_MS / 1000} s.`)),
      );
      stream.on('error', onError);
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#openings.set(flow, (state) => {
        if (state === TcpState.Established) finish();
        else if (state === TcpState.Closed)
          finish(
            new TunneliteError('ERR_CLIENT_OPEN', `${where} refused the connection.`, { details: { refused: true } }),
          );
      });
    });
  }

  /** Opens a UDP socket to one peer. @throws TunneliteError `ERR_CLIENT_OPEN` */
  openUdp({ where, ...ends }: Omit<InnerEnds, 'signal'>): TunnelUdpSocket {
    return orFull(where, () => new TunnelUdpSocket(this.stack, ends));
  }

  /** Packets use another channel to the gateway from now on: packets lost on the old one are retransmitted immediately. */
  pathChanged(): void {
    this.stack.pathChanged();
  }

  /** Ends all streams without an error: the caller who closes the tunnel expects that they end. */
  endStreams(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  /** The tunnel is gone. Open streams end with an error. */
  close(): void {
    this.driver.stop();
    this.stack.close();
  }
}

/** Converts the error of a stack that has reached its limit on connections. */
function orFull<T>(where: string, open: () => T): T {
  try {
    return open();
  } catch (cause) {
    throw new TunneliteError('ERR_CLIENT_OPEN', `${where}: ${errorText(cause)}`, { cause });
  }
}
