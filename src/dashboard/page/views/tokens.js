import { useEffect, useState } from 'preact/hooks';
import { json } from '../core/api.js';
import { moment, plain, short, span } from '../core/format.js';
import { IS_REPORT, machineTime } from '../core/report.js';
import { Copy } from '../ui/copy.js';
import { Act, complain, how } from '../ui/how.js';
import { html } from '../ui/html.js';
import { Heading, Select } from '../ui/parts.js';

/** Deliberately wrong tokens: those of `tunnelite token --wrong list`. */
const WRONG = [
  'expired',
  'just-expired',
  'not-yet',
  'no-exp',
  'aud',
  'aud-array',
  'iss',
  'tid',
  'scp',
  'no-scp',
  'app-only',
  'guest',
  'no-oid',
  'sig',
  'foreign-key',
  'alg-none',
  'kid',
  'no-kid',
  'typ',
  'crit',
  'duplicate-claim',
  'not-json',
  'encrypted',
  'segments',
  'garbage',
];

/** Descriptions of claims. */
const MEANING = /** @type {Record<string, string>} */ ({
  aud: 'the API that it is for',
  iss: 'who issued it',
  tid: 'tenant',
  oid: 'object id of the user',
  sub: 'subject',
  upn: 'sign-in name',
  preferred_username: 'sign-in name',
  unique_name: 'sign-in name',
  name: 'display name',
  scp: 'delegated permissions',
  roles: 'application permissions or app roles',
  azp: 'app that asked for it',
  appid: 'app that asked for it',
  idtyp: 'kind of subject',
  acct: '1: a guest',
  idp: 'where the user is at home',
  ver: 'version of the token format',
  exp: 'no longer valid from',
  nbf: 'not valid before',
  iat: 'issued',
  uti: 'id of the token',
  deviceid: 'device',
  groups: 'groups',
  amr: 'how the user signed in',
  alg: 'how it is signed',
  kid: 'key that signed it',
  typ: 'type',
});
const TIMES = new Set(['exp', 'nbf', 'iat', 'auth_time', 'xms_ftd']);

