import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../../lib/clock.ts';

/** What HTTP clients call on a socket beyond a stream. */
export type SocketLike = Duplex & {
  timeout: number;
  /** As a system closes a socket: HTTP clients destroy a connection that they are done with, and mean no reset. */
  closesOnDestroy: boolean;
  ref(): SocketLike;
  unref(): SocketLike;
  setKeepAlive(): SocketLike;
  setNoDelay(): SocketLike;
  setTimeout: (ms: number, callback?: () => void) => SocketLike;
};

/**
 * Gives a stream what HTTP clients call on a socket. A stream through the tunnel keeps no process alive, and has no options; but its
 * silence can be limited: `timeout` is emitted after so many milliseconds in which nothing came and nothing was written.
 */
export function socketLike(stream: Duplex, clock: Clock): SocketLike {
  const self = (): SocketLike => socket;
  let timer: Timer | undefined;
  let usedAt = 0;
  const wait = (ms: number): void => {
    timer = clock.setTimer(ms, () => {
      const left = usedAt + socket.timeout - clock.monotonic();
      if (left > 0) wait(left);
      else {
        timer = undefined;
        socket.emit('timeout');
      }
    });
  };
  const socket: SocketLike = Object.assign(stream, {
    timeout: 0,
    closesOnDestroy: true,
    ref: self,
    unref: self,
    setKeepAlive: self,
    setNoDelay: self,
    setTimeout: (ms: number, callback?: () => void): SocketLike => {
      timer?.cancel();
      timer = undefined;
      usedAt = clock.monotonic();
      socket.timeout = Number.isFinite(ms) && ms > 0 ? ms : 0;
      if (socket.timeout > 0) wait(socket.timeout);
      if (callback) {
        if (socket.timeout > 0) socket.once('timeout', callback);
        else socket.off('timeout', callback);
      }
      return socket;
    },
  });
  const push = stream.push.bind(stream);
  stream.push = (chunk, encoding) => {
    usedAt = clock.monotonic();
    return push(chunk, encoding);
  };
  const write = stream.write.bind(stream) as (...args: unknown[]) => boolean;
  stream.write = ((...args: unknown[]) => {
    usedAt = clock.monotonic();
    return write(...args);
  }) as Duplex['write'];
  stream.once('close', () => timer?.cancel());
  return socket;
}
