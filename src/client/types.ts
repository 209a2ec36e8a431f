import type { Clock } from '../lib/clock.ts';
import type { TunneliteError } from '../lib/errors.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Carrier, ChannelName, ClientState, ClientStep, DtlsWish } from './core/index.ts';
import type { ConnectionInfo, OutsideRule } from './router.ts';
import type { ProxySetting } from './routing/proxy-rules.ts';

export interface TunnelClientOptions {
  /** `https://host:port` of the gateway. */
  readonly server: string | URL;
  /** An access token, or a function that gets one when needed. Surrounding white space, such as at the end of a file, is removed. */
  readonly token: string | (() => string | Promise<string>);
  /**
   * Signs in with forms, using a name and a password, if a gateway does not accept tokens: ocserv with `auth = plain`. The token is not used then.
   * For tests against such a server: Microsoft's does not support this.
   */
  readonly login?: { readonly user: string; readonly password: string };
  /** PEM of the CA to trust instead of the system's. */
  readonly ca?: string;
  /** PEM of CAs to trust for resources in the tunnel, in addition to the system's; not for the gateway. */
  readonly resourceCa?: string | readonly string[];
  /** Name to verify and to send as SNI, if it differs from the host of `server`. An address is verified, but not sent. */
  readonly serverName?: string;
  readonly userAgent?: string;
  /** Time limit for connecting, in milliseconds. */
  readonly timeout?: number;
  /** Aborts connecting, which rejects with its reason. Has no effect once there is a tunnel. */
  readonly signal?: AbortSignal;
  /** How long to retry a lost tunnel, in milliseconds; 0 = not at all. Default 300 s. */
  readonly reconnectTimeout?: number;
  /** The data channel over UDP. Default `auto`; `off` = everything goes over TLS. */
  readonly dtls?: DtlsWish;
  /**
   * What to do with connections outside the tunnel's networks, by the gateway's routes, or to a host of `bypass`: refuse them with
   * `ERR_CLIENT_OUTSIDE` (the default), or open them `direct`, as a device does.
   */
  readonly outside?: OutsideRule;
  /** Hosts that never go through the tunnel: `sts.contoso.com`, `*.contoso.com`, or URLs, of which only the host counts. */
  readonly bypass?: readonly string[];
  /**
   * Proxy for web requests (`fetch`, dispatcher, agents): one for all, or a file that selects one (`{ pac: 'http://…' }`). If omitted, the
   * gateway's setting; `none`: no proxy. The client reaches a proxy by the same rules as any host.
   */
  readonly proxy?: ProxySetting | 'none';
  /** Called for each connection by `connect`, with the route that it took. */
  readonly onConnection?: (connection: ConnectionInfo) => void;
  /** Whether DTLS uses native code if the optional package `koffi` is installed: OpenSSL's AEAD, and many datagrams per call. Default true. */
  readonly acceleration?: boolean;
  readonly clock?: Clock;
  readonly random?: RandomSource;
  /** How to reach the gateway, if not through the machine's sockets. */
  readonly carrier?: Carrier;
  /** Called when the tunnel ends for any reason other than `close`. */
  readonly onDisconnect?: (error: TunneliteError) => void;
  /** Called with each step of connecting, for progress messages. */
  readonly onStep?: (step: ClientStep) => void;
  /** Called when the client's state changes. */
  readonly onState?: (state: ClientState, from: ClientState) => void;
  /** Called when data moves to another channel; `why` is in words. */
  readonly onChannel?: (channel: ChannelName, why: string) => void;
  readonly keylog?: (line: Buffer) => void;
}
