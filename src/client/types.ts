import type { Clock } from '../lib/clock.ts';
import type { TunneliteError } from '../lib/errors.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Carrier, ChannelName, ClientState, ClientStep, DtlsWish } from './core/index.ts';
import type { ConnectionInfo, OutsideRule } from './router.ts';
import type { ProxySetting } from './routing/proxy-rules.ts';

export interface TunnelClientOptions {
  /** `https://host:port` of the gateway. */
  readonly server: string | URL;
  /** An access token, or what gets one when it is needed. White space around it, as at the end of a file, is left out. */
  readonly token: string | (() => string | Promise<string>);
  /**
   * Signs in by forms, with a name and a password, where a gateway takes no tokens: ocserv with `auth = plain`. The token is not used then. For
   * tests against such a server: Microsoft's does not have it.
   */
  readonly login?: { readonly user: string; readonly password: string };
  /** PEM of the CA to trust instead of the system's. */
  readonly ca?: string;
  /** PEM of CAs to trust for resources in the tunnel, beside the system's; not for the gateway. */
  readonly resourceCa?: string | readonly string[];
  /** Name to verify and to send as SNI, when it is not the host of `server`. An address is verified, and not sent. */
  readonly serverName?: string;
  readonly userAgent?: string;
  /** Time limit for connecting, in milliseconds. */
  readonly timeout?: number;
  /** Gives up connecting, which rejects with its reason. Once there is a tunnel, it means nothing any more. */
  readonly signal?: AbortSignal;
  /** For how long a tunnel that was lost is looked for, in milliseconds; 0 = not at all. Default 300 s. */
  readonly reconnectTimeout?: number;
  /** The data channel over UDP. Default `auto`; `off` = everything goes over TLS. */
  readonly dtls?: DtlsWish;
  /**
   * What becomes of connections that lead to none of the tunnel's networks, by the gateway's routes, or to a host of `bypass`: refused with
   * `ERR_CLIENT_OUTSIDE` (the default), or `direct`, as a device opens them.
   */
  readonly outside?: OutsideRule;
  /** Hosts that never go through the tunnel: `sts.contoso.com`, `*.contoso.com`, or URLs, of which the host counts. */
  readonly bypass?: readonly string[];
  /**
   * Proxy for web requests (`fetch`, dispatcher, agents): one for all, or a file that says which (`{ pac: 'http://…' }`). Left out: what the
   * gateway says; `none`: none at all. A proxy is reached by the same rules as any host.
   */
  readonly proxy?: ProxySetting | 'none';
  /** Called for each connection by `connect`, with the way that it took. */
  readonly onConnection?: (connection: ConnectionInfo) => void;
  /** Whether DTLS uses native code where the optional package `koffi` is there: OpenSSL's AEAD, and many datagrams a call. Default true. */
  readonly acceleration?: boolean;
  readonly clock?: Clock;
  readonly random?: RandomSource;
  /** How the gateway is reached, if not over the machine's sockets. */
  readonly carrier?: Carrier;
  /** Called when the tunnel ends for any reason other than `close`. */
  readonly onDisconnect?: (error: TunneliteError) => void;
  /** Called with each step of connecting, for people who watch. */
  readonly onStep?: (step: ClientStep) => void;
  /** Called when the client's state changes. */
  readonly onState?: (state: ClientState, from: ClientState) => void;
  /** Called when data takes another way from now on; why, in words. */
  readonly onChannel?: (channel: ChannelName, why: string) => void;
  readonly keylog?: (line: Buffer) => void;
}
