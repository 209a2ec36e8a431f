/** The only style sheet of the sign-in pages: inline with a nonce, so that no page needs a second request. */
// Enter presses the first button of a form, so the main button is first in the document and shown last (row-reverse).
export const STYLE = `
:root{color-scheme:light dark;--page:#eef1f6;--card:#fff;--ink:#1b1f27;--soft:#5a6372;--line:#c9cfda;--accent:#0a5fb4;--accent-ink:#fff;--bad:#b3261e;--bad-page:#fdecea;--hover:#f3f6fb}
@media (prefers-color-scheme:dark){:root{--page:#14171d;--card:#1e232c;--ink:#eceff4;--soft:#a4adbb;--line:#3c4554;--accent:#6cb4ff;--accent-ink:#0b1220;--bad:#ff9c94;--bad-page:#3a2322;--hover:#273040}}
*{box-sizing:border-box}
body{margin:0;min-height:100vh;display:flex;flex-direction:column;align-items:center;justify-content:center;padding:24px 16px;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,"Segoe UI",Roboto,"Helvetica Neue",sans-serif}
main{width:100%;max-width:440px;background:var(--card);border:1px solid var(--line);border-radius:10px;padding:36px 40px;box-shadow:0 6px 24px rgb(0 0 0/.07)}
main.sts{border-top:5px solid #2e7d4f}
.brand{display:flex;align-items:center;gap:10px;margin:0 0 20px;color:var(--soft);font-size:14px;font-weight:600;letter-spacing:.01em}
.brand svg{width:24px;height:24px;flex:none}
h1{margin:0 0 6px;font-size:24px;line-height:1.3;font-weight:600;overflow-wrap:anywhere}
h2{margin:20px 0 8px;font-size:15px}
p{margin:0 0 14px}
.soft{color:var(--soft);font-size:14px}
.who{display:inline-block;max-width:100%;margin:0 0 14px;padding:3px 12px;border:1px solid var(--line);border-radius:99px;font-size:14px;overflow-wrap:anywhere}
label{display:block;margin:14px 0 5px;font-size:14px;font-weight:600}
input[type=text],input[type=email],input[type=password]{width:100%;padding:10px 12px;border:1px solid var(--soft);border-radius:6px;background:var(--card);color:var(--ink);font:inherit}
input[aria-invalid=true]{border-color:var(--bad);border-width:2px}
input.code{max-width:17ch;letter-spacing:.25em;font-variant-numeric:tabular-nums;text-transform:uppercase}
.check{display:flex;gap:10px;align-items:flex-start;font-weight:400;font-size:14px}
.check input{margin-top:4px}
:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
.actions{display:flex;flex-flow:row-reverse wrap;justify-content:flex-start;gap:10px;margin-top:26px}
button,a.button{min-width:104px;padding:9px 18px;border:1px solid var(--line);border-radius:6px;background:transparent;color:var(--ink);font:inherit;font-weight:600;text-align:center;text-decoration:none;cursor:pointer}
button:hover,a.button:hover{background:var(--hover)}
button.main,a.main{border-color:var(--accent);background:var(--accent);color:var(--accent-ink)}
button.main:hover,a.main:hover{background:var(--accent);filter:brightness(1.08)}
.notice{margin:0 0 14px;padding:10px 14px;border-left:4px solid var(--bad);border-radius:4px;background:var(--bad-page);color:var(--bad);font-size:14px;overflow-wrap:anywhere}
ul.accounts,ul.scopes{list-style:none;margin:14px 0 0;padding:0}
ul.accounts li+li{margin-top:8px}
ul.accounts button{display:flex;align-items:center;gap:12px;width:100%;padding:10px 12px;text-align:left;font-weight:400}
.face{display:grid;place-items:center;flex:none;width:36px;height:36px;border-radius:50%;background:var(--accent);color:var(--accent-ink);font-weight:600}
.two{display:block;min-width:0;overflow-wrap:anywhere}
.two small{display:block;color:var(--soft)}
ul.scopes li{padding:9px 0 9px 26px;border-bottom:1px solid var(--line);position:relative;font-size:15px}
ul.scopes li::before{content:"✓";position:absolute;left:2px;color:var(--accent);font-weight:700}
ul.scopes small{display:block;color:var(--soft);overflow-wrap:anywhere}
details{margin-top:22px;padding-top:14px;border-top:1px solid var(--line);font-size:14px}
summary{cursor:pointer;color:var(--soft)}
dl{display:grid;grid-template-columns:auto 1fr;gap:4px 14px;margin:14px 0 0;font-size:13px}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
footer{margin-top:18px;color:var(--soft);font-size:13px;text-align:center}
`.replaceAll('\n', '');
