import type { Duplex } from 'node:stream';
import type { Visitor } from '../lib/person.ts';
import { PairedStream } from '../lib/stream-pair.ts';
import type { ProxyTarget } from './proxy-target.ts';

/** Why there is no connection: policy denies it; resource refuses; unreachable; timeout; too many open; name unknown. */
export type OnwardRefusalKind = 'denied' | 'refused' | 'unreachable' | 'timeout' | 'busy' | 'unknown';

export interface OnwardRefusal {
  readonly kind: OnwardRefusalKind;
  readonly explanation: string;
}

/** A proxy's request for a connection: granted or refused, once. */
export interface OnwardRequest {
  /** The resource has responded. Returns the stream to join with it. */
  accept(): { readonly stream: Duplex; bytes(): { readonly bytesIn: number; readonly bytesOut: number } };
  refuse(refusal: OnwardRefusal): void;
}

/**
 * Connects a proxy to its clients' destinations: each is one connect request with its own decision and journal entry.
 * @param visitor the client that opened the connection to the proxy
 * @returns a function to call when the client leaves before a response
 */
export type Onward = (target: ProxyTarget, visitor: Visitor, request: OnwardRequest) => () => void;

/** A connection as a stream; rejects with {@link OnwardFailure}. */
export class OnwardFailure extends Error {
  readonly refusal: OnwardRefusal;

  constructor(refusal: OnwardRefusal) {
    super(refusal.explanation);
    this.refusal = refusal;
  }
}

/** Requests a connection, and cancels the request when `client` is gone. */
export function openOnward(onward: Onward, target: ProxyTarget, visitor: Visitor, client: Duplex): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const [mine, theirs] = PairedStream.pair();
    // It may break before its owner listens, and closes then.
    mine.on('error', () => {});
    const gone = (): void => {
      giveUp();
      reject(new OnwardFailure({ kind: 'unreachable', explanation: 'The client disconnected before an answer.' }));
    };
    client.once('close', gone);
    const giveUp = onward(target, visitor, {
      accept: () => {
        client.off('close', gone);
        if (client.destroyed) mine.destroy();
        resolve(mine);
        return { stream: theirs, bytes: () => ({ bytesIn: mine.sent, bytesOut: theirs.sent }) };
      },
      refuse: (refusal) => {
        client.off('close', gone);
        reject(new OnwardFailure(refusal));
      },
    });
  });
}
