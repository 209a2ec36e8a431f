import { endpointText } from '../lib/endpoint.ts';
import type { PairingFacts, PairingIdentity } from '../pairing/index.ts';
import type { Simulator } from './simulator.ts';

/** What a client needs to know about a simulator that it reaches by this name and address. It contains no secret. */
export function clientFacts(
  simulator: Simulator,
  { name, address }: { readonly name: string; readonly address: string },
): PairingFacts {
  const { config } = simulator;
  const { port } = new URL(simulator.urls.gateway);
  const { certPem, fingerprint } = simulator.certificates.ca;
  return {
    name,
    address,
    serverAddress: endpointText(name, Number(port || 443)),
    udp: !config.gateway.disableUdp,
    mtu: config.gateway.mtu,
    ca: { pem: certPem, fingerprint },
    identity: simulator.issuesTokens ? pairingIdentity(simulator, name) : undefined,
  };
}

/** The first user, and the first app that is registered for a phone; undefined if the directory has none. */
function pairingIdentity({ identity }: Simulator, name: string): PairingIdentity | undefined {
  const tenant = identity.directory.defaultTenant;
  const [user] = tenant.users;
  for (const app of tenant.applications) {
    for (const redirectUri of app.redirectUris) {
      const bundleId = /^msauth\.([A-Za-z0-9.-]+):\/\/auth$/.exec(redirectUri)?.[1];
      if (user === undefined || bundleId === undefined) continue;
      const { port } = new URL(identity.localOrigin);
      return {
        authority: `https://${endpointText(name, Number(port || 443))}/${tenant.id}`,
        tenantId: tenant.id,
        clientId: app.appId,
        redirectUri,
        bundleId,
        user: user.userPrincipalName,
      };
    }
  }
  return undefined;
}
