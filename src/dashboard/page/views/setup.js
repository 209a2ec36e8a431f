import { useEffect, useState } from 'preact/hooks';
import { json, request } from '../core/api.js';
import { plain } from '../core/format.js';
import { word } from '../core/shell.js';
import { Copy, download, downloadBlob } from '../ui/copy.js';
import { Explanation } from '../ui/explanation.js';
import { useStore } from '../ui/hooks.js';
import { Act, how } from '../ui/how.js';
import { html } from '../ui/html.js';
import { Code, Facts, Heading } from '../ui/parts.js';

const REPORT = { path: '/api/report' };

/** @param {{ model: import('../core/model.js').Model }} props */
export default function Setup({ model }) {
  const status = useStore(model.status).value;
  const [config, setConfig] = useState(/** @type {any} */ (undefined));
  useEffect(() => {
    how.showView({ title: 'What runs, and where', cli: ['status'], rest: { path: '/api/status' } });
    json('/api/config').then(setConfig, () => {});
  }, []);
  if (!status) return html`<${Heading} title="Set-up" /><p class="starting">Loading…</p>`;
  const directory = config?.certs?.directory;
  const ca = directory ? `${directory}/ca.pem` : 'tunnelite-ca.pem';
  const openconnect = [
    'openconnect --protocol=anyconnect --http-auth=Bearer',
    '--token-mode=oidc --token-secret=@token.jwt',
    `--cafile=${word(ca)}`,
  ];
  const lined = (/** @type {string[]} */ ...parts) => parts.join(' \\\n  ');
  const lines = [
    ['Get a token', `tunnelite token --output token.jwt`],
    ['With root', lined(`sudo ${openconnect[0]}`, ...openconnect.slice(1), status.gateway)],
    [
      'Without root, through a SOCKS proxy',
      lined(...openconnect, '--script-tun --script "ocproxy -D 11080"', status.gateway),
    ],
    ['See a page', 'curl -x socks5h://127.0.0.1:11080 http://intranet.contoso.internal/'],
  ];
  const bundled = [
    ['One page', 'tunnelite curl http://intranet.contoso.internal/'],
    ['A proxy for other programs', 'tunnelite connect'],
    ['The whole story, step by step', 'tunnelite demo'],
  ];
  return html`
    <${Heading} title="Set-up" about="How a client gets to this instance.">
      <${Act} how=${{ title: 'A report of this instance, without secrets', cli: ['report'], rest: REPORT }} run=${async () => {
        downloadBlob('tunnelite-report.tar.gz', await (await request(REPORT.path)).blob());
        return 'Downloaded the report: whoever gets it looks at it with tunnelite open.';
      }}>Download a report</${Act}>
      <${Act} how=${{ title: 'Back to how it started', cli: ['reset'], rest: { method: 'POST', path: '/api/reset', body: {} } }} run=${() => json('/api/reset', { method: 'POST', body: {} }).then(({ sessions }) => `Reset; ${sessions} sessions ended.`)} kind="danger">Reset everything</${Act}>
    </${Heading}>
    <div class="cards wide">
      <section class="card" aria-labelledby="where-title">
        <h2 id="where-title">This instance</h2>
        <${Facts} rows=${[
          ['Gateway', html`<span class="mono">${plain(status.gateway)}</span>`],
          ['Authority', html`<span class="mono">${plain(status.authority)}</span>`],
          ['This page', html`<span class="mono">${plain(status.admin)}</span>`],
          ['Version', `${status.version}, Node.js ${status.node}, process ${status.pid}`],
        ]} />
        <p><a href="/api/docs">REST, described and to try</a></p>
      </section>
      <section class="card" aria-labelledby="ca-title">
        <h2 id="ca-title">1. Trust the CA</h2>
        <p>The gateway, Entra ID and the mock sites have certificates of a CA that only this machine has.${directory ? '' : ' It is in memory here, and gone when the instance ends.'}</p>
        <div class="buttons"><${Act} how=${{ title: 'The CA certificate', cli: ['ca', '--pem'], rest: { path: '/api/status' } }} run=${() => {
          download('tunnelite-ca.pem', 'application/x-pem-file', status.ca);
          return 'Downloaded the CA certificate.';
        }}>Download the CA</${Act}></div>
        <${Line} text="tunnelite ca --trust" about="How to trust it on each platform" />
        <details><summary>The certificate</summary><${Code} text=${status.ca}><${Copy} text=${status.ca} what="the certificate" /></${Code}></details>
      </section>
      <section class="card" aria-labelledby="openconnect-title">
        <h2 id="openconnect-title">2. Connect a stock openconnect</h2>
        ${lines.map(([about, text]) => html`<${Line} key=${about} about=${about} text=${text} />`)}
      </section>
      <section class="card" aria-labelledby="bundled-title">
        <h2 id="bundled-title">Or the bundled client</h2>
        ${bundled.map(([about, text]) => html`<${Line} key=${about} about=${about} text=${text} />`)}
      </section>
      <section class="card" aria-labelledby="phone-title">
        <h2 id="phone-title">Or a phone</h2>
        <p>Start with <code>--lan</code>: the gateway listens in the local network, and a page with a QR code brings a phone the CA profile, the settings of an app and a test token. This page stays on loopback.</p>
        <${Line} about="A page for phones" text="tunnelite start --lan" />
      </section>
      <${Explanation} title="The last client, in plain words" />
      <section class="card" aria-labelledby="look-title">
        <h2 id="look-title">If it does not connect</h2>
        <p>A client that was refused has no session. The <a href="#/journal?search=refused">journal</a> has what it was told and why; the <a href="#/tokens">token view</a> says what is wrong with its token.</p>
        <${Line} about="What went wrong unasked" text="tunnelite journal --problems" />
      </section>
    </div>
  `;
}

/** @param {{ about: any, text: any }} props */
function Line({ about, text }) {
  return html`<div class="field"><span>${about}</span><${Code} text=${text}><${Copy} text=${text} what=${`: ${about}`} /></${Code}></div>`;
}
