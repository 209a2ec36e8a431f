import type { FastifyInstance } from 'fastify';
import { findAuthority } from '../context/authority.ts';
import type { SharedContext } from '../context/context.ts';
import type { Endpoint } from '../context/outages.ts';
import { Parameters } from '../context/parameters.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { contextOf, formOf, readRequest, sendError } from './http.ts';
import { instanceDiscovery, issuerTemplate, openidConfiguration } from './metadata.ts';
import { answerTokenRequest } from './token-endpoint.ts';
import { userRealm } from './user-realm.ts';

type Version = 1 | 2;

/** Endpoints for programs: discovery, metadata, keys, token, user realm. */
export function apiRoutes(shared: SharedContext, app: FastifyInstance): void {
  const config = (endpoint: Endpoint, version: Version = 2) => ({ config: { endpoint, version } });

  app.get('/common/discovery/instance', config('instance'), async (request, reply) => {
    const context = contextOf(shared, request);
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
        const context = contextOf(shared, request);
        const authority = findAuthority(context.directory, request.params.tenant);
        return openidConfiguration(context, authority, version, Parameters.ofUrl(request.url).get('appid'));
      },
    );
    app.get<{ Params: { tenant: string } }>(
      `/:tenant/discovery${path}/keys`,
      config('keys', version),
      async (request) => {
        const context = contextOf(shared, request);
        const authority = findAuthority(context.directory, request.params.tenant);
        // Every authority's keys sign for any tenant, so their issuer is the template everywhere except at consumers.
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
      const context = contextOf(shared, request);
      return answerTokenRequest(context, readRequest(context, request, formOf(request)));
    });
  }

  app.get<{ Params: { upn: string } }>('/common/UserRealm/:upn', config('user-realm'), async (request) =>
    userRealm(contextOf(shared, request), request.params.upn),
  );
}
