import type { Duplex } from 'node:stream';
import type { Visitor } from '../lib/person.ts';
import { PairedStream } from '../lib/stream-pair.ts';
import type { ProxyTarget } from './proxy-target.ts';

/** Why there is no way on: the policy says no; the resource does; it is not there; it does not answer; too much is open; the name is not known. */
export type OnwardRefusalKind = 'denied' | 'refused' | 'unreachable' | 'timeout' | 'busy' | 'unknown';

export interface OnwardRefusal {
  readonly kind: OnwardRefusalKind;
  readonly explanation: string;
}

/** What a proxy asks for a way on: granted or refused, once. */
export interface OnwardRequest {
  /** The resource has answered. Returns the stream that is joined with it. */
  accept(): { readonly stream: Duplex; bytes(): { readonly bytesIn: number; readonly bytesOut: number } };
  refuse(refusal: OnwardRefusal): void;
}

/**
 * The way from a proxy to what its clients want: one connect request with its decision and its journal entry each.
 * @param visitor who asks: whoever opened the connection to the proxy
 * @returns to be called when whoever asked has gone before there was an answer
 */
export type Onward = (target: ProxyTarget, visitor: Visitor, request: OnwardRequest) => () => void;

/** A way on as a stream; rejects with {@link OnwardFailure}. */
export class OnwardFailure extends Error {
  readonly refusal: OnwardRefusal;

  constructor(refusal: OnwardRefusal) {
    super(refusal.explanation);
    this.refusal = refusal;
  }
}

/** Asks for a way on, and gives up asking when `client` is gone. */
export function openOnward(onward: Onward, target: ProxyTarget, visitor: Visitor, client: Duplex): Promise<Duplex> {
  return new Promise((resolve, reject) => {
    const [mine, theirs] = PairedStream.pair();
    const gone = (): void => {
      giveUp();
      reject(new OnwardFailure({ kind: 'unreachable', explanation: 'The client left before there was an answer.' }));
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
