import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import type { Clock, Timer } from '../lib/clock.ts';
import { isTunneliteError } from '../lib/errors.ts';
import { patience } from '../lib/late-tick.ts';
import { createServer } from '../lib/node-http.ts';
import type { Visitor } from '../lib/person.ts';
import type { RandomSource } from '../lib/random.ts';
import { joinStreams } from '../lib/stream-pair.ts';
import type { Emit } from '../telemetry/events.ts';
import { MAX_PROXY_HEAD_BYTES, PROXY_IDLE_MS } from './constants.ts';
import { endReadably } from './last-words.ts';
import { type Onward, openOnward } from './onward.ts';
import { type PipeliningClient, requestAnswered, requestCame } from './pipelining.ts';
import { ProxyAccess, type ProxyMode, type ProxySettings } from './proxy-access.ts';
import {
  badRequest,
  type ProxyRefusal,
  refusalOf,
  refusedBytes,
  refusedConnect,
  refuseRequest,
} from './proxy-answer.ts';
import { faultOf, forward } from './proxy-forward.ts';
import { valuesOf } from './proxy-headers.ts';
import { Inspection, type Inspector } from './proxy-inspection.ts';
import { type ProxyTarget, parseAbsolute, parseAuthority } from './proxy-target.ts';
import type { StreamService } from './types.ts';

export interface ProxyOptions {
  readonly settings: ProxySettings;
  readonly onward: Onward;
  readonly inspector: Inspector;
  /** PEM of the CA of the mock network. */
  readonly ca: string;
  readonly emit: Emit;
  readonly clock: Clock;
  readonly random: RandomSource;
}

/** The proxies of the mock network: one service for each mode, and one with a configurable mode. */
export interface Proxies {
  readonly services: readonly StreamService[];
  configure(settings: ProxySettings): void;
  /** Closes all connections, and forgets the generated certificates. */
  reset(): void;
}

/** State of a connection. */
interface Client extends PipeliningClient {
  readonly visitor: Visitor;
  readonly service: string;
  readonly mode: () => ProxyMode;
  /** Idle, waiting for a request. */
  idle: Timer | undefined;
  /** Settles with the answer to the latest request. */
  last: Promise<void> | undefined;
  /** Requests come through an inspected tunnel. */
  readonly inspected?: {
    readonly target: ProxyTarget;
    readonly user: string | undefined;
    /** A TLS connection to the site. */
    readonly open: () => Promise<Duplex>;
  };
}

const unused = () => ({ idle: undefined, waiting: 0, last: undefined });

const CLIENT = Symbol('client');
type Known = { [CLIENT]?: Client };

export function createProxies(options: ProxyOptions): Proxies {
  const proxy = new HttpProxy(options);
  const service = (name: string, mode: () => ProxyMode): StreamService => ({
    name,
    open: (stream, visitor) => proxy.open(stream, { visitor, service: name, mode, ...unused() }),
    close: async () => proxy.reset(),
  });
  return {
    services: [
      service('proxy', () => proxy.access.mode),
      service('proxy-allow-list', () => 'allow-list'),
      service('proxy-authenticated', () => 'authenticated'),
      service('proxy-inspecting', () => 'inspecting'),
    ],
    configure: (settings) => proxy.access.configure(settings),
    reset: () => proxy.reset(),
  };
}

/** An HTTP proxy (RFC 9110 §3.7): CONNECT, and requests with absolute URLs. */
class HttpProxy {
  readonly access: ProxyAccess;
  readonly #options: ProxyOptions;
  readonly #inspection: Inspection;
  readonly #streams = new Set<Duplex>();
  #server: Server | undefined;

  constructor(options: ProxyOptions) {
    this.#options = options;
    this.access = new ProxyAccess(options.settings, options.random);
    this.#inspection = new Inspection(options.inspector, options.ca, () => options.clock.now());
  }

  open(stream: Duplex, client: Client): void {
    (stream as Known)[CLIENT] = client;
    this.#streams.add(stream);
    stream.on('error', () => stream.destroy());
    stream.once('close', () => {
      client.idle?.cancel();
      this.#streams.delete(stream);
    });
    this.#wait(stream, client);
    this.#server ??= this.#listen();
    this.#server.emit('connection', stream);
  }

  reset(): void {
    for (const stream of this.#streams) stream.destroy();
    this.#inspection.reset();
  }

  #listen(): Server {
    const server = createServer(
      { maxHeaderSize: MAX_PROXY_HEAD_BYTES, requireHostHeader: true },
      (request, response) => void this.#request(request, response),
    );
    // Checks all headers: an ignored one could matter. Their size is bounded.
    server.maxHeadersCount = 0;
    server.on('connect', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
      void this.#connect(request, stream, head);
    });
    server.on('clientError', (error: NodeJS.ErrnoException, stream: Duplex) => this.#broken(error, stream));
    return server;
  }

