import { useEffect, useMemo, useState } from 'preact/hooks';
import { json } from '../core/api.js';
import { plain, plural, short } from '../core/format.js';
import { IS_REPORT } from '../core/report.js';
import { matching } from '../core/requests.js';
import { Act, complain, how } from '../ui/how.js';
import { html } from '../ui/html.js';
import { Heading, Search, Select } from '../ui/parts.js';
import { VirtualList } from '../ui/virtual.js';

/** The Entra ID errors that apps encounter most, and their meanings. */
const CODES = /** @type {const} */ ([
  ['50076', '50076: multi-factor sign-in is needed'],
  ['50079', '50079: has to register for multi-factor sign-in'],
  ['53003', '53003: blocked by Conditional Access'],
  ['53000', '53000: the device is not compliant'],
  ['50057', '50057: the account is disabled'],
  ['50055', '50055: the password has expired'],
  ['50126', '50126: wrong user name or password'],
  ['50173', '50173: the grant was revoked, sign in again'],
  ['65001', '65001: consent is missing'],
  ['700082', '700082: the refresh token has expired'],
]);
const WHERE = /** @type {const} */ ([
  ['token', 'at the token endpoint'],
  ['authorize', 'as a sign-in begins'],
  ['devicecode', 'at the device code endpoint'],
]);

/** User states that can be turned on and off, each with its member and unusual value. */
const SWITCHES =
  /** @type {readonly { label: string, member: string, on: (user: any) => boolean, change: (on: boolean) => any }[]} */ ([
    { label: 'disabled', member: 'enabled', on: (user) => user.enabled === false, change: (on) => ({ enabled: !on }) },
    { label: 'locked', member: 'locked', on: (user) => user.locked === true, change: (on) => ({ locked: on }) },
    {
      label: 'MFA',
      member: 'mfa',
      on: (user) => user.mfa === 'required',
      change: (on) => ({ mfa: on ? 'required' : 'off' }),
    },
    {
      label: 'expired',
      member: 'passwordExpired',
      on: (user) => user.passwordExpired === true,
      change: (on) => ({ passwordExpired: on }),
    },
  ]);

/** Members as a command takes them. @param {object} changes */
function assigned(changes) {
  return Object.entries(changes).map(([name, value]) => `${name}=${value}`);
}

/** A list of objects, whatever was answered. @param {unknown} answer @returns {any[]} */
function listOf(answer) {
  return Array.isArray(answer) ? answer.filter((one) => typeof one === 'object' && one !== null) : [];
}

