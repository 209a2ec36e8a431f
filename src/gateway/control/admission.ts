import type { TLSSocket } from 'node:tls';
import type { FaultPorts } from '../../faults/ports.ts';
import type { Clock } from '../../lib/clock.ts';
import { type ClientHeaders, type HeaderLine, tunnelHeaders } from '../../wire/cstp-headers.ts';
import type { DataChannelServer } from '../data/data-channel-port.ts';
import type { PoolFacts } from '../session/address-pool.ts';
import type { DataChannel } from '../session/channel-ports.ts';
import type { GatewaySession } from '../session/session.ts';
import type { Sessions } from '../session/sessions.ts';
import type { Tunnel } from '../session/tunnel.ts';
import { type Negotiated, negotiate, tunnelOffer } from '../session/tunnel-terms.ts';
import type { TunnelSettings } from '../session/types.ts';
import { cipherName } from './cipher-name.ts';

/** What a decision about a CONNECT needs from the gateway. */
export interface AdmissionHost {
  readonly settings: TunnelSettings;
  readonly clock: Clock;
  readonly faults: FaultPorts;
  readonly sessionTable: Sessions;
  readonly dataChannels: DataChannelServer | undefined;
  readonly pool4: PoolFacts | undefined;
  /** The UDP port announced to clients. */
  readonly udpPort: number;
}

/** What it needs from the connection. */
export interface AdmissionClient {
  readonly headers: ClientHeaders;
  readonly remoteAddress: string;
  /** `address:port`. */
  readonly remote: string;
  /** Monotonic milliseconds. */
  readonly acceptedAt: number;
  readonly tls: TLSSocket;
}

export type Admission =
  | { readonly ok: true; readonly agreed: Negotiated; readonly channels: DataChannelServer | undefined }
  | { readonly ok: false; readonly reason: string; readonly explanation: string };

const refuse = (reason: string, explanation: string): Admission => ({ ok: false, reason, explanation });

/** Decides whether a session may have a tunnel now and, if so, assigns its addresses. */
export function admit(host: AdmissionHost, client: AdmissionClient, session: GatewaySession): Admission {
  const { settings, sessionTable: sessions } = host;
  const fault = host.faults.decision?.('connect', {
    session: session.id,
    person: session,
    remote: { address: client.remoteAddress, key: client.remote },
  });
  if (fault) return refuse('fault', fault.explanation);
  if (settings.denyRoaming && session.loginAddress !== client.remoteAddress) {
    return refuse('roaming', `The session was created from ${session.loginAddress}, and roaming is denied.`);
  }
  const perUser = settings.maxSessionsPerUser;
  if (perUser && sessions.connected(session.username) - Number(session.connected) >= perUser) {
    return refuse('user-limit', `${session.username} already has ${perUser} sessions, the maximum.`);
  }
  const channels = settings.disableUdp || !client.headers.asksDtls ? undefined : host.dataChannels;
  const overhead = channels?.overhead(client.headers, client.tls) ?? 0;
  const agreed = negotiate(settings, client.headers, client.remoteAddress, overhead);
  if (!sessions.assignAddresses(session, agreed.ipv4, agreed.ipv6)) {
    return refuse('pool-exhausted', 'All addresses of the pool are in use; enlarge the pool or end sessions.');
  }
  return { ok: true, agreed, channels };
}

/** Negotiates the new tunnel and returns it with the answer to CONNECT and its data channel. */
export function settle(
  host: AdmissionHost,
  client: AdmissionClient,
  session: GatewaySession,
  { agreed, channels }: Extract<Admission, { ok: true }>,
): { readonly lines: HeaderLine[]; readonly tunnel: Tunnel; readonly data: DataChannel | undefined } {
  const { settings } = host;
  const { headers, tls } = client;
  const tunnel = session.plan({
    mtu: agreed.mtu,
    dpd: agreed.dpd,
    idleTimeout: agreed.idleTimeout,
    sessionTimeout: settings.sessionTimeout,
    acceptedAt: client.acceptedAt,
    address4: agreed.ipv4 ? session.addresses.address4 : undefined,
    address6: agreed.ipv6 ? session.addresses.address6 : undefined,
    remoteAddress: client.remoteAddress,
    tlsCipher: `${tls.getProtocol()} ${cipherName(tls)}`,
    userAgent: headers.userAgent,
    deviceType: headers.deviceType,
    devicePlatform: headers.platform,
    hostname: headers.hostname,
    udp: channels ? 'offered' : settings.disableUdp || headers.asksDtls ? 'off' : 'not asked for',
  });
  const offered = channels?.offer(headers, tunnel, tls);
  const elapsed = (host.clock.monotonic() - client.acceptedAt) / 1000;
  const offer = tunnelOffer({
    settings,
    headers,
    negotiated: agreed,
    address4: tunnel.terms.address4?.text,
    address6: tunnel.terms.address6?.text,
    pool4: host.pool4,
    remaining: settings.sessionTimeout ? Math.max(0, Math.ceil(settings.sessionTimeout - elapsed)) : undefined,
    dtls: channels ? { port: host.udpPort, headers: offered?.headers ?? [] } : undefined,
  });
  return { lines: tunnelHeaders(offer), tunnel, data: offered?.channel };
}
