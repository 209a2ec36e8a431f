import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { ApiError, exchangeCode, persist, secret, whenStranger } from './core/api.js';
import { moment, plain, span } from './core/format.js';
import { Model } from './core/model.js';
import { IS_REPORT, REPORTED_AT } from './core/report.js';
import { Boundary } from './ui/boundary.js';
import { useStore } from './ui/hooks.js';
import { HowStrip, how, MessageLine, messages } from './ui/how.js';
import { html } from './ui/html.js';
import { Keys, useKeys } from './ui/keys.js';
import { SignIn } from './ui/sign-in.js';
import { UdpSwitch } from './ui/udp-switch.js';

/** Each view and its loader: the first page stays small, and other views load on demand. */
const VIEWS = /** @type {readonly (readonly [name: string, label: string, load: () => Promise<any>])[]} */ ([
  ['sessions', 'Sessions', () => import('./views/sessions.js')],
  ['traffic', 'Traffic', () => import('./views/traffic.js')],
  ['requests', 'Requests', () => import('./views/requests.js')],
  ['journal', 'Journal', () => import('./views/journal.js')],
  ['faults', 'Faults', () => import('./views/faults.js')],
  ['directory', 'Directory', () => import('./views/directory.js')],
  ['policies', 'Policies', () => import('./views/policies.js')],
  ['tokens', 'Tokens', () => import('./views/tokens.js')],
  IS_REPORT
    ? ['setup', 'Instance', () => import('./views/instance.js')]
    : ['setup', 'Set-up', () => import('./views/setup.js')],
]);

const FIRST = /** @type {typeof VIEWS[number]} */ (VIEWS[0]);

/** Views that are opened from others. */
const INNER = /** @type {Record<string, { of: string, load: () => Promise<any> }>} */ ({
  session: { of: 'sessions', load: () => import('./views/session.js') },
  policy: { of: 'policies', load: () => import('./views/policy.js') },
});

