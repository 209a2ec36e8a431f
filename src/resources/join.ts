import type { Duplex } from 'node:stream';
import type { Clock } from '../lib/clock.ts';
import { patience } from '../lib/late-tick.ts';
import { resetStream } from '../lib/reset-stream.ts';
import type { TcpStream } from '../network/index.ts';
import { ORPHAN_TIMEOUT_MS } from './constants.ts';

/**
 * Joins a flow of the tunnel and the socket to its upstream. Each direction ends by itself, so half-close stays half-close. A side
 * that breaks off is RST on the other: a clean end there would make a cut upload or download look complete.
 */
export function join(flow: Duplex, socket: TcpStream, clock: Clock): void {
  const ignore = (): void => {};
  flow.on('error', ignore);
  socket.on('error', ignore);
  flow.once('close', () => {
    if (!isWhole(flow)) resetStream(socket);
    // What is still on its way to the upstream has nobody left who waits for it.
    else giveUpWhenStuck(socket, clock);
  });
  socket.once('close', () => {
    if (!isWhole(socket)) flow.destroy();
  });
  flow.pipe(socket);
  socket.pipe(flow);
}

/** Resets a socket whose peer takes nothing for too long. */
function giveUpWhenStuck(socket: TcpStream, clock: Clock): void {
  const left = socket.writableLength;
  const timer = patience(clock, ORPHAN_TIMEOUT_MS, () => {
    if (socket.destroyed) return;
    if (socket.writableLength === left) resetStream(socket);
    else giveUpWhenStuck(socket, clock);
  });
  socket.once('close', () => timer.cancel());
}

/** Both directions came to their end. */
function isWhole(stream: Duplex): boolean {
  return stream.readableEnded && stream.writableFinished;
}
