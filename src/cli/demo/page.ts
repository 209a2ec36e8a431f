import type { Simulator } from '../../simulator/index.ts';

/** How long the demo waits for UDP, in milliseconds. */
const DTLS_PATIENCE = 5000;

/** The event of an open DTLS channel; undefined on a machine on which UDP does not pass. */
export function waitForDtls(sim: Simulator) {
  return sim.journal.waitFor({ name: 'channel.dtls.open' }, { timeout: DTLS_PATIENCE }).catch(() => undefined);
}

/** The text of a page, line by line, for a terminal. */
export function pageLines(html: string): string[] {
  const body = /<body>([\s\S]*)<\/body>/.exec(html)?.[1] ?? html;
  return body
    .replaceAll(/<\/th>\s*<td>/g, ': ')
    .replaceAll(/<[^>]+>/g, '\n')
    .replaceAll('&amp;', '&')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
