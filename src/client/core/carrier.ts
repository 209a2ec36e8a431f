import { isIP, type Socket } from 'node:net';
import { type Clock, systemClock } from '../../lib/clock.ts';
import {
  dial,
  type HostAddresses,
  type LookUp,
  type Network,
  systemLookUp,
  systemNetwork,
  type TcpStream,
} from '../../network/index.ts';
import { endpointOf } from '../../udp/datagram-socket.ts';

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

/** Where connections come from. */
interface StreamOptions {
  readonly network: Network;
  /** Addresses of a host, in the order to try them. @throws the resolver's error */
  readonly lookUp: LookUp;
  readonly clock: Clock;
  /** Local address to connect from; if omitted, any. */
  readonly from?: string;
}

/** Connects to the first address of a host that responds. @throws the network's error, or the reason of `signal` */
function openStream(
  { network, lookUp, clock, from }: StreamOptions,
  { host, port }: Target,
  signal: AbortSignal,
): Promise<TcpStream> {
  const resolve = async (): Promise<HostAddresses> => ({ addresses: isIP(host) ? [host] : await lookUp(host) });
  return new Promise((accept, reject) => {
    signal.throwIfAborted();
    const stop = dial({ host, port, resolve, clock, network, from }, (outcome) => {
      signal.removeEventListener('abort', onAbort);
      if ('failure' in outcome) {
        reject(outcome.cause ?? new Error(outcome.failure));
        return;
      }
      // TLS has no use for half a connection.
      outcome.socket.allowHalfOpen = false;
      accept(outcome.socket);
    });
    const onAbort = (): void => {
      stop();
      reject(signal.reason);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

const machine = { network: systemNetwork, lookUp: systemLookUp, clock: systemClock };

/** The machine's own sockets, for many clients. Tries all addresses of a name. */
export const systemCarrier: Carrier = {
  connect: (target, signal) => openStream(machine, target, signal),
  datagrams: (target, sink) => openPort(systemNetwork, target, sink),
};

/** The same, from one address of the machine. @param address of the same family as the gateways' */
export function systemCarrierFrom(address: string): Carrier {
  const lookUp: LookUp = async (host) => (await systemLookUp(host)).filter((found) => isIP(found) === isIP(address));
  return {
    connect: (target, signal) => openStream({ ...machine, lookUp, from: address }, target, signal),
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
  const options: StreamOptions = { network, lookUp: async (host) => [host], clock: systemClock };
  return {
    connect: (target, signal) => openStream(options, target, signal),
    datagrams: (target, sink) => openPort(network, target, sink),
  };
}

/** In the type that TLS requires. A stream of a network in memory behaves like a socket as far as the transport is concerned. */
export function asSocket(stream: TcpStream): Socket {
  return stream as unknown as Socket;
}
