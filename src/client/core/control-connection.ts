import { isIPv4 } from 'node:net';
import { type SecureContext, type TLSSocket, connect as tlsConnect } from 'node:tls';
import { isWildcard, sniName } from '../../lib/endpoint.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { HANDSHAKE_PIECE, MAX_WAITING_PACKETS } from '../../tls/constants.ts';
import { tryDirectWrites } from '../../tls/direct-trial.ts';
import { RecordWriter } from '../../tls/record-writer.ts';
import { Transport } from '../../tls/transport.ts';
import { type HeaderLine, type HttpResponse, headerValues, serializeRequest } from '../../wire/http1/index.ts';
import { AnswerReader } from './answer-reader.ts';
import { asSocket, type Carrier } from './carrier.ts';
import { connectError } from './connect-error.ts';
import { notAGateway } from './not-a-gateway.ts';
import { checkIdentity, noPeerCertificate } from './server-identity.ts';

/** Bytes of a request in one record: with the TLS overhead, they fit the block. */
const REQUEST_PIECE = HANDSHAKE_PIECE - 64;
/** Largest request, in bytes: many times what a gateway takes, and no more than can wait in the connection, which drops what is beyond. */
const MAX_REQUEST = MAX_WAITING_PACKETS * REQUEST_PIECE;

export interface ControlConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly carrier: Carrier;
  /** Trusted CAs. Share one context between all connections that trust the same: it is large and slow to create. */
  readonly secureContext: SecureContext;
  /** Name to verify and to send as SNI, if it differs from the host. */
  readonly serverName: string | undefined;
  readonly keylog?: ((line: Buffer) => void) | undefined;
  readonly signal: AbortSignal;
}

export interface ControlRequest {
  readonly method: 'POST' | 'CONNECT';
  readonly path: string;
  readonly headers: readonly HeaderLine[];
  readonly body?: string;
}

/** One TLS connection to the gateway: HTTP requests first, then the CSTP byte stream. */
export class ControlConnection {
  readonly socket: TLSSocket;
  /** For packets, once CSTP has begun. */
  readonly writer: RecordWriter;
  #rest: Buffer = Buffer.alloc(0);
  #answered = false;
  #cookie: string | undefined;
  readonly #transport: Transport;
  readonly #remoteAddress: string | undefined;

  private constructor(
    socket: TLSSocket,
    transport: Transport,
    writer: RecordWriter,
    remoteAddress: string | undefined,
  ) {
    this.socket = socket;
    this.writer = writer;
    this.#transport = transport;
    this.#remoteAddress = remoteAddress;
  }

  /** @throws TunneliteError `ERR_CLIENT_CONNECT`, `ERR_CLIENT_UNTRUSTED`, `ERR_CLIENT_PROTOCOL` */
  static async open(options: ControlConnectionOptions): Promise<ControlConnection> {
    options.signal.throwIfAborted();
    // Without SNI, Node verifies the certificate for `host`; it connects to neither, because it gets an open socket.
    const host = options.serverName ?? options.host;
    const servername = sniName(host);
    // Before there is a connection whose end would need a listener.
    await tryDirectWrites();
    const { signal } = options;
    let raw: Awaited<ReturnType<Carrier['connect']>> | undefined;
    let transport: Transport | undefined;
    try {
      raw = await options.carrier.connect({ host: options.host, port: options.port }, signal);
      transport = new Transport(asSocket(raw));
      transport.handInPieces(HANDSHAKE_PIECE);
      transport.flushLate(true);
      const socket: TLSSocket = tlsConnect({
        socket: transport,
        host,
        ...(servername === undefined ? {} : { servername }),
        secureContext: options.secureContext,
        checkServerIdentity: (name) => checkIdentity(socket, name),
      });
      socket.getPeerCertificate = noPeerCertificate;
      const writer = new RecordWriter(socket, transport);
      // Pending operations have their own listeners; between two of them an error shows as a closed connection.
      socket.on('error', () => {});
      transport.on('error', (error) => socket.destroy(error));
      transport.on('close', () => socket.destroy());
      socket.on('close', () => writer.abandon());
      if (options.keylog) socket.on('keylog', options.keylog);
      await secured(socket, signal);
      transport.forgetFirstBytes();
      // `remoteAddress` is a system call.
      const known = isIPv4(options.host) && !isWildcard(options.host);
      return new ControlConnection(socket, transport, writer, known ? options.host : raw.remoteAddress);
    } catch (error) {
      raw?.destroy();
      throw connectError(error, options, transport && (transport.firstBytes ?? Buffer.alloc(0)));
    }
  }

  /** The session cookie from the last answer that set one. */
  get cookie(): string | undefined {
    return this.#cookie;
  }

