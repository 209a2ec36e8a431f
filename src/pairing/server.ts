import type { AddressInfo } from 'node:net';
import { type FastifyReply, type FastifyRequest, fastify } from 'fastify';
import type { Clock } from '../lib/clock.ts';
import type { Closable } from '../lib/dispose.ts';
import { endpointText, hostText } from '../lib/endpoint.ts';
import { errorText, TunneliteError } from '../lib/errors.ts';
import { listenHint } from '../lib/listen-hint.ts';
import type { RandomSource } from '../lib/random.ts';
import { type Network, systemNetwork } from '../network/index.ts';
import type { Emit } from '../telemetry/index.ts';
import { msalConfiguration } from './app-settings.ts';
import { BODY_LIMIT, CHECK_INTERVAL_MS, HEADERS_TIMEOUT_MS, MAX_CONNECTIONS, REQUEST_TIMEOUT_MS } from './constants.ts';
import { derOf } from './der.ts';
import { isForUs } from './guard.ts';
import { mobileConfig } from './mobile-config.ts';
import { problemPage, startPage, tokenPage } from './page.ts';
import { CONTENT_SECURITY_POLICY } from './page-frame.ts';
import { PairingCode } from './pairing-code.ts';
import type { PairingFacts } from './types.ts';

export interface PairingOptions {
  readonly facts: PairingFacts;
  /** Address to listen on. */
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly emit: Emit;
  readonly network?: Network;
  /** Creates a test token. */
  readonly token: () => Promise<{ readonly accessToken: string; readonly expiresIn: number }>;
  /** Called with each new code and the page's URL, to show to the user of this machine. Never called without the built-in Entra ID. */
  readonly onCode: (code: string, url: string) => void;
}

/** The listener for phones. */
export interface PairingServer extends Closable {
  /** `http://192.168.1.20:8446/`. */
  readonly url: string;
  readonly port: number;
}

/**
 * Starts the listener for phones in the local network: plain HTTP, because a phone trusts no CA yet. It shows no secrets, and
 * issues a test token only for the code. It cannot change anything and has no access to the administration.
 * @throws TunneliteError `ERR_LAN_LISTEN`
 */
export async function startPairing(options: PairingOptions): Promise<PairingServer> {
  const { facts, emit } = options;
  const server = fastify({
    bodyLimit: BODY_LIMIT,
    http: {
      headersTimeout: HEADERS_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_INTERVAL_MS,
      maxHeaderSize: 8_192,
    },
    requestTimeout: REQUEST_TIMEOUT_MS,
    forceCloseConnections: true,
  });
  (options.network ?? systemNetwork).listener(server.server);
  server.server.maxConnections = MAX_CONNECTIONS;
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, new URLSearchParams(String(body))),
  );
  const hosts = new Set<string>();
  server.addHook('onRequest', async (request, reply) => {
    reply.headers({
      'cache-control': 'no-store',
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'referrer-policy': 'same-origin',
      'x-content-type-options': 'nosniff',
    });
    if (!isForUs(request, hosts))
      return page(reply.code(403), problemPage('This listener does not have this address.'));
    return undefined;
  });
  server.setNotFoundHandler((_request, reply) => page(reply.code(404), problemPage('This page does not exist.')));
  server.setErrorHandler((error, _request, reply) => {
    const { statusCode = 500 } = error as { statusCode?: number };
    const known = statusCode >= 400 && statusCode < 500;
    return page(
      reply.code(known ? statusCode : 500),
      problemPage(known ? 'The request is not valid.' : 'That failed.'),
    );
  });

  server.get('/', (_request, reply) => page(reply, startPage(facts, url)));
  server.get('/ca.mobileconfig', (_request, reply) =>
    file(reply, 'application/x-apple-aspen-config', 'tunnelite-ca.mobileconfig').send(mobileConfig(facts)),
  );
  server.get('/ca.crt', (_request, reply) =>
    file(reply, 'application/x-x509-ca-cert', 'tunnelite-ca.crt').send(derOf(facts.ca.pem)),
  );
  const { identity } = facts;
  let code: PairingCode | undefined;
  if (identity !== undefined) {
    server.get('/msal.json', (_request, reply) =>
      file(reply, 'application/json', 'auth_config.json').send(msalConfiguration(identity)),
    );
    server.post('/pair', async (request, reply) => {
      const remote = request.socket.remoteAddress ?? 'unknown';
      const result = code!.redeem(codeOf(request), remote);
      if (result === 'ok') {
        const token = await options.token();
        emit('pairing.completed', { remote, user: identity.user });
        return page(reply, tokenPage(facts, token));
      }
      emit('pairing.refused', { remote, reason: result });
      return page(reply.code(result === 'too-many' ? 429 : 403), startPage(facts, url, result));
    });
  }

  try {
    await server.listen({ host: options.host, port: options.port });
  } catch (cause) {
    await server.close();
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause;
    throw new TunneliteError(
      'ERR_LAN_LISTEN',
      `The page for phones cannot use port ${options.port} of ${options.host}: ${errorText(cause)}`,
      { ...listenHint(cause), cause, details: { host: options.host, port: options.port } },
    );
  }
  const { port } = server.server.address() as AddressInfo;
  for (const host of [facts.name, facts.address, options.host]) {
    hosts.add(endpointText(host, port).toLowerCase());
    // Browsers omit HTTP's default port.
    if (port === 80) hosts.add(hostText(host).toLowerCase());
  }
  const url = `http://${endpointText(facts.address, port)}/`;
  if (identity !== undefined) {
    code = new PairingCode(options.clock, options.random, (text) => options.onCode(text, url));
  }
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= Promise.resolve(server.close()));
  return { url, port, close, [Symbol.asyncDispose]: close };
}

/** Reads the code from a form; ignores everything else. */
function codeOf({ body }: FastifyRequest): string {
  return body instanceof URLSearchParams ? (body.get('code') ?? '') : '';
}

const page = (reply: FastifyReply, text: string): FastifyReply => reply.type('text/html; charset=utf-8').send(text);

function file(reply: FastifyReply, type: string, name: string): FastifyReply {
  return reply.type(type).header('content-disposition', `attachment; filename="${name}"`);
}
