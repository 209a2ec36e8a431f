import { type Html, html } from '../lib/html.ts';

/** A page of the mock network. */
export function page(title: string, content: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  main { max-width: 40rem; margin: 10vh auto; padding: 0 1rem; }
  h1 { margin-bottom: .25rem; }
  table { border-collapse: collapse; width: 100%; margin-top: 1.5rem; }
  th, td { text-align: left; padding: .5rem .75rem; border-bottom: 1px solid color-mix(in srgb, currentColor 20%, transparent); overflow-wrap: anywhere; }
  th { font-weight: 600; white-space: nowrap; width: 1%; }
  label { display: block; margin: 1rem 0 .25rem; }
  input, button { font: inherit; padding: .4rem .6rem; }
  button { margin-top: 1rem; }
  .problem { border-left: .25rem solid #c33; padding-left: .75rem; }
</style>
</head>
<body>
<main>
<h1>${title}</h1>
${content}
</main>
</body>
</html>
`.toString();
}

/** A row of a table of facts. */
export function row(label: string, value: unknown): Html {
  const text = value === null || value === undefined ? '—' : String(value);
  return html`<tr><th scope="row">${label}</th><td>${text}</td></tr>`;
}
