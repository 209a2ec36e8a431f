import { useEffect, useState } from 'preact/hooks';
import { json } from '../core/api.js';
import { count, plain, short } from '../core/format.js';
import { IS_REPORT } from '../core/report.js';
import { useStore } from '../ui/hooks.js';
import { Act, how } from '../ui/how.js';
import { html } from '../ui/html.js';
import { Heading } from '../ui/parts.js';
import { UDP_RULE, UdpSwitch } from '../ui/udp-switch.js';

/** The most common faults: each is a rule of docs/reference/faults.md, and is removed like any other. */
const READY = /** @type {readonly { title: string, about: string, rule: any, cli: string[] }[]} */ ([
  {
    title: 'Hold UDP',
    about: 'Datagrams wait until they are released, in their order.',
    rule: { name: 'hold-udp', on: { seam: 'udp' }, then: { do: 'hold' } },
    cli: ['udp', 'hold'],
  },
  {
    title: 'Hold DTLS handshakes',
    about: 'ClientHellos wait: DTLS comes up when they are released.',
    rule: { name: 'hold-hellos', on: { seam: 'udp', direction: 'in', kind: 'client-hello' }, then: { do: 'hold' } },
    cli: ['udp', 'hold', '--direction', 'in', '--kind', 'client-hello'],
  },
  {
    title: 'Lose every tenth datagram',
    about: 'Ten percent of loss, in order and not by chance.',
    rule: { name: 'tenth', on: { seam: 'udp', kind: 'application' }, when: { every: 10 }, then: { do: 'drop' } },
    cli: ['udp', 'drop', '--kind', 'application', '--every', '10'],
  },
  {
    title: 'Delay datagrams by 200 ms',
    about: 'Each way, so that a round trip takes 400 ms more.',
    rule: { name: 'slow-udp', on: { seam: 'udp' }, then: { do: 'delay', ms: 200 } },
    cli: ['udp', 'delay', '--with', 'ms=200'],
  },
  {
    title: 'Large datagrams vanish',
    about: 'More than 1,300 bytes are lost without a word: an MTU black hole.',
    rule: { name: 'black-hole', on: { seam: 'udp' }, then: { do: 'mtu_blackhole', bytes: 1300 } },
    cli: ['udp', 'mtu_blackhole', '--with', 'bytes=1300'],
  },
  {
    title: 'Refuse every login',
    about: 'The answer is no, on the wire as a real one.',
    rule: { name: 'no-login', on: { seam: 'decision', kind: 'authenticate' }, then: { do: 'refuse' } },
    cli: ['decision', 'refuse', '--kind', 'authenticate'],
  },
  {
    title: 'Names do not resolve',
    about: 'Each question in the tunnel is answered with NXDOMAIN.',
    rule: { name: 'no-names', on: { seam: 'dns' }, then: { do: 'nxdomain' } },
    cli: ['dns', 'nxdomain'],
  },
  {
    title: 'Reset connections to the gateway',
    about: 'Each new TCP connection ends at once with a reset.',
    rule: { name: 'reset-tcp', on: { seam: 'decision', kind: 'accept' }, then: { do: 'reset' } },
    cli: ['decision', 'reset', '--kind', 'accept'],
  },
]);

const EXAMPLE = JSON.stringify(
  {
    name: 'mine',
    on: { seam: 'udp', direction: 'out', kind: 'handshake' },
    when: { skip: 2, times: 1, per: 'session' },
    then: { do: 'drop' },
  },
  null,
  2,
);

