import {
  CONNECT_TIMEOUT_MS,
  DTLS_RETRY,
  type DtlsWish,
  RECONNECT_TIMEOUT_MS,
  UNANSWERED_SWITCH_MS,
} from '../../client/core/index.ts';
import { parseDuration } from '../../lib/duration.ts';
import type { LoadPlan } from '../plan/types.ts';

/** The behavior of clients. Times in milliseconds. */
export interface Behaviour {
  readonly dtls: DtlsWish;
  readonly userAgent: string;
  readonly unanswered: number;
  readonly dtlsRetry: { readonly first: number; readonly most: number };
  readonly reconnect: number;
  readonly timeout: number;
}

/** ocserv offers DTLS to clients with this user agent. */
const OPENCONNECT_AGENT = 'Open AnyConnect VPN Agent v9.01';

/** The plan's settings for clients, completed with defaults. */
export function behaviourOf({ client = {}, password }: Pick<LoadPlan, 'client' | 'password'>): Behaviour {
  const {
    dtls = 'auto',
    userAgent = password ? OPENCONNECT_AGENT : 'Tunnelite Load',
    unanswered,
    dtlsRetry,
    reconnect,
    timeout,
  } = client;
  const or = (text: string | undefined, fallback: number): number =>
    text === undefined ? fallback : parseDuration(text);
  return {
    dtls,
    userAgent,
    unanswered: or(unanswered, UNANSWERED_SWITCH_MS),
    dtlsRetry: dtlsRetry ? { first: parseDuration(dtlsRetry[0]), most: parseDuration(dtlsRetry[1]) } : DTLS_RETRY,
    reconnect: or(reconnect, RECONNECT_TIMEOUT_MS),
    timeout: or(timeout, CONNECT_TIMEOUT_MS),
  };
}
