import { isIP, isIPv6 } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import { type Clock, systemClock, type Timer } from '../lib/clock.ts';
import type { Closable } from '../lib/dispose.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';
import { type RandomSource, systemRandom } from '../lib/random.ts';
import {
  createNetstack,
  driveNetstack,
  type EchoFlow,
  type Netstack,
  type NetstackDriver,
  TcpState,
  type UdpFlow,
} from '../netstack/index.ts';
import { CstpReader, CstpType, DISCONNECT_BY_USER } from '../wire/cstp.ts';
import { CLOSE_TIMEOUT_MS, CONNECT_TIMEOUT_MS, DPD_CHECK_SHARE, OPEN_TIMEOUT_MS } from './constants.ts';
import { ControlConnection } from './control-connection.ts';
import {
  type TunnelDispatcherOptions,
  type TunnelFetchOptions,
  type TunnelFetchResponse,
  tunnelDispatcher,
  tunnelFetch,
} from './fetch.ts';
import { PacketWriter } from './packet-writer.ts';
import { resolveThrough } from './resolve.ts';
import type { ControlResponse } from './response-reader.ts';
import { parseTunnelConfiguration, type TunnelConfiguration } from './tunnel-configuration.ts';

export interface TunnelClientOptions {
  /** `https://host:port` of the gateway. */
  readonly server: string | URL;
  /** An access token, or what gets one when it is needed. */
  readonly token: string | (() => string | Promise<string>);
  /** PEM of the CA to trust instead of the system's. */
  readonly ca?: string;
  /** Name to verify and to send as SNI, when it is not the host of `server`. */
  readonly serverName?: string;
  readonly userAgent?: string;
  /** Milliseconds for the whole of connecting. */
  readonly timeout?: number;
  readonly clock?: Clock;
  readonly random?: RandomSource;
  /** Called when the tunnel ended by anything but `close`. */
  readonly onDisconnect?: (error: TunneliteError) => void;
  /** Called with each step of connecting, for people who watch. */
  readonly onStep?: (step: ClientStep) => void;
  readonly keylog?: (line: Buffer) => void;
}

/** A step of connecting, in the order in which they come. */
export type ClientStep =
  | { readonly step: 'tls'; readonly protocol: string; readonly cipher: string; readonly subject: string }
  | { readonly step: 'challenge' }
  | { readonly step: 'token' }
  | { readonly step: 'authenticated' }
  | { readonly step: 'tunnel'; readonly configuration: TunnelConfiguration };

/**
 * A small Tunnel client: one TLS connection, a bearer token, CSTP, and a user-space TCP/IP stack instead of a TUN device.
 *
 * @example
 * ```ts
 * await using client = await TunnelClient.connect({ server: sim.urls.gateway, token, ca: sim.ca });
 * const stream = await client.openTcp('intranet.contoso.internal', 80);
 * ```
 */
export class TunnelClient implements Closable {
  readonly configuration: TunnelConfiguration;
  readonly #connection: ControlConnection;
  readonly #writer: PacketWriter;
  readonly #reader: CstpReader;
  readonly #clock: Clock;
  readonly #random: RandomSource;
  readonly #onDisconnect: ((error: TunneliteError) => void) | undefined;
  readonly #stack: Netstack;
  readonly #driver: NetstackDriver;
  readonly #streams = new Set<Duplex>();
  readonly #openings = new Map<object, (state: TcpState) => void>();
  #heard: number;
  #watch: Timer | undefined;
  #ended: TunneliteError | undefined;
  #bytesIn = 0;

