import type { Socket } from 'node:net';
import { type Network, systemNetwork, type TcpStream } from '../../network/index.ts';
import { endpointOf } from '../../udp/datagram-socket.ts';
import { dial } from './dial.ts';

/** Where something leads to. */
export interface Target {
  /** A name or an address; always an address for datagrams. */
  readonly host: string;
  readonly port: number;
}

/** Takes the datagrams of one port. */
export interface DatagramSink {
  /** One datagram; the memory is reused after the call. */
  onDatagram(datagram: Buffer): void;
  /** Those that were waiting are delivered. */
  onBatchEnd(): void;
}

/** A port for datagrams to one target. */
export interface DatagramPort {
  /** Sends one datagram. What cannot be sent is lost. The memory is not read after the call. */
  send(buffer: Buffer, offset: number, length: number): void;
  close(): void;
}

/** How a client reaches its gateway: over the machine's sockets, or a network in memory. */
export interface Carrier {
  /** Opens a stream that TLS can run over. @throws the system's error, or the reason of `signal` */
  connect(target: Target, signal: AbortSignal): Promise<TcpStream>;
  /** Opens a new port. @throws the system's error */
  datagrams(target: Target, sink: DatagramSink): Promise<DatagramPort>;
}

/** Room for what a gateway may send in one datagram: a packet of the largest usual MTU with all headers. */
const MAX_DATAGRAM = 2048;

interface PortOptions {
  /** The address of the machine that it is opened at; without one, any. */
  readonly from?: string;
  /** Whether many datagrams are read and written by one call, where that is possible: it pays for one busy socket, not for thousands. */
  readonly batches?: boolean;
}

async function openPort(
  network: Network,
  target: Target,
  sink: DatagramSink,
  { from, batches = false }: PortOptions = {},
): Promise<DatagramPort> {
  const to = endpointOf(target.host, target.port);
  const socket = await network.openDatagrams(
    {
      host: from ?? (to.family === 'IPv6' ? '::' : '0.0.0.0'),
      port: 0,
      maxDatagram: MAX_DATAGRAM,
      receiver: {
        onDatagram: (buffer, offset, length, from) => {
          // What another host sends proves nothing, and trying it would cost a decryption.
          if (from.port === to.port && from.address === to.address) {
            sink.onDatagram(buffer.subarray(offset, offset + length));
          }
        },
        onBatchEnd: () => sink.onBatchEnd(),
      },
    },
    batches,
  );
  // Whoever sends in batches keeps the address in the system's form.
  const peer = batches ? socket.endpoint(to.address, to.port) : to;
  return {
    send: (buffer, offset, length) => void socket.send(buffer, offset, length, peer),
    close: () => void socket.close(),
  };
}

/** The machine's own sockets, for many clients. All addresses of a name are tried. */
export const systemCarrier: Carrier = {
  connect: ({ host, port }, signal) => dial({ host, port, noDelay: true }, signal),
  datagrams: (target, sink) => openPort(systemNetwork, target, sink),
};

/** The same from one address of the machine. @param address of the family of the gateways' */
export function systemCarrierFrom(address: string): Carrier {
  return {
    connect: ({ host, port }, signal) => dial({ host, port, noDelay: true, localAddress: address }, signal),
    datagrams: (target, sink) => openPort(systemNetwork, target, sink, { from: address }),
  };
}

/** The same for one client that has much to carry. */
export const busyCarrier: Carrier = {
  connect: systemCarrier.connect,
  datagrams: (target, sink) => openPort(systemNetwork, target, sink, { batches: true }),
};

/** A carrier over another network. Names are its business. */
export function networkCarrier(network: Network): Carrier {
  return {
    connect(target, signal) {
      signal.throwIfAborted();
      const stream = network.connect(target);
      return new Promise((resolve, reject) => {
        const finish = (): void => {
          signal.removeEventListener('abort', onAbort);
          stream.off('error', onError);
          stream.off('close', onClose);
          stream.off('connect', onConnect);
        };
        const fail = (error: unknown): void => {
          finish();
          stream.on('error', () => {});
          stream.destroy();
          reject(error);
        };
        const onError = (error: Error): void => fail(error);
        const onClose = (): void => fail(new Error('the connection was closed'));
        const onAbort = (): void => fail(signal.reason);
        const onConnect = (): void => {
          finish();
          // As sockets that are not half-open: TLS has no use for half a connection.
          stream.once('end', () => stream.end());
          resolve(stream);
        };
        stream.once('error', onError);
        stream.once('close', onClose);
        stream.once('connect', onConnect);
        signal.addEventListener('abort', onAbort, { once: true });
      });
    },
    datagrams: (target, sink) => openPort(network, target, sink),
  };
}

/** As TLS takes it. A stream of a network in memory behaves like a socket as far as the transport looks. */
export function asSocket(stream: TcpStream): Socket {
  return stream as unknown as Socket;
}
