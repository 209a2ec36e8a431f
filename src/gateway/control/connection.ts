import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { StreamFault, StreamPoint, TcpConnection } from '../../faults/ports.ts';
import { errorText } from '../../lib/errors.ts';
import { forgetMatch } from '../../lib/own-string.ts';
import { personFields } from '../../lib/person.ts';
import { HANDSHAKE_PIECE } from '../../tls/constants.ts';
import { RecordWriter } from '../../tls/record-writer.ts';
import { Transport } from '../../tls/transport.ts';
import { parseClientHello } from '../../wire/client-hello.ts';
import { parseClientDocument } from '../../wire/config-auth.ts';
import { type ClientHeaders, mergeClientHeaders, noClientHeaders } from '../../wire/cstp-headers.ts';
import { type HttpRequest, headerValues, RequestReader, serializeResponse } from '../../wire/http1/index.ts';
import { CstpChannel, type CstpConnection } from '../data/cstp-channel.ts';
import type { GatewaySession } from '../session/session.ts';
import { type AdmissionClient, admit, settle } from './admission.ts';
import { cipherName } from './cipher-name.ts';
import { entitledSession, sessionOfCookie, showsCookie, type TunnelRefusal } from './connect-request.ts';
import { ConnectionDeadlines, type Look } from './connection-deadlines.ts';
import { inject, injectReturn, pointsOfReturn, returnRefusal, suffer, sufferAwaited } from './connection-faults.ts';
import type { ConnectionHost } from './connection-host.ts';
import { CONNECTION_TRANSITIONS, type ConnectionEvent, ConnectionState } from './connection-state.ts';
import { FIRST_BYTES, MAX_REQUESTS_PER_CONNECTION, REQUEST_LIMITS } from './constants.ts';
import type { ForwardClient } from './forward-port.ts';
import { ForwardStream } from './forward-stream.ts';
import { explained, forwardRefused, isForward, readForward, reportAnswer } from './forwarding.ts';
import {
  authenticationFailed,
  challenge,
  cookieRefused,
  type HttpResponse,
  notFound,
  response,
} from './http-response.ts';
import { checkLogin, type LoginRefusal, readLogin } from './login.ts';
import { remoteAddressOf, remoteOf } from './remote-address.ts';
import { type FaultSubject, tcpConnectionOf } from './tcp-connection.ts';
import { HANDSHAKE_TIMED_OUT, reportFailure } from './tls-failure.ts';
import { Stage } from './waiting-room.ts';

/** One connection on the TLS port: handshake, requests, then CSTP. */
export class ControlConnection implements CstpConnection, FaultSubject {
  readonly tls: TLSSocket;
  readonly transport: Transport;
  readonly writer: RecordWriter;
  /** `address:port` of the client. */
  readonly remote: string;
  readonly remoteAddress: string;
  readonly acceptedAt: number;
  readonly #port: number;
  readonly #host: ConnectionHost<ControlConnection>;
  /** Undefined once the tunnel is open. */
  #reader: RequestReader | undefined = new RequestReader(REQUEST_LIMITS);
  #state: ConnectionState = ConnectionState.Handshake;
  #headers: ClientHeaders = noClientHeaders();
  #requests = 0;
  /** Whether any byte was received. */
  #heard = false;
  #session: GatewaySession | undefined;
  #cstp: CstpChannel | undefined;
  #failure: string | undefined;
  #rejected = false;
  /** The connection as fault rules see it; created when there is a rule. */
  #tcp: TcpConnection | undefined;
  /** Set while a CONNECT for a resource is pending: call it when the client has gone. */
  #abandon: (() => void) | undefined;
  readonly #deadlines: ConnectionDeadlines;

