import type { Duplex } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import { patience } from '../lib/late-tick.ts';
import { resetStream } from '../lib/reset-stream.ts';
import type { TcpStream } from '../network/index.ts';
import { ORPHAN_TIMEOUT_MS } from './constants.ts';

/**
 * Joins a flow of the tunnel and the socket to its upstream. Each direction ends separately, preserving half-close. When one side
 * breaks, the other gets a RST: a clean end would make a truncated upload or download look complete.
 */
export function join(flow: Duplex, socket: TcpStream, clock: Clock): void {
  const ignore = (): void => {};
  flow.on('error', ignore);
  socket.on('error', ignore);
  flow.once('close', () => {
    if (!isWhole(flow)) resetStream(socket);
    // Data on its way to the upstream has no receiver left.
    else giveUpWhenStuck(socket, clock);
  });
  socket.once('close', () => {
    if (!isWhole(socket)) flow.destroy();
  });
  flow.pipe(socket);
  socket.pipe(flow);
}

/** Resets a socket whose peer accepts no data for too long. */
function giveUpWhenStuck(socket: TcpStream, clock: Clock): void {
  const left = socket.writableLength;
  const timer = patience(clock, ORPHAN_TIMEOUT_MS, () => {
    if (socket.destroyed) return;
    if (socket.writableLength === left) resetStream(socket);
    else giveUpWhenStuck(socket, clock);
  });
  socket.once('close', () => timer.cancel());
}

/** Both directions have ended. */
function isWhole(stream: Duplex): boolean {
  return stream.readableEnded && stream.writableFinished;
}
