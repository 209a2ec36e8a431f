import type { Duplex } from 'node:stream';

/** What can close with RST: a socket of Node's, or what behaves like one. */
type Resettable = Duplex & { resetAndDestroy(): unknown };

/**
 * Closes a connection with RST. libuv refuses to do so while the end of the own side is on its way to the system
 * (https://github.com/libuv/libuv/blob/v1.x/src/unix/tcp.c, `uv_tcp_close_reset`: EINVAL), and Node.js has forgotten the socket by then without having
 * closed it (https://github.com/nodejs/node/blob/main/lib/net.js, `_destroy`): it never says `close`, and the process does not come to its end. So
 * that end, which takes a turn of the event loop, is waited for.
 */
export function resetStream(stream: Resettable): void {
  const isEnding = stream.writableEnded && !stream.writableFinished && stream.writableLength === 0;
  if (isEnding && !stream.destroyed) stream.once('finish', () => stream.resetAndDestroy());
  else stream.resetAndDestroy();
}
