import { createHash } from 'node:crypto';
import { Html, html } from '../lib/html.ts';

/** Text contrast is at least 4.5 : 1 in both color schemes (WCAG 2.2, 1.4.3), lines and fields 3 : 1 (1.4.11). */
const STYLE = `
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --quiet: #57606a; --line: #d0d7de; --edge: #6e7781; --soft: #f6f8fa;
  --link: #0550ae; --act: #0550ae; --on-act: #ffffff; --good: #116329; --bad: #a40e26; font: 17px/1.55 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { :root { --paper: #0d1117; --ink: #e6edf3; --quiet: #9da7b3; --line: #30363d; --edge: #7d8590; --soft: #161b22;
  --link: #79c0ff; --act: #79c0ff; --on-act: #0d1117; --good: #56d364; --bad: #ff7b72; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); overflow-wrap: anywhere; }
main { max-width: 42rem; margin: 0 auto; padding: 1.25rem 1rem 4rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .5rem; display: flex; gap: .6rem; align-items: baseline; }
h2 b { flex: none; width: 1.7rem; height: 1.7rem; line-height: 1.7rem; border-radius: 50%; background: var(--act); color: var(--on-act); text-align: center; font-size: .95rem; }
p { margin: .5rem 0; } .quiet { color: var(--quiet); font-size: .93rem; }
a { color: var(--link); }
ol { padding-left: 1.4rem; margin: .5rem 0; } li { margin: .35rem 0; }
.act, button { display: block; width: 100%; padding: .8rem 1rem; margin: .6rem 0; min-height: 3rem; border: 0; border-radius: .6rem; background: var(--act);
  color: var(--on-act); font: inherit; font-weight: 600; text-align: center; text-decoration: none; cursor: pointer; }
.second { background: transparent; color: var(--link); border: 1px solid var(--edge); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
label { display: block; margin: .75rem 0 .25rem; font-weight: 600; }
input { font: 1.25rem/1.4 ui-monospace, monospace; letter-spacing: .12em; width: 100%; padding: .6rem .75rem; text-transform: uppercase; color: inherit;
  background: var(--paper); border: 1px solid var(--edge); border-radius: .6rem; }
pre, code { font-family: ui-monospace, monospace; } code { font-size: .9em; }
pre { font-size: .82rem; line-height: 1.5; background: var(--soft); border: 1px solid var(--line); border-radius: .6rem; padding: .75rem; margin: .5rem 0;
  overflow-x: auto; white-space: pre; overflow-wrap: normal; }
pre.wrap { white-space: pre-wrap; overflow-wrap: anywhere; }
dl { margin: .75rem 0; } dt { color: var(--quiet); font-size: .9rem; } dd { margin: 0 0 .6rem; }
details { border: 1px solid var(--line); border-radius: .6rem; padding: 0 .9rem; margin: .6rem 0; }
summary { padding: .75rem 0; font-weight: 600; cursor: pointer; min-height: 3rem; } details[open] { padding-bottom: .5rem; }
.good { color: var(--good); font-weight: 600; } .bad { color: var(--bad); font-weight: 600; }
.code { width: 11rem; height: 11rem; padding: .5rem; background: #fff; border-radius: .6rem; border: 1px solid var(--line); }
.code svg { display: block; width: 100%; height: 100%; }
`;

/** Moves the code from the URL's fragment, which browsers do not send, into the field. */
const SCRIPT = `const field = document.querySelector('input[name=code]');
if (field && location.hash.length > 1) { field.value = location.hash.slice(1); history.replaceState(null, '', location.pathname); }`;

const sha256 = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

/** Only this page's own style and script, no framing, and forms that submit to this page. */
export const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  `style-src ${sha256(STYLE)}`,
  `script-src ${sha256(SCRIPT)}`,
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** A whole page. */
export function pageFrame(title: string, content: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<main>
${content}
</main>
<script>${new Html(SCRIPT)}</script>
</body>
</html>
`.toString();
}
