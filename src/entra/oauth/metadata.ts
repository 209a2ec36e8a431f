import { ENTRA_CLOUDS } from '../../bearer/authority.ts';
import type { Authority } from '../context/authority.ts';
import type { IdentityContext } from '../context/context.ts';
import { CONSUMER_TENANT_ID } from '../directory/well-known.ts';

/** Issuer in a metadata document or key set: fixed for a tenant, a template for an alias. */
export function issuerTemplate(context: IdentityContext, authority: Authority, version: 1 | 2): string {
  if (authority.alias === 'consumers') return context.issuerFor(CONSUMER_TENANT_ID, version);
  return context.issuerFor(authority.tenant?.id ?? '{tenantid}', version);
}

/** Members that both versions of the metadata share (Microsoft: "OpenID Connect on the Microsoft identity platform"). */
function common(context: IdentityContext, authority: Authority, version: 1 | 2) {
  const origin = context.origin();
  const base = `${origin}/${authority.tenant?.id ?? authority.name}`;
  const oauth = version === 1 ? `${base}/oauth2` : `${base}/oauth2/v2.0`;
  return {
    token_endpoint: `${oauth}/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    jwks_uri: `${base}/discovery${version === 1 ? '' : '/v2.0'}/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code', 'id_token', 'code id_token', 'id_token token'],
    scopes_supported: version === 1 ? ['openid'] : ['openid', 'profile', 'email', 'offline_access'],
    issuer: issuerTemplate(context, authority, version),
    request_uri_parameter_supported: false,
    userinfo_endpoint: `${origin}/oidc/userinfo`,
    authorization_endpoint: `${oauth}/authorize`,
    device_authorization_endpoint: `${oauth}/devicecode`,
    http_logout_supported: true,
    frontchannel_logout_supported: true,
    end_session_endpoint: `${oauth}/logout`,
    claims_supported: [
      'sub',
      'iss',
      'cloud_instance_name',
      'cloud_instance_host_name',
      'cloud_graph_host_name',
      'msgraph_host',
      'aud',
      'exp',
      'iat',
      'auth_time',
      'acr',
      'nonce',
      'preferred_username',
      'name',
      'tid',
      'ver',
      'at_hash',
      'c_hash',
      'email',
    ],
    code_challenge_methods_supported: ['plain', 'S256'],
    kerberos_endpoint: `${base}/kerberos`,
    tenant_region_scope: authority.tenant?.settings.region ?? null,
    cloud_instance_name: new URL(origin).host,
    cloud_graph_host_name: new URL(origin).host,
    msgraph_host: new URL(origin).host,
    rbac_url: origin,
  };
}

/** The `openid-configuration` of an authority. */
export function openidConfiguration(
  context: IdentityContext,
  authority: Authority,
  version: 1 | 2,
  appId: string | undefined,
): Record<string, unknown> {
  const document = common(context, authority, version);
  // An app with its own signing key uses `?appid=`; the URL of the keys keeps it.
  if (appId !== undefined) document.jwks_uri += `?appid=${encodeURIComponent(appId)}`;
  if (version === 1) return { ...document, microsoft_multi_refresh_token: true, check_session_iframe: undefined };
  return document;
}

interface LoginCloud {
  readonly network: string;
  readonly cache: string;
  readonly aliases: readonly string[];
}

const lone = (host: string): LoginCloud => ({ network: host, cache: host, aliases: [host] });

/** Login hosts of Microsoft's clouds and their aliases, including closed clouds, as Entra's instance discovery returns them to MSAL. */
const CLOUDS: readonly LoginCloud[] = [
  ...Object.values(ENTRA_CLOUDS).map(({ name, origin, aliases }) => {
    const network = new URL(origin).host;
    return { network, cache: name === 'public' ? 'login.windows.net' : network, aliases };
  }),
  lone('login.microsoftonline.de'),
  lone('login-us.microsoftonline.com'),
];

/**
 * Response of instance discovery, or undefined for a host that is not a login host. The provider's own host counts as another
 * cloud, under the caller's name and the requested one; a client configured for Microsoft's clouds is directed here.
 */
export function instanceDiscovery(context: IdentityContext, authorizationEndpoint: URL): object | undefined {
  const origin = new URL(context.origin());
  const asked = authorizationEndpoint.host.toLowerCase();
  const own = lone(origin.host);
  const aliases = context.origins.owns(asked) ? [...new Set([origin.host, asked])] : own.aliases;
  const clouds = [{ ...own, aliases }, ...CLOUDS];
  if (!clouds.some((cloud) => cloud.aliases.includes(asked))) return undefined;
  const tenant = authorizationEndpoint.pathname.split('/')[1] || 'common';
  return {
    tenant_discovery_endpoint: `${origin.origin}/${encodeURIComponent(tenant)}/v2.0/.well-known/openid-configuration`,
    'api-version': '1.1',
    metadata: clouds.map((cloud) => ({
      preferred_network: cloud.network,
      preferred_cache: cloud.cache,
      aliases: cloud.aliases,
    })),
  };
}
