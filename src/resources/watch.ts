import type { Duplex } from 'node:stream';
import type { TcpStream } from '../network/index.ts';
import type { ConnectionWatch } from './types.ts';

/** A defect of whoever watches is none of the connection. */
function harmless(act: () => void): void {
  try {
    act();
  } catch {
    // Nobody is told: it would be told again for each piece of data.
  }
}

/**
 * Shows a watch what passes between a flow and its upstream, until it has seen enough or either is gone. To be called before they are joined.
 * Whatever happens to the watch, the bytes go their way.
 */
export function watchBetween(flow: Duplex, socket: TcpStream, watch: ConnectionWatch): void {
  let seen = false;
  const show = (see: () => void): void => {
    seen = true;
    harmless(() => {
      see();
      seen = watch.over;
    });
    if (seen) stop();
  };
  const fromClient = (bytes: Buffer): void => show(() => watch.fromClient(bytes));
  const fromServer = (bytes: Buffer): void => show(() => watch.fromServer(bytes));
  const serverEnded = (): void => show(() => watch.serverEnded());
  const stop = (): void => {
    flow.off('data', fromClient).off('close', stop);
    socket.off('data', fromServer).off('end', serverEnded).off('close', stop);
    harmless(() => watch.close());
  };
  flow.on('data', fromClient);
  flow.once('close', stop);
  socket.on('data', fromServer);
  socket.on('end', serverEnded);
  socket.once('close', stop);
}
