import type { EndReason } from './channel-ports.ts';
import { REKEY_SLACK_MS } from './constants.ts';
import type { TunnelEnd, TunnelTerms } from './tunnel.ts';

/** What is known about the tunnel that a reconnecting client replaces. */
export interface Renewable {
  readonly latestTunnel:
    | { readonly terms: Pick<TunnelTerms, 'remoteAddress'>; readonly ended: TunnelEnd | undefined }
    | undefined;
}

/** Ends that the client caused: it closed its connection, with or without a disconnect packet. */
const LEFT: ReadonlySet<EndReason> = new Set<EndReason>(['connection-lost', 'temporary']);

/**
 * Whether a client that reconnects with its cookie is renewing its keys (rekey method `new-tunnel`; observed: openconnect 9.01, 9.21): the old
 * tunnel is still up, the gateway requested the renewal, or the client closed the tunnel when its rekey time was up. A client whose address
 * differs from that of its old tunnel, while that tunnel is still up, is roaming.
 *
 * @param client `rekeyTime`: seconds after which clients were told to renew their tunnel
 */
export function renewsKeys(
  { latestTunnel }: Renewable,
  client: { readonly remoteAddress: string; readonly rekeyTime: number | undefined },
): boolean {
  const { remoteAddress, rekeyTime } = client;
  if (latestTunnel === undefined) return false;
  const { ended, terms } = latestTunnel;
  if (ended === undefined) return terms.remoteAddress === remoteAddress;
  if (ended.reason === 'rekey') return true;
  return rekeyTime ? LEFT.has(ended.reason) && ended.age >= rekeyTime * 1000 - REKEY_SLACK_MS : false;
}