/** The current location: `#/session/k3x9ab?search=…`. */
function placeNow() {
  const [path = '', words = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [name = '', ...rest] = path.split('/');
  return { name: name || 'sessions', argument: decoded(rest.join('/')), words: new URLSearchParams(words) };
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

/** The code of a link, removed from the URL at once. */
function takeCode() {
  const code = /^#code=([\w-]+)$/.exec(location.hash)?.[1];
  if (code !== undefined) history.replaceState(null, '', '#/sessions');
  return code;
}

/** @param {{ model: Model }} props */
function Shell({ model }) {
  const [place, setPlace] = useState(placeNow());
  const [View, setView] = useState(/** @type {{ name: string, component: any } | undefined} */ (undefined));
  const [failed, setFailed] = useState('');
  useEffect(() => {
    const go = () => setPlace(placeNow());
    addEventListener('hashchange', go);
    return () => removeEventListener('hashchange', go);
  }, []);
  useEffect(() => {
    let current = true;
    const load = INNER[place.name]?.load ?? (VIEWS.find(([name]) => name === place.name) ?? FIRST)[2];
    persist(load, 4).then(
      (module) => {
        if (!current) return;
        setFailed('');
        setView({ name: place.name, component: module.default });
      },
      () => current && setFailed('This part of the page could not be loaded: the instance does not answer.'),
    );
    return () => {
      current = false;
    };
  }, [place.name]);
  const of = INNER[place.name]?.of ?? place.name;
  const label = VIEWS.find(([name]) => name === of)?.[1] ?? 'Sessions';
  useEffect(() => {
    messages.leave();
    document.querySelector('.views [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    document.title = `${INNER[place.name] ? place.argument : label} · Tunnelite`;
  }, [place.name, place.argument]);
  const [help, setHelp] = useState(false);
  useKeys({ views: VIEWS.map(([name]) => name), onHelp: () => setHelp((open) => !open) });
  return html`
    <a class="skip" href="#main" onClick=${(/** @type {Event} */ event) => {
      event.preventDefault();
      document.getElementById('main')?.focus();
    }}>Skip to the content</a>
    <header class="top">
      <a class="brand" href="#/sessions" aria-label="Tunnelite, sessions"><img src="/dashboard/icon.svg" alt="" width="20" height="20" />Tunnelite</a>
      <${State} model=${model} />
      <${UdpSwitch} model=${model} />
      <button type="button" class="quiet help" aria-expanded=${String(help)} onClick=${() => setHelp(!help)}>Keys</button>
    </header>
    <nav class="views" aria-label="Views">
      ${VIEWS.map(([name, text]) => html`<a key=${name} href=${`#/${name}`} aria-current=${name === of ? 'page' : undefined}>${text}</a>`)}
    </nav>
    <main id="main" tabindex="-1" class=${`view-${place.name}`}>
      ${help && html`<${Keys} onClose=${() => setHelp(false)} />`}
      ${failed && html`<p class="notice bad">${failed}</p>`}
      ${View && View.name === place.name ? html`<${Boundary} title=${label} key=${`${place.name}/${place.argument}`}><${View.component} model=${model} argument=${place.argument} words=${place.words} /></${Boundary}>` : !failed && html`<p class="starting">Loading…</p>`}
    </main>
    <footer class="foot"><${MessageLine} /><${HowStrip} /></footer>
  `;
}

/** How often to poll for what an event reports anyway, in milliseconds. */
const UNHURRIED_MS = 10_000;

/** Whether all is well: the gateway, the connection to it, its clock. @param {{ model: Model }} props */
function State({ model }) {
  const live = useStore(model.live, ({ state, lost }) => `${state} ${lost}`);
  const gateway = useStore(
    model.gateway,
    ({ value }) => `${value?.state} ${value?.counters.tunnels}`,
    UNHURRIED_MS,
  ).value;
  const clock = useStore(model.clock, ({ value }) => `${value?.mode} ${value?.offset}`).value;
  const report = model.report && useStore(model.report).value;
  const state = gateway?.state ?? '';
  const connection =
    live.state === 'live'
      ? /** @type {const} */ (['good', 'live'])
      : IS_REPORT
        ? /** @type {const} */ ([live.state === 'waiting' ? 'bad' : 'report', `report of ${moment(REPORTED_AT)}`])
        : live.state === 'waiting'
          ? /** @type {const} */ (['bad', 'connection lost, trying again'])
          : /** @type {const} */ (['quiet', 'connecting']);
  return html`<div class="state">
    <span class=${`dot ${connection[0]}`}>${connection[1]}</span>
    ${report && html`<span class="state-count">version ${plain(report.version)}</span>`}
    ${state && state !== 'listening' && html`<span class="dot bad">gateway ${state}</span>`}
    ${gateway && html`<span class="state-count"><b>${gateway.counters.tunnels ?? 0}</b> connected</span>`}
    ${
      clock &&
      (clock.offset !== 0 || clock.mode === 'manual') &&
      html`<span class="dot fault">clock ${clock.mode === 'manual' ? 'stands still' : ''} ${clock.offset === 0 ? '' : `${clock.offset > 0 ? '+' : ''}${span(clock.offset)}`}</span>`
    }
    ${live.lost > 0 && html`<span class="dot fallback">${live.lost} events missed</span>`}
  </div>`;
}

/** @type {Model | undefined} */
let running;

function App() {
  const [signedIn, setSignedIn] = useState(secret.get() !== null);
  const [problem, setProblem] = useState('');
  useEffect(() => {
    const useCode = async () => {
      const code = takeCode();
      if (code === undefined) return;
      try {
        secret.set(await exchangeCode(code));
        // Earlier data belongs to another instance.
        if (running) location.reload();
        setProblem('');
        setSignedIn(true);
      } catch (error) {
        if (secret.get() === null)
          setProblem(error instanceof ApiError ? `${error.message} ${error.hint}` : 'The instance does not answer.');
      }
    };
    void useCode();
    const onHash = () => void useCode();
    addEventListener('hashchange', onHash);
    whenStranger(() => {
      secret.forget();
      running?.live.end();
      running = undefined;
      setProblem('The instance does not know this secret: it was started anew, perhaps.');
      setSignedIn(false);
    });
    return () => removeEventListener('hashchange', onHash);
  }, []);
  if (!signedIn) {
    return html`<${SignIn} problem=${problem} onSecret=${(/** @type {string} */ value) => {
      secret.set(value);
      setProblem('');
      setSignedIn(true);
    }} />`;
  }
  if (!running) {
    running = new Model();
    running.start();
  }
  return html`<${Shell} model=${running} />`;
}

how.showView({ title: 'Sessions', cli: ['sessions'], rest: { path: '/api/sessions' } });
const root = /** @type {HTMLElement} */ (document.getElementById('app'));
root.replaceChildren();
render(html`<${App} />`, root);
