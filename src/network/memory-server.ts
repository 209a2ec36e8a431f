import type { AddressInfo, ListenOptions, Server } from 'node:net';
import { type MemoryStream, systemError } from './memory-stream.ts';

/** Where a server listens. */
export interface MemoryPorts {
  /** Takes this port, or a free one for 0; undefined: it is in use. */
  bind(port: number, accept: (stream: MemoryStream) => void): number | undefined;
  free(port: number): void;
}

interface Listening {
  readonly host: string;
  readonly port: number;
}

/**
 * Makes a Node server listen in memory: replaces `listen`, `close` and `address` of this object, and passes each connection to it with the
 * event for connections.
 */
export function listenInMemory<T extends Server>(server: T, ports: MemoryPorts): T {
  const closeOwn = server.close.bind(server);
  const streams = new Set<MemoryStream>();
  let listening: Listening | undefined;
  let whenDrained: (() => void)[] = [];

  const drained = (): void => {
    if (listening || streams.size > 0) return;
    const waiting = whenDrained;
    whenDrained = [];
    for (const tell of waiting) tell();
  };
  const accept = (stream: MemoryStream): void => {
    if (streams.size >= (server.maxConnections ?? Infinity)) {
      stream.resetAndDestroy();
      server.emit('drop', { remoteAddress: stream.remoteAddress, remotePort: stream.remotePort });
      return;
    }
    streams.add(stream);
    stream.once('close', () => {
      streams.delete(stream);
      drained();
    });
    server.emit('connection', stream);
  };
  const listen = (options: ListenOptions, onListening?: () => void): T => {
    if (onListening) server.once('listening', onListening);
    const { host = '::', port = 0 } = options;
    const bound = ports.bind(port, accept);
    process.nextTick(() => {
      if (bound === undefined) {
        server.emit('error', systemError('EADDRINUSE', 'listen'));
        return;
      }
      listening = { host, port: bound };
      server.emit('listening');
    });
    return server;
  };
  const address = (): AddressInfo | null =>
    listening
      ? { address: listening.host, port: listening.port, family: listening.host.includes(':') ? 'IPv6' : 'IPv4' }
      : null;
  const close = (done?: (error?: Error) => void): T => {
    if (listening) ports.free(listening.port);
    listening = undefined;
    if (done) whenDrained.push(done);
    // Run the server's own code for closing: it closes idle connections and stops its timers.
    closeOwn();
    process.nextTick(drained);
    return server;
  };
  return Object.assign(server, { listen, address, close });
}
