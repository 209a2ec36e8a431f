import type { Server } from 'node:net';
import type { Clock } from '../lib/clock.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { RandomSource } from '../lib/random.ts';
import type { DatagramSocket, DatagramSocketOptions } from '../udp/index.ts';
import { Link, type LinkQuality, TcpWay } from './link.ts';
import { MemoryDatagrams } from './memory-datagrams.ts';
import { MemoryStream, systemError } from './memory-stream.ts';
import { Nat, type NatKind } from './nat.ts';
import type { Parcel, Parcels } from './parcel.ts';
import type { DatagramWay, DatagramWayEvents, Network, TcpTarget } from './types.ts';

/** The machine to which lines connect. */
export interface Site {
  readonly clock: Clock;
  readonly parcels: Parcels;
  /** Accepts a connection to this port. False: no server listens there. */
  accept(port: number, stream: MemoryStream): boolean;
  /** Delivers a datagram to this port. False: no socket is bound to it. */
  datagram(port: number, parcel: Parcel, address: string, from: number): boolean;
  /** A line has changed its address from this one. */
  moved(line: Line, from: string | undefined): void;
}

interface LineParts {
  readonly address: string;
  readonly quality: LinkQuality;
  readonly nat: NatKind;
  readonly random: RandomSource;
}

/** The machine's address as clients see it. */
const SITE_ADDRESS = '127.0.0.1';

/** Largest payload of a UDP datagram over IPv4, in bytes (RFC 768, RFC 791 §3.1). */
const MAX_PAYLOAD = 65_507;

/** First port of a client. */
const FIRST_PORT = 40_000;

/** The network of one client: a link and a NAT to the shared machine, and the client's current address. */
export class Line implements Network {
  readonly link: Link;
  readonly nat: Nat;
  readonly #site: Site;
  #address: string;
  #nextPort = FIRST_PORT;
  readonly #streams = new Set<MemoryStream>();
  readonly #sockets = new Map<number, MemoryDatagrams>();

  constructor(site: Site, { address, quality, nat, random }: LineParts) {
    this.#site = site;
    this.#address = address;
    this.link = new Link(site.clock, random, quality);
    this.nat = new Nat(nat, site.clock, random);
    site.moved(this, undefined);
  }

  /** The client's public address. */
  get address(): string {
    return this.#address;
  }

  /** Starts to connect, ignoring the host name; emits `connect` or `error`. */
  connect({ port }: TcpTarget): MemoryStream {
    const { link } = this;
    const up = new TcpWay(link, 'up');
    const down = new TcpWay(link, 'down');
    const client = new MemoryStream(SITE_ADDRESS, port, up, true);
    const server = new MemoryStream(this.#address, this.#nextPort++, down, false);
    this.#streams.add(client);
    client.once('close', () => this.#streams.delete(client));
    up.send(0, () => {
      if (client.destroyed) return;
      server.open(client);
      const accepted = this.#site.accept(port, server);
      down.send(0, () => {
        if (client.destroyed) {
          server.wasReset();
          return;
        }
        if (accepted) client.open(server);
        else client.refused();
      });
    });
    return client;
  }

  /** Not supported: a client accepts no connections. */
  listener<T extends Server>(_server: T): T {
    throw new TunneliteError('ERR_INTERNAL', 'A client of a network in memory accepts no connections.');
  }

  async openDatagrams(options: DatagramSocketOptions): Promise<DatagramSocket> {
    return this.#bind(options);
  }

  /** Opens a socket to the machine, ignoring the host name. An unbound port causes an ICMP error unless that is lost. */
  connectDatagrams({ port }: TcpTarget, events: DatagramWayEvents): DatagramWay {
    let open = true;
    const socket = this.#bind(
      {
        host: '0.0.0.0',
        port: 0,
        maxDatagram: MAX_PAYLOAD,
        receiver: {
          onDatagram: (buffer, offset, length, from) => {
            if (from.port === port) events.onDatagram(Buffer.from(buffer.subarray(offset, offset + length)));
          },
          onBatchEnd: () => {},
        },
      },
      () => open && events.onError(systemError('ECONNREFUSED', 'recvmsg')),
    );
    const to = socket.endpoint(SITE_ADDRESS, port);
    queueMicrotask(() => {
      if (open) events.onOpen();
    });
    return {
      send: (payload) => {
        if (payload.length <= MAX_PAYLOAD) socket.send(payload, 0, payload.length, to);
        else events.onError(systemError('EMSGSIZE', 'send'));
      },
      close: () => {
        open = false;
        void socket.close();
      },
    };
  }

  /** Delivers a datagram from a port of the machine to a public port of this client. */
  deliver(parcel: Parcel, port: number, from: number): void {
    const address = this.#address;
    this.link.datagram('down', parcel.length, () => {
      if (address !== this.#address) return;
      const inside = this.nat.inbound(port, from);
      if (inside !== undefined) this.#sockets.get(inside)?.arrived(parcel, SITE_ADDRESS, from);
    });
  }

  /** Makes the NAT assign new ports to the client's datagrams and drop the old ones. TCP is not affected. */
  rebind(): void {
    this.nat.rebind();
  }

  /** Moves the client to another network: its connections break and its datagrams have another address. */
  roam(address: string): void {
    const before = this.#address;
    this.#address = address;
    this.#site.moved(this, before);
    this.nat.rebind();
    for (const stream of [...this.#streams]) stream.cut();
  }

  #bind(options: DatagramSocketOptions, onRefused?: () => void): MemoryDatagrams {
    const inside = options.port === 0 ? this.#nextPort++ : options.port;
    const socket = new MemoryDatagrams(
      { ...options, port: inside },
      this.#site.parcels,
      (parcel, to) => this.#send(parcel, inside, to.port, onRefused),
      () => {
        this.#sockets.delete(inside);
        this.nat.close(inside);
      },
    );
    this.#sockets.set(inside, socket);
    return socket;
  }

  #send(parcel: Parcel, inside: number, port: number, onRefused?: () => void): void {
    const from = this.nat.outbound(inside, port);
    const address = this.#address;
    const { length } = parcel;
    this.link.datagram('up', length, () => {
      if (this.#site.datagram(port, parcel, address, from) || !onRefused) return;
      this.link.datagram('down', length, () => {
        if (address === this.#address) onRefused();
      });
    });
  }
}
