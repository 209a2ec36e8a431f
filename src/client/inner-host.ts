import type { Duplex } from 'node:stream';
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

export interface InnerHostOptions {
  readonly configuration: TunnelConfiguration;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly output: PacketOutput;
}

/** What a TUN device would be to another client: the host with the tunnel's addresses, in user space. */
export class InnerHost {
  readonly stack: Netstack;
  readonly driver: NetstackDriver;
  readonly #clock: Clock;
  readonly #streams = new Set<Duplex>();
  readonly #openings = new Map<object, (state: TcpState) => void>();

  constructor({ configuration: { address4, address6, mtu }, clock, random, output }: InnerHostOptions) {
    this.#clock = clock;
    this.stack = createNetstack({
      output,
      random,
      now: clock.monotonic(),
      mtu,
      isLocal: (address) => address === address4 || address === address6,
      onStateChange: (flow, _from, to) => this.#openings.get(flow)?.(to),
    });
    this.driver = driveNetstack(this.stack, clock);
  }

  /**
   * Opens a TCP connection.
   * @param where the other end, for messages
   * @throws TunneliteError `ERR_CLIENT_OPEN`
   */
  openTcp(localAddress: string, remoteAddress: string, remotePort: number, where: string): Promise<Duplex> {
    const flow = this.stack.connect({ localAddress, remoteAddress, remotePort, noDelay: true });
    const stream = flow.toDuplex();
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    this.stack.flush();
    return new Promise<Duplex>((resolve, reject) => {
      const finish = (error?: TunneliteError): void => {
        this.#openings.delete(flow);
        timer.cancel();
        stream.off('error', onError);
        // A reset may come before whoever waits for the stream gets it: that is an error of the stream's, not one that nobody listens to.
        stream.on('error', () => {});
        if (!error) {
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
      this.#openings.set(flow, (state) => {
        if (state === TcpState.Established) finish();
        else if (state === TcpState.Closed)
          finish(new TunneliteError('ERR_CLIENT_OPEN', `${where} refused the connection.`));
      });
    });
  }

  /** Ends all streams without an error: whoever closes the tunnel knows that they end. */
  endStreams(): void {
    for (const stream of this.#streams) stream.destroy();
  }

  /** The tunnel is gone. Streams that are open learn that they were cut. */
  close(): void {
    this.driver.stop();
    this.stack.close();
  }
}
