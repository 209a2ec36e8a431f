import { CONFIG_KEYS, takesEffect } from '../../src/config/index.ts';
import { DirectorySchema } from '../../src/entra/directory/schema.ts';
import { describe, type Node } from '../../src/lib/schema/index.ts';
import { cell, linked } from './cell.ts';
import { membersOf, memberTable } from './member-tables.ts';

/** docs/reference/configuration.md: every setting, with the members of lists. */
export function configurationPage(): string {
  const sections = new Map<string, typeof CONFIG_KEYS>();
  for (const key of CONFIG_KEYS) {
    const section = key.path.length > 1 ? key.path.slice(0, -1).join('.') : '';
    sections.set(section, [...(sections.get(section) ?? []), key]);
  }
  const parts = [...sections].map(([section, keys]) => {
    const rows = keys.map(({ name, variable, schema }) => {
      const fallback = JSON.stringify(schema.default);
      const shown = fallback.length > 60 ? 'see below' : `\`${fallback}\``;
      return `| \`${name}\` | ${cell(shown)} | ${cell(describe(schema))} | ${linked(cell(schema.description ?? ''))} | \`${variable}\` |`;
    });
    return `### ${section === '' ? 'Top level' : section}

| Key | Default | Value | Meaning | Variable |
|---|---|---|---|---|
${rows.join('\n')}
`;
  });
  return `${CONFIGURATION_HEAD}
## All keys

This part is generated from \`src/config/schema.ts\`.

${parts.join('\n')}
## Members of lists and objects

Entries of these lists, and these objects, have members of their own.

${members()}

${reloading()}
The default of \`services.hosts\` is the table in [resources.md](resources.md); \`tunnelite config show\` prints it.
`;
}

function members(): string {
  const tables = CONFIG_KEYS.flatMap(({ name, schema }) => {
    const found = membersOf(schema).map((one) => ({ ...one, path: one.path.replace(/^\[\]\./, '') }));
    return found.length === 0 ? [] : [`### Members of \`${name}\`\n\n${memberTable(found)}`];
  });
  const directory = membersOf(DirectorySchema as unknown as Node, 5);
  return [
    ...tables,
    `### Members of \`identity.directory\`\n\n[The built-in Entra ID](identity.md#the-directory) has an example. The members are the same inline and in a file of its own.\n\n${memberTable(directory)}`,
  ].join('\n\n');
}

function reloading(): string {
  const named = (when: string): string =>
    CONFIG_KEYS.filter(({ name }) => takesEffect(name) === when)
      .map(({ name }) => `\`${name}\``)
      .join(', ');
  return `## Reading it again

\`tunnelite config reload\`, \`POST /api/config/reload\`, \`sim.reload()\`, and a SIGHUP to an instance that no terminal belongs to,
have a running instance read the same file, variables and flags again. What is not valid is refused with all its problems, and changes
nothing. The answer names what was taken over, with its old and new value, and what is as it was until a restart. Sessions go on. A reset goes
back to what was read last.

| Takes effect | Members |
|---|---|
| at once; lifetimes for what is issued from then on | ${named('at once')} |
| for sessions that begin or are resumed after that | ${named('new sessions')} |
| at the next start | all others |

A directory takes the place of the one before as a whole, with what a test has changed in it. If its first tenant is another one, it needs a
restart, since the addresses of clients name the tenant.
`;
}

