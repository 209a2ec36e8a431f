import { createServer, type Server, type Socket } from 'node:net';
import { endpointText } from '../lib/endpoint.ts';
import { TunneliteError } from '../lib/errors.ts';
import type { Network } from '../network/index.ts';
import { PORT_ATTEMPTS } from './constants.ts';

export interface BindRequest {
  readonly network: Network;
  readonly host: string;
  /** 0: any number that is free for both TCP and UDP. */
  readonly port: number;
  /** Binds UDP to the port number of TCP; omitted when there is no UDP. */
  readonly bindUdp: ((port: number) => Promise<void>) | undefined;
  readonly onConnection: (socket: Socket) => void;
  /** Called when accepting failed; open connections continue. */
  readonly onAcceptError: (error: NodeJS.ErrnoException) => void;
}

const BACKLOG = 1024;

/**
 * Listens on one port number for TCP and UDP. TCP is bound first; if the system assigned its number and that number is taken
 * for UDP, another pair is tried.
 *
 * @throws TunneliteError `ERR_GATEWAY_PORT_IN_USE`, `ERR_GATEWAY_LISTEN`
 */
export async function bindPorts(request: BindRequest): Promise<{ server: Server; port: number }> {
  for (let attempt = 1; ; attempt++) {
    const server = request.network.listener(
      createServer({ noDelay: true, keepAlive: true, allowHalfOpen: true }, request.onConnection),
    );
    const port = await listen(server, request);
    try {
      await request.bindUdp?.(port);
      return { server, port };
    } catch (cause) {
      await closeServer(server);
      if (request.port === 0 && isTaken(cause) && attempt < PORT_ATTEMPTS) continue;
      throw bindError(cause, 'UDP', request.host, port);
    }
  }
}

/** The port is in use, or reserved for another program (EACCES on Windows). */
function isTaken(cause: unknown): boolean {
  const { code } = cause as NodeJS.ErrnoException;
  return code === 'EADDRINUSE' || code === 'EACCES';
}

/** Stops accepting; resolves when the last connection has closed. */
export function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
  });
}

function listen(server: Server, request: BindRequest): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => reject(bindError(error, 'TCP', request.host, request.port)));
    server.listen({ host: request.host, port: request.port, backlog: BACKLOG }, () => {
      server.removeAllListeners('error');
      server.on('error', request.onAcceptError);
      resolve((server.address() as { port: number }).port);
    });
  });
}

function bindError(cause: unknown, protocol: string, host: string, port: number): TunneliteError {
  const code = (cause as NodeJS.ErrnoException).code;
  const details = { protocol, host, port, code };
  return code === 'EADDRINUSE'
    ? new TunneliteError('ERR_GATEWAY_PORT_IN_USE', `${protocol} port ${port} of ${host} is in use.`, {
        cause,
        details,
      })
    : new TunneliteError('ERR_GATEWAY_LISTEN', `Cannot listen on ${protocol} ${endpointText(host, port)} (${code}).`, {
        cause,
        details,
      });
}
