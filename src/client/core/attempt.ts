import { bareHost } from '../../lib/endpoint.ts';
import { TunneliteError } from '../../lib/errors.ts';
import { BASE_MTU, CONNECT_TIMEOUT_MS, MASTER_SECRET_BYTES, PATIENCE_STEP_MS } from './constants.ts';
import { ControlConnection } from './control-connection.ts';
import { agreedDtls, type DtlsAgreement, dtlsWishHeaders } from './dtls-wish.ts';
import { requestTunnel } from './login.ts';
import type { TunnelConfiguration } from './tunnel-configuration.ts';
import type { ClientStep, LightClientOptions, SignIn } from './types.ts';

/** A connection on which CSTP has begun, and the gateway's tunnel settings. */
export interface OpenedTunnel {
  readonly connection: ControlConnection;
  readonly configuration: TunnelConfiguration;
  /** The session's cookie. */
  readonly cookie: string | undefined;
  readonly dtls: DtlsAgreement | undefined;
}

/** The operation that timed out, by the last completed step. */
const WAITED_FOR: Readonly<Record<ClientStep['step'] | 'begin', string>> = {
  begin: 'there was no TLS connection',
  tls: 'the login was not answered',
  challenge: 'the caller’s token function returned no token',
  token: 'the token was not answered',
  authenticated: 'the request for the tunnel was not answered',
  tunnel: 'the tunnel was open',
};

const DEFAULT_AGENT = 'Tunnelite Client';

export interface AttemptRequest {
  // Errors of the observer are the client's responsibility.
  readonly options: Omit<LightClientOptions<never>, 'observer'>;
  readonly signIn: SignIn;
  /** Cookie of the session to resume; undefined: log in. */
  readonly cookie: string | undefined;
  readonly addresses: readonly string[];
  /** Omit it without an observer: reading the certificate takes time. */
  readonly onStep?: ((step: ClientStep) => void) | undefined;
}

/** One attempt to open a tunnel: TLS, login or cookie, CONNECT, within a time limit that its owner enforces through `tick`. */
export class Attempt {
  readonly #request: AttemptRequest;
  readonly #control = new AbortController();
  /** Milliseconds left. They are counted in steps; a step in which the process was stopped is counted again, once. */
  #left: number;
  #stepAt: number;
  #repeated = false;
  #last: ClientStep['step'] | 'begin' = 'begin';

  constructor(request: AttemptRequest, now: number) {
    this.#request = request;
    this.#left = request.options.connectTimeout ?? CONNECT_TIMEOUT_MS;
    this.#stepAt = now + this.#step();
  }

  /** @throws TunneliteError as `LightClient.connect` does */
  async run(): Promise<OpenedTunnel> {
    const { signal } = this.#control;
    const { options, signIn, cookie, addresses } = this.#request;
    const { url } = options;
    const userAgent = options.userAgent ?? DEFAULT_AGENT;
    const onStep = (step: ClientStep): void => {
      this.#last = step.step;
      this.#request.onStep?.(step);
    };
    let connection: ControlConnection | undefined;
    try {
      connection = await ControlConnection.open({
        host: bareHost(url.hostname),
        port: Number(url.port || 443),
        carrier: options.carrier,
        secureContext: options.secureContext,
        serverName: options.serverName,
        keylog: options.keylog,
        signal,
      });
      const { socket } = connection;
      onStep({
        step: 'tls',
        protocol: socket.getProtocol() ?? 'TLS',
        cipher: socket.getCipher().name,
        subject: this.#request.onStep ? String(socket.getPeerCertificate().subject?.CN ?? url.hostname) : '',
      });
      if (cookie === undefined) await signIn(connection, { url, userAgent, signal, onStep });
      onStep({ step: 'authenticated' });
      const wish = options.dtls ?? 'auto';
      const masterSecret = wish === 'auto' || wish === 'legacy' ? options.random.bytes(MASTER_SECRET_BYTES) : undefined;
      const configuration = await requestTunnel(
        connection,
        {
          url,
          userAgent,
          hostname: options.hostname,
          baseMtu: options.baseMtu ?? BASE_MTU,
          cookie: cookie ?? connection.cookie,
          addresses,
          dtls: dtlsWishHeaders(wish, masterSecret),
        },
        signal,
      );
      onStep({ step: 'tunnel', configuration });
      const offer = wish === 'off' ? undefined : configuration.dtls;
      return {
        connection,
        configuration,
        cookie: connection.cookie ?? cookie,
        dtls: offer && agreedDtls(offer, socket, masterSecret),
      };
    } catch (error) {
      connection?.close();
      throw error;
    }
  }

  /** Aborts the attempt. @param reason what `run` rejects with */
  abort(reason: Error): void {
    this.#control.abort(reason);
  }

  /** Time has passed. Returns when to call again. */
  tick(now: number, late: number): number {
    if (now < this.#stepAt) return this.#stepAt;
    const step = this.#step();
    this.#repeated = late > 0 && !this.#repeated;
    if (!this.#repeated) this.#left -= step;
    this.#stepAt = now + this.#step();
    if (this.#left > 0) return this.#stepAt;
    const { options } = this.#request;
    const seconds = (options.connectTimeout ?? CONNECT_TIMEOUT_MS) / 1000;
    const message = `Connecting to ${options.url.host} took longer than ${seconds} s: ${WAITED_FOR[this.#last]}.`;
    const hint = 'The gateway’s log shows how far it got. If the network is slow, set a longer “timeout”.';
    this.abort(new TunneliteError('ERR_TIMEOUT', message, { hint }));
    return Number.POSITIVE_INFINITY;
  }

  #step(): number {
    const limit = this.#request.options.connectTimeout ?? CONNECT_TIMEOUT_MS;
    return Math.min(PATIENCE_STEP_MS, limit / 4, Math.max(0, this.#left));
  }
}