/** The token alone, out of what people paste: a header, a line of JSON, a file with line ends. @param {string} text */
export function tokenIn(text) {
  const found = /[\w-]+\.[\w-]+\.[\w-]*/.exec(text.replace(/^\s*authorization:/i, '').replace(/\bBearer\s+/i, ''));
  return /[{\s]/.test(text.trim()) && found ? found[0] : text.trim();
}

/** @param {{ model: import('../core/model.js').Model }} props */
export default function Tokens({ model }) {
  if (IS_REPORT) return html`<${Elsewhere} />`;
  return html`<${Desk} model=${model} />`;
}

/** A report contains no token, and has no gateway to check one. */
function Elsewhere() {
  useEffect(
    () =>
      how.showView({
        title: 'What was said of tokens',
        cli: ['journal', 'auth.*'],
        rest: { path: '/api/journal?name=auth.*' },
      }),
    [],
  );
  return html`<${Heading} title="Tokens" /><p class="notice">A report has no token in it. What the gateway said of those that came is in the <a href="#/journal?search=auth.">journal</a>; to look at a token itself, paste it into the dashboard of a running instance.</p>`;
}

/** @param {{ model: import('../core/model.js').Model }} props */
function Desk({ model }) {
  const [text, setText] = useState('');
  const [verdict, setVerdict] = useState(/** @type {any} */ (undefined));
  const [user, setUser] = useState('');
  const [wrong, setWrong] = useState('');
  const [users, setUsers] = useState(/** @type {any[] | undefined} */ (undefined));
  useEffect(() => {
    how.showView({
      title: 'Look at a token',
      cli: ['token', '--check', 'token.jwt'],
      rest: { method: 'POST', path: '/api/tokens/check', body: { token: '…' } },
    });
    json('/api/directory/tenants')
      .then(([tenant]) => json(`/api/directory/tenants/${encodeURIComponent(tenant.id)}/users`))
      .then(setUsers, () => setUsers(undefined));
  }, []);
  const look = async (/** @type {string} */ token) => {
    try {
      setVerdict(await json('/api/tokens/check', { method: 'POST', body: { token } }));
    } catch (error) {
      setVerdict(undefined);
      complain(error);
    }
  };
  const paste = (/** @type {string} */ value) => {
    setText(value);
    const token = tokenIn(value);
    if (token === '') setVerdict(undefined);
    else void look(token);
  };
  const body = { ...(user === '' ? {} : { user }), ...(wrong === '' ? {} : { wrong }) };
  const make = { method: 'POST', path: '/api/tokens', body };
  const now = machineTime() + (model.clock.value?.offset ?? 0);
  return html`
    <${Heading} title="Tokens" about="Paste an access token, or make one, and see each check that the gateway makes." />
    <div class="cards wide">
      <section class="card" aria-labelledby="paste-title">
        <h2 id="paste-title"><label for="token">A token</label></h2>
        <textarea id="token" rows="5" spellcheck=${false} autocomplete="off" placeholder="eyJ0eXAiOiJKV1Qi… or Authorization: Bearer eyJ…" value=${text} onInput=${(/** @type {any} */ event) => paste(event.currentTarget.value)} data-search=""></textarea>
        <p class="small">It goes to this instance alone, is kept nowhere, and logs nobody in.</p>
      </section>
      ${
        users &&
        html`<section class="card" aria-labelledby="make-title">
        <h2 id="make-title">Or make one</h2>
        <div class="form">
          <div class="field"><span>Of</span><${Select} value=${user} onChange=${setUser} label="Whose token" options=${[['', 'the first user'], ...users.slice(0, 500).map((one) => [String(one.userPrincipalName), short(one.userPrincipalName, 60)])]} /></div>
          <div class="field"><span>Wrong how</span><${Select} value=${wrong} onChange=${setWrong} label="What is wrong with it" options=${[['', 'nothing, it is good'], ...WRONG.map((one) => [one, one])]} /></div>
          <${Act} kind="primary" how=${{ title: 'Make a token', cli: ['token', ...(user === '' ? [] : ['--user', user]), ...(wrong === '' ? [] : ['--wrong', wrong])], rest: make }} run=${async () => {
            const { accessToken } = await json(make.path, make);
            setText(accessToken);
            await look(accessToken);
          }} done="Made, and looked at.">Make it</${Act}>
        </div>
      </section>`
      }
    </div>
    ${verdict && html`<${Verdict} verdict=${verdict} now=${now} token=${text} />`}
  `;
}

/** @param {{ verdict: any, now: number, token: string }} props */
function Verdict({ verdict, now, token }) {
  const { ok, refusal, policy, signed, header, claims, checks } = verdict;
  return html`
    <p class=${`notice ${ok ? 'good' : 'bad'}`} role="status">
      ${ok ? html`<b>The gateway would accept it.</b> All checks of the policy <code>${policy}</code> are passed.` : html`<b>The gateway would refuse it${refusal ? ` (${plain(refusal.reason)})` : ''}.</b> ${plain(refusal?.explanation ?? 'A check could not be made.')}`}
      ${token && html` <${Copy} text=${tokenIn(token)} what="the token" />`}
    </p>
    <div class="table-scroll" tabindex="0" role="group" aria-label="Checks">
      <table>
        <caption class="off-screen">Checks, in the order of a login</caption>
        <thead><tr><th scope="col">Check</th><th scope="col">Outcome</th><th scope="col">Found</th><th scope="col">Wanted</th></tr></thead>
        <tbody>${checks.map(
          (/** @type {any} */ one) => html`<tr key=${one.name} class=${one.outcome === 'failed' ? 'fails' : ''}>
            <th scope="row">${plain(one.name)}</th>
            <td><span class=${`chip ${one.outcome === 'passed' ? 'good' : one.outcome === 'failed' ? 'bad' : 'none'}`}>${one.outcome}</span></td>
            <td class="mono">${Object.entries(one.found).map(([name, value]) => html`<div key=${name}>${plain(name)}: ${plain(value)}</div>`)}</td>
            <td>${one.explanation ? html`<b>${plain(one.explanation)}</b>` : short(one.wants, 300)}</td>
          </tr>`,
        )}</tbody>
      </table>
    </div>
    ${!signed && Object.keys(claims).length > 0 && html`<p class="notice">No known key has signed this token: anybody can have written what it says below.</p>`}
    <${Members} title="Header" members=${header} now=${now} />
    <${Members} title="Claims" members=${claims} now=${now} />
  `;
}

/** @param {{ title: string, members: Record<string, unknown>, now: number }} props */
function Members({ title, members, now }) {
  const all = Object.entries(members);
  if (all.length === 0) return null;
  return html`<div class="table-scroll" tabindex="0" role="group" aria-label=${title}>
    <table>
      <caption class="off-screen">${title}</caption>
      <thead><tr><th scope="col">${title}</th><th scope="col">Value</th><th scope="col">What it is</th></tr></thead>
      <tbody>${all.map(([name, value]) => html`<tr key=${name}><th scope="row">${plain(name)}</th><td class="mono">${plain(typeof value === 'string' ? value : JSON.stringify(value))}</td><td>${MEANING[name] ?? ''}${TIMES.has(name) && typeof value === 'number' ? html`: ${moment(value * 1000)}, ${value * 1000 > now ? `in ${span(value * 1000 - now)}` : `${span(now - value * 1000)} ago`}` : ''}</td></tr>`)}</tbody>
    </table>
  </div>`;
}
