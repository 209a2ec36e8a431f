import { TunneliteError } from '../../lib/errors.ts';
import { appConfigurationPolicy, sdkConfig } from '../../pairing/app-settings.ts';
import { kotlinSnippet, objectiveCSnippet, swiftSnippet } from '../../pairing/snippets.ts';
import type { PairingFacts, PairingIdentity } from '../../pairing/types.ts';
import { seedPolicies } from './seed-policies.ts';

export type ExportFormat = 'graph' | 'policies' | 'pairs' | 'swift' | 'objc' | 'kotlin' | 'env';

/** Input of an export: the response of `GET /api/intune/export`, and the target of the policies. */
export interface ExportSource {
  readonly document: Readonly<Record<string, readonly unknown[]>>;
  readonly facts: PairingFacts;
  /** Default: the bundle id of the first app. */
  readonly app?: string;
  readonly platform: 'ios' | 'android';
  /** Default: the first group, or a placeholder. */
  readonly group?: string;
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** One export as a string. @throws TunneliteError `ERR_INTUNE_DOCUMENT` if the directory has no app for a phone */
export function renderExport(format: ExportFormat, source: ExportSource): string {
  const { document, facts } = source;
  switch (format) {
    case 'graph':
      return json(document);
    case 'policies':
      return json(policiesOf(source));
    case 'pairs':
      return json(appConfigurationPolicy(facts));
    case 'swift':
      return swiftSnippet(facts, identityOf(facts));
    case 'objc':
      return objectiveCSnippet(facts, identityOf(facts));
    case 'kotlin':
      return kotlinSnippet(facts, identityOf(facts));
    case 'env':
      return json(environmentOf(source));
  }
}

function identityOf({ identity }: PairingFacts): PairingIdentity {
  if (identity) return identity;
  throw new TunneliteError('ERR_INTUNE_DOCUMENT', 'The directory has no user, or no app registration for a phone.', {
    hint: 'Register an app with a redirect URI such as msauth.com.contoso.lob://auth.',
  });
}

function policiesOf({ document, facts, platform, app, group }: ExportSource) {
  const idOf = (list: readonly unknown[] | undefined): string | undefined =>
    (list?.[0] as { id?: string } | undefined)?.id;
  const site = idOf(document.microsoftTunnelSites);
  return seedPolicies(facts, {
    app: app ?? identityOf(facts).bundleId,
    platform,
    group: group ?? idOf(document.groups) ?? '00000000-0000-0000-0000-000000000000',
    ...(site === undefined ? {} : { site }),
  });
}

/** Values that scripts for test environments need, by their names (the public TunnelTestEnv scripts): none is a secret. */
function environmentOf({ document, facts }: ExportSource) {
  const { identity } = facts;
  const site = document.microsoftTunnelSites?.[0] as Readonly<Record<string, unknown>> | undefined;
  const server = document.microsoftTunnelConfigurations?.[0] as Readonly<Record<string, unknown>> | undefined;
  return {
    tenantId: identity?.tenantId ?? null,
    authority: identity?.authority ?? null,
    graphUrl: identity ? `${new URL(identity.authority).origin}/beta` : null,
    appId: identity?.clientId ?? null,
    bundleId: identity?.bundleId ?? null,
    redirectUri: identity?.redirectUri ?? null,
    userPrincipalName: identity?.user ?? null,
    vpnHostname: facts.name,
    serverAddress: facts.serverAddress,
    serverConfigurationId: server?.id ?? null,
    siteId: site?.id ?? null,
    siteName: site?.displayName ?? null,
    listenPort: server?.listenPort ?? null,
    dnsServers: server?.dnsServers ?? [],
    defaultDomainSuffix: server?.defaultDomainSuffix ?? null,
    includeRoutes: server?.routeIncludes ?? [],
    excludeRoutes: server?.routeExcludes ?? [],
    udp: facts.udp,
    settings: sdkConfig(facts),
    caCertificate: facts.ca.pem,
  };
}
