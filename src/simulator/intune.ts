import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify';
import { isGuid } from '../bearer/authority.ts';
import { openToBrowsers } from '../entra/oauth/http.ts';
import type { ApiBase } from '../entra/provider.ts';
import type { Intune, IntuneOptions } from '../intune/index.ts';
import { guidOf } from '../lib/guid.ts';
import type { RandomSource } from '../lib/random.ts';

/** Largest request body, in bytes: Graph's own limit, which also applies here. */
const MAX_BODY = 4 * 1024 * 1024;
const VERSIONS = ['beta', 'v1.0'] as const;
const METHODS = ['GET', 'POST', 'PATCH', 'PUT', 'DELETE'];

/**
 * Policies and sites as a part of the simulator: created and loaded on first use, so that a start without them costs nothing.
 */
export class IntunePart {
  readonly #random: RandomSource;
  readonly #attached = Promise.withResolvers<IntuneOptions>();
  #loading: Promise<Intune> | undefined;
  #loaded: Intune | undefined;

  constructor(random: RandomSource) {
    this.#random = random;
  }

  /** Sets the parts they are created from, once the gateway is there. */
  attach(options: IntuneOptions): void {
    this.#attached.resolve(options);
  }

  load(): Promise<Intune> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  reset(): void {
    this.#loaded?.reset();
  }

  /** Microsoft Graph, and the endpoint for apps to get their policies, at the origin of Entra ID. */
  readonly api = ({ origin }: ApiBase): FastifyPluginAsync => {
    return async (app) => {
      openToBrowsers(app, `${METHODS.join(', ')}, OPTIONS`);
      app.removeAllContentTypeParsers();
      app.addContentTypeParser('*', { parseAs: 'string' }, (_, body, done) => done(null, body));
      app.setErrorHandler((error, request, reply) => this.#fail(error, request, reply));
      for (const url of VERSIONS.flatMap((version) => [`/${version}`, `/${version}/*`])) {
        app.route({
          method: METHODS,
          url,
          bodyLimit: MAX_BODY,
          handler: async (request, reply) => {
            const intune = await this.load();
            const ids = this.#ids(request);
            const answer = await intune.graph(
              {
                ...called(request),
                method: request.method === 'HEAD' ? 'GET' : request.method,
                authorization: request.headers.authorization,
                contentType: request.headers['content-type'],
                body: request.body as string | undefined,
                ifMatch: request.headers['if-match'],
                origin: origin(request.headers.host),
              },
              ids,
            );
            return send(reply, answer, ids);
          },
        });
      }
      app.get('/tunnelite/app-configuration', async (request, reply) => {
        const intune = await this.load();
        const ids = this.#ids(request);
        const { authorization } = request.headers;
        const body = await intune.appConfiguration(authorization, called(request).search);
        return send(reply, { status: 200, body }, ids);
      });
    };
  };

  async #load(): Promise<Intune> {
    const [{ Intune }, options] = await Promise.all([import('../intune/index.ts'), this.#attached.promise]);
    this.#loaded = new Intune(options);
    return this.#loaded;
  }

  /** Errors from fastify itself, and from `appConfiguration`. */
  async #fail(error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const [{ GraphError }, intune] = await Promise.all([import('../intune/index.ts'), this.load()]);
    const status = (error as { statusCode?: number }).statusCode;
    const known =
      status === 413
        ? new GraphError(413, 'RequestEntityTooLarge', `The request is larger than ${MAX_BODY} bytes.`)
        : status !== undefined && status < 500
          ? new GraphError(status, 'BadRequest', 'The request cannot be read.')
          : error;
    const ids = this.#ids(request);
    return send(reply, intune.refused(called(request), known, ids), ids);
  }

  #ids({ headers }: FastifyRequest): { readonly request: string; readonly client: string } {
    const request = guidOf(this.#random.bytes(16), 4);
    const wanted = headers['client-request-id'];
    return { request, client: typeof wanted === 'string' && isGuid(wanted) ? wanted : request };
  }
}

function called({ method, url }: FastifyRequest) {
  const [whole = '', ...rest] = url.split('?');
  const [, version = '', path = ''] = /^\/([^/]*)\/?(.*)$/s.exec(whole) ?? [];
  return {
    method,
    version: VERSIONS.find((one) => one === version.toLowerCase()) ?? 'v1.0',
    path,
    search: rest.join('?'),
  };
}

function send(
  reply: FastifyReply,
  { status, body }: { readonly status: number; readonly body?: object },
  ids: { readonly request: string; readonly client: string },
): FastifyReply {
  reply
    .code(status)
    .headers({ 'request-id': ids.request, 'client-request-id': ids.client, 'cache-control': 'no-cache' });
  if (status === 401) {
    reply.header(
      'www-authenticate',
      'Bearer realm="", authorization_uri="https://login.microsoftonline.com/common/oauth2/authorize", client_id="00000003-0000-0000-c000-000000000000"',
    );
  }
  if (body === undefined) return reply.send();
  return reply.type('application/json; charset=utf-8').send(JSON.stringify(body));
}
