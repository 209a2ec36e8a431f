import type { Duplex } from 'node:stream';
import type { Clock, Timer } from '../../lib/clock.ts';

/** The socket methods HTTP clients call that a stream lacks. */
export type SocketLike = Duplex & {
  timeout: number;
  /** Closes as a system closes a socket: HTTP clients destroy connections that they have finished with, without intending a reset. */
  closesOnDestroy: boolean;
  ref(): SocketLike;
  unref(): SocketLike;
  setKeepAlive(): SocketLike;
  setNoDelay(): SocketLike;
  setTimeout: (ms: number, callback?: () => void) => SocketLike;
};

/**
 * Adds to a stream the methods that HTTP clients call on a socket. A stream through the tunnel does not keep the process alive, and has no socket
 * options; but idle time can be limited: `timeout` is emitted after this many milliseconds without data in either direction.
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