  /** Ends an idle connection. */
  #wait(stream: Duplex, client: Client): void {
    client.idle?.cancel();
    client.idle = patience(this.#options.clock, PROXY_IDLE_MS, () => stream.destroy());
  }

  /** Waits until the requests before this one are answered: one after the other, whatever a client sends ahead. */
  async #turn(stream: Duplex, client: Client, response: ServerResponse): Promise<void> {
    client.idle?.cancel();
    requestCame(client, stream);
    const before = client.last;
    client.last = new Promise((resolve) => {
      response.once('close', () => {
        requestAnswered(client, stream);
        if (client.waiting === 0 && !stream.destroyed) this.#wait(stream, client);
        resolve();
      });
    });
    await before;
  }

  async #request(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const stream = request.socket;
    const client = (stream as Known)[CLIENT]!;
    await this.#turn(stream, client, response);
    if (stream.destroyed) return;
    const { inspected } = client;
    const target = inspected ? withinTunnel(request, inspected.target) : parseAbsolute(request.url ?? '');
    const refusal = faultOf(request) ?? ('fault' in target ? badRequest(target.fault) : undefined);
    if (refusal || 'fault' in target) {
      this.#refuse(request, response, client, refusal!);
      return;
    }
    let user = inspected?.user;
    if (!inspected) {
      const verdict = this.#judge(request, client, target);
      if ('refusal' in verdict) {
        this.#refuse(request, response, client, verdict.refusal, target.authority);
        return;
      }
      user = verdict.user;
    }
    const open = inspected?.open ?? (() => openOnward(this.#options.onward, target, client.visitor, stream));
    try {
      const status = await forward(request, response, { ...target, open, clock: this.#options.clock });
      this.#tell(request, client, { host: target.authority, path: target.path, status, user });
    } catch (error) {
      this.#refuse(request, response, client, refusalOf(error, target.host), target.authority, user);
    }
  }

  async #connect(request: IncomingMessage, stream: Duplex, head: Buffer): Promise<void> {
    const client = (stream as Known)[CLIENT]!;
    client.idle?.cancel();
    // The server has released it.
    stream.on('error', () => stream.destroy());
    let target: ProxyTarget | undefined;
    let user: string | undefined;
    try {
      const found = client.inspected
        ? { fault: 'CONNECT is not possible within an inspected tunnel.' }
        : parseAuthority(request.url ?? '');
      const fault = faultOf(request) ?? ('fault' in found ? badRequest(found.fault) : contentFault(request));
      if (fault || 'fault' in found) throw new Refused(fault!);
      target = found;
      const verdict = this.#judge(request, client, target);
      if ('refusal' in verdict) throw new Refused(verdict.refusal);
      user = verdict.user;
      const inspect = client.mode() === 'inspecting';
      const context = inspect ? await this.#inspection.contextFor(target.host) : undefined;
      const onward = await openOnward(this.#options.onward, target, client.visitor, stream);
      this.#tell(request, client, { host: hostAndPort(target), path: '', status: 200, user });
      stream.write('HTTP/1.1 200 Connection established\r\n\r\n');
      if (head.length > 0) stream.unshift(head);
      if (context) await this.#inspect(stream, client, target, user, onward, context);
      else joinStreams(stream, onward);
    } catch (error) {
      const refusal = error instanceof Refused ? error.refusal : this.#refusalOf(error, target?.host ?? '');
      const host = target ? hostAndPort(target) : '';
      this.#tell(request, client, { host, path: '', status: refusal.status, user, explanation: refusal.explanation });
      stream.write(refusedConnect(request, refusal));
      endReadably(stream, this.#options.clock);
    }
  }

  /** Inspects the contents of a tunnel. */
  async #inspect(
    stream: Duplex,
    client: Client,
    target: ProxyTarget,
    user: string | undefined,
    onward: Duplex,
    context: Awaited<ReturnType<Inspection['contextFor']>>,
  ): Promise<void> {
    const inspection = this.#inspection;
    onward.on('error', () => {});
    stream.once('close', () => onward.destroy());
    let first: Promise<TLSSocket> | undefined = inspection.towardsSite(onward, target.host);
    first.catch(() => {});
    const open = async (): Promise<Duplex> => {
      const ready = first;
      first = undefined;
      if (ready) return ready;
      const again = await openOnward(this.#options.onward, target, client.visitor, stream);
      return inspection.towardsSite(again, target.host);
    };
    const impatience = patience(this.#options.clock, PROXY_IDLE_MS, () => stream.destroy());
    try {
      const secure = await inspection.towardsClient(stream, context);
      const { visitor, service, mode } = client;
      this.open(secure, { visitor, service, mode, ...unused(), inspected: { target, user, open } });
    } catch (error) {
      const explanation = `The client aborted the handshake of ${target.host} with the proxy: ${(error as Error).message}. Does it trust the inspecting CA?`;
      this.#emit(client, { method: 'CONNECT', host: hostAndPort(target), path: '', status: 0, user, explanation });
      stream.destroy();
    } finally {
      impatience.cancel();
    }
  }

  #judge(
    request: IncomingMessage,
    client: Client,
    target: ProxyTarget,
  ): { readonly user: string | undefined } | { readonly refusal: ProxyRefusal } {
    const { method = '', url = '' } = request;
    const authorization = valuesOf(request.rawHeaders, 'proxy-authorization')[0];
    const verdict = this.access.check(client.mode(), { method, target: url, authorization }, target);
    if ('user' in verdict) return verdict;
    const status = verdict.challenges ? 407 : 403;
    return { refusal: { status, error: 'http_request_denied', ...verdict } };
  }

  #refusalOf(error: unknown, host: string): ProxyRefusal {
    if (!isTunneliteError(error)) return refusalOf(error, host);
    const explanation = `${host} cannot be inspected: ${error.message}`;
    return { status: 502, error: 'tls_certificate_error', explanation };
  }

  #refuse(
    request: IncomingMessage,
    response: ServerResponse,
    client: Client,
    refusal: ProxyRefusal,
    host = '',
    user?: string,
  ): void {
    const { status, explanation } = refusal;
    this.#tell(request, client, { host, path: '', status, user, explanation });
    refuseRequest(request, response, refusal);
  }

  /** Bytes that are not a request. */
  #broken({ code, message }: NodeJS.ErrnoException, stream: Duplex): void {
    const client = (stream as Known)[CLIENT];
    if (client && code !== 'ECONNRESET') {
      const tooLarge = code === 'HPE_HEADER_OVERFLOW';
      const explanation = tooLarge
        ? `The headers are larger than ${MAX_PROXY_HEAD_BYTES} bytes.`
        : `This is not an HTTP request: ${message}.`;
      const status = tooLarge ? 431 : 400;
      this.#emit(client, { method: '', host: '', path: '', status, user: undefined, explanation });
      if (stream.writable) stream.write(refusedBytes({ status, error: 'http_request_error', explanation }));
    }
    endReadably(stream, this.#options.clock);
  }

  #tell(request: IncomingMessage, client: Client, told: Omit<Told, 'method'>): void {
    this.#emit(client, { method: request.method ?? '', ...told });
  }

  #emit({ visitor, service, mode }: Client, { explanation = '', ...told }: Told): void {
    this.#options.emit('proxy.request', { service, mode: mode(), session: visitor.session, ...told, explanation });
  }
}

