import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { TokenVerifier } from '../../bearer/types.ts';
import { errorText } from '../../lib/errors.ts';
import type { Emit } from '../../telemetry/events.ts';
import { authCompleteDocument, describeAuthBody } from '../../wire/config-auth.ts';
import { type ClientHeaders, mergeClientHeaders, noClientHeaders } from '../../wire/cstp-headers.ts';
import { type HttpRequest, HttpRequestReader } from '../../wire/http-request.ts';
import {
  CLOSE_TIMEOUT,
  HANDSHAKE_TIMEOUT,
  MAX_BODY_BYTES,
  MAX_HEAD_BYTES,
  MAX_HEADER_COUNT,
  MAX_REQUESTS_PER_CONNECTION,
  MAX_URL_BYTES,
} from '../constants.ts';
import { CstpChannel, type CstpConnection } from '../data/cstp-channel.ts';
import { RecordWriter } from '../data/record-writer.ts';
import type { GatewaySession } from '../session/session.ts';
import { decodeCookie } from '../session/sessions.ts';
import { type AdmissionClient, type AdmissionHost, admit, settle } from './admission.ts';
import { type BearerPrefix, readBearer } from './bearer.ts';
import { CONNECTION_TRANSITIONS, type ConnectionEvent, ConnectionState } from './connection-state.ts';
import {
  authComplete,
  authenticationFailed,
  challenge,
  cookieRefused,
  type HttpResponse,
  notFound,
  response,
  serializeResponse,
  serviceUnavailable,
} from './http-response.ts';
import { dialectOf, type Pages } from './pages.ts';
import { remoteAddressOf, remoteOf } from './remote-address.ts';
import { classifyTlsFailure } from './tls-failure.ts';
import { Transport } from './transport.ts';

const LIMITS = { target: MAX_URL_BYTES, head: MAX_HEAD_BYTES, headerCount: MAX_HEADER_COUNT, body: MAX_BODY_BYTES };

/** What connections need of the gateway around them. */
export interface ConnectionHost extends AdmissionHost {
  readonly verifier: TokenVerifier;
  readonly emit: Emit;
  readonly pages: Pages;
  readonly bearerPrefix: BearerPrefix;
  /** Puts TLS, as the server, around a transport. */
  secure(transport: Transport): TLSSocket;
  /** The handshake is done: the connection counts as a client's from now on. */
  onTunnel(connection: ControlConnection): void;
  onFailedLogin(remoteAddress: string): void;
  onGone(connection: ControlConnection): void;
}

/** One connection on the TLS port: handshake, requests, then CSTP. */
export class ControlConnection implements CstpConnection {
  readonly tls: TLSSocket;
  readonly transport: Transport;
  readonly writer: RecordWriter;
  /** `address:port` of the client. */
  readonly remote: string;
  readonly remoteAddress: string;
  readonly acceptedAt: number;
  readonly #host: ConnectionHost;
  readonly #reader = new HttpRequestReader(LIMITS);
  #state: ConnectionState = ConnectionState.Handshake;
  #headers: ClientHeaders = noClientHeaders();
  #requests = 0;
  #session: GatewaySession | undefined;
  #cstp: CstpChannel | undefined;
  #failure: string | undefined;
  #rejected = false;
  #closingSince = 0;

