import type { IdentityContext } from '../context/context.ts';

/** Whether a name signs in here, at its organization's STS, or nowhere (MSAL for Go, .NET and Java ask before a password grant). */
export function userRealm(context: IdentityContext, upn: string): Record<string, string> {
  const domain = upn.slice(upn.indexOf('@') + 1).toLowerCase();
  const tenant = context.directory.findTenant(domain);
  const origin = context.origin();
  const cloud = { cloud_instance_name: new URL(origin).host, cloud_audience_urn: 'urn:federation:MicrosoftOnline' };
  if (!tenant) return { ver: '1.0', account_type: 'Unknown', ...cloud };
  if (!tenant.isFederated(upn)) return { ver: '1.0', account_type: 'Managed', domain_name: domain, ...cloud };
  const sts = `${origin}/${tenant.id}/sts`;
  return {
    ver: '1.0',
    account_type: 'Federated',
    domain_name: domain,
    federation_protocol: 'WSTrust',
    federation_metadata_url: `${sts}/mex`,
    federation_active_auth_url: `${sts}/trust/2005/usernamemixed`,
    ...cloud,
  };
}