  constructor(raw: Socket, host: ConnectionHost<ControlConnection>) {
    this.#host = host;
    this.remoteAddress = remoteAddressOf(raw);
    this.remote = remoteOf(raw);
    this.#port = raw.remotePort ?? 0;
    this.acceptedAt = host.clock.monotonic();
    this.#deadlines = new ConnectionDeadlines(this.acceptedAt, host.machine.monotonic());
    this.transport = new Transport(raw, { onBatchEnd: () => this.#onBatchEnd(), keepFirst: FIRST_BYTES });
    this.transport.handInPieces(HANDSHAKE_PIECE);
    this.tls = host.secure(this.transport, { address: this.remoteAddress, key: this.remote });
    this.writer = new RecordWriter(this.tls, this.transport);
    this.transport.on('error', (error) => this.#fail(error));
    this.tls.on('error', (error) => this.#fail(error));
    this.tls.on('secure', () => this.#onSecure());
    this.tls.on('data', this.#onData);
    this.tls.on('end', () => this.#onEnd());
    this.tls.on('close', () => this.#onGone());
    this.transport.on('close', () => this.tls.destroy());
    this.#inject('accept');
    this.#look();
  }

  get asTcp(): TcpConnection {
    this.#tcp ??= tcpConnectionOf(this);
    return this.#tcp;
  }

  get session(): GatewaySession | undefined {
    return this.#session;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Ends the connection for a fault. */
  broken(why?: string): void {
    this.#rejected = true;
    this.#failure ??= why;
  }

  readonly monotonic = (): number => this.#host.clock.monotonic();

  /** Called about once a second, except while the connection carries a tunnel: then the session has the time limits. */
  check(look: Look): void {
    const deadlines = this.#deadlines;
    deadlines.look(look);
    if (this.#state === ConnectionState.Handshake) {
      if (!deadlines.handshakeOverdue(look.machineNow)) return;
      this.#failure = HANDSHAKE_TIMED_OUT;
      this.tls.destroy();
    } else if (this.#state === ConnectionState.Closing) {
      if (deadlines.closeOverdue(look.machineNow)) this.tls.destroy();
    } else if (this.overdueAt(look.now)) {
      this.#reject('auth-timeout', `No CONNECT was received within ${this.#host.settings.authTimeout} s.`);
    }
  }

  /** Whether the connection has completed its handshake, has no tunnel, and will exceed its time limit at that time. */
  overdueAt(time: number): boolean {
    switch (this.#state) {
      case ConnectionState.Request:
      case ConnectionState.Verifying:
      case ConnectionState.Authenticated:
      case ConnectionState.Connecting:
        return this.#deadlines.waited(time) >= this.#host.settings.authTimeout * 1000;
      default:
        return false;
    }
  }

  closeConnection(): void {
    if (!this.#move('close')) return;
    this.#deadlines.closes(this.#host.machine.monotonic());
    this.#host.onClosing(this);
    this.writer.close(() => this.tls.end());
    // Further input is read and discarded, so that a reset does not destroy our last bytes.
    this.tls.resume();
  }

  /** Closes at once to make space for another connection; the caller reports it. */
  evict(): void {
    this.#rejected = true;
    this.tls.destroy();
  }

  /** Ends at once without sending anything. */
  destroy(): void {
    this.tls.destroy();
  }

  /** Whether the connection carries the tunnel of that session. */
  carries(session: GatewaySession): boolean {
    return this.#session === session && this.#state === ConnectionState.Tunnel;
  }

  /** Applies an injected fault to the connection or its session. True: the connection has ended. */
  suffer(fault: StreamFault): boolean {
    return suffer(this.#host, this, fault);
  }

  /** Applies the fault plan to this connection at this point. True: the connection has ended. */
  #inject(point: StreamPoint): boolean {
    return inject(this.#host, this, point);
  }

  /** Call when more is known about the connection: more rules may now select it. */
  #look(): void {
    this.#host.faults.tcp?.look(this.asTcp);
  }

  #move(event: ConnectionEvent): boolean {
    const next = CONNECTION_TRANSITIONS[this.#state][event];
    if (next === null || next === this.#state) return false;
    this.#state = next;
    return true;
  }

  #fail(error: Error): void {
    this.#failure ??= (error as NodeJS.ErrnoException).code ?? errorText(error);
    this.tls.destroy();
  }

  #onSecure(): void {
    if (!this.#move('secure')) return;
    this.#host.onProgress(this, Stage.Secure);
    this.#host.emit('tls.connect', {
      remote: this.remote,
      protocol: this.tls.getProtocol() ?? '',
      cipher: cipherName(this.tls),
      serverName: (this.tls as TLSSocket & { servername?: string | false }).servername || undefined,
      library: parseClientHello(this.transport.firstBytes ?? Buffer.alloc(0))?.library,
    });
    this.#look();
    this.#inject('tls');
  }

  /** Bytes of the tunnel; the channel does not use them after it returns. */
  readonly #receive = (chunk: Buffer): void => this.#cstp?.receive(chunk);

  readonly #onData = (chunk: Buffer): void => {
    if (this.#cstp) {
      this.#receive(chunk);
      return;
    }
    if (this.#state === ConnectionState.Closing || this.#state === ConnectionState.Closed) return;
    this.#reader?.feed(chunk);
    this.#readRequests();
  };

  #onBatchEnd(): void {
    if (!this.#heard) {
      this.#heard = true;
      this.#host.onProgress(this, Stage.Heard);
    }
    this.#cstp?.batchEnd();
    this.#host.onBatchEnd();
    if (this.#state === ConnectionState.Tunnel) this.#inject('traffic');
  }

  #onEnd(): void {
    if (this.#state === ConnectionState.Handshake) {
      this.tls.destroy();
      return;
    }
    // One direction of forwarded data may end before the other.
    if (this.#state === ConnectionState.Forwarding) return;
    this.#lost('The TCP connection was closed.');
    this.closeConnection();
  }

  #onGone(): void {
    const state = this.#state;
    if (!this.#move('gone')) return;
    if (!this.#rejected && this.#requests === 0) {
      const secured = state !== ConnectionState.Handshake;
      reportFailure(this.#host, this.remote, { code: this.#failure, firstBytes: this.transport.firstBytes, secured });
    }
    this.#lost(this.#failure ? `The TCP connection failed (${this.#failure}).` : 'The TCP connection was closed.');
    this.#abandon?.();
    this.writer.abandon();
    this.#host.onGone(this);
  }

  #lost(why: string): void {
    const cstp = this.#cstp;
    this.#cstp = undefined;
    cstp?.lost(why);
  }

  #readRequests(): void {
    while (this.#state === ConnectionState.Request || this.#state === ConnectionState.Authenticated) {
      const result = this.#reader?.next();
      if (!result) return;
      if ('fault' in result) {
        this.#reject(result.fault.reason, result.fault.explanation);
        return;
      }
      this.#onRequest(result.message);
    }
  }

  /** Closes the connection without an answer; only the log contains the reason. */
  #reject(reason: string, explanation: string): void {
    this.#rejected = true;
    const withheld = this.#host.strangers.next(`http.rejected ${reason}`);
    if (withheld !== undefined) {
      const more = withheld > 0 ? ` ${withheld} more of this kind were not reported.` : '';
      this.#host.emit('http.rejected', { remote: this.remote, reason, explanation: `${explanation}${more}` });
    }
    this.closeConnection();
    forgetMatch();
  }

  #onRequest(request: HttpRequest): void {
    if (this.#requests === 0) this.transport.forgetFirstBytes();
    if (++this.#requests > MAX_REQUESTS_PER_CONNECTION) {
      this.#reject('too-many-requests', `A connection is limited to ${MAX_REQUESTS_PER_CONNECTION} requests.`);
      return;
    }
    this.#headers = mergeClientHeaders(this.#headers, request.headers, request.method);
    this.#host.emit('http.request', {
      remote: this.remote,
      method: request.method,
      path: request.target,
      agent: this.#headers.userAgent,
    });
    switch (request.method) {
      case 'GET':
        this.#onGet(request);
        break;
      case 'POST':
        this.#onPost(request);
        break;
      case 'CONNECT':
        this.#move('connect');
        this.#guard(this.#forwards(request) ? this.#onForward(request) : this.#onConnect(request));
        break;
      default:
        this.#answer(notFound(), request);
    }
  }

  #onGet(request: HttpRequest): void {
    const authenticated = this.#session !== undefined || showsCookie(this.#host.sessionTable, this.#headers);
    const answer = this.#host.pages.answer({
      target: request.target,
      userAgent: this.#headers.userAgent,
      authenticated,
    });
    if (answer) this.#answer(answer, request);
    else this.#reject('no-ca', 'The CA certificate was requested, but the gateway has none.');
  }

  #onPost(request: HttpRequest): void {
    const login = readLogin(this.#host, this.#headers, this.#session !== undefined);
    if (login.kind === 'challenge') {
      this.#host.emit('auth.challenge', { remote: this.remote, agent: this.#headers.userAgent });
      this.#answer(challenge(), request);
    } else if (login.kind === 'refused') {
      this.#refuseLogin(login, request);
    } else {
      this.#move('authenticate');
      // The token is no longer needed: a second login is refused, and CONNECT needs none.
      this.#headers = { ...this.#headers, authorization: [] };
      this.tls.pause();
      this.#guard(this.#login(login.token, request));
    }
  }

  #refuseLogin({ kind: _, ...why }: LoginRefusal, request: HttpRequest): void {
    this.#host.emit('auth.refused', { remote: this.remote, ...why });
    this.#host.onFailedLogin(this.remoteAddress);
    this.#answer(authenticationFailed(), request);
  }

