import { renderSVG } from 'uqr';
import { Html, html } from '../lib/html.ts';
import { appConfigurationPolicy, deepLink, infoPlist, msalConfiguration } from './app-settings.ts';
import { pageFrame } from './page-frame.ts';
import type { Redemption } from './pairing-code.ts';
import { kotlinSnippet, swiftSnippet } from './snippets.ts';
import type { PairingFacts } from './types.ts';

const TITLE = 'Connect this phone';

/** Why there is no token, as shown on the page. */
const REFUSALS: Readonly<Record<Exclude<Redemption, 'ok'>, string>> = {
  wrong: 'This is not the code in the terminal. Check it: it has no 0, O, 1 or I.',
  over: 'This code is used. The terminal shows the next one.',
  'too-many': 'Too many attempts from this phone. Wait a minute.',
};

/** The start page. @param url its own URL, for the QR code @param problem what was wrong with a code */
export function startPage(facts: PairingFacts, url: string, problem?: Exclude<Redemption, 'ok'>): string {
  const { name, serverAddress, udp, mtu, ca, identity } = facts;
  return pageFrame(
    TITLE,
    html`<h1>${TITLE}</h1>
<p class="quiet">to the test gateway <strong>${serverAddress}</strong>, which runs on a developer's machine. Do this on test devices only.</p>

${problem !== undefined && html`<p class="bad" role="alert">${REFUSALS[problem]} <a href="#token">Try again</a></p>`}

<h2><b>1</b> Trust its certificate</h2>
<p>The gateway has a certificate of a CA that was made on that machine.</p>
<details open>
<summary>iPhone and iPad</summary>
<a class="act" href="/ca.mobileconfig">Get the profile</a>
<ol>
<li>Open it with Safari, and allow the download.</li>
<li>Install it: <strong>Settings › General › VPN &amp; Device Management</strong>.</li>
<li>Switch on trust: <strong>Settings › General › About › Certificate Trust Settings</strong>.</li>
</ol>
</details>
<details>
<summary>Android</summary>
<a class="act" href="/ca.crt">Get the certificate</a>
<ol>
<li>Install it: <strong>Settings › Security &amp; privacy › More security › Install from device storage › CA certificate</strong>. Names differ by maker.</li>
<li>Apps trust it only if their network security configuration allows user certificates.</li>
</ol>
</details>
<p class="quiet">Compare with the terminal before you install it. SHA-256:</p>
<pre class="wrap">${ca.fingerprint}</pre>

<h2><b>2</b> See that it works</h2>
<p>Open the gateway; there must be no warning.</p>
<a class="act second" href="https://${serverAddress}/">https://${serverAddress}/</a>
<p class="quiet">If the name <code>${name}</code> is not found, the network does not pass multicast DNS on: start Tunnelite with
<code>--name</code> and a name or address that the phone can reach.</p>

${identity !== undefined && tokenForm()}

<h2>${identity !== undefined && html`<b>4</b>`}${identity === undefined && html`<b>3</b>`} Point your app at it</h2>
<dl>
<dt>Server address</dt><dd><code>${serverAddress}</code></dd>
${
  identity !== undefined &&
  html`<dt>Authority</dt><dd><code>${identity.authority}</code></dd>
<dt>Client id</dt><dd><code>${identity.clientId}</code></dd>
<dt>Redirect URI</dt><dd><code>${identity.redirectUri}</code></dd>
<dt>User</dt><dd><code>${identity.user}</code></dd>`
}
<dt>Data channel</dt><dd>${udp ? 'UDP (DTLS), and TCP if UDP is blocked' : 'TCP only'}; link MTU ${mtu}. In a network with a smaller one, set <code>gateway.mtu</code>.</dd>
</dl>
${
  identity !== undefined &&
  html`
${listing('Info.plist: IntuneMAMSettings', infoPlist(identity))}
${listing('MSAL configuration (JSON)', msalConfiguration(identity), '/msal.json')}
${listing('Swift: setConfig and the token callback', swiftSnippet(facts, identity))}
${listing('Kotlin: the same keys, and a token', kotlinSnippet(facts, identity))}`
}
${policy(facts)}

<h2>Another phone</h2>
<p>It scans this, or the code in the terminal, which has the pairing code in it.</p>
<div class="code" role="img" aria-label="QR code of ${url}">${new Html(renderSVG(url, { border: 1 }))}</div>
<p class="quiet">${url}</p>`,
  );
}

/** The page for a phone with the right code. */
export function tokenPage(
  facts: PairingFacts,
  token: { readonly accessToken: string; readonly expiresIn: number },
): string {
  return pageFrame(
    'A test token',
    html`<h1>A test token</h1>
<p class="good" role="status">The code was right, and is used up.</p>
<p>For <strong>${facts.identity!.user}</strong>, good for ${Math.floor(token.expiresIn / 60)} minutes.</p>
<a class="act" href="${deepLink(facts, token.accessToken)}">Open the app with it</a>
<p class="quiet">The app gets <code>server_address</code> and <code>token</code> in the fragment of the link, if it has the URL scheme of the
<code>Info.plist</code> on the page before.</p>
<h2>The token</h2>
<pre class="wrap">${token.accessToken}</pre>
<a class="act second" href="/">Back</a>`,
  );
}

/** A short page for missing paths. */
export function problemPage(message: string): string {
  return pageFrame(
    'Not found',
    html`<h1>Not here</h1><p>${message}</p><a class="act second" href="/">To the start</a>`,
  );
}

function tokenForm(): Html {
  return html`<h2 id="token"><b>3</b> Get a test token</h2>
<form method="post" action="/pair" autocomplete="off">
<label for="code">Code in the terminal</label>
<input id="code" name="code" required minlength="8" maxlength="12" autocapitalize="characters" autocorrect="off" spellcheck="false">
<button>Get it</button>
</form>
<p class="quiet">The code is good once. This page is not encrypted, for the phone trusts nothing yet: who listens in this network can read
the token.</p>`;
}

function listing(title: string, text: string, file?: string): Html {
  return html`<details>
<summary>${title}</summary>
<pre tabindex="0">${text}</pre>
${file !== undefined && html`<p><a href="${file}" download>Download</a></p>`}
</details>`;
}

function policy(facts: PairingFacts): Html {
  return html`<details>
<summary>App configuration policy: names and values</summary>
<dl>
${appConfigurationPolicy(facts).map(
  ({ name, value }) => html`<dt><code>${name}</code></dt><dd><pre class="wrap">${value}</pre></dd>
`,
)}
</dl>
<p class="quiet">The root certificates of a policy are for sites inside the tunnel. That of the gateway is judged by what the device trusts.</p>
</details>`;
}