/** @param {{ model: import('../core/model.js').Model }} props */
export default function Directory({ model }) {
  const [tenants, setTenants] = useState(/** @type {any[] | undefined} */ (undefined));
  const [tenant, setTenant] = useState('');
  const [users, setUsers] = useState(/** @type {any[]} */ ([]));
  const [failures, setFailures] = useState(/** @type {any[]} */ ([]));
  const [outages, setOutages] = useState(
    /** @type {{ endpoints: string[], active: Record<string, any> }} */ ({ endpoints: [], active: {} }),
  );
  const [absent, setAbsent] = useState(false);
  const [search, setSearch] = useState('');
  const base = `/api/directory/tenants/${encodeURIComponent(tenant)}/users`;
  const controls = async () => {
    const [orders, disturbed] = await Promise.all([json('/api/failures'), json('/api/outages')]);
    setFailures(listOf(orders));
    setOutages({ endpoints: [], ...disturbed, active: Object(disturbed?.active) });
  };
  useEffect(() => {
    how.showView({ title: 'The directory', cli: ['directory'], rest: { path: '/api/directory/tenants' } });
    json('/api/directory/tenants').then(
      (all) => {
        const known = listOf(all);
        setTenants(known);
        setTenant(plain(known[0]?.id));
      },
      (error) => (error.status === 404 ? setAbsent(true) : complain(error)),
    );
    controls().catch(() => {});
    // A requested failure disappears once it has struck.
    return model.live.listen((events) => {
      if (events.some(({ name }) => name.startsWith('identity.') || name === 'simulator.reset'))
        controls().catch(() => {});
    });
  }, []);
  const load = () => (tenant === '' ? Promise.resolve() : json(base).then((all) => setUsers(listOf(all))));
  useEffect(() => {
    load().catch(complain);
  }, [tenant]);
  const rows = useMemo(
    () =>
      users.map((user) => ({
        user,
        id: String(user.id),
        text: [user.userPrincipalName, user.displayName, user.id, user.type, user.risk].join(' ').toLowerCase(),
      })),
    [users],
  );
  const found = useMemo(() => matching(rows, search), [rows, search]);
  if (absent) {
    return html`<${Heading} title="Directory" /><p class="notice">This instance takes the tokens of a real tenant (identity.authority), and has no directory of its own.</p>`;
  }
  /** For commands, if the tenant is not the first one. */
  const ofTenant = tenant === tenants?.[0]?.id ? [] : ['--tenant', tenant];
  const patch = async (/** @type {any} */ user, /** @type {any} */ changes) => {
    await json(`${base}/${encodeURIComponent(user.id)}`, { method: 'PATCH', body: changes });
    await load();
  };
  const columns = /** @type {import('../ui/virtual.js').Column<any>[]} */ ([
    {
      id: 'name',
      label: 'Sign-in name',
      cell: ({ user }) =>
        html`<span title=${plain(user.userPrincipalName)}>${short(user.userPrincipalName, 120)}</span>`,
    },
    { id: 'display', label: 'Name', kind: 'opt1', cell: ({ user }) => short(user.displayName, 80) },
    {
      id: 'what',
      label: 'What is special',
      kind: 'opt2',
      cell: ({ user }) =>
        plain(
          [
            user.type === 'guest' ? 'guest' : '',
            user.risk !== 'none' ? `risk ${user.risk}` : '',
            user.mfaRegistered === false ? 'not registered for MFA' : '',
            user.groups?.length ? plural(user.groups.length, 'group') : '',
          ]
            .filter(Boolean)
            .join(', '),
        ),
    },
    {
      id: 'switches',
      label: 'State',
      cell: ({ user }) =>
        html`<span class="switches">${SWITCHES.map(({ label, on, change }) => {
          const now = on(user);
          if (IS_REPORT) return now ? html`<span key=${label} class="chip bad">${label}</span>` : '';
          const body = change(!now);
          return html`<${Act} key=${label} pressed=${now} kind=${now ? 'on' : ''} label=${`${label}: ${plain(user.userPrincipalName)}`} how=${{ title: `${now ? 'Not ' : ''}${label}: ${short(user.userPrincipalName, 40)}`, cli: ['directory', 'set', String(user.userPrincipalName), ...assigned(body), ...ofTenant], rest: { method: 'PATCH', path: `${base}/${encodeURIComponent(user.id)}`, body } }} run=${() => patch(user, body)} done=${`${short(user.userPrincipalName, 60)}: ${now ? 'not ' : ''}${label}.`}>${label}</${Act}>`;
        })}</span>`,
    },
  ]);
  return html`
    <${Heading} title="Directory" about=${`${plural(users.length, 'user')} of the built-in Entra ID`}>
      ${tenants && tenants.length > 1 && html`<${Select} value=${tenant} onChange=${setTenant} label="Which tenant" options=${tenants.map(({ id, domain, displayName }) => [id, short(displayName ?? domain ?? id, 60)])} />`}
      <${Search} value=${search} onInput=${setSearch} label="Search users" hint="Name, id, guest…" />
    </${Heading}>
    <${VirtualList} label="Users" kind="users" height=${34} rows=${found} columns=${columns} keyOf=${(/** @type {any} */ row) => row.id} empty=${users.length === 0 ? 'This tenant has no users.' : 'No user is called that.'} />
    <div class="cards wide">
      ${!IS_REPORT && html`<${NextFailure} users=${users} ofTenant=${ofTenant} base=${base} after=${controls} />`}
      <section class="card" aria-labelledby="waiting-title">
        <h2 id="waiting-title">Failures that wait</h2>
        ${
          failures.length === 0
            ? html`<p>None: every request is answered as the directory says.</p>`
            : html`<ul class="rules">${failures.map(
                (
                  one,
                ) => html`<li key=${one.id}><span class="grow"><b>AADSTS${plain(one.code)}</b> for ${plain(one.user ?? 'anyone')} ${plain(one.endpoint ?? 'token')}, ${plural(one.left, 'time')}</span>
                  <${Act} how=${{ title: `Forget failure ${one.id}`, cli: ['directory', 'forget', String(one.id)], rest: { method: 'DELETE', path: `/api/failures/${one.id}` } }} run=${async () => {
                    await json(`/api/failures/${one.id}`, { method: 'DELETE' });
                    await controls();
                  }} label=${`Forget the failure ${one.code}`} done="Forgotten.">Forget</${Act}></li>`,
              )}</ul>`
        }
        <h3>Endpoints that are disturbed</h3>
        <p>${!IS_REPORT ? 'Pressed ones answer 503, with Retry-After 5.' : Object.keys(outages.active).length === 0 ? 'None.' : plain(Object.keys(outages.active).join(', '))}</p>
        <div class="buttons">${outages.endpoints.map((endpoint) => {
          const on = outages.active[endpoint] !== undefined;
          const path = `/api/outages/${encodeURIComponent(endpoint)}`;
          const rest = on ? { method: 'DELETE', path } : { method: 'PUT', path, body: { status: 503, retryAfter: 5 } };
          return html`<${Act} key=${endpoint} pressed=${on} kind=${on ? 'on' : ''} how=${{ title: on ? `${endpoint} answers again` : `${endpoint} answers 503`, cli: on ? ['directory', 'restore', endpoint] : ['directory', 'outage', endpoint, '--retry-after', '5'], rest }} run=${async () => {
            await json(path, rest);
            await controls();
          }} done=${on ? `${endpoint} answers again.` : `${endpoint} answers 503, with Retry-After 5.`}>${endpoint}</${Act}>`;
        })}</div>
      </section>
    </div>
  `;
}

