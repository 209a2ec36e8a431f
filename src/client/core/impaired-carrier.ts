import { type RandomSource, systemRandom } from '../../lib/random.ts';
import type { TcpStream } from '../../network/index.ts';
import { type Carrier, type DatagramPort, type DatagramSink, systemCarrier, type Target } from './carrier.ts';
import { SilentStream } from './silent-stream.ts';

/** Ours: ports that a client has left and that stay open: the one before the last may still be the gateway's, where the last came to nothing. */
const MOST_HELD = 2;

/**
 * The network of one client, in which things go wrong: its datagrams are lost, its connection breaks or falls silent. All of that is at this end,
 * so that the gateway can be any.
 *
 * @example
 * ```ts
 * const carrier = new ImpairedCarrier();
 * await using client = await TunnelClient.connect({ server, token, carrier });
 * carrier.lose(1); // UDP is blocked from now on
 * ```
 */
export class ImpairedCarrier implements Carrier {
  /** Share of its datagrams that is lost, in each direction: 0 none, 1 all. */
  #loss = 0;
  /** Ports and connections of an earlier one lead nowhere. */
  #epoch = 0;
  #stream: TcpStream | undefined;
  /** Ports that the gateway knew, and that their owner has closed: the gateway shall not hear so. */
  readonly #held: DatagramPort[] = [];
  #below: Carrier;
  readonly #random: RandomSource;
  readonly #canFallSilent: boolean;

  /**
   * @param below the network that it is a part of; the machine's own by default
   * @param random which datagrams are lost
   * @param canFallSilent whether `fallSilent` will be called: it costs each connection some memory
   */
  constructor(below: Carrier = systemCarrier, random: RandomSource = systemRandom, canFallSilent = false) {
    this.#below = below;
    this.#random = random;
    this.#canFallSilent = canFallSilent;
  }

  get loss(): number {
    return this.#loss;
  }

  /** Which share of its datagrams is lost from now on, in each direction: 0 none, 1 all. */
  lose(share: number): void {
    this.#loss = share;
  }

  /** It is in another network from now on, by default the same one with other ports: from the ports in the old one, nothing is heard any more. */
  moveTo(below: Carrier = systemCarrier): void {
    this.#epoch++;
    this.#below = below;
  }

  /** Its owner leaves. */
  close(): void {
    for (const port of this.#held.splice(0)) port.close();
  }

  /** Its connection is reset, and the ports that are open lead nowhere. New ones come about. */
  reset(): void {
    this.#epoch++;
    this.#stream?.resetAndDestroy();
  }

  /** Its connection and its ports lead nowhere from now on, and nobody says so. New ones come about. */
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
    /** The gateway knows of this port. */
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
   * Keeps a port open. To what comes to a closed port, a machine answers that nobody is there (ICMP). Where datagrams are lost that answer would be,
   * too, and where a busy generator leaves DTLS it is not the gateway's doing; ocserv 1.1.6 ends a session whose datagrams are answered so ("Error in
   * the push function" in its log), also while it has yet to take the next port.
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
