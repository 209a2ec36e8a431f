import { CONFIG_KEYS, configJsonSchema } from '../src/config/index.ts';
import { ERROR_CODES } from '../src/lib/error-codes.ts';
import { describe } from '../src/lib/schema/index.ts';

/** The text of each generated file under docs/, by name. */
export function generatedDocs(): Record<string, string> {
  return {
    'config.schema.json': `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`,
    'configuration.md': configuration(),
    'errors.md': errors(),
  };
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function errors(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { summary, hint }]) => `| \`${code}\` | ${cell(summary)} | ${cell(hint)} |`,
  );
  return `# Errors

Every error that Tunnelite raises is a \`TunneliteError\` with one of these codes. Codes are stable: branch on \`error.code\`,
show \`error.message\` and \`error.hint\` to people. This page is made from \`src/lib/error-codes.ts\`.

| Code | What happened | What to do |
|---|---|---|
${rows.join('\n')}
`;
}

function configuration(): string {
  const sections = new Map<string, typeof CONFIG_KEYS>();
  for (const key of CONFIG_KEYS) {
    const section = key.path.length > 1 ? key.path.slice(0, -1).join('.') : '';
    sections.set(section, [...(sections.get(section) ?? []), key]);
  }
  const parts = [...sections].map(([section, keys]) => {
    const rows = keys.map(({ name, variable, schema }) => {
      const fallback = JSON.stringify(schema.default);
      const shown = fallback.length > 60 ? 'see below' : `\`${fallback}\``;
      return `| \`${name}\` | ${cell(shown)} | ${cell(describe(schema as Parameters<typeof describe>[0]))} | ${cell(schema.description ?? '')} | \`${variable}\` |`;
    });
    return `### ${section === '' ? 'Top level' : section}

| Key | Default | Value | Meaning | Variable |
|---|---|---|---|---|
${rows.join('\n')}
`;
  });
  const hosts = CONFIG_KEYS.find((key) => key.name === 'services.hosts');
  return `${CONFIGURATION_HEAD}
## All keys

This part is made from \`src/config/schema.ts\`.

${parts.join('\n')}
The mock hosts that are there by default:

\`\`\`json
${JSON.stringify(hosts?.schema.default, undefined, 2)}
\`\`\`
`;
}

const CONFIGURATION_HEAD = `# Configuration

Tunnelite needs no configuration. What you do set comes from, in rising order of precedence:

1. the defaults below,
2. a server configuration of the real product (\`serverConfiguration\`),
3. a configuration file: \`--config <file>\`, else the file that \`TUNNELITE_CONFIG\` names, else \`tunnelite.yaml\`,
   \`tunnelite.yml\` or \`tunnelite.json\` in the working directory,
4. environment variables: \`TUNNELITE_\` and the key in capitals, such as \`TUNNELITE_GATEWAY_PORT\`,
5. flags: \`--port 0\`, or \`--set gateway.dpd=30\` for any key.

\`tunnelite init\` writes a commented \`tunnelite.yaml\`. \`tunnelite config check\` reports each mistake with its line and column,
\`tunnelite config show\` prints the whole configuration that results, and \`tunnelite config schema\` prints the JSON Schema
(also in this folder as [config.schema.json](config.schema.json)) for completion in editors:

\`\`\`yaml
# yaml-language-server: $schema=node_modules/tunnelite/docs/config.schema.json
gateway:
  port: 0 # any free port, the same for TCP and UDP
  dpd: 5
\`\`\`

In variables and flags, lists are separated by commas, \`none\` is null, and lists of objects are JSON.
File names inside a configuration file are meant from the folder of that file.

Inside a test, give the same keys to \`startSimulator({ ... })\`. There the defaults differ in a few places: all ports are 0,
nothing is written to disk (\`certs.directory: null\`), and nothing is logged.

## A configuration of the real product

A Microsoft Graph \`microsoftTunnelConfiguration\` object, or a server's \`admin-settings.json\`, may be given as it is: as the
configuration file itself, or under \`serverConfiguration\`.

| Graph | admin-settings.json | Here |
|---|---|---|
| \`network\`, \`ipv6Network\` | \`Network\` | \`gateway.network\`, \`gateway.ipv6Network\` |
| \`dnsServers\` | \`DNSServers\` | \`gateway.dnsServers\` |
| \`defaultDomainSuffix\` | \`DefaultDomainSuffix\` | \`gateway.defaultDomain\` |
| \`splitDNS\` | | \`gateway.splitDns\` |
| \`routesInclude\` and \`routeIncludes\` | \`RoutesInclude\` | \`gateway.routesInclude\`; \`default\` means everything |
| \`routesExclude\` and \`routeExcludes\` | \`RoutesExclude\` | \`gateway.routesExclude\` |
| \`listenPort\` | \`ListenPort\` | \`gateway.port\` |
| \`disableUdpConnections\` | | \`gateway.disableUdp\` |
| \`advancedSettings\` | | \`session-timeout\`, \`dpd\`, \`mobile-dpd\`, \`keepalive\`, \`idle-timeout\`, \`mobile-idle-timeout\`, \`rekey-time\`, \`cookie-timeout\`, \`auth-timeout\`, \`mtu\`, \`max-clients\`, \`max-same-clients\`, \`default-domain\`, \`banner\`, \`deny-roaming\`; other names are ignored, with a warning |

Only \`session-timeout\` is documented by Microsoft; the other names are those of ocserv, on which the real gateway is built.
The real port is 443, which needs root on most systems: add \`--port 8443\`.

## Rules that are checked

- Includes and excludes together: 500 routes at most. \`0.0.0.0\` must not appear in either.
- The clients' pools must not overlap included routes, mock hosts or DNS servers (but for the gateway's own address).
- A DNS server that no included route covers gives a warning: clients ask it outside the tunnel.
- A listener that is not on a loopback address gives a warning.

## A real tenant

With \`identity.authority\` the gateway accepts tokens of a real Entra ID tenant, and the built-in one is not started:

\`\`\`yaml
identity:
  authority: https://login.microsoftonline.com/<tenant id> # or login.microsoftonline.us, login.partner.microsoftonline.cn
  policy: strict
\`\`\`
`;
