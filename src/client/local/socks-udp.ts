import { once } from 'node:events';
import type { Socket } from 'node:net';
import { canonicalAddress } from '../../lib/ip-address.ts';
import { systemNetwork } from '../../network/index.ts';
import type { Endpoint } from '../../udp/index.ts';
import type { TunnelUdpSocket } from '../traffic/udp-socket.ts';
import { MAX_UDP_BYTES, MAX_UDP_PEERS, MAX_UDP_WAITING } from './constants.ts';
import {
  parseSocksDatagram,
  SocksReply,
  type SocksTarget,
  serializeSocksDatagram,
  serializeSocksReply,
} from './socks-messages.ts';
import type { ProxiedClient } from './types.ts';

/**
 * UDP ASSOCIATE (RFC 1928 §7): a port of this machine whose datagrams go into the tunnel, for as long as the connection that
 * requested it is open. Only the host of that connection may use it, and only from the first port that sends.
 */
export async function associate(control: Socket, client: ProxiedClient): Promise<void> {
  const relay = new UdpRelay(client, canonicalAddress(mapped(control.remoteAddress ?? '')));
  const host = mapped(control.localAddress ?? '127.0.0.1');
  const port = await systemNetwork.openDatagrams(
    {
      host,
      port: 0,
      maxDatagram: MAX_UDP_BYTES,
      receiver: {
        onDatagram: (buffer, offset, length, from) =>
          relay.take(Buffer.from(buffer.subarray(offset, offset + length)), from),
        onBatchEnd: () => {},
      },
    },
    false,
  );
  relay.answer = (datagram, to) => void port.send(datagram, 0, datagram.length, to);
  try {
    if (control.destroyed) return;
    control.write(serializeSocksReply(SocksReply.Succeeded, { host, port: port.port }));
    // Nothing more is sent on the connection: when it ends, the association ends.
    control.resume();
    control.once('end', () => control.end());
    if (!control.destroyed) await once(control, 'close').catch(() => undefined);
  } finally {
    relay.close();
    await port.close();
  }
}

/** Converts an IPv4-mapped IPv6 address to IPv4. */
const mapped = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

class UdpRelay {
  answer: (datagram: Buffer, to: Endpoint) => void = () => {};
  readonly #client: ProxiedClient;
  readonly #host: string;
  /** Keyed by `host:port` as the program wrote it; the most recently used one is last. */
  readonly #peers = new Map<string, TunnelUdpSocket>();
  readonly #opening = new Map<string, Buffer[]>();
  #waiting = 0;
  #program: Endpoint | undefined;
  #closed = false;

  constructor(client: ProxiedClient, host: string) {
    this.#client = client;
    this.#host = host;
  }

  take(datagram: Buffer, from: Endpoint): void {
    if (from.address !== this.#host) return;
    this.#program ??= from;
    if (this.#program.port !== from.port) return;
    const message = parseSocksDatagram(datagram);
    if (!message || message.port === 0) return;
    const key = `${message.port} ${message.host}`;
    const peer = this.#peers.get(key);
    if (peer) {
      this.#peers.delete(key);
      this.#peers.set(key, peer);
      peer.send(message.payload);
      return;
    }
    if (this.#waiting >= MAX_UDP_WAITING) return;
    this.#waiting++;
    const queued = this.#opening.get(key);
    if (queued) queued.push(message.payload);
    else {
      this.#opening.set(key, [message.payload]);
      void this.#open(key, message);
    }
  }

  close(): void {
    this.#closed = true;
    for (const peer of this.#peers.values()) peer.close();
  }

  async #open(key: string, { host, port }: SocksTarget): Promise<void> {
    const peer = await this.#client.openUdp(host, port).catch(() => undefined);
    const queued = this.#opening.get(key)!;
    this.#opening.delete(key);
    this.#waiting -= queued.length;
    // UDP may lose datagrams anywhere: there is no way to report it to the sender.
    if (!peer) return;
    if (this.#closed) {
      peer.close();
      return;
    }
    if (this.#peers.size >= MAX_UDP_PEERS) this.#peers.values().next().value!.close();
    this.#peers.set(key, peer);
    peer.once('close', () => {
      if (this.#peers.get(key) === peer) this.#peers.delete(key);
    });
    peer.on('message', (payload) => {
      // With the real source address, whatever name the program sent to (RFC 1928 §7).
      const from = { host: peer.remoteAddress, port: peer.remotePort };
      if (!this.#closed) this.answer(serializeSocksDatagram(from, payload), this.#program!);
    });
    for (const payload of queued) peer.send(payload);
  }
}