  /** Remote address of the connection to the gateway, if the stream below has one. */
  get remoteAddress(): string | undefined {
    return this.#remoteAddress;
  }

  /**
   * From now on, passes the bytes of CSTP to `take`, which must have processed them when it returns. Bytes received together with the last
   * answer come first.
   */
  listen(take: (chunk: Buffer) => void): void {
    const { socket } = this;
    const rest = this.#takeRest();
    if (rest.length > 0) take(rest);
    if (socket.destroyed) return;
    socket.on('data', take);
    this.#transport.handInPieces(0);
    this.#transport.flushLate(false);
    this.#transport.sharePlaintext(socket, take);
    if (!socket.destroyed) socket.resume();
  }

  #takeRest(): Buffer {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return rest;
  }

  /**
   * Sends a request and reads its answer. Until the first answer, the server is not known to be a gateway.
   * @throws TunneliteError `ERR_CLIENT_PROTOCOL`, `ERR_CLIENT_DISCONNECTED`, `ERR_CLIENT_SIGN_IN`, `ERR_HTTP_HEADER`
   */
  async exchange(request: ControlRequest, signal: AbortSignal): Promise<HttpResponse> {
    const { method, path: target } = request;
    const body = Buffer.from(request.body ?? '');
    const length: HeaderLine[] = request.body === undefined ? [] : [['Content-Length', String(body.length)]];
    const bytes = serializeRequest({ method, target, headers: [...request.headers, ...length], body });
    if (bytes.length > MAX_REQUEST) {
      const message = `The request to the gateway would have ${bytes.length} bytes, more than the ${MAX_REQUEST} that are allowed.`;
      throw new TunneliteError('ERR_CLIENT_SIGN_IN', message, { hint: 'Check the token: it is part of the request.' });
    }
    // Bytes after the last answer belong to no request.
    if (this.#rest.length > 0) throw notAGateway('broken-http', 'it sent more than one answer to a request.');
    const reader = new AnswerReader(method, this.#answered);
    const { socket } = this;
    return new Promise<HttpResponse>((resolve, reject) => {
      const finish = (): void => {
        socket.off('data', onData);
        socket.off('error', onEnd);
        socket.off('end', onEnd);
        socket.off('close', onEnd);
        signal.removeEventListener('abort', onAbort);
      };
      const settle = (result: HttpResponse | TunneliteError | undefined): boolean => {
        if (!result) return false;
        finish();
        // Paused until the next owner listens, so that no byte after the answer is lost.
        socket.pause();
        if (result instanceof TunneliteError) {
          reject(result);
          return true;
        }
        this.#answered = true;
        this.#cookie = sessionCookie(result.headers) ?? this.#cookie;
        this.#rest = reader.rest();
        resolve(result);
        return true;
      };
      const onData = (chunk: Buffer): void => void settle(reader.feed(chunk));
      const onEnd = (error?: unknown): void => void settle(reader.end(error instanceof Error ? error : undefined));
      const onAbort = (): void => {
        finish();
        reject(signal.reason);
      };
      socket.on('data', onData);
      socket.on('error', onEnd);
      socket.on('end', onEnd);
      socket.on('close', onEnd);
      if (signal.aborted) return onAbort();
      if (socket.destroyed) return onEnd();
      signal.addEventListener('abort', onAbort, { once: true });
      this.#write(bytes);
      socket.resume();
    });
  }

  /**
   * Writes a request in pieces, each in a record of its own: a request larger than Node's initial TLS block would make it allocate one of 16 KiB
   * for the life of the connection.
   */
  #write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += REQUEST_PIECE) {
      this.writer.write(bytes, at, Math.min(at + REQUEST_PIECE, bytes.length));
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Waits for the handshake; rejects if the connection fails or ends first, or with the reason of `signal`. */
function secured(socket: TLSSocket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (outcome: () => void) => (): void => {
      socket.off('error', onError);
      socket.off('close', onClose);
      socket.off('secureConnect', onReady);
      signal.removeEventListener('abort', onAbort);
      outcome();
    };
    const onReady = finish(resolve);
    const onError = (error: Error): void => finish(() => reject(error))();
    const onClose = (): void => onError(new Error('the connection was closed'));
    const onAbort = finish(() => reject(signal.reason));
    socket.once('error', onError);
    socket.once('close', onClose);
    socket.once('secureConnect', onReady);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

/** The value of the `webvpn` cookie in an answer (draft-mavrogiannopoulos-openconnect). An empty value deletes the cookie. */
function sessionCookie(headers: readonly HeaderLine[]): string | undefined {
  for (const line of headerValues(headers, 'set-cookie')) {
    const value = /^\s*webvpn=([^;\s]*)/.exec(line)?.[1];
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}
