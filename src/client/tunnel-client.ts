import type { Agent, AgentOptions } from 'node:http';
import type { Agent as SecureAgent, AgentOptions as SecureAgentOptions } from 'node:https';
import { isIP } from 'node:net';
import type { Duplex } from 'node:stream';
import { domainToASCII } from 'node:url';
import type { Dispatcher } from 'undici';
import { acceleratedProtection } from '../dtls/acceleration.ts';
import { unlessAborted } from '../lib/abort.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import type { Closable } from '../lib/dispose.ts';
import { type RandomSource, systemRandom } from '../lib/random.ts';
import { OPEN_TIMEOUT_MS } from './constants.ts';
import {
  busyCarrier,
  type ChannelName,
  type ClientState,
  ClientTimer,
  LightClient,
  passwordSignIn,
  systemCarrier,
  type TunnelConfiguration,
  tokenSignIn,
  trust,
} from './core/index.ts';
import { localAddressFor } from './core/tunnel-configuration.ts';
import { exchangeOnce, pingOnce } from './first-answer.ts';
import { InnerHost } from './inner-host.ts';
import { assertPort, type InnerRoute, routeTo, whereOf } from './inner-route.ts';
import { makeRouter } from './make-router.ts';
import { resolveThrough } from './resolve.ts';
import { resourceTrust } from './resource-trust.ts';
import type { Router } from './router.ts';
import { searchNames } from './routing/search-names.ts';
import { tunnelHttpAgent, tunnelHttpsAgent } from './traffic/agents.ts';
import {
  type TunnelDispatcherOptions,
  type TunnelFetchOptions,
  type TunnelFetchResponse,
  tunnelDispatcher,
  tunnelFetch,
  type WebTraffic,
} from './traffic/fetch.ts';
import { lookupThrough, type TunnelLookup } from './traffic/lookup.ts';
import type { OpenRequest } from './traffic/types.ts';
import type { TunnelUdpSocket } from './traffic/udp-socket.ts';
import type { TunnelClientOptions } from './types.ts';

/**
 * A Tunnel client with a user-space TCP/IP stack instead of a TUN device: a bearer token, TLS with CSTP, and DTLS if the gateway supports it.
 * Open connections in the tunnel survive when data moves between the channels, keys are renewed, or the client reconnects.
 *
 * @example
 * ```ts
 * await using client = await TunnelClient.connect({ server: sim.urls.gateway, token, ca: sim.ca });
 * const stream = await client.openTcp('intranet.contoso.internal', 80);
 * ```
 */
export class TunnelClient implements Closable {
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #core: LightClient;
  readonly #web: WebTraffic;
  #host: InnerHost | undefined;
  #router: Router | undefined;
  #closing: Promise<void> | undefined;
  /** The owner ended the client. */
  #left = false;

