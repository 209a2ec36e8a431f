const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function html(value: unknown): string {
  return String(value).replaceAll(/[&<>"']/g, (character) => escapes[character]!);
}

function row(label: string, value: unknown): string {
  return `<tr><th scope="row">${html(label)}</th><td>${value === null || value === undefined ? '—' : html(value)}</td></tr>`;
}

/** The start page of the intranet: proof, in words, of who came through the tunnel and how. */
export function intranetPage(title: string, facts: Readonly<Record<string, unknown>>): string {
  const source = facts['source'] as { address: string; port: number } | null;
  const destination = facts['destination'] as { address: string; port: number } | null;
  const tls = facts['tls'] as { protocol: string; cipher: string } | null;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(title)}</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  main { max-width: 40rem; margin: 10vh auto; padding: 0 1rem; }
  h1 { margin-bottom: .25rem; }
  table { border-collapse: collapse; width: 100%; margin-top: 1.5rem; }
  th, td { text-align: left; padding: .5rem .75rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); }
  th { font-weight: 600; white-space: nowrap; width: 1%; }
</style>
</head>
<body>
<main>
<h1>${html(title)}</h1>
<p>You reached the on-premises network through the tunnel.</p>
<table>
${row('Signed in as', facts['signInName'])}
${row('User', facts['user'])}
${row('Session', facts['session'])}
${row('Tenant', facts['tenant'])}
${row('From', source && `${source.address} port ${source.port}`)}
${row('To', destination && `${destination.address} port ${destination.port}`)}
${row('Host', facts['host'])}
${row('Encryption', tls ? `${tls.protocol}, ${tls.cipher}` : 'none (plain HTTP)')}
</table>
</main>
</body>
</html>
`;
}