  constructor(raw: Socket, host: ConnectionHost) {
    this.#host = host;
    this.remoteAddress = remoteAddressOf(raw);
    this.remote = remoteOf(raw);
    this.acceptedAt = host.clock.monotonic();
    this.transport = new Transport(raw);
    this.tls = host.secure(this.transport);
    this.writer = new RecordWriter(this.tls, this.transport);
    this.transport.on('error', (error) => this.#fail(error));
    this.tls.on('error', (error) => this.#fail(error));
    this.tls.on('secure', () => this.#onSecure());
    this.tls.on('data', (chunk: Buffer) => this.#onData(chunk));
    this.tls.on('end', () => this.#onEnd());
    this.tls.on('close', () => this.#onGone());
    this.transport.on('close', () => this.tls.destroy());
    this.#inject('accept');
  }

  get state(): ConnectionState {
    return this.#state;
  }

  readonly monotonic = (): number => this.#host.clock.monotonic();

  /** Called about once a second. */
  check(now: number): void {
    const age = now - this.acceptedAt;
    switch (this.#state) {
      case ConnectionState.Handshake:
        if (age < HANDSHAKE_TIMEOUT * 1000) break;
        this.#failure = 'TIMEOUT';
        this.tls.destroy();
        break;
      case ConnectionState.Request:
      case ConnectionState.Verifying:
      case ConnectionState.Authenticated:
      case ConnectionState.Connecting:
        if (age < this.#host.settings.authTimeout * 1000) break;
        this.#reject('auth-timeout', `No CONNECT came within ${this.#host.settings.authTimeout} s.`);
        break;
      case ConnectionState.Closing:
        if (now - this.#closingSince >= CLOSE_TIMEOUT * 1000) this.tls.destroy();
        break;
      default:
    }
  }

  closeConnection(): void {
    if (!this.#move('close')) return;
    this.#closingSince = this.monotonic();
    this.writer.close();
    this.transport.onBatchEnd = undefined;
    this.tls.end();
    // What still comes is read and thrown away, so that our last bytes are not lost to a reset.
    this.tls.resume();
  }

  /** Ends at once, without a word. */
  destroy(): void {
    this.tls.destroy();
  }

  /** Asks the fault plan whether something is to happen to this connection here. True: it is gone. */
  #inject(point: 'accept' | 'tls' | 'connect' | 'data'): boolean {
    const fault = this.#host.faults.stream?.(point, this.#session?.id);
    if (!fault) return false;
    if (fault.kind === 'stall') {
      this.transport.hold();
      this.#host.clock.setTimer(fault.milliseconds, () => this.transport.release());
      return false;
    }
    this.#rejected = true;
    if (fault.kind === 'reset') this.transport.raw.resetAndDestroy();
    else this.closeConnection();
    return true;
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
    const cipher = this.tls.getCipher();
    this.#host.emit('tls.connect', {
      remote: this.remote,
      protocol: this.tls.getProtocol() ?? '',
      cipher: cipher?.standardName ?? cipher?.name ?? '',
      serverName: (this.tls as TLSSocket & { servername?: string | false }).servername || undefined,
    });
    this.#inject('tls');
  }

  #onData(chunk: Buffer): void {
    if (this.#cstp) {
      this.#cstp.receive(chunk);
      return;
    }
    if (this.#state === ConnectionState.Closing || this.#state === ConnectionState.Closed) return;
    this.#reader.feed(chunk);
    this.#readRequests();
  }

  #onEnd(): void {
    if (this.#state === ConnectionState.Handshake) {
      this.tls.destroy();
      return;
    }
    this.#lost('The TCP connection was closed.');
    this.closeConnection();
  }

  #onGone(): void {
    const state = this.#state;
    if (!this.#move('gone')) return;
    if (state === ConnectionState.Handshake) this.#reportHandshake();
    else if (this.#requests === 0 && state !== ConnectionState.Tunnel) this.#reportSilence();
    this.#lost(this.#failure ? `The TCP connection broke (${this.#failure}).` : 'The TCP connection was closed.');
    this.writer.close();
    this.#host.onGone(this);
  }

  #lost(why: string): void {
    const cstp = this.#cstp;
    this.#cstp = undefined;
    cstp?.lost(why);
  }

  #reportHandshake(): void {
    const failure =
      this.#failure === 'TIMEOUT'
        ? {
            reason: 'timeout' as const,
            explanation: `The TLS handshake was not done within ${HANDSHAKE_TIMEOUT} s.`,
          }
        : classifyTlsFailure(this.#failure, this.transport.firstBytes);
    if (failure.reason === 'probe') this.#host.emit('tls.probe', { remote: this.remote });
    else this.#host.emit('tls.failed', { remote: this.remote, ...failure });
  }

  /** With TLS 1.2, and some clients of 1.3, distrust shows only after the gateway's side of the handshake is done. */
  #reportSilence(): void {
    if (this.#rejected) return;
    const failure = classifyTlsFailure(this.#failure, this.transport.firstBytes);
    this.#host.emit('tls.failed', { remote: this.remote, ...failure });
  }

  #readRequests(): void {
    while (this.#state === ConnectionState.Request || this.#state === ConnectionState.Authenticated) {
      const result = this.#reader.next();
      if (!result) return;
      if ('fault' in result) {
        this.#reject(result.fault.reason, result.fault.explanation);
        return;
      }
      this.#onRequest(result.request);
    }
  }

  /** The connection is closed without an answer; only the log says why. */
  #reject(reason: string, explanation: string): void {
    this.#rejected = true;
    this.#host.emit('http.rejected', { remote: this.remote, reason, explanation });
    this.closeConnection();
  }

  #onRequest(request: HttpRequest): void {
    if (++this.#requests > MAX_REQUESTS_PER_CONNECTION) {
      this.#reject('too-many-requests', `A connection may carry ${MAX_REQUESTS_PER_CONNECTION} requests.`);
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
        this.#guard(this.#onConnect(request));
        break;
      default:
        this.#answer(notFound(), request);
    }
  }

  #onGet(request: HttpRequest): void {
    const authenticated =
      this.#session !== undefined || this.#host.sessionTable.knows(decodeCookie(this.#headers.webvpn));
    const answer = this.#host.pages.answer({
      target: request.target,
      userAgent: this.#headers.userAgent,
      authenticated,
    });
    if (answer) this.#answer(answer, request);
    else this.#reject('no-ca', 'The CA certificate was asked for, but the gateway was not given one.');
  }

