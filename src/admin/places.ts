import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { LinkedSet } from '../lib/linked-set.ts';

/**
 * Bounds the connections of an HTTP server. A place is for who asks: when all are taken, the connection that has waited longest without
 * having a request of its own answered makes room, so that those who connect and say nothing, or say it without end, keep nobody out.
 * When all are being answered, the new one is closed.
 *
 * @param limit connections at once
 */
export function boundPlaces(server: Server, limit: number): void {
  const all = new Set<Duplex>();
  /** Those with nothing under way, the one that waits longest first. */
  const waiting = new LinkedSet<Duplex>();
  /** Answers under way, by connection: several may have been asked for in one go. */
  const answers = new Map<Duplex, number>();

  server.on('connection', (socket: Duplex) => {
    if (all.size >= limit && !evict()) {
      socket.destroy();
      return;
    }
    all.add(socket);
    waiting.add(socket);
    socket.once('close', () => {
      all.delete(socket);
      waiting.delete(socket);
      answers.delete(socket);
    });
  });
  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    answers.set(socket, (answers.get(socket) ?? 0) + 1);
    waiting.delete(socket);
    response.once('close', () => {
      const left = (answers.get(socket) ?? 1) - 1;
      if (left > 0) answers.set(socket, left);
      else answers.delete(socket);
      if (left <= 0 && all.has(socket)) waiting.add(socket);
    });
  });

  function evict(): boolean {
    const socket = waiting.first;
    if (socket === undefined) return false;
    // It closes within this turn or the next, and has no place from now on.
    all.delete(socket);
    waiting.delete(socket);
    socket.destroy();
    return true;
  }
}