  async #login(token: string, request: HttpRequest): Promise<void> {
    const remote = { address: this.remoteAddress, key: this.remote };
    const verdict = await checkLogin(this.#host, token, remote, (fault) => sufferAwaited(this.#host, this, fault));
    if (verdict.kind === 'gone' || this.#state !== ConnectionState.Verifying) return;
    if (verdict.kind === 'refused') {
      this.#refuseLogin(verdict, request);
      return;
    }
    const { session, cookie } = await this.#host.sessionTable.create(verdict.principal, this.remoteAddress);
    if (!this.#move('accept')) return;
    this.#session = session;
    this.#look();
    this.#host.onProgress(this, Stage.Authenticated);
    this.#host.emit('auth.accepted', {
      remote: this.remote,
      ...personFields(session),
      session: session.id,
      tenant: session.tenantId,
      agent: this.#headers.userAgent,
      client: parseClientDocument(request.body)?.deviceId,
    });
    const { pages, settings } = this.#host;
    this.#answer(pages.loggedIn(this.#headers.userAgent, settings.banner, cookie), request);
    this.tls.resume();
    this.#readRequests();
  }

  async #onConnect(request: HttpRequest): Promise<void> {
    this.tls.pause();
    const found = this.#session
      ? { session: this.#session, ended: undefined }
      : await sessionOfCookie(this.#host.sessionTable, this.#headers.webvpn);
    const returning = 'answer' in found ? undefined : pointsOfReturn(this.#host, this, found.session);
    if (returning !== undefined && (await injectReturn(this.#host, this, returning))) return;
    if (this.#state !== ConnectionState.Connecting) return;
    const entitled =
      'answer' in found
        ? found
        : (returnRefusal(this.#host, this, returning) ??
          entitledSession(found.session, request.target, this.#host.turnsAway, found.ended));
    if ('answer' in entitled) this.#refuseTunnel(entitled, request);
    else this.#openTunnel(entitled.session, request);
  }

  /** Whether a CONNECT is for a resource and forwarding is enabled. */
  #forwards({ target }: HttpRequest): boolean {
    const { forward, settings } = this.#host;
    return forward !== undefined && settings.httpConnect === true && isForward(target);
  }

  async #onForward(request: HttpRequest): Promise<void> {
    this.tls.pause();
    const remote = { address: this.remoteAddress, key: this.remote };
    const suffering = (fault: StreamFault): Promise<boolean> => sufferAwaited(this.#host, this, fault);
    const asked = await readForward(this.#host, request, this.#session, remote, suffering);
    if (asked === undefined || this.#state !== ConnectionState.Connecting) return;
    const { forward, turnsAway } = this.#host;
    if ('answer' in asked) {
      reportAnswer(this.#host, this, this.#headers.userAgent, asked);
      this.#answer(asked.answer, request);
      return;
    }
    if (turnsAway !== undefined) {
      this.#answer(explained(503, 'Service Unavailable', turnsAway.explanation), request);
      return;
    }
    this.#host.onProgress(this, Stage.Authenticated);
    this.#abandon = forward?.(
      { ...asked, source: { address: this.remoteAddress, port: this.#port } },
      { accept: () => this.#forward(request), refuse: (refusal) => this.#answer(forwardRefused(refusal), request) },
    );
  }

  /** The resource has answered: further input is forwarded to it. */
  #forward(request: HttpRequest): ReturnType<ForwardClient['accept']> {
    const established = response(200, 'Connection established');
    this.#host.emit('http.response', { remote: this.remote, status: established.status, text: established.text });
    this.tls.write(serializeResponse(established, request.version));
    this.#move('forward');
    this.#host.onTunnel(this);
    this.transport.handInPieces(0);
    this.tls.removeListener('data', this.#onData);
    const stream = new ForwardStream(this.tls, this.transport, this.#reader?.rest());
    this.#headers = noClientHeaders();
    this.#reader = undefined;
    return { stream, bytes: () => stream.bytes() };
  }

  #openTunnel(session: GatewaySession, request: HttpRequest): void {
    const client: AdmissionClient = {
      headers: this.#headers,
      remoteAddress: this.remoteAddress,
      remote: this.remote,
      acceptedAt: this.acceptedAt,
      tls: this.tls,
    };
    const admission = admit(this.#host, client, session);
    if (!admission.ok) {
      this.#refuseTunnel({ ...admission, answer: cookieRefused(), session: session.id }, request);
      return;
    }
    this.#session = session;
    if (this.#inject('connect')) return;
    const { lines, tunnel, data } = settle(this.#host, client, session, admission);
    this.#answer(response(200, 'CONNECTED', lines), { ...request, version: '1.1' });
    this.#move('establish');
    const control = new CstpChannel(this, tunnel);
    this.#cstp = control;
    session.connect({ tunnel, control, data });
    this.#host.onTunnel(this);
    this.#look();
    const rest = this.#reader?.rest();
    // Request headers have been processed; a long-lived connection keeps none of them.
    this.#headers = noClientHeaders();
    this.#reader = undefined;
    if (rest?.length) control.receive(rest);
    this.transport.handInPieces(0);
    this.transport.sharePlaintext(this.tls, this.#receive);
    this.tls.resume();
    control.batchEnd();
    this.#host.onBatchEnd();
    if (session.tunnels === 1) this.#inject('session');
  }

  #refuseTunnel({ reason, explanation, answer, session }: TunnelRefusal, request: HttpRequest): void {
    this.#host.emit('session.refused', { remote: this.remote, reason, explanation, session });
    this.#answer(answer, request);
  }

  #answer(answer: HttpResponse, request: HttpRequest): void {
    this.#host.emit('http.response', { remote: this.remote, status: answer.status, text: answer.text });
    this.tls.write(serializeResponse(answer, request.version));
    const asked = headerValues(request.headers, 'connection').some((value) => /\bclose\b/i.test(value));
    if (answer.close || request.version === '1.0' || (asked && answer.text !== 'CONNECTED')) this.closeConnection();
    forgetMatch();
  }

  /** Catches rejections: an error ends only this connection. */
  #guard(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#reject('internal', `The request could not be handled: ${errorText(error)}`);
    });
  }
}
