import type { Duplex } from 'node:stream';
import type { ConnectionWatch } from '../lib/connection-watch.ts';
import type { TcpStream } from '../network/index.ts';

/** An observer's error must not affect the connection. */
function harmless(act: () => void): void {
  try {
    act();
  } catch {
    // Not reported: the error would repeat for each piece of data.
  }
}

/**
 * Shows an observer the data between a flow and its upstream, until it has seen enough or either side closes. Call it before joining them.
 * An error of the observer does not affect the data.
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
