import { isIP } from 'node:net';
import { type TLSSocket, connect as tlsConnect } from 'node:tls';
import { errorText, TunneliteError } from '../lib/errors.ts';
import { type ControlResponse, ResponseReader } from './response-reader.ts';

export interface ControlConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** PEM of the CA to trust instead of the system's. */
  readonly ca: string | undefined;
  /** Name to verify and to send as SNI, when it is not the host. */
  readonly serverName: string | undefined;
  readonly keylog?: ((line: Buffer) => void) | undefined;
  readonly signal: AbortSignal;
}

export interface ControlRequest {
  readonly method: 'POST' | 'CONNECT';
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body?: string;
}

/** One TLS connection to the gateway: HTTP requests first, then the CSTP byte stream. */
export class ControlConnection {
  readonly socket: TLSSocket;
  #rest: Buffer = Buffer.alloc(0);

  private constructor(socket: TLSSocket) {
    this.socket = socket;
  }

  /** @throws TunneliteError `ERR_CLIENT_CONNECT`, `ERR_CLIENT_UNTRUSTED` */
  static async open(options: ControlConnectionOptions): Promise<ControlConnection> {
    options.signal.throwIfAborted();
    const servername = options.serverName ?? (isIP(options.host) ? undefined : options.host);
    const socket = tlsConnect({
      host: options.host,
      port: options.port,
      ...(servername === undefined ? {} : { servername }),
      ...(options.ca === undefined ? {} : { ca: options.ca }),
    });
    socket.setNoDelay(true);
    if (options.keylog) socket.on('keylog', options.keylog);
    try {
      await settled(socket, options.signal, 'secureConnect');
    } catch (error) {
      socket.destroy();
      throw connectError(error, options);
    }
    return new ControlConnection(socket);
  }

  /** Bytes that came after the last answer: the first CSTP packets. */
  takeRest(): Buffer {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return rest;
  }

  /**
   * Sends a request and reads its answer.
   * @throws TunneliteError `ERR_CLIENT_PROTOCOL`, `ERR_CLIENT_DISCONNECTED`
   */
  async exchange(request: ControlRequest, signal: AbortSignal): Promise<ControlResponse> {
    const body = request.body === undefined ? undefined : Buffer.from(request.body);
    const lines = [
      `${request.method} ${request.path} HTTP/1.1`,
      ...request.headers.map(([name, value]) => `${name}: ${value}`),
    ];
    if (body) lines.push(`Content-Length: ${body.length}`);
    const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
    const reader = new ResponseReader({ bodyless: request.method === 'CONNECT' });
    const { socket } = this;
    return new Promise<ControlResponse>((resolve, reject) => {
      const finish = (): void => {
        socket.off('data', onData);
        socket.off('error', onError);
        socket.off('end', onEnd);
        socket.off('close', onEnd);
        signal.removeEventListener('abort', onAbort);
      };
      const onData = (bytes: Buffer): void => {
        try {
          const result = reader.push(bytes);
          if (!result) return;
          finish();
          // Paused until the next owner listens, so that no byte after the answer is lost.
          socket.pause();
          this.#rest = Buffer.from(result.rest);
          resolve(result.response);
        } catch (error) {
          finish();
          reject(error);
        }
      };
      const onError = (error: Error): void => {
        finish();
        reject(
          new TunneliteError('ERR_CLIENT_DISCONNECTED', `The connection broke: ${errorText(error)}.`, { cause: error }),
        );
      };
      const onEnd = (): void => {
        finish();
        reject(new TunneliteError('ERR_CLIENT_DISCONNECTED', 'The gateway closed the connection without an answer.'));
      };
      const onAbort = (): void => {
        finish();
        reject(signal.reason);
      };
      socket.on('data', onData);
      socket.on('error', onError);
      socket.on('end', onEnd);
      socket.on('close', onEnd);
      if (signal.aborted) return onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      socket.write(body ? Buffer.concat([head, body]) : head);
      socket.resume();
    });
  }

  close(): void {
    this.socket.destroy();
  }
}

function settled(socket: TLSSocket, signal: AbortSignal, event: 'secureConnect'): Promise<void> {
  return new Promise((resolve, reject) => {
    const finish = (outcome: () => void) => (): void => {
      socket.off('error', onError);
      socket.off(event, onReady);
      signal.removeEventListener('abort', onAbort);
      outcome();
    };
    const onReady = finish(resolve);
    const onError = (error: Error): void => finish(() => reject(error))();
    const onAbort = finish(() => reject(signal.reason));
    socket.once(event, onReady);
    socket.once('error', onError);
    signal.addEventListener('abort', onAbort, { once: true });
  });
}

const UNTRUSTED =
  /^(DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_|CERT_|ERR_TLS_CERT_ALTNAME_INVALID)/;

function connectError(error: unknown, options: ControlConnectionOptions): unknown {
  if (options.signal.aborted) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const where = `${options.host} port ${options.port}`;
  if (UNTRUSTED.test(code)) {
    return new TunneliteError(
      'ERR_CLIENT_UNTRUSTED',
      `The certificate of ${where} is not trusted: ${errorText(error)}.`,
      { cause: error },
    );
  }
  return new TunneliteError('ERR_CLIENT_CONNECT', `Could not connect to ${where}: ${errorText(error)}.`, {
    cause: error,
  });
}
