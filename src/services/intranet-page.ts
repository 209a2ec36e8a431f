import { html } from '../lib/html.ts';
import { page, row } from './page.ts';

/** The start page of the intranet: shows which user came through the tunnel and how. */
export function intranetPage(facts: Readonly<Record<string, unknown>>): string {
  const source = facts['source'] as { address: string; port: number } | null;
  const destination = facts['destination'] as { address: string; port: number } | null;
  const tls = facts['tls'] as { protocol: string; cipher: string } | null;
  return page(
    'Contoso Intranet',
    html`<p>You reached the on-premises network through the tunnel.</p>
<table>
${row('Signed in as', facts['signInName'])}
${row('User', facts['user'])}
${row('Session', facts['session'])}
${row('Tenant', facts['tenant'])}
${row('From', source && `${source.address} port ${source.port}`)}
${row('To', destination && `${destination.address} port ${destination.port}`)}
${row('Host', facts['host'])}
${row('Encryption', tls ? `${tls.protocol}, ${tls.cipher}` : 'none (plain HTTP)')}
</table>`,
  );
}