  private constructor(options: TunnelClientOptions) {
    const { clock = systemClock, random = systemRandom, acceleration = true } = options;
    const { carrier = acceleration ? busyCarrier : systemCarrier } = options;
    this.#clock = clock;
    this.#random = random;
    this.#web = { open: (request) => this.connect(request), trust: resourceTrust(options.resourceCa), clock };
    const { onStep, onState, onChannel } = options;
    const core = new LightClient(
      {
        url: new URL(options.server),
        carrier,
        timer: new ClientTimer(clock),
        random,
        secureContext: trust(options.ca),
        serverName: options.serverName,
        userAgent: options.userAgent,
        dtls: options.dtls,
        // Only when a handshake needs it: its first use loads native code.
        get protection() {
          return acceleratedProtection(acceleration);
        },
        connectTimeout: options.timeout,
        reconnectTimeout: options.reconnectTimeout,
        keylog: options.keylog,
        observer: {
          ...(onStep && { onStep: (_core, step) => onStep(step) }),
          ...(onState && { onState: (_core, state, from) => onState(state, from) }),
          onChannel: (_core, channel, why) => {
            // Without a tunnel there is no channel.
            if (core.open) this.#host?.pathChanged();
            onChannel?.(channel, why);
          },
          onTunnel: (_core, configuration) => {
            if (this.#host) {
              this.#host.pathChanged();
              return;
            }
            this.#host = new InnerHost({
              configuration,
              clock,
              random,
              output: (buffer, offset, length) => void core.send(buffer, offset, length),
              mtu: () => core.configuration?.mtu,
            });
            this.#router = makeRouter({
              options,
              configuration,
              carrier,
              web: this.#web,
              resolve: (name) => this.resolve(name),
              openInside: ({ host, port, signal }, address) => this.#openInside(host, address, port, signal),
            });
          },
          onBatch: () => this.#host!.driver.tick(),
          onPacket: (_core, buffer, offset, length) => this.#host!.stack.input(buffer, offset, length),
          onBatchEnd: () => this.#host!.stack.flush(),
          onEnd: (_core, error) => {
            if (this.#left || !this.#host) return;
            this.#router!.close();
            this.#host.close();
            options.onDisconnect?.(error);
          },
        },
      },
      options.login ? passwordSignIn(options.login.user, options.login.password) : tokenSignIn(options.token),
    );
    this.#core = core;
  }

  /**
   * Connects, authenticates and opens the tunnel, on one TLS connection.
   * @throws TunneliteError `ERR_CLIENT_CONNECT`, `ERR_CLIENT_UNTRUSTED`, `ERR_CLIENT_SIGN_IN`, `ERR_CLIENT_TOKEN_REFUSED`,
   *   `ERR_CLIENT_SESSION_REFUSED`, `ERR_CLIENT_PROTOCOL`, `ERR_CLIENT_DISCONNECTED`, `ERR_TIMEOUT`; the reason of `signal`
   */
  static async connect(options: TunnelClientOptions): Promise<TunnelClient> {
    const { signal } = options;
    signal?.throwIfAborted();
    const client = new TunnelClient(options);
    const giveUp = (): void => void client.close();
    signal?.addEventListener('abort', giveUp, { once: true });
    try {
      await client.#core.connect();
    } catch (error) {
      if (!signal?.aborted) throw error;
    } finally {
      signal?.removeEventListener('abort', giveUp);
    }
    signal?.throwIfAborted();
    return client;
  }

  /** The gateway's settings for the tunnel. The addresses never change during the life of the client. */
  get configuration(): TunnelConfiguration {
    return this.#core.configuration!;
  }

  /** False once the client has ended; true while it reconnects. */
  get connected(): boolean {
    return this.#core.ended === undefined;
  }

  get state(): ClientState {
    return this.#core.state;
  }

  /** The channel that data uses now. */
  get channel(): ChannelName {
    return this.#core.channel;
  }

  /** Ciphers of the open channels. */
  get ciphers(): { readonly tls: string | undefined; readonly dtls: string | undefined } {
    return this.#core.ciphers;
  }

  /** Bytes of inner packets, from and to the gateway. */
  get traffic(): { readonly bytesIn: number; readonly bytesOut: number } {
    return this.#core.traffic;
  }

  /** Call it when the device has moved to another network: the client reconnects from there, in the same session. */
  networkChanged(): void {
    this.#core.networkChanged();
  }

  /** Renews the tunnel and all its keys. Data uses the old one until the new one is open. */
  rekey(): void {
    this.#core.rekey();
  }

  /** Suspends the client, like a phone that falls asleep: it reads and sends nothing until `resume`. */
  suspend(): void {
    this.#core.suspend();
  }

  /** Resumes after `suspend`: with the same tunnel if the gateway still answers, otherwise with a new one of the same session. */
  resume(): void {
    this.#core.resume();
  }

  /**
   * Resolves a name with the gateway's DNS server, through the tunnel; a name without a dot with the gateway's domain first. Returns IPv4
   * addresses first.
   * @throws TunneliteError `ERR_CLIENT_DNS`
   */
  async resolve(name: string): Promise<string[]> {
    this.#assertOpen();
    const { configuration } = this;
    const ascii = /^[\0-\x7f]*$/.test(name) ? name : domainToASCII(name) || name;
    let first: unknown;
    for (const each of searchNames(ascii, configuration.defaultDomain)) {
      this.#assertOpen();
      try {
        const { stack } = this.#host!;
        return await resolveThrough({ stack, configuration, clock: this.#clock, random: this.#random, name: each });
      } catch (error) {
        first ??= error;
      }
    }
    throw first;
  }

  /**
   * `dns.lookup` for names in the tunnel, to pass to any function that accepts one. It is bound: it may be passed without the client.
   * @example
   * ```ts
   * client.lookup('intranet.contoso.internal', { all: true }, (error, addresses) => console.log(error, addresses));
   * ```
   */
  readonly lookup: TunnelLookup = lookupThrough((name) => this.resolve(name));

  /**
   * Opens a TCP connection by the rules of the tunnel: its routes, bypassed hosts, and with a `url` the proxy for it.
   * @throws TunneliteError `ERR_CLIENT_DNS`, `ERR_CLIENT_OPEN`, `ERR_CLIENT_OUTSIDE`, `ERR_CLIENT_PROXY`; the reason of `signal`
   * @example
   * ```ts
   * const stream = await client.connect({ host: 'tools.contoso.internal', port: 7, signal: AbortSignal.timeout(5000) });
   * ```
   */
  async connect(request: OpenRequest): Promise<Duplex> {
    this.#assertOpen();
    assertPort(request.port);
    request.signal?.throwIfAborted();
    return this.#router!.open(request);
  }

  /**
   * Opens a TCP connection through the tunnel to any destination, regardless of the rules: to see how the gateway handles it.
   * @param host a name, resolved through the tunnel, or an address
   * @param signal aborts, and closes the connection if it opens later
   * @throws TunneliteError `ERR_CLIENT_DNS`, `ERR_CLIENT_OPEN`; the reason of `signal`
   */
  async openTcp(host: string, port: number, signal?: AbortSignal): Promise<Duplex> {
    const { remote } = await unlessAborted(this.#route(host, port), signal);
    return this.#openInside(host, remote, port, signal);
  }

  /**
   * Opens a UDP socket to one peer in the tunnel's networks.
   * @throws TunneliteError `ERR_CLIENT_DNS`, `ERR_CLIENT_OPEN`, `ERR_CLIENT_OUTSIDE`
   */
  async openUdp(host: string, port: number): Promise<TunnelUdpSocket> {
    this.#assertOpen();
    assertPort(port);
    const remoteAddress = await this.#router!.inside(host);
    const localAddress = localAddressFor(this.configuration, remoteAddress)!;
    this.#assertOpen();
    return this.#host!.openUdp({
      localAddress,
      remoteAddress,
      remotePort: port,
      where: whereOf(host, remoteAddress, port),
    });
  }

  /**
   * Sends an echo request through the tunnel, like `ping`. Resolves with the round-trip time in milliseconds.
   * @throws TunneliteError `ERR_CLIENT_DNS`, `ERR_CLIENT_OPEN` when no reply arrives in time
   */
  async ping(host: string, timeout = OPEN_TIMEOUT_MS): Promise<number> {
    const { local, remote } = await this.#route(host, 0);
    const { stack } = this.#host!;
    return pingOnce({ stack, clock: this.#clock, random: this.#random, host, local, remote, timeout });
  }

  /**
   * Sends one datagram through the tunnel and waits for the first answer. Nothing is retransmitted: UDP may lose either.
   * @throws TunneliteError `ERR_CLIENT_DNS`, `ERR_CLIENT_OPEN` when no answer arrives in time
   */
  async exchangeUdp(host: string, port: number, payload: Uint8Array, timeout = OPEN_TIMEOUT_MS): Promise<Buffer> {
    const { local, remote, where } = await this.#route(host, port);
    const { stack } = this.#host!;
    return exchangeOnce({ stack, clock: this.#clock, local, remote, port, where, payload, timeout });
  }

  /**
   * Sends one HTTP request through the tunnel; HTTPS ends at the resource, not at the gateway.
   * @throws TunneliteError `ERR_CLIENT_DNS`, `ERR_CLIENT_OPEN`, `ERR_CLIENT_FETCH`
   * @example
   * ```ts
   * const { status, body } = await client.fetch('https://intranet.contoso.internal/', { ca: sim.ca });
   * ```
   */
  async fetch(address: string | URL, options: TunnelFetchOptions = {}): Promise<TunnelFetchResponse> {
    this.#assertOpen();
    return tunnelFetch(this.#web, new URL(address), options);
  }

  /**
   * An undici dispatcher whose connections go through the tunnel. Close or destroy it when it is no longer needed.
   * @example
   * ```ts
   * import { fetch } from 'undici';
   * const dispatcher = await client.dispatcher();
   * const response = await fetch('http://intranet.contoso.internal/whoami', { dispatcher });
   * ```
   */
  async dispatcher(options: TunnelDispatcherOptions = {}): Promise<Dispatcher> {
    this.#assertOpen();
    return tunnelDispatcher(this.#web, options);
  }

  /**
   * Node's `http.Agent`, with connections through the tunnel. Kept-alive connections end with the tunnel, or on `destroy()`.
   * @example
   * ```ts
   * http.get('http://intranet.contoso.internal/', { agent: client.httpAgent({ keepAlive: true }) }, (response) => response.resume());
   * ```
   */
  httpAgent(options: AgentOptions = {}): Agent {
    return tunnelHttpAgent(this.#web, options);
  }

  /** The same for `https:`, with TLS end to end. Trusts the CAs that the client trusts for resources, or the `ca` of options or request. */
  httpsAgent(options: SecureAgentOptions = {}): SecureAgent {
    return tunnelHttpsAgent(this.#web, options);
  }

  /** Tells the gateway that the user has left, so that the session ends and its address is free again. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    if (this.#core.ended) return;
    this.#left = true;
    const said = this.#core.close();
    this.#router?.close();
    this.#host?.endStreams();
    this.#host?.close();
    await said;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #openInside(host: string, address: string, port: number, signal: AbortSignal | undefined): Promise<Duplex> {
    this.#assertOpen();
    const { local, where } = routeTo(this.configuration, host, [address], port);
    return this.#host!.openTcp({ localAddress: local, remoteAddress: address, remotePort: port, where, signal });
  }

  /** The source and destination of a connection to a name or address. */
  async #route(host: string, port: number): Promise<InnerRoute> {
    this.#assertOpen();
    assertPort(port);
    return routeTo(this.configuration, host, isIP(host) ? [host] : await this.resolve(host), port);
  }

  #assertOpen(): void {
    if (this.#core.ended) throw this.#core.ended;
  }
}
