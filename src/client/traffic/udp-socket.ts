import { EventEmitter } from 'node:events';
import type { Netstack, OpenedUdpFlow } from '../../netstack/index.ts';

/** Events of a {@link TunnelUdpSocket}. */
export interface TunnelUdpEvents {
  /** A datagram from the peer. */
  message: [payload: Buffer];
  /** The host, or a router on the way, reported that a datagram was not delivered. Later ones may be. */
  undelivered: [why: 'unreachable' | 'time-exceeded'];
  /** The socket no longer works: it was closed, was idle for too long, or the tunnel has ended. */
  close: [];
}

/**
 * UDP between the tunnel's own address and one peer. As always with UDP, datagrams may be lost or reordered. None is buffered:
 * datagrams that arrive without a listener for `message` are lost.
 *
 * @example
 * ```ts
 * await using socket = await client.openUdp('tools.contoso.internal', 7);
 * socket.on('message', (payload) => console.log(payload.toString()));
 * socket.send(Buffer.from('hello'));
 * ```
 */
export class TunnelUdpSocket extends EventEmitter<TunnelUdpEvents> implements AsyncDisposable {
  readonly #stack: Netstack;
  readonly #flow: OpenedUdpFlow;
  #closed = false;

  /** @param peer destination; addresses of one family */
  constructor(
    stack: Netstack,
    peer: { readonly localAddress: string; readonly remoteAddress: string; readonly remotePort: number },
  ) {
    super();
    this.#stack = stack;
    this.#flow = stack.openUdp(peer, (payload) => void this.emit('message', payload));
    this.#flow.onError = (why) => void this.emit('undelivered', why);
    this.#flow.onClose = () => this.#ended();
  }

  get localAddress(): string {
    return this.#flow.localAddress;
  }

  get localPort(): number {
    return this.#flow.localPort;
  }

  get remoteAddress(): string {
    return this.#flow.remoteAddress;
  }

  get remotePort(): number {
    return this.#flow.remotePort;
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Sends one datagram. Returns false if it does not fit in a packet, or the socket is closed. */
  send(payload: Uint8Array): boolean {
    if (this.#closed) return false;
    const sent = this.#flow.send(payload);
    this.#stack.flush();
    return sent;
  }

  /** Closes the socket; calling it again, or after its end, is harmless. */
  close(): void {
    this.#flow.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  #ended(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.emit('close');
  }
}