const CONFIGURATION_HEAD = `# Configuration

Tunnelite needs no configuration. Settings come from these places; each overrides those above it:

1. the defaults below,
2. a server configuration from the real product (\`serverConfiguration\`),
3. a configuration file: \`--config <file>\`, else the file named by \`TUNNELITE_CONFIG\`, else \`tunnelite.yaml\`,
   \`tunnelite.yml\` or \`tunnelite.json\` in the working directory,
4. environment variables: \`TUNNELITE_\` followed by the key in capitals, such as \`TUNNELITE_GATEWAY_PORT\`,
5. flags: \`--port 0\`, or \`--set gateway.dpd=30\` for any key.

\`tunnelite init\` writes a commented \`tunnelite.yaml\`. \`tunnelite config check\` reports each mistake with its file, line and
column, and with what you probably meant; it refuses unknown keys and misspelled words, and checks the directory of the built-in Entra ID
as well. It warns of users that a policy, an assignment or a device names, but that do not exist. With \`--json\`, \`error.details.problems\` is the list
of all mistakes, each with its place. \`tunnelite config show\` prints the resulting configuration in full. \`tunnelite config schema\` prints the JSON Schema, for
completion in editors; the package has it as [docs/config.schema.json](../config.schema.json):

\`\`\`yaml
# yaml-language-server: $schema=node_modules/tunnelite/docs/config.schema.json
gateway:
  port: 0 # any free port, the same for TCP and UDP
  dpd: 5
\`\`\`

In variables and flags, separate list entries with commas, write \`none\` for null, and give lists of objects as JSON.
File names in a configuration file are relative to its folder. A file is YAML 1.2 or JSON, in UTF-8 and at most 8 MiB long; anchors and
aliases may be used, tags may not.

In a test, pass the same keys to \`startSimulator({ ... })\`. A few defaults differ there: all ports are 0, nothing is
written to disk (\`certs.directory: null\`), and nothing is logged.

## A configuration from the real product

A Microsoft Graph \`microsoftTunnelConfiguration\` object, or a server's \`admin-settings.json\`, is accepted unchanged, either as
the configuration file itself or under \`serverConfiguration\`.

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

Of these names, Microsoft documents only \`session-timeout\`; the others are those of ocserv, on which the real gateway is
built. The real port is 443, which needs root on most systems: add \`--port 8443\`.

## Rules that are checked

- At most 500 included and excluded routes together. \`0.0.0.0\` must not appear in either.
- The clients' address pools must not overlap included routes, mock hosts or DNS servers (except at the gateway's own address).
- There is a warning for a DNS server that no included route covers, or that an excluded one does, because clients then ask it outside the
  tunnel, and for one that is a mock host with another service on port 53.
- With upstream rules by host name, the networks under \`resources.names\` must go through the tunnel, have room for all names, and
  overlap no pool, mock host or DNS server. There is a warning for names outside \`gateway.splitDns\`, and for rules by
  address that overlap these networks. See [reach-your-servers.md](../how-to/reach-your-servers.md).
- There is a warning if clients get an address of a family (IPv4 or IPv6) that has no included route, no resolver or no mock host.
- There is a warning for \`gateway.dpd\` below 2: openconnect then repeatedly takes the gateway for dead.
- There is a warning for a listener that is not on a loopback address.

## Clients on other machines

Entra ID uses the name in the client's request, if it is one of its own names: its metadata, endpoints and tokens then have
that address, which clients check. The gateway accepts tokens that name any of these addresses, and no others. A port
mapping may show another port; if it changes the gateway's UDP port, set \`gateway.announcedUdpPort\`.

| Client | Names to add | What it uses |
|---|---|---|
| on this machine, or in the iOS simulator | none | \`https://localhost:8443\`, \`https://localhost:8444/contoso.com\` |
| a phone in the same network | the address or name of this machine; also set \`gateway.host\` and \`identity.host\` to \`0.0.0.0\` | \`https://192.0.2.10:8443\`, \`https://192.0.2.10:8444/contoso.com\` |
| in the Android emulator | \`10.0.2.2\`, which is this machine's loopback address there | \`https://10.0.2.2:8443\`, \`https://10.0.2.2:8444/contoso.com\` |
| another container of the compose project | none: the container's host name \`tunnelite\` is one of its own | \`https://tunnelite:8443\`, \`https://tunnelite:8444/contoso.com\` |
| on the host of a container with published ports | none | \`https://localhost:8443\`, \`https://localhost:8444/contoso.com\` |

\`\`\`yaml
gateway:
  names: [10.0.2.2]
identity:
  names: [10.0.2.2]
\`\`\`

For any other name, for example behind a proxy that changes the \`Host\` header, Entra ID uses
\`identity.publicOrigin\`. That address need not be reachable from this machine.

Each client must trust the CA in \`certs/ca.pem\`. If a configuration names hosts that the CA was not made for, the CA is renewed:
a warning reports it, and every client must trust the new file. A changed name of the machine itself does not renew the CA; a
warning reports that the certificates lack that name.

To accept the tokens of a real tenant, see [use a real tenant](../how-to/real-tenant.md).
`;