  #onPost(request: HttpRequest): void {
    if (this.#session) {
      this.#refuseLogin(
        'repeated',
        'A second login was tried on a connection that had already authenticated.',
        request,
      );
      return;
    }
    const bearer = readBearer(this.#headers.authorization, this.#host.bearerPrefix);
    if (bearer.kind === 'absent') {
      this.#host.emit('auth.challenge', { remote: this.remote, agent: this.#headers.userAgent });
      this.#answer(challenge(), request);
    } else if (bearer.kind === 'refused') {
      this.#refuseLogin('scheme', bearer.explanation, request);
    } else {
      this.#move('authenticate');
      this.tls.pause();
      this.#guard(this.#verify(bearer.token, request));
    }
  }

  #refuseLogin(reason: string, explanation: string, request: HttpRequest): void {
    this.#host.emit('auth.refused', { remote: this.remote, reason, explanation });
    this.#host.onFailedLogin(this.remoteAddress);
    this.#answer(authenticationFailed(), request);
  }

  async #verify(token: string, request: HttpRequest): Promise<void> {
    const verdict = await this.#host.verifier.verify(token);
    if (this.#state !== ConnectionState.Verifying) return;
    const fault = this.#host.faults.decision?.('authenticate', { remote: this.remoteAddress });
    if (fault) {
      this.#refuseLogin('fault', fault.explanation, request);
      return;
    }
    if (!verdict.ok) {
      this.#refuseLogin(verdict.refusal.reason, verdict.refusal.explanation, request);
      return;
    }
    const { session, cookie } = await this.#host.sessionTable.create(verdict.principal, this.remoteAddress);
    if (!this.#move('accept')) return;
    this.#session = session;
    this.#host.emit('auth.accepted', {
      remote: this.remote,
      user: session.username,
      signInName: session.signInName,
      session: session.id,
      tenant: session.tenantId,
      agent: this.#headers.userAgent,
      client: describeAuthBody(request.body).deviceId,
    });
    const document = authCompleteDocument(dialectOf(this.#headers.userAgent), this.#host.settings.banner);
    this.#answer(authComplete(document, cookie, this.#host.pages.certificateHash), request);
    this.tls.resume();
    this.#readRequests();
  }

  async #onConnect(request: HttpRequest): Promise<void> {
    let session = this.#session;
    if (!session) {
      const cookie = decodeCookie(this.#headers.webvpn);
      if (!cookie) {
        const had =
          this.#headers.webvpn === undefined ? 'no webvpn cookie' : 'a webvpn cookie that is no session cookie';
        this.#refuseTunnel(
          'no-cookie',
          `CONNECT came with ${had}, on a connection that had not authenticated.`,
          request,
          serviceUnavailable(),
        );
        return;
      }
      this.tls.pause();
      session = await this.#host.sessionTable.find(cookie);
      if (this.#state !== ConnectionState.Connecting) return;
    }
    if (!session || session.removed) {
      this.#refuseTunnel('unknown-cookie', 'The session cookie is unknown, has expired, or was made invalid.', request);
      return;
    }
    if (!/^\/?CSCOSSLC\/tunnel$/.test(request.target)) {
      this.#refuseTunnel(
        'path',
        `CONNECT asked for ${request.target} instead of /CSCOSSLC/tunnel.`,
        request,
        notFound(),
      );
      return;
    }
    this.#openTunnel(session, request);
  }

  #openTunnel(session: GatewaySession, request: HttpRequest): void {
    const client: AdmissionClient = {
      headers: this.#headers,
      remoteAddress: this.remoteAddress,
      acceptedAt: this.acceptedAt,
      tls: this.tls,
    };
    const admission = admit(this.#host, client, session);
    if (!admission.ok) {
      this.#refuseTunnel(admission.reason, admission.explanation, request);
      return;
    }
    this.#session = session;
    if (this.#inject('connect')) return;
    const { lines, channel } = settle(this.#host, client, session, admission);
    this.#answer(response(200, 'CONNECTED', lines), { ...request, version: '1.1' });
    this.#move('establish');
    this.#cstp = new CstpChannel(this, session);
    session.attach(this.#cstp, channel, this.#host.clock.now());
    this.#host.onTunnel(this);
    void this.#host.sessionTable.save(session);
    const rest = this.#reader.rest();
    const cstp = this.#cstp;
    const faulty = this.#host.faults.stream !== undefined;
    this.transport.onBatchEnd = () => {
      cstp.batchEnd();
      if (faulty) this.#inject('data');
    };
    this.tls.resume();
    if (rest.length > 0) {
      cstp.receive(rest);
      cstp.batchEnd();
    }
  }

  #refuseTunnel(reason: string, explanation: string, request: HttpRequest, answer = cookieRefused()): void {
    this.#host.emit('session.refused', { remote: this.remote, reason, explanation });
    this.#answer(answer, request);
  }

  #answer(answer: HttpResponse, request: HttpRequest): void {
    this.#host.emit('http.response', { remote: this.remote, status: answer.status, text: answer.text });
    this.tls.write(serializeResponse(answer, request.version));
    const asked = request.headers.some(([name, value]) => name === 'connection' && /\bclose\b/i.test(value));
    if (answer.close || request.version === '1.0' || (asked && answer.text !== 'CONNECTED')) this.closeConnection();
  }

  /** No rejection gets out: what goes wrong inside ends this connection and nothing else. */
  #guard(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#reject('internal', `The request could not be handled: ${errorText(error)}`);
    });
  }
}
