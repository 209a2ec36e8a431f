import type { Server } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { type RandomSource, seededRandom } from '../lib/random.ts';
import type { DatagramSocket, DatagramSocketOptions } from '../udp/index.ts';
import { Line, type Site } from './line.ts';
import { type LinkName, type LinkQuality, linkQuality } from './link.ts';
import { MemoryDatagrams } from './memory-datagrams.ts';
import { listenInMemory } from './memory-server.ts';
import { type MemoryStream, systemError } from './memory-stream.ts';
import type { NatKind } from './nat.ts';
import { type Parcel, Parcels } from './parcel.ts';
import type { DatagramWay, DatagramWayEvents, Network, TcpStream, TcpTarget } from './types.ts';

/** First automatically assigned port. */
const FIRST_FREE_PORT = 49_152;

/** Options of a client's line. */
export interface LineOptions {
  /** The client's public address. */
  readonly address: string;
  /** Default `lan`. */
  readonly link?: LinkName | Partial<LinkQuality>;
  /** Default `none`. */
  readonly nat?: NatKind;
}

/**
 * A network in memory, on any clock: one machine with servers, and clients that connect to it, each over its own line with delay, jitter,
 * loss, a rate and a NAT. All random decisions derive from `random`, separately for each line, so adding a line does not affect the others.
 *
 * Traffic of servers and clients to `127.0.0.1` takes no time.
 *
 * @example
 * ```ts
 * const network = new MemoryNetwork({ clock: new VirtualClock(), random: seededRandom(1) });
 * const line = network.line({ address: '198.51.100.7', link: '3g', nat: 'easy' });
 * ```
 */
export class MemoryNetwork implements Network, Site {
  readonly clock: Clock;
  readonly parcels = new Parcels();
  readonly #random: RandomSource;
  readonly #servers = new Map<number, (stream: MemoryStream) => void>();
  readonly #datagrams = new Map<number, MemoryDatagrams>();
  /** Lines by current address. */
  readonly #lines = new Map<string, Line>();
  readonly #own: Line;
  #nextPort = FIRST_FREE_PORT;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: RandomSource }) {
    this.clock = clock;
    this.#random = random;
    this.#own = this.line({ address: '127.0.0.1', link: { delay: 0 } });
  }

  /** Connects a client. Its address must be unique: lines with the same address would receive each other's datagrams. */
  line({ address, link = 'lan', nat = 'none' }: LineOptions): Line {
    const random = seededRandom(this.#random.uint32());
    return new Line(this, { address, quality: linkQuality(link), nat, random });
  }

  listener<T extends Server>(server: T): T {
    return listenInMemory(server, {
      bind: (port, accept) => {
        const number = port === 0 ? this.#freePort(this.#servers) : port;
        if (this.#servers.has(number)) return undefined;
        this.#servers.set(number, accept);
        return number;
      },
      free: (port) => void this.#servers.delete(port),
    });
  }

  async openDatagrams(options: DatagramSocketOptions): Promise<DatagramSocket> {
    const port = options.port === 0 ? this.#freePort(this.#datagrams) : options.port;
    if (this.#datagrams.has(port)) throw systemError('EADDRINUSE', 'bind');
    const socket = new MemoryDatagrams(
      { ...options, port },
      this.parcels,
      (parcel, to) => this.#lines.get(to.address)?.deliver(parcel, to.port, port),
      () => void this.#datagrams.delete(port),
    );
    this.#datagrams.set(port, socket);
    return socket;
  }

  /** Connects from the machine to itself, ignoring the host name. */
  connect(target: TcpTarget): TcpStream {
    return this.#own.connect(target);
  }

  connectDatagrams(target: TcpTarget, events: DatagramWayEvents): DatagramWay {
    return this.#own.connectDatagrams(target, events);
  }

  // --- what lines need

  accept(port: number, stream: MemoryStream): boolean {
    const accept = this.#servers.get(port);
    accept?.(stream);
    return accept !== undefined;
  }

  datagram(port: number, parcel: Parcel, address: string, from: number): boolean {
    const socket = this.#datagrams.get(port);
    socket?.arrived(parcel, address, from);
    return socket !== undefined;
  }

  moved(line: Line, from: string | undefined): void {
    if (from !== undefined && this.#lines.get(from) === line) this.#lines.delete(from);
    this.#lines.set(line.address, line);
  }

  #freePort(taken: ReadonlyMap<number, unknown>): number {
    while (taken.has(this.#nextPort)) this.#nextPort++;
    return this.#nextPort++;
  }
}