interface Told {
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly status: number;
  readonly user: string | undefined;
  readonly explanation?: string;
}

class Refused extends Error {
  readonly refusal: ProxyRefusal;

  constructor(refusal: ProxyRefusal) {
    super(refusal.explanation);
    this.refusal = refusal;
  }
}

const hostAndPort = ({ host, port }: ProxyTarget): string =>
  host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;

/** A CONNECT has no content (RFC 9110 §9.3.6): a client that sends some would lose the first bytes of the tunnel. */
function contentFault({ rawHeaders }: IncomingMessage): ProxyRefusal | undefined {
  const framed = ['content-length', 'transfer-encoding'].some((name) => valuesOf(rawHeaders, name).length > 0);
  return framed ? badRequest('A CONNECT has no body, so it must not have a length.') : undefined;
}

/** Target of a request within a tunnel: only the host of the tunnel. */
function withinTunnel(request: IncomingMessage, tunnel: ProxyTarget) {
  const path = request.url ?? '';
  if (!path.startsWith('/') && !(path === '*' && request.method === 'OPTIONS')) {
    return { fault: 'Within a tunnel a request has a path, and no host.' };
  }
  const own = tunnel.port === 443 ? hostAndPort(tunnel).replace(/:443$/, '') : hostAndPort(tunnel);
  const named = (request.headers.host ?? own).toLowerCase().replace(/:443$/, '').replace(/\.$/, '');
  if (named !== own.replace(/:443$/, '')) {
    return { fault: `The tunnel goes to ${own}; a request in it cannot be for another host.` };
  }
  return { ...tunnel, path, authority: own };
}
