import type { FastifyInstance } from 'fastify';
import { AadstsError } from '../aadsts-error.ts';
import type { IdentityContext } from '../context.ts';
import { findAuthority } from './authority.ts';
import { allowAnyOrigin, formOf, readRequest, sendError } from './http.ts';
import { instanceDiscovery, issuerTemplate, openidConfiguration } from './metadata.ts';
import type { Endpoint } from './outages.ts';
import { Parameters } from './parameters.ts';
import { answerTokenRequest } from './token-endpoint.ts';
import { userRealm } from './user-realm.ts';

type Version = 1 | 2;

/** Endpoints that programs call: discovery, metadata, keys, token, user realm. */
export function apiRoutes(context: IdentityContext, app: FastifyInstance): void {
  app.addHook('onRequest', async (_, reply) => allowAnyOrigin(reply));
  const config = (endpoint: Endpoint, version: Version = 2) => ({ config: { endpoint, version } });

  app.get('/common/discovery/instance', config('instance'), async (request, reply) => {
    const endpoint = Parameters.ofUrl(request.url).get('authorization_endpoint') ?? '';
    const answer = URL.canParse(endpoint) ? instanceDiscovery(context, new URL(endpoint)) : undefined;
    return answer ?? sendError(context, request, reply, new AadstsError(50049));
  });

  for (const [path, version] of [
    ['', 1],
    ['/v2.0', 2],
  ] as const) {
    app.get<{ Params: { tenant: string } }>(
      `/:tenant${path}/.well-known/openid-configuration`,
      config('metadata', version),
      async (request) => {
        const authority = findAuthority(context.directory, request.params.tenant);
        return openidConfiguration(context, authority, version, Parameters.ofUrl(request.url).get('appid'));
      },
    );
    app.get<{ Params: { tenant: string } }>(
      `/:tenant/discovery${path}/keys`,
      config('keys', version),
      async (request) => {
        const authority = findAuthority(context.directory, request.params.tenant);
        // The keys of any authority sign for any tenant, so their issuer is the template everywhere but at consumers.
        const alias = authority.alias ?? 'common';
        const template = issuerTemplate(context, { name: alias, alias, tenant: undefined }, version);
        return context.issuer.keys.keySet(version, template);
      },
    );
  }

  for (const [path, version] of [
    ['oauth2', 1],
    ['oauth2/v2.0', 2],
  ] as const) {
    app.post(`/:tenant/${path}/token`, config('token', version), async (request) => {
      return answerTokenRequest(context, readRequest(context, request, formOf(request)));
    });
    app.options(`/:tenant/${path}/token`, async (_, reply) => reply.code(200).send());
  }

  app.get<{ Params: { upn: string } }>('/common/UserRealm/:upn', config('user-realm'), async (request) =>
    userRealm(context, request.params.upn),
  );
}
