import { useEffect, useMemo, useState } from 'preact/hooks';
import { json, query } from '../core/api.js';
import { plain, plural, short } from '../core/format.js';
import { findingsOf, KINDS, platformName, rowsOf } from '../core/policies.js';
import { IS_REPORT } from '../core/report.js';
import { matching } from '../core/requests.js';
import { Act, how } from '../ui/how.js';
import { html } from '../ui/html.js';
import { NoPolicies, useIntune } from '../ui/intune.js';
import { Heading, Search, Select } from '../ui/parts.js';
import { VirtualList } from '../ui/virtual.js';

/** Rows of lists without scrolling. */
const MOST = 100;

/** @param {{ model: import('../core/model.js').Model }} props */
export default function Policies({ model }) {
  const { value, error } = useIntune(model);
  const [search, setSearch] = useState('');
  const [kind, setKind] = useState('appConfiguration');
  useEffect(
    () => how.showView({ title: 'Policies', cli: ['intune', 'export'], rest: { path: '/api/intune/export' } }),
    [],
  );
  const rows = useMemo(() => {
    if (!value) return [];
    return rowsOf(value.document).map((row) => {
      const found = findingsOf(value.findings, row.subject);
      const errors = found.filter(({ level }) => level === 'error').length;
      return { ...row, found: found.length, errors };
    });
  }, [value]);
  const shown = useMemo(() => matching(rows, search), [rows, search]);
  if (!value) return html`<${NoPolicies} title="Policies" error=${error} />`;
  const columns = /** @type {import('../ui/virtual.js').Column<any>[]} */ ([
    {
      id: 'name',
      label: 'Name',
      cell: (row) =>
        html`<a href=${placeOf(row)} title=${plain(row.name)}>${short(row.name, 120) || 'without a name'}</a>`,
    },
    { id: 'type', label: 'Type', cell: ({ type }) => type },
    {
      id: 'apps',
      label: 'Apps',
      kind: 'opt2',
      cell: ({ apps }) => html`<span title=${plain(apps)}>${short(apps, 120)}</span>`,
    },
    { id: 'whom', label: 'Assigned to', kind: 'opt2', cell: ({ whom }) => short(whom, 120) },
    {
      id: 'found',
      label: 'Lint',
      cell: ({ found, errors }) =>
        found === 0
          ? ''
          : html`<span class=${`chip ${errors > 0 ? 'bad' : 'warn'}`}>${plural(found, 'finding')}</span>`,
    },
  ]);
  return html`
    <${Heading} title="Policies" about="Intune's policies, certificates and sites, as Microsoft Graph has them">
      <${Search} value=${search} onInput=${setSearch} label="Search policies" hint="Name, app, group…" />
      ${
        !IS_REPORT &&
        html`<${Select} value=${kind} onChange=${setKind} label="What to create" options=${Object.entries(KINDS).map(([id, { title }]) => [id, title])} />
          <button type="button" class="act primary" onClick=${() => {
            location.hash = `#/policy/new/${kind}`;
          }}>Create</button>`
      }
    </${Heading}>
    ${error && html`<p class="notice bad">${plain(error.message)}</p>`}
    <${VirtualList} label="Policies" kind="policies" height=${32} rows=${shown} columns=${columns} keyOf=${(/** @type {any} */ row) => row.key} onOpen=${(
      /** @type {any} */ row,
    ) => {
      location.hash = placeOf(row);
    }} empty=${rows.length === 0 ? 'There is no policy.' : 'No policy is like that.'} />
    <div class="cards wide">
      <${Findings} findings=${value.findings} />
      ${!IS_REPORT && html`<${Preview} value=${value} />`}
    </div>
    <${Asked} deliveries=${value.deliveries} />
  `;
}

const placeOf = (/** @type {{ set: string, id: string }} */ { set, id }) => `#/policy/${set}/${encodeURIComponent(id)}`;

/** @param {{ findings: import('../ui/intune.js').Finding[] }} props */
function Findings({ findings }) {
  return html`<section class="card" aria-labelledby="lint-title">
    <div class="card-head"><h2 id="lint-title">What would fail in the field</h2>
      <${Act} how=${{ title: 'Lint', cli: ['intune', 'lint'], rest: { path: '/api/intune/lint' } }} run=${async () => {
        const { findings: now } = await json('/api/intune/lint');
        return now.length === 0 ? 'No problems found.' : `${plural(now.length, 'finding')}.`;
      }}>Look again</${Act}>
    </div>
    <${FindingList} findings=${findings} />
  </section>`;
}

/** @param {{ findings: readonly import('../ui/intune.js').Finding[] }} props */
export function FindingList({ findings }) {
  if (findings.length === 0) return html`<p>No problems found.</p>`;
  return html`${findings.slice(0, MOST).map(
    ({ level, subject, message, fix, rule }) => html`<div class=${`finding ${level === 'error' ? 'fatal' : 'trouble'}`}>
      <b>${short(subject, 200)}</b>
      <p>${short(message, 600)}</p>
      <p>${short(fix, 400)} <code>${plain(rule)}</code></p>
    </div>`,
  )}${findings.length > MOST && html`<p>And ${findings.length - MOST} more: tunnelite intune lint tells all.</p>`}`;
}

