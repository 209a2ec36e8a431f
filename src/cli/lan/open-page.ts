import { renderUnicodeCompact } from 'uqr';
import type { Config } from '../../config/index.ts';
import { endpointText } from '../../lib/endpoint.ts';
import { systemRandom } from '../../lib/random.ts';
import { type PairingFacts, type PairingIdentity, type PairingServer, startPairing } from '../../pairing/index.ts';
import type { Simulator } from '../../simulator/index.ts';
import type { CliIo } from '../context/io.ts';
import type { Lan } from './lan-settings.ts';

/** The page for phones, and what to tell the person at this machine of it. */
export interface OpenPage {
  readonly server: PairingServer;
  /** Tells of the page, and from then on of each new code. */
  announce(): void;
}

/**
 * Opens the page for phones of a running simulator.
 * @param json stdout is for JSON: what people read goes to stderr, without a QR code
 * @throws TunneliteError `ERR_LAN_LISTEN`
 */
export async function openPage(
  simulator: Simulator,
  config: Config,
  lan: Lan,
  io: CliIo,
  json: boolean,
): Promise<OpenPage> {
  let code: { readonly text: string; readonly url: string } | undefined;
  let announced = false;
  const facts = pairingFacts(simulator, config, lan);
  const tell = (first: boolean): void => {
    const url = code ? `${code.url}#${code.text}` : server.url;
    const lines = first
      ? ['', `Connect a phone in this network: ${server.url}`, `  SHA-256 of the CA ${facts.ca.fingerprint}`]
      : ['', `That pairing code is over. For the next phone: ${server.url}`];
    if (code) lines.push(`  Pairing code      ${code.text} (good once, for 10 minutes)`);
    if (json) io.err(`${lines.join('\n')}\n`);
    else io.out(`${lines.join('\n')}\n\n${renderUnicodeCompact(url)}\n`);
  };
  const server = await startPairing({
    facts,
    host: lan.address,
    port: lan.pagePort,
    clock: simulator.clock.machine,
    random: systemRandom,
    emit: simulator.emit,
    token: () => simulator.mintToken({ user: facts.identity!.user, client: facts.identity!.clientId }),
    onCode: (text, url) => {
      code = { text, url };
      if (announced) tell(false);
    },
  });
  return {
    server,
    announce: () => {
      announced = true;
      tell(true);
    },
  };
}

function pairingFacts(simulator: Simulator, config: Config, { name, address }: Lan): PairingFacts {
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

/** The first user, and the first app that is registered for a phone; undefined where the directory has none. */
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