/** @param {{ users: any[], ofTenant: readonly string[], base: string, after: () => Promise<void> }} props */
function NextFailure({ users, ofTenant, base, after }) {
  const [user, setUser] = useState('');
  const [code, setCode] = useState('50076');
  const [endpoint, setEndpoint] = useState('token');
  const [times, setTimes] = useState('1');
  const body = {
    ...(user === '' ? {} : { user }),
    code: Number(code),
    endpoint,
    times: Math.max(1, Number(times) || 1),
  };
  const rest = { method: 'POST', path: '/api/failures', body };
  const revoke = { method: 'POST', path: `${base}/${encodeURIComponent(user)}/revoke-sessions`, body: {} };
  const rotate = (/** @type {string} */ what) => ({ method: 'POST', path: `/api/directory/keys/${what}`, body: {} });
  return html`<section class="card" aria-labelledby="next-title">
    <h2 id="next-title">The next request is to fail</h2>
    <div class="form">
      <label class="field"><span>Of whom</span><input type="text" list="users" value=${user} placeholder="anyone" onInput=${(/** @type {any} */ event) => setUser(event.currentTarget.value.trim())} /></label>
      <datalist id="users">${users.slice(0, 200).map((one) => html`<option key=${one.id} value=${one.userPrincipalName}></option>`)}</datalist>
      <label class="field"><span>With AADSTS code</span><input type="text" list="codes" inputmode="numeric" size="9" value=${code} onInput=${(/** @type {any} */ event) => setCode(event.currentTarget.value.replace(/\D.*$/, ''))} /></label>
      <datalist id="codes">${CODES.map(([value, text]) => html`<option key=${value} value=${value}>${text}</option>`)}</datalist>
      <div class="field"><span>Where</span><${Select} value=${endpoint} onChange=${setEndpoint} label="Where it fails" options=${WHERE} /></div>
      <label class="field"><span>How often</span><input type="number" min="1" max="1000000" value=${times} onInput=${(/** @type {any} */ event) => setTimes(event.currentTarget.value)} /></label>
      <${Act} kind="primary" how=${{ title: 'The next request is to fail', cli: ['directory', 'fail', code, ...(user === '' ? [] : ['--user', user]), '--endpoint', endpoint, '--times', String(body.times)], rest }} run=${async () => {
        await json(rest.path, rest);
        await after();
      }} done=${`The next ${times === '1' ? 'request' : `${times} requests`} of ${user || 'anyone'} will be refused with AADSTS${code}.`}>Order the failure</${Act}>
    </div>
    <p>${CODES.find(([value]) => value === code)?.[1] ?? 'docs/reference/aadsts-codes.md lists all codes.'}</p>
    <div class="buttons">
      <${Act} how=${{ title: 'End every sign-in of this user', cli: ['directory', 'revoke', user, ...ofTenant], rest: revoke }} run=${() => json(revoke.path, revoke)} disabled=${user === ''} done=${`Every sign-in of ${user} has ended: refresh fails with 50173.`}>Revoke sign-ins</${Act}>
      <${Act} how=${{ title: 'Sign with a new key', cli: ['directory', 'rotate'], rest: rotate('rotate') }} run=${() => json('/api/directory/keys/rotate', rotate('rotate')).then(({ kid }) => `Signing with key ${kid} now; the old key remains published.`)}>Rotate the key</${Act}>
      <${Act} how=${{ title: 'Sign with a new key; the others are gone at once', cli: ['directory', 'rotate', '--emergency'], rest: rotate('emergency-rotate') }} run=${() => json('/api/directory/keys/emergency-rotate', rotate('emergency-rotate')).then(({ kid }) => `Signing with key ${kid} now; all other keys are removed.`)}>Replace all keys</${Act}>
    </div>
  </section>`;
}
