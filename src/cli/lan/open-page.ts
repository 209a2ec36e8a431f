import { renderUnicodeCompact } from 'uqr';
import { systemRandom } from '../../lib/random.ts';
import { type PairingServer, startPairing } from '../../pairing/index.ts';
import { clientFacts, type Simulator } from '../../simulator/index.ts';
import type { CliIo } from '../context/io.ts';
import type { Lan } from './lan-settings.ts';

/** The page for phones, and how to announce it to the user at this machine. */
export interface OpenPage {
  readonly server: PairingServer;
  /** Announces the page, and from then on each new code. */
  announce(): void;
}

/**
 * Opens the page for phones of a running simulator.
 * @param json stdout is for JSON: text for people goes to stderr, without a QR code
 * @throws TunneliteError `ERR_LAN_LISTEN`
 */
export async function openPage(simulator: Simulator, lan: Lan, io: CliIo, json: boolean): Promise<OpenPage> {
  let code: { readonly text: string; readonly url: string } | undefined;
  let announced = false;
  const facts = clientFacts(simulator, lan);
  const tell = (first: boolean): void => {
    const url = code ? `${code.url}#${code.text}` : server.url;
    const lines = first
      ? ['', `Connect a phone in this network: ${server.url}`, `  SHA-256 of the CA ${facts.ca.fingerprint}`]
      : ['', `That pairing code is used. For the next phone: ${server.url}`];
    if (code) lines.push(`  Pairing code      ${code.text} (valid once, for 10 minutes)`);
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
