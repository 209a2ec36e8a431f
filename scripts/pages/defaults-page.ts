import { CONFIG_KEYS, MOCK_HOSTS, mockAddresses, mockName } from '../../src/config/index.ts';
import {
  DEFAULT_BUNDLE_ID,
  DEFAULT_CLIENT_ID,
  DEFAULT_PASSWORD,
  DEFAULT_TENANT_ID,
  DEFAULT_USERS,
  defaultDirectory,
} from '../../src/entra/directory/index.ts';
import { TUNNEL_RESOURCE_ID, TUNNEL_SCOPE } from '../../src/lib/tunnel-api.ts';

const setting = (name: string): unknown => {
  const key = CONFIG_KEYS.find((one) => one.name === name);
  if (!key) throw new Error(`There is no setting ${name}`);
  return key.schema.default;
};
const shown = (name: string): string => {
  const value = setting(name);
  return (Array.isArray(value) ? value : [value]).map((one) => `\`${String(one)}\``).join(', ');
};

/** Facts that pages outside of this one may state too, such as the README; a test compares them. */
export function defaultFacts(): Readonly<Record<string, string>> {
  return {
    gatewayPort: String(setting('gateway.port')),
    identityPort: String(setting('identity.port')),
    adminPort: String(setting('admin.port')),
    tenant: DEFAULT_TENANT_ID,
    client: DEFAULT_CLIENT_ID,
    password: DEFAULT_PASSWORD,
    ...Object.fromEntries(DEFAULT_USERS.map(({ userPrincipalName }) => [userPrincipalName, userPrincipalName])),
    certificates: String(setting('certs.directory')),
  };
}

/** docs/reference/defaults.md: what holds without a configuration, from the code. */
export function defaultsPage(): string {
  const [tenant] = defaultDirectory().tenants;
  const domains = tenant!.domains.map((domain) => `\`${domain}\``).join(', ');
  const hosts = MOCK_HOSTS.map((host) => {
    const [ipv4, ipv6] = mockAddresses(host);
    return `| \`${mockName(host)}\` | \`${ipv4}\` | \`${ipv6}\` |`;
  });
  const folder = String(setting('certs.directory'));
  const authority = `https://localhost:${String(setting('identity.port'))}/${tenant!.domains[0]}`;
  return `# Defaults

What \`npm start\` and \`tunnelite start\` use without a configuration. [Configuration](configuration.md) says how to change a value. In a test,
\`startSimulator\` uses port 0 (any free port) for every listener, and keeps its certificates in memory.

## Listeners

| What | Address | Port | Setting |
|---|---|---|---|
| Gateway: TLS over TCP, DTLS over UDP | ${shown('gateway.host')} | ${shown('gateway.port')} | \`gateway.port\` |
| Built-in Entra ID, HTTPS | ${shown('identity.host')} | ${shown('identity.port')} | \`identity.port\` |
| Health, REST, dashboard and metrics, HTTP | ${shown('admin.host')} | ${shown('admin.port')} | \`admin.port\` |

The container image listens on all addresses of the container instead.

## Identity

| What | Value |
|---|---|
| Tenant | \`${DEFAULT_TENANT_ID}\` |
| Domains | ${domains} |
| Authority | \`${authority}\` |
| Users | ${DEFAULT_USERS.map(({ userPrincipalName }) => `\`${userPrincipalName}\``).join(', ')} |
| Password of each | \`${DEFAULT_PASSWORD}\` |
| Client id of the app | \`${DEFAULT_CLIENT_ID}\` |
| Bundle id of the app | \`${DEFAULT_BUNDLE_ID}\` |
| Audience (the Microsoft Tunnel Gateway API) | \`${TUNNEL_RESOURCE_ID}\` |
| Scope | \`${TUNNEL_SCOPE}\` |

## Files

| What | Path |
|---|---|
| CA certificate, which clients trust | \`${folder}/ca.pem\` |
| Running instance, with the secret of the REST interface | \`${folder}/instance.json\` |
| Configuration, if there is one | \`tunnelite.yaml\`, \`tunnelite.yml\` or \`tunnelite.json\` in the working directory |

The folder is \`certs.directory\`, relative to the working directory. Only you can read the private keys and \`instance.json\`; \`ca.pem\` is public.

## Tunnel

| What | Value | Setting |
|---|---|---|
| Addresses for clients, IPv4 | ${shown('gateway.network')} | \`gateway.network\` |
| Addresses for clients, IPv6 | ${shown('gateway.ipv6Network')} | \`gateway.ipv6Network\` |
| Routes through the tunnel | ${shown('gateway.routesInclude')} | \`gateway.routesInclude\` |
| DNS servers | ${shown('gateway.dnsServers')} | \`gateway.dnsServers\` |
| Domains that the tunnel resolves | ${shown('gateway.splitDns')} | \`gateway.splitDns\` |
| Dead peer detection, seconds | ${shown('gateway.dpd')} | \`gateway.dpd\` |

## The mock network

[The mock network](resources.md) says which services each host has, and on which ports.

| Name | IPv4 | IPv6 |
|---|---|---|
${hosts.join('\n')}

This page is generated from \`src/config\` and \`src/entra/directory\`.
`;
}
