import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { systemClock, type Timer } from '../../lib/clock.ts';
import { endpointText } from '../../lib/endpoint.ts';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import { FULL_REPORT_MS, MAX_CONNECTIONS } from './constants.ts';
import type { LocalProxy, LocalProxyOptions } from './types.ts';

/** A server for raw connections, each of which may end its half first. */
export function rawServer(onConnection: (socket: Socket) => void): Server {
  return createServer({ allowHalfOpen: true, noDelay: true }, onConnection);
}

/**
 * Starts a server with a limit on its connections.
 * @throws TunneliteError `ERR_CLIENT_LISTEN`
 */
export async function listening(
  server: Server,
  { host = '127.0.0.1', port, maxConnections = MAX_CONNECTIONS, clock = systemClock, onFull }: LocalProxyOptions,
  onClose: () => void = () => {},
): Promise<LocalProxy> {
  const sockets = new Set<Socket>();
  server.maxConnections = maxConnections;
  let closed = 0;
  let quiet: Timer | undefined;
  const tellFull = (): void => {
    quiet = undefined;
    if (closed === 0) return;
    const count = closed;
    closed = 0;
    quiet = clock.setTimer(FULL_REPORT_MS, tellFull);
    onFull?.(count);
  };
  if (onFull) {
    server.on('drop', () => {
      closed++;
      if (quiet === undefined) tellFull();
    });
  }
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => sockets.delete(socket));
  });
  try {
    server.listen(port, host);
    await once(server, 'listening');
  } catch (cause) {
    const message = `Cannot listen on ${endpointText(host, port)}: ${errorText(cause)}.`;
    throw new TunneliteError('ERR_CLIENT_LISTEN', message, { cause });
  }
  const bound = server.address() as { readonly address: string; readonly port: number };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
      quiet?.cancel();
      onClose();
    });
    return closing;
  };
  return {
    host: bound.address,
    port: bound.port,
    get connections() {
      return sockets.size;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