/** @param {{ model: import('../core/model.js').Model }} props */
export default function Faults({ model }) {
  const { faults } = model;
  const { value, error } = useStore(faults);
  useEffect(() => {
    how.showView({ title: 'Fault rules in force', cli: ['fault', 'list'], rest: { path: '/api/faults' } });
  }, []);
  const rules = value?.rules ?? [];
  const names = new Set(rules.map(({ name }) => name));
  const own = rules.filter(({ name }) => !isOfProfile(name, value?.active));
  const change = async (/** @type {{ method: string, path: string, body?: unknown }} */ rest) => {
    const answer = await json(rest.path, rest);
    await faults.now();
    return answer;
  };
  const clear = { method: 'DELETE', path: '/api/faults' };
  return html`
    <${Heading} title="Faults" about="What is to go wrong, and how often it did. Nothing goes wrong without a rule.">
      <${Act} how=${{ title: 'Remove all fault rules', cli: ['fault', 'remove', '--all'], rest: clear }} run=${() => change(clear)} disabled=${rules.length === 0} done="All rules are removed; what they held is on its way.">Remove all</${Act}>
    </${Heading}>
    ${error && html`<p class="notice bad">${error.message}</p>`}
    <section class="card" aria-labelledby="rules-title">
      <div class="card-head"><h2 id="rules-title">In force</h2><${UdpSwitch} model=${model} /></div>
      ${
        rules.length === 0
          ? html`<p>No rule is in force.</p>`
          : html`<ul class="rules">${rules.map((rule) => html`<${Rule} key=${rule.name} rule=${rule} change=${change} />`)}</ul>`
      }
      ${value?.active && html`<p>All clients are on the network profile <b>${plain(value.active)}</b>.</p>`}
    </section>
    ${!IS_REPORT && html`<${Desk} names=${names} active=${value?.active} change=${change} />`}
    <p class="small">${own.length} of ${rules.length} rules are not of a profile.</p>
  `;
}

/** @param {{ names: ReadonlySet<string>, active: string | null | undefined, change: (rest: any) => Promise<any> }} props */
function Desk({ names, active, change }) {
  const [profiles, setProfiles] = useState(/** @type {{ name: string, text: string, source: string }[]} */ ([]));
  const [draft, setDraft] = useState(EXAMPLE);
  useEffect(() => {
    json('/api/profiles').then(
      (all) => setProfiles(all.profiles),
      () => {},
    );
  }, []);
  return html`
    <section aria-labelledby="ready-title">
      <h2 id="ready-title">Put in force</h2>
      <div class="cards">
        ${READY.map(({ title, about, rule, cli }) => {
          const rest = { method: 'POST', path: '/api/faults', body: rule };
          return html`<article class="card" key=${title}>
            <div class="card-head"><h3>${title}</h3>
              <${Act} how=${{ title, cli: ['fault', 'add', ...cli, '--name', rule.name], rest }} run=${() => change(rest)} disabled=${names.has(rule.name)} label=${`${names.has(rule.name) ? 'In force' : 'Add'}: ${title}`} done=${`${title}: in force.`}>${names.has(rule.name) ? 'In force' : 'Add'}</${Act}>
            </div>
            <p>${about}</p>
          </article>`;
        })}
      </div>
    </section>
    <section aria-labelledby="profiles-title">
      <h2 id="profiles-title">A kind of network, for all clients</h2>
      <div class="cards">
        ${profiles.map(({ name, text, source }) => {
          const on = active === name;
          const rest = on
            ? { method: 'DELETE', path: '/api/profiles' }
            : { method: 'PUT', path: `/api/profiles/${name}` };
          return html`<article class="card" key=${name}>
            <div class="card-head"><h3 class="mono">${name}</h3>
              <${Act} how=${{ title: on ? 'Use no network profile' : `Put all clients on ${name}`, cli: on ? ['profile', 'clear'] : ['profile', 'use', name], rest }} run=${() => change(rest)} pressed=${on} kind=${on ? 'on' : ''} label=${`${on ? 'In use:' : 'Use'} ${name}`} done=${on ? 'No network profile is in use.' : `All clients are on ${name}.`}>${on ? 'In use' : 'Use'}</${Act}>
            </div>
            <p>${text}</p>
            <p class="small one-line" title=${source}>${source}</p>
          </article>`;
        })}
      </div>
    </section>
    <section class="card" aria-labelledby="own-title">
      <h2 id="own-title">A rule of your own</h2>
      <p>As in the configuration and over REST: what it selects (<code>on</code>), which of that it strikes (<code>when</code>), and what it does (<code>then</code>).</p>
      <textarea rows="12" spellcheck=${false} aria-label="The rule, as JSON" value=${draft} onInput=${(/** @type {any} */ event) => setDraft(event.currentTarget.value)}></textarea>
      <div class="buttons"><${Own} draft=${draft} change=${change} /></div>
    </section>
  `;
}

