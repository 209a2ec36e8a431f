import type { Socket } from 'node:net';
import { type Network, systemNetwork, type TcpStream } from '../../network/index.ts';
import { endpointOf } from '../../udp/datagram-socket.ts';
import { dial } from './dial.ts';

/** A destination. */
export interface Target {
  /** A name or an address; always an address for datagrams. */
  readonly host: string;
  readonly port: number;
}

/** Receives the datagrams of one port. */
export interface DatagramSink {
  /** One datagram; the memory is reused after the call. */
  onDatagram(datagram: Buffer): void;
  /** All pending datagrams have been delivered. */
  onBatchEnd(): void;
}

/** A port for datagrams to one target. */
export interface DatagramPort {
  /** Sends one datagram. If that fails, it is lost. The memory is not read after the call. */
  send(buffer: Buffer, offset: number, length: number): void;
  close(): void;
}

/** How a client reaches its gateway: through the machine's sockets, or a network in memory. */
export interface Carrier {
  /** Opens a stream that TLS can run over. @throws the system's error, or the reason of `signal` */
  connect(target: Target, signal: AbortSignal): Promise<TcpStream>;
  /** Opens a new port. @throws the system's error */
  datagrams(target: Target, sink: DatagramSink): Promise<DatagramPort>;
}

/** Buffer size for one datagram from a gateway: a packet of the largest usual MTU with all headers. */
const MAX_DATAGRAM = 2048;

interface PortOptions {
  /** Local address to bind to; if omitted, any. */
  readonly from?: string;
  /** Whether to read and write many datagrams per call, if possible: worthwhile for one busy socket, not for thousands. */
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
      largeBuffers: batches,
      receiver: {
        onDatagram: (buffer, offset, length, from) => {
          // Datagrams from other hosts prove nothing, and trying them would cost a decryption each.
          if (from.port === to.port && from.address === to.address) {
            sink.onDatagram(buffer.subarray(offset, offset + length));
          }
        },
        onBatchEnd: () => sink.onBatchEnd(),
      },
    },
    batches,
  );
  // Batched sending keeps the address in the system's form.
  const peer = batches ? socket.endpoint(to.address, to.port) : to;
  return {
    send: (buffer, offset, length) => void socket.send(buffer, offset, length, peer),
    close: () => void socket.close(),
  };
}

/** The machine's own sockets, for many clients. Tries all addresses of a name. */
export const systemCarrier: Carrier = {
  connect: ({ host, port }, signal) => dial({ host, port, noDelay: true }, signal),
  datagrams: (target, sink) => openPort(systemNetwork, target, sink),
};

/** The same, from one address of the machine. @param address of the same family as the gateways' */
export function systemCarrierFrom(address: string): Carrier {
  return {
    connect: ({ host, port }, signal) => dial({ host, port, noDelay: true, localAddress: address }, signal),
    datagrams: (target, sink) => openPort(systemNetwork, target, sink, { from: address }),
  };
}

/** The same, for one client with much traffic. */
export const busyCarrier: Carrier = {
  connect: systemCarrier.connect,
  datagrams: (target, sink) => openPort(systemNetwork, target, sink, { batches: true }),
};

/** A carrier over another network, which also resolves names. */
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
          // Like sockets that are not half-open: TLS has no use for half a connection.
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

/** In the type that TLS requires. A stream of a network in memory behaves like a socket as far as the transport is concerned. */
export function asSocket(stream: TcpStream): Socket {
  return stream as unknown as Socket;
}
