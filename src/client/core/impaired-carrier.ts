import { type RandomSource, systemRandom } from '../../lib/random.ts';
import type { TcpStream } from '../../network/index.ts';
import { type Carrier, type DatagramPort, type DatagramSink, systemCarrier, type Target } from './carrier.ts';
import { SilentStream } from './silent-stream.ts';

/** Ours: closed ports of a client that stay open: the gateway may still use the second to last one if the handshake from the last one failed. */
const MOST_HELD = 2;

/**
 * A network with faults for one client: it loses datagrams, resets connections or lets them fall silent. All faults are on the client's side,
 * so they work with any gateway.
 *
 * @example
 * ```ts
 * const carrier = new ImpairedCarrier();
 * await using client = await TunnelClient.connect({ server, token, carrier });
 * carrier.lose(1); // UDP is blocked from now on
 * ```
 */
export class ImpairedCarrier implements Carrier {
  /** Share of datagrams lost, in each direction: 0 none, 1 all. */
  #loss = 0;
  /** Ports and connections of an earlier network are dead. */
  #epoch = 0;
  #stream: TcpStream | undefined;
  /** Ports known to the gateway that their owner has closed; they stay open so that the gateway gets no ICMP error. */
  readonly #held: DatagramPort[] = [];
  #below: Carrier;
  readonly #random: RandomSource;
  readonly #canFallSilent: boolean;

  /**
   * @param below the underlying network; by default the machine's own
   * @param random decides which datagrams are lost
   * @param canFallSilent whether `fallSilent` will be called: it costs some memory per connection
   */
  constructor(below: Carrier = systemCarrier, random: RandomSource = systemRandom, canFallSilent = false) {
    this.#below = below;
    this.#random = random;
    this.#canFallSilent = canFallSilent;
  }

  get loss(): number {
    return this.#loss;
  }

  /** Sets the share of datagrams lost from now on, in each direction: 0 none, 1 all. */
  lose(share: number): void {
    this.#loss = share;
  }

  /** Moves the client to another network, by default the same one with other ports; the ports in the old one no longer receive anything. */
  moveTo(below: Carrier = systemCarrier): void {
    this.#epoch++;
    this.#below = below;
  }

  /** The client leaves: closes the ports that were held open. */
  close(): void {
    for (const port of this.#held.splice(0)) port.close();
  }

  /** Resets its connection, and makes all open ports dead. New ones work. */
  reset(): void {
    this.#epoch++;
    this.#stream?.resetAndDestroy();
  }

  /** Makes its connection and ports dead from now on, without any error. New ones work. */
  fallSilent(): void {
    this.#epoch++;
    if (this.#stream instanceof SilentStream) this.#stream.fallSilent();
  }

  async connect(target: Target, signal: AbortSignal): Promise<TcpStream> {
    const raw = await this.#below.connect(target, signal);
    const stream = this.#canFallSilent ? new SilentStream(raw) : raw;
    this.#stream = stream;
    stream.once('close', () => {
      if (this.#stream === stream) this.#stream = undefined;
    });
    return stream;
  }

  async datagrams(target: Target, sink: DatagramSink): Promise<DatagramPort> {
    const epoch = this.#epoch;
    /** The gateway knows this port. */
    let known = false;
    let closed = false;
    const port = await this.#below.datagrams(target, {
      onDatagram: (datagram) => {
        if (!closed && this.#passes(epoch)) sink.onDatagram(datagram);
      },
      onBatchEnd: () => sink.onBatchEnd(),
    });
    return {
      send: (buffer, offset, length) => {
        if (!this.#passes(epoch)) return;
        known = true;
        port.send(buffer, offset, length);
      },
      close: () => {
        closed = true;
        if (known) this.#hold(port);
        else port.close();
      },
    };
  }

  /**
   * Keeps a port open. A machine answers datagrams to a closed port with an ICMP error. If datagrams are lost, that error would be lost
   * too, and if a busy generator leaves DTLS, that is not the gateway's fault; ocserv 1.1.6 ends a session whose datagrams get such errors ("Error in
   * the push function" in its log), even while it has not switched to the next port yet.
   */
  #hold(port: DatagramPort): void {
    this.#held.push(port);
    if (this.#held.length > MOST_HELD) this.#held.shift()!.close();
  }

  #passes(epoch: number): boolean {
    if (epoch !== this.#epoch) return false;
    return this.#loss === 0 || (this.#loss < 1 && this.#random.float() >= this.#loss);
  }
}
