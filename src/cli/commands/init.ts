import { existsSync, writeFileSync } from 'node:fs';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import { command } from '../context/command.ts';
import { EXIT } from '../context/io.ts';

/** A configuration to start from: the settings that are changed most often, with their defaults. */
export const SAMPLE = `# yaml-language-server: $schema=node_modules/tunnelite/docs/config.schema.json
# Tunnelite's configuration. Everything is optional: these are the defaults.
# All keys: docs/reference/configuration.md. To check this file: tunnelite config check.

gateway:
  # host: 0.0.0.0 lets other machines connect, such as a phone. Then add the name that they use to names.
  host: 127.0.0.1
  port: 8443 # TCP and UDP; 0 = any free one
  names: []

  # Settings that clients get.
  network: 169.254.0.0/16
  ipv6Network: null # for example fd00:1234::/64
  dnsServers: [10.20.0.53]
  defaultDomain: contoso.internal
  splitDns: [contoso.internal]
  routesInclude: [10.20.0.0/16] # [] = everything
  routesExclude: []
  disableUdp: false # true = no DTLS
  dpd: 90 # seconds
  sessionTimeout: 3600 # seconds; null = never

# The settings of a real site, unchanged, here or in a separate file:
# serverConfiguration: microsoftTunnelConfiguration.json

identity:
  port: 8444
  policy: gateway # or strict
  # A real tenant instead of the built-in one:
  # authority: https://login.microsoftonline.com/<tenant id>

# Destinations beyond the mock network. None by default.
# resources:
#   upstreams:
#     - match: orders.contoso.internal # *.orders.contoso.internal for all names below it
#       to: { host: localhost, port: 3000 } # any name or address that this machine can reach
#     - match: 10.30.0.0/16
#       to: { host: 127.0.0.1, port: 3000 }

certs:
  directory: certs

log:
  level: info # silent, error, warn, info, debug, trace
`;

export default command({
  args: {
    file: { type: 'positional', required: false, description: 'File to write', default: 'tunnelite.yaml' },
    force: { type: 'boolean', alias: 'f', description: 'Overwrite an existing file' },
  },
  async run({ args, io }) {
    const { file } = args;
    try {
      writeFileSync(file, SAMPLE, { flag: args.force ? 'w' : 'wx' });
    } catch (cause) {
      if (!args.force && existsSync(file)) {
        throw new TunneliteError('ERR_CLI_FILE_EXISTS', `${file} already exists; it was not changed.`);
      }
      throw new TunneliteError('ERR_CLI_FILE', `${file} cannot be written: ${errorText(cause)}`, { cause });
    }
    io.out(`Wrote ${file}.\n`);
    return EXIT.ok;
  },
});