  private constructor(connection: ControlConnection, configuration: TunnelConfiguration, options: TunnelClientOptions) {
    this.#connection = connection;
    this.configuration = configuration;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#onDisconnect = options.onDisconnect;
    this.#writer = new PacketWriter(connection.socket);
    this.#heard = this.#clock.monotonic();
    this.#stack = createNetstack({
      output: (buffer, offset, length) => void this.#writer.send(CstpType.Data, buffer, offset, length),
      random: this.#random,
      now: this.#clock.monotonic(),
      mtu: configuration.mtu,
      isLocal: (address) => address === configuration.address4 || address === configuration.address6,
      onStateChange: (flow, _from, to) => this.#openings.get(flow)?.(to),
    });
    this.#driver = driveNetstack(this.#stack, this.#clock);
    this.#reader = new CstpReader((type, buffer, offset, length) => this.#packet(type, buffer, offset, length));
    const { socket } = connection;
    socket.on('data', (chunk: Buffer) => this.#bytes(chunk));
    socket.on('error', (error) => this.#end('ERR_CLIENT_DISCONNECTED', `The connection broke: ${errorText(error)}.`));
    socket.on('close', () => this.#end('ERR_CLIENT_DISCONNECTED', 'The gateway closed the connection.'));
    const rest = connection.takeRest();
    if (rest.length > 0) this.#bytes(rest);
    socket.resume();
    this.#scheduleWatch();
  }

  /**
   * Connects, authenticates and opens the tunnel, on one TLS connection.
   * @throws TunneliteError `ERR_CLIENT_CONNECT`, `ERR_CLIENT_UNTRUSTED`, `ERR_CLIENT_TOKEN_REFUSED`,
   *   `ERR_CLIENT_SESSION_REFUSED`, `ERR_CLIENT_PROTOCOL`, `ERR_CLIENT_DISCONNECTED`, `ERR_TIMEOUT`
   */
  static async connect(options: TunnelClientOptions): Promise<TunnelClient> {
    const url = new URL(options.server);
    const timeout = options.timeout ?? CONNECT_TIMEOUT_MS;
    const control = new AbortController();
    const timer = (options.clock ?? systemClock).setTimer(timeout, () =>
      control.abort(
        new TunneliteError('ERR_TIMEOUT', `Connecting to ${url.host} took longer than ${timeout / 1000} s.`),
      ),
    );
    let connection: ControlConnection | undefined;
    try {
      connection = await ControlConnection.open({
        host: url.hostname.replace(/^\[|\]$/g, ''),
        port: Number(url.port || 443),
        ca: options.ca,
        serverName: options.serverName,
        keylog: options.keylog,
        signal: control.signal,
      });
      const { socket } = connection;
      options.onStep?.({
        step: 'tls',
        protocol: socket.getProtocol() ?? 'TLS',
        cipher: socket.getCipher().name,
        subject: String(socket.getPeerCertificate().subject?.CN ?? url.hostname),
      });
      await authenticate(connection, url, options, control.signal);
      const configuration = await openTunnel(connection, url, options, control.signal);
      options.onStep?.({ step: 'tunnel', configuration });
      return new TunnelClient(connection, configuration, options);
    } catch (error) {
      connection?.close();
      throw error;
    } finally {
      timer.cancel();
    }
  }

  /** False once the tunnel ended. */
  get connected(): boolean {
    return this.#ended === undefined;
  }

  /** Bytes of inner packets, from and to the gateway. */
  get traffic(): { readonly bytesIn: number; readonly bytesOut: number } {
    return { bytesIn: this.#bytesIn, bytesOut: this.#writer.bytes };
  }

  /**
   * Resolves a name by the gateway's DNS server, through the tunnel. IPv4 addresses come first.
   * @throws TunneliteError `ERR_CLIENT_DNS`
   */
  async resolve(name: string): Promise<string[]> {
    this.#assertOpen();
    return resolveThrough({
      stack: this.#stack,
      configuration: this.configuration,
      clock: this.#clock,
      random: this.#random,
      name,
    });
  }

  /**
   * Opens a TCP connection through the tunnel.
   * @param host a name, resolved through the tunnel, or an address
   * @throws TunneliteError `ERR_CLIENT_DNS`, `ERR_CLIENT_OPEN`
   */
  async openTcp(host: string, port: number): Promise<Duplex> {
    const { local, remote, where } = await this.#route(host, port);
    const flow = this.#stack.connect({ localAddress: local, remoteAddress: remote, remotePort: port, noDelay: true });
    const stream = flow.toDuplex();
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    this.#stack.flush();
    return new Promise<Duplex>((resolve, reject) => {
      const finish = (error?: TunneliteError): void => {
        this.#openings.delete(flow);
        timer.cancel();
        stream.off('error', onError);
        if (!error) {
          resolve(stream);
          return;
        }
        stream.on('error', () => {}).destroy();
        reject(error);
      };
      const onError = (error: Error): void =>
        finish(new TunneliteError('ERR_CLIENT_OPEN', `${where}: ${errorText(error)}`, { cause: error }));
      const timer = this.#clock.setTimer(OPEN_TIMEOUT_MS, () =>
        finish(new TunneliteError('ERR_CLIENT_OPEN', `${where} did not answer within ${OPEN_TIMEOUT_MS / 1000} s.`)),
      );
      stream.on('error', onError);
      this.#openings.set(flow, (state) => {
        if (state === TcpState.Established) finish();
        else if (state === TcpState.Closed)
          finish(new TunneliteError('ERR_CLIENT_OPEN', `${where} refused the connection.`));
      });
    });
  }

  /**
   * Sends an echo request through the tunnel, as `ping` does. Resolves with the round trip in milliseconds.
   * @throws TunneliteError `ERR_CLIENT_DNS`, `ERR_CLIENT_OPEN` when no reply came in time
   */
  async ping(host: string, timeout = OPEN_TIMEOUT_MS): Promise<number> {
    const { local, remote } = await this.#route(host, 0);
    const sentAt = this.#clock.monotonic();
    await this.#firstAnswer<void>(
      timeout,
      `${host} did not answer the ping`,
      `${host} cannot be reached.`,
      (resolve) => {
        const id = this.#random.uint32() & 0xffff;
        const flow = this.#stack.openEcho({ localAddress: local, remoteAddress: remote, id }, () => resolve());
        return { flow, send: () => flow.send(1, this.#random.bytes(56)) };
      },
    );
    return this.#clock.monotonic() - sentAt;
  }

  /**
   * Sends one datagram through the tunnel and waits for the first answer. Nothing is repeated: UDP may lose either.
   * @throws TunneliteError `ERR_CLIENT_DNS`, `ERR_CLIENT_OPEN` when no answer came in time
   */
  async exchangeUdp(host: string, port: number, payload: Uint8Array, timeout = OPEN_TIMEOUT_MS): Promise<Buffer> {
    const { local, remote, where } = await this.#route(host, port);
    // An ephemeral port (RFC 6335 §6).
    const localPort = 49_152 + (this.#random.uint32() & 0x3fff);
    return this.#firstAnswer<Buffer>(
      timeout,
      `${where} did not answer`,
      `${where} refused the datagram.`,
      (resolve) => {
        const ends = { localAddress: local, localPort, remoteAddress: remote, remotePort: port };
        const flow = this.#stack.openUdp(ends, resolve);
        return { flow, send: () => flow.send(payload, local, localPort) };
      },
    );
  }

  /**
   * One HTTP request through the tunnel; HTTPS ends at the resource, not at the gateway.
   * @throws TunneliteError `ERR_CLIENT_DNS`, `ERR_CLIENT_OPEN`, `ERR_CLIENT_FETCH`
   * @example
   * ```ts
   * const { status, body } = await client.fetch('https://intranet.contoso.internal/', { ca: sim.ca });
   * ```
   */
  async fetch(address: string | URL, options: TunnelFetchOptions = {}): Promise<TunnelFetchResponse> {
    this.#assertOpen();
    return tunnelFetch((host, port) => this.openTcp(host, port), new URL(address), options);
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
    return tunnelDispatcher((host, port) => this.openTcp(host, port), options);
  }

  /** Tells the gateway that the user left, so that the session ends and its address is free again. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = new TunneliteError('ERR_CLOSED', 'The tunnel was closed.');
    // Who closes the tunnel knows that its streams end: that is no error of theirs.
    for (const stream of this.#streams) stream.destroy();
    this.#release();
    const { socket } = this.#connection;
    this.#writer.control(CstpType.Disconnect, Buffer.from([DISCONNECT_BY_USER, ...Buffer.from('client closed')]));
    const timer = this.#clock.setTimer(CLOSE_TIMEOUT_MS, () => socket.destroy());
    await this.#writer.drained();
    if (!socket.destroyed) {
      await new Promise<void>((resolve) => {
        socket.once('close', resolve);
        socket.once('end', () => socket.destroy());
        socket.end();
      });
    }
    timer.cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Opens a flow without connection, sends, and waits for its first answer; the flow ends with the wait. */
  #firstAnswer<T>(
    timeout: number,
    silent: string,
    refused: string,
    open: (resolve: (answer: T) => void) => { readonly flow: UdpFlow | EchoFlow; readonly send: () => void },
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const finish = (outcome: () => void): void => {
        timer.cancel();
        flow.onClose = undefined;
        flow.close();
        outcome();
      };
      const fail = (message: string) => (): void =>
        finish(() => reject(new TunneliteError('ERR_CLIENT_OPEN', message)));
      const timer = this.#clock.setTimer(timeout, fail(`${silent} within ${timeout / 1000} s.`));
      const { flow, send } = open((answer) => finish(() => resolve(answer)));
      flow.onClose = fail('The tunnel ended.');
      flow.onError = fail(refused);
      send();
      this.#stack.flush();
    });
  }

  /** The addresses that a connection to a name or address goes between. */
  async #route(host: string, port: number): Promise<{ local: string; remote: string; where: string }> {
    this.#assertOpen();
    const addresses = isIP(host) ? [host] : await this.resolve(host);
    for (const remote of addresses) {
      const local = this.#localFor(remote);
      if (local === undefined) continue;
      return { local, remote, where: remote === host ? `${host} port ${port}` : `${host} (${remote}) port ${port}` };
    }
    throw new TunneliteError('ERR_CLIENT_OPEN', `The tunnel has no address of the family of ${addresses.join(', ')}.`);
  }

  #assertOpen(): void {
    if (this.#ended) throw this.#ended;
  }

  #localFor(remote: string): string | undefined {
    return isIPv6(remote) ? this.configuration.address6 : this.configuration.address4;
  }

  #bytes(chunk: Buffer): void {
    if (this.#ended) return;
    const now = this.#clock.monotonic();
    this.#heard = now;
    this.#stack.tick(now);
    const fault = this.#reader.push(chunk);
    if (fault) this.#end('ERR_CLIENT_PROTOCOL', `The gateway's bytes are not CSTP (${fault}).`);
    else this.#stack.flush();
  }

  #packet(type: number, buffer: Buffer, offset: number, length: number): void {
    switch (type) {
      case CstpType.Data:
        this.#bytesIn += length;
        this.#stack.input(buffer, offset, length);
        return;
      case CstpType.DpdRequest:
        this.#writer.send(CstpType.DpdResponse, buffer, offset, length);
        return;
      case CstpType.Disconnect:
      case CstpType.Terminate: {
        const text = buffer.toString('utf8', offset + Math.min(1, length), offset + length);
        this.#end('ERR_CLIENT_DISCONNECTED', `The gateway ended the session${text ? `: ${text}` : '.'}`);
        return;
      }
      case CstpType.Compressed:
        this.#end('ERR_CLIENT_PROTOCOL', 'The gateway sent a compressed packet, which was not agreed on.');
        return;
      default: // DPD responses and keepalives prove life by having come
    }
  }

  /** Dead-peer detection (reference §8): a request after one period of silence, the end after two. */
  #scheduleWatch(): void {
    const period = this.configuration.dpd * 1000;
    if (period <= 0) return;
    this.#watch = this.#clock.setTimer(period * DPD_CHECK_SHARE, () => {
      const silence = this.#clock.monotonic() - this.#heard;
      if (silence > period * 2) {
        this.#end('ERR_CLIENT_DISCONNECTED', `The gateway has been silent for ${Math.round(silence / 1000)} s.`);
        return;
      }
      if (silence > period) this.#writer.control(CstpType.DpdRequest);
      this.#scheduleWatch();
    });
  }

  #release(): void {
    this.#watch?.cancel();
    this.#reader.stop();
    this.#driver.stop();
    this.#stack.close();
  }

  #end(code: 'ERR_CLIENT_DISCONNECTED' | 'ERR_CLIENT_PROTOCOL', message: string): void {
    if (this.#ended) return;
    this.#ended = new TunneliteError(code, message);
    this.#release();
    this.#connection.close();
    this.#onDisconnect?.(this.#ended);
  }
}

