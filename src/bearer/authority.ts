import { TunneliteError } from '../lib/errors.ts';

/** A cloud that runs Entra ID, or the built-in one (Microsoft: "Microsoft Entra authentication and national clouds"). */
export interface EntraCloud {
  readonly name: 'public' | 'usgov' | 'china' | 'local';
  /** Origin of the login host: it serves the documents, and users sign in there. */
  readonly origin: string;
  /** All host names of the login service. */
  readonly aliases: readonly string[];
  /** v1 issuer with the literal `{tenantid}`; ends with a slash. */
  readonly issuerV1: string;
  /** v2 issuer with the literal `{tenantid}`; no trailing slash. */
  readonly issuerV2: string;
}

/** The sovereign clouds, as Microsoft publishes them ("Microsoft Entra authentication and national clouds"). */
export const ENTRA_CLOUDS = {
  public: {
    name: 'public',
    origin: 'https://login.microsoftonline.com',
    aliases: ['login.microsoftonline.com', 'login.windows.net', 'login.microsoft.com', 'sts.windows.net'],
    issuerV1: 'https://sts.windows.net/{tenantid}/',
    issuerV2: 'https://login.microsoftonline.com/{tenantid}/v2.0',
  },
  usgov: {
    name: 'usgov',
    origin: 'https://login.microsoftonline.us',
    aliases: ['login.microsoftonline.us', 'login.usgovcloudapi.net'],
    issuerV1: 'https://sts.windows.net/{tenantid}/',
    issuerV2: 'https://login.microsoftonline.us/{tenantid}/v2.0',
  },
  china: {
    name: 'china',
    origin: 'https://login.partner.microsoftonline.cn',
    aliases: ['login.partner.microsoftonline.cn', 'login.chinacloudapi.cn'],
    issuerV1: 'https://sts.chinacloudapi.cn/{tenantid}/',
    issuerV2: 'https://login.partner.microsoftonline.cn/{tenantid}/v2.0',
  },
} as const satisfies Record<string, EntraCloud>;

/** The built-in Entra ID at this origin (`https://127.0.0.1:8444`): both issuers are its own. */
export function localCloud(origin: string): EntraCloud {
  const url = new URL(origin);
  return {
    name: 'local',
    origin: url.origin,
    aliases: [url.host],
    issuerV1: `${url.origin}/{tenantid}/`,
    issuerV2: `${url.origin}/{tenantid}/v2.0`,
  };
}

/** One tenant in one cloud: the value of a configuration's `authority`. */
export interface Authority {
  readonly cloud: EntraCloud;
  /** Tenant as written: GUID, verified domain, `common`, `organizations` or `consumers`. */
  readonly tenant: string;
  /** `https://<login host>/<tenant>`, without a trailing slash. */
  readonly url: string;
}

const TENANT = /^[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252}[A-Za-z0-9])?$/;

/** True for a GUID in lower or upper case, without braces. */
export function isGuid(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

/** Replaces the placeholder of an issuer template with the tenant ID. */
export function issuerOf(template: string, tenantId: string): string {
  return template.includes('{') ? template.replace('{tenantid}', tenantId) : template;
}

/**
 * Parses `https://<login host>/<tenant>`; a trailing `/v2.0`, as in issuers, is ignored. A known login host or
 * alias selects its cloud; any other host is treated as local.
 *
 * @throws TunneliteError `ERR_IDENTITY_AUTHORITY` when it is not such a URL
 */
export function parseAuthority(text: string): Authority {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw new TunneliteError('ERR_IDENTITY_AUTHORITY', `"${text}" is not a URL.`);
  }
  if (url.protocol !== 'https:') {
    throw new TunneliteError('ERR_IDENTITY_AUTHORITY', `"${text}" does not begin with https://.`);
  }
  const [tenant, version, ...more] = url.pathname.split('/').filter((part) => part !== '');
  if (!tenant || !TENANT.test(tenant) || (version !== undefined && version !== 'v2.0') || more.length > 0) {
    throw new TunneliteError('ERR_IDENTITY_AUTHORITY', `"${text}" does not name a tenant after the host.`);
  }
  if (url.username || url.search || url.hash) {
    throw new TunneliteError('ERR_IDENTITY_AUTHORITY', `"${url.host}/${tenant}" has more path segments than a tenant.`);
  }
  const known = Object.values(ENTRA_CLOUDS).find((cloud) => cloud.aliases.some((alias) => alias === url.host));
  const cloud = known ?? localCloud(url.origin);
  return { cloud, tenant, url: `${cloud.origin}/${tenant}` };
}

/** URL of the metadata document of a token version (Microsoft: "Access tokens in the Microsoft identity platform"). */
export function metadataUrl(authority: Authority, version: 1 | 2): string {
  return `${authority.url}${version === 2 ? '/v2.0' : ''}/.well-known/openid-configuration`;
}
