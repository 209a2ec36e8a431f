import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import { type DatagramWay, type HostAddresses, type Network, systemNetwork } from '../network/index.ts';
import { MAX_WAITING_DATAGRAMS, UPSTREAM_ADDRESS_MS } from './constants.ts';

interface UdpLegOptions {
  readonly host: string;
  readonly port: number;
  /** @param maxAge maximum age of the addresses, in milliseconds */
  readonly resolve: (maxAge: number) => Promise<HostAddresses>;
  readonly clock: Clock;
  /** How to reach upstreams. Default: sockets of this machine. */
  readonly network?: Network | undefined;
  /** Called before a socket is opened, which may be denied, and after it is closed. */
  readonly onOpen: () => boolean;
  readonly onClose: () => void;
  readonly onMessage: (payload: Buffer) => void;
  /** The upstream is unreachable, with the reason. Pending datagrams are lost, as usual with UDP. */
  readonly onFailure: (explanation: string) => void;
}

/** Errors of a single datagram, such as excessive length. They do not indicate a bad address. */
const LOST: ReadonlySet<string | undefined> = new Set(['EMSGSIZE', 'ENOBUFS', 'EAGAIN', 'ENOMEM']);

/** A socket, and its connected address. */
interface Way {
  readonly socket: DatagramWay;
  readonly address: string;
  open: boolean;
}

/**
 * Carries one UDP mapping to one upstream over its own connected socket: it receives only from that upstream, whatever other
 * destinations the client has, and detects an address that refuses. The next address then gets the unanswered datagrams.
 */
export class UdpLeg {
  /** Time of the client's last datagram. */
  usedAt = -Infinity;
  readonly #options: UdpLegOptions;
  #way: Way | undefined;
  /** Remaining addresses to try. */
  #others: readonly string[] = [];
  #resolving = false;
  #resolvedAt = -Infinity;
  /** Datagrams that wait for a socket, or were sent to an address that may fail: to be resent to another address. */
  #waiting: Buffer[] = [];
  #answered = false;
  #closed = false;

  constructor(options: UdpLegOptions) {
    this.#options = options;
  }

  send(payload: Buffer): void {
    if (this.#closed) return;
    this.usedAt = this.#options.clock.monotonic();
    const stale = this.usedAt - this.#resolvedAt >= UPSTREAM_ADDRESS_MS;
    if (!this.#resolving && (this.#way === undefined || stale)) void this.#resolve();
    const way = this.#way;
    const mayGoElsewhere = !way?.open || this.#resolving || (!this.#answered && this.#others.length > 0);
    if (mayGoElsewhere && this.#waiting.length < MAX_WAITING_DATAGRAMS) this.#waiting.push(payload);
    if (way?.open) this.#transmit(way, payload);
  }

  /** Closes the socket; the next datagram opens another. */
  suspend(): void {
    this.#leave();
    this.#waiting = [];
  }

  close(): void {
    this.#closed = true;
    this.suspend();
  }

  #leave(): void {
    this.#answered = false;
    if (this.#way === undefined) return;
    this.#way.socket.close();
    this.#way = undefined;
    this.#options.onClose();
  }

  async #resolve(): Promise<void> {
    this.#resolving = true;
    this.#waiting = [];
    const found = await this.#options.resolve(UPSTREAM_ADDRESS_MS);
    this.#resolving = false;
    if (this.#closed) return;
    if ('failure' in found) {
      // Keeps using an address that works.
      if (this.#way === undefined) this.#fail(found.failure);
      else this.#resolvedAt = this.#options.clock.monotonic();
      return;
    }
    this.#resolvedAt = this.#options.clock.monotonic();
    if (this.#way !== undefined && found.addresses.includes(this.#way.address)) return;
    this.#others = found.addresses;
    this.#try();
  }

  /** Switches to the next address. */
  #try(): void {
    const [address, ...others] = this.#others;
    this.#leave();
    if (address === undefined) return;
    if (!this.#options.onOpen()) {
      this.#others = [];
      this.#fail('The session has used its share of the sockets to upstreams, all for connections.');
      return;
    }
    this.#others = others;
    const { network = systemNetwork, port, onMessage } = this.#options;
    const socket = network.connectDatagrams(
      { host: address, port },
      {
        onOpen: () => {
          if (this.#way !== way) return;
          way.open = true;
          for (const payload of this.#waiting) this.#transmit(way, payload);
        },
        onDatagram: (message) => {
          this.#answered = true;
          this.#waiting = [];
          onMessage(message);
        },
        onError: (error) => this.#broken(way, error),
      },
    );
    const way: Way = { socket, address, open: false };
    this.#way = way;
  }

  #transmit(way: Way, payload: Buffer): void {
    way.socket.send(payload);
  }

  #broken(way: Way, error: NodeJS.ErrnoException): void {
    if (this.#way !== way) return;
    if (way.open && LOST.has(error.code)) return;
    const { host, port } = this.#options;
    if (this.#others.length > 0) {
      this.#try();
      return;
    }
    this.suspend();
    this.#fail(`${host} port ${port} cannot be reached at ${way.address}: ${errorText(error)}`);
  }

  #fail(explanation: string): void {
    this.#waiting = [];
    this.#options.onFailure(explanation);
  }
}