const INIT =
  '<?xml version="1.0" encoding="UTF-8"?>\n<config-auth client="vpn" type="init" aggregate-auth-version="2"><version who="vpn">1.0</version></config-auth>';

function commonHeaders(url: URL, options: TunnelClientOptions): [string, string][] {
  return [
    ['Host', url.host],
    ['User-Agent', options.userAgent ?? 'Tunnelite Client'],
  ];
}

/** Asks without a token first, as the real clients do, so that a token is fetched only when the gateway wants one. */
async function authenticate(
  connection: ControlConnection,
  url: URL,
  options: TunnelClientOptions,
  signal: AbortSignal,
): Promise<void> {
  const common = commonHeaders(url, options);
  const post = (extra: [string, string][]): Promise<ControlResponse> =>
    connection.exchange(
      {
        method: 'POST',
        path: url.pathname,
        headers: [...extra, ...common, ['Content-Type', 'application/xml; charset=utf-8']],
        body: INIT,
      },
      signal,
    );
  let response = await post([]);
  if (response.status === 401 && response.headers.has('www-authenticate')) {
    options.onStep?.({ step: 'challenge' });
    const token = typeof options.token === 'string' ? options.token : await options.token();
    options.onStep?.({ step: 'token' });
    response = await post([['Authorization', `Bearer ${token}`]]);
  }
  if (response.status !== 200) {
    throw new TunneliteError(
      'ERR_CLIENT_TOKEN_REFUSED',
      `The gateway answered ${response.status} ${response.statusText} to the token.`,
    );
  }
  options.onStep?.({ step: 'authenticated' });
}

/** CONNECT on the connection that authenticated: no cookie is needed (reference §15.3). */
async function openTunnel(
  connection: ControlConnection,
  url: URL,
  options: TunnelClientOptions,
  signal: AbortSignal,
): Promise<TunnelConfiguration> {
  const response = await connection.exchange(
    {
      method: 'CONNECT',
      path: '/CSCOSSLC/tunnel',
      headers: [
        ...commonHeaders(url, options),
        ['X-CSTP-Version', '1'],
        ['X-CSTP-Base-MTU', '1500'],
        ['X-CSTP-Address-Type', 'IPv6,IPv4'],
        ['X-CSTP-Full-IPv6-Capability', 'true'],
      ],
    },
    signal,
  );
  if (response.status !== 200) {
    const reason = response.headers.get('x-reason')?.[0];
    throw new TunneliteError(
      'ERR_CLIENT_SESSION_REFUSED',
      `The gateway answered ${response.status} ${response.statusText} to CONNECT${reason ? ` (${reason})` : ''}.`,
    );
  }
  return parseTunnelConfiguration(response.headers);
}