/** Rules of a profile are called `3g.1`, `3g.2`, …. @param {string} name @param {string | null | undefined} active */
function isOfProfile(name, active) {
  return active !== null && active !== undefined && name.startsWith(`${active}.`);
}

/** @param {{ draft: string, change: (rest: any) => Promise<any> }} props */
function Own({ draft, change }) {
  /** @type {any} */
  let rule;
  let wrong = '';
  try {
    rule = JSON.parse(draft);
  } catch (error) {
    wrong = /** @type {Error} */ (error).message;
  }
  const rest = { method: 'POST', path: '/api/faults', body: rule };
  return html`<${Act} kind="primary" how=${{ title: 'A rule of your own', cli: ['fault', 'add', '--rule', rule === undefined ? draft : JSON.stringify(rule)], rest }} run=${async () => {
    const { name, notes } = await change(rest);
    return `The rule ${name} is in force. ${notes.join(' ')}`;
  }} disabled=${rule === undefined}>Add the rule</${Act}>
  ${wrong && html`<span class="why fallback">It is not JSON yet: ${short(wrong, 120)}</span>`}`;
}

/** @param {{ rule: import('../core/model.js').Fault, change: (rest: any) => Promise<any> }} props */
function Rule({ rule, change }) {
  const { name, seen, hits, held, notes } = rule;
  const path = `/api/faults/${encodeURIComponent(name)}`;
  const release = (/** @type {number | undefined} */ one) => ({
    method: 'POST',
    path: `${path}/release`,
    body: one === undefined ? {} : { count: one },
  });
  const holds = rule.rule?.then?.do === 'hold' || held > 0;
  const { on, when, then } = rule.rule ?? {};
  return html`<li>
    <span class="grow"><b>${plain(name)}</b> <code title=${plain(rule.rule)}>${short(
      [on, when, then]
        .filter(Boolean)
        .map((one) => JSON.stringify(one))
        .join(' '),
      220,
    )}</code>
      ${notes.map((note) => html`<br /><span class="why fallback">${plain(note)}</span>`)}
    </span>
    <span>${seen === 0 ? 'selected nothing yet' : `struck ${count(hits)} of ${count(seen)}`}${held > 0 ? `, holds ${count(held)}` : ''}</span>
    <span class="buttons">
      ${
        holds &&
        html`<${Act} how=${{ title: `Release the oldest that ${name} holds`, cli: ['fault', 'release', name, '--count', '1'], rest: release(1) }} run=${() => change(release(1)).then(({ released }) => `Let ${released} go.`)} disabled=${held === 0}>Release one</${Act}>
        <${Act} how=${{ title: `Release all that ${name} holds`, cli: ['fault', 'release', name], rest: release(undefined) }} run=${() => change(release(undefined)).then(({ released }) => `Let ${released} go.`)} disabled=${held === 0}>Release all</${Act}>`
      }
      <${Act} how=${{ title: `Remove ${name}`, cli: ['fault', 'remove', name], rest: { method: 'DELETE', path } }} run=${() => change({ method: 'DELETE', path })} label=${`Remove ${name}`} done=${`${name === UDP_RULE ? 'UDP passes again' : `${name} is removed`}: it struck ${count(hits)} times.`}>Remove</${Act}>
    </span>
  </li>`;
}