/** @param {{ value: import('../ui/intune.js').IntuneState }} props */
function Preview({ value }) {
  const { users, document } = value;
  const apps = useMemo(
    () =>
      [
        ...new Set(
          rowsOf(document)
            .flatMap(({ apps: listed }) => listed.split(', '))
            .filter((one) => one !== '' && one !== 'all apps'),
        ),
      ].slice(0, MOST),
    [document],
  );
  const [user, setUser] = useState(String(users[0]?.userPrincipalName ?? ''));
  const [app, setApp] = useState(apps[0] ?? '');
  const [platform, setPlatform] = useState('ios');
  const [enrolled, setEnrolled] = useState('false');
  const [got, setGot] = useState(/** @type {any} */ (undefined));
  const path = `/api/intune/delivery?${query({ user, app, platform, enrolled })}`;
  const cli = ['intune', 'deliver', user || 'user', app || 'app', '--platform', platform];
  if (enrolled === 'true') cli.push('--enrolled');
  return html`<section class="card" aria-labelledby="preview-title">
    <h2 id="preview-title">What an app would get</h2>
    <div class="form">
      <label class="field"><span>User</span><input type="text" list="policy-users" value=${user} onInput=${(/** @type {any} */ event) => setUser(event.currentTarget.value.trim())} /></label>
      <datalist id="policy-users">${users.slice(0, 200).map((one) => html`<option key=${one.id} value=${one.userPrincipalName}></option>`)}</datalist>
      <label class="field"><span>App</span><input type="text" list="policy-apps" value=${app} placeholder="com.contoso.lob" onInput=${(/** @type {any} */ event) => setApp(event.currentTarget.value.trim())} /></label>
      <datalist id="policy-apps">${apps.map((one) => html`<option key=${one} value=${one}></option>`)}</datalist>
      <div class="field"><span>Platform</span><${Select} value=${platform} onChange=${setPlatform} label="Platform of the device" options=${[['ios', platformName('ios')], ['android', platformName('android')]]} /></div>
      <div class="field"><span>Device</span><${Select} value=${enrolled} onChange=${setEnrolled} label="Whether the device is enrolled" options=${[['false', 'unmanaged'], ['true', 'enrolled']]} /></div>
      <${Act} kind="primary" how=${{ title: 'What an app would get', cli, rest: { path } }} disabled=${user === '' || app === ''} run=${async () => {
        const answer = await json(path);
        setGot(answer);
        return `${app} would get ${plural(Object.keys(answer.settings).length, 'setting')}.`;
      }}>Look</${Act}>
    </div>
    ${
      got &&
      html`<div class="table-scroll" tabindex="0" role="group" aria-label="Settings">
        <table>
          <caption class="off-screen">Keys and values</caption>
          <thead><tr><th scope="col">Key</th><th scope="col">Value</th></tr></thead>
          <tbody>${Object.entries(got.settings).map(([name, one]) => html`<tr key=${name}><th scope="row">${short(name, 120)}</th><td class="mono">${short(one, 90)}</td></tr>`)}</tbody>
        </table>
      </div>
      <p>App protection policy: ${got.protection ? `there is one${got.protection.connectToVpnOnLaunch ? ', which starts the tunnel with the app' : ''}` : 'none'}.</p>
      ${got.notes.slice(0, MOST).map((/** @type {string} */ note) => html`<p class="summary-line">${short(note, 500)}</p>`)}`
    }
  </section>`;
}

const STATES = /** @type {Record<string, [string, string]>} */ ({
  current: ['good', 'is what it would get now'],
  outdated: ['warn', 'policies changed since'],
  'no user': ['bad', 'the user is gone'],
});

/** @param {{ deliveries: import('../ui/intune.js').DeliveryState[] }} props */
function Asked({ deliveries }) {
  return html`<section aria-labelledby="asked-title">
    <h2 id="asked-title">What apps got</h2>
    ${
      deliveries.length === 0
        ? html`<p class="notice">No app has asked for its policies yet. The bundled client does when it is launched (ManagedApp).</p>`
        : html`<div class="table-scroll" tabindex="0" role="group" aria-label="What apps got">
            <table>
              <caption class="off-screen">Each app of each user, on each kind of device, as it asked last</caption>
              <thead><tr><th scope="col">App</th><th scope="col">User</th><th scope="col">Device</th><th scope="col">When</th><th scope="col">Got</th><th scope="col">State</th></tr></thead>
              <tbody>${deliveries.slice(0, MOST).map((one) => {
                const [tone = 'none', words = one.state] = STATES[one.state] ?? [];
                return html`<tr key=${`${one.userId} ${one.app} ${one.platform} ${one.enrolled}`}>
                  <th scope="row">${short(one.app, 80)}</th>
                  <td>${short(one.user, 80)}</td>
                  <td>${platformName(one.platform)}, ${one.enrolled ? 'enrolled' : 'unmanaged'}</td>
                  <td>${plain(one.at).slice(0, 19).replace('T', ' ')}</td>
                  <td>${plural(one.settings, 'setting')}${one.policies.length > 0 ? ` of ${short(one.policies.join(', '), 160)}` : ''}${one.conflicts > 0 ? `, ${plural(one.conflicts, 'conflict')}` : ''}${one.notes.map((note) => html`<br /><span class="why fallback">${short(note, 240)}</span>`)}</td>
                  <td><span class=${`chip ${tone}`}>${words}</span></td>
                </tr>`;
              })}</tbody>
            </table>
          </div>`
    }
  </section>`;
}
