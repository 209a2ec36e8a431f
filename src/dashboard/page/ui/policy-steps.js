import { useState } from 'preact/hooks';
import { json } from '../core/api.js';
import { plain, short } from '../core/format.js';
import {
  APP_GROUP_CHOICES,
  CERTIFICATE_PLATFORMS,
  certificateBase64,
  LEVEL_CHOICES,
  platformName,
  siteAddress,
  targetWords,
} from '../core/policies.js';
import { Act, complain } from './how.js';
import { html } from './html.js';
import { refresh } from './intune.js';
import { Select } from './parts.js';

/**
 * @typedef {{
 *   draft: import('../core/policies.js').Draft, change: (changes: Partial<import('../core/policies.js').Draft>) => void,
 *   value: import('./intune.js').IntuneState,
 * }} StepProps
 */

const PLATFORM_CHOICES = /** @type {const} */ ([
  ['ios', 'iOS/iPadOS'],
  ['android', 'Android'],
]);

/** One step of the admin center's for a policy. @param {StepProps & { step: string }} props */
export function PolicyStep({ step, ...props }) {
  if (step === 'Basics') return html`<${Basics} ...${props} />`;
  if (step === 'Apps') return html`<${Apps} ...${props} />`;
  if (step === 'Assignments') return html`<${Assignments} ...${props} />`;
  const { kind } = props.draft;
  if (kind === 'trustedRoot') return html`<${Certificate} ...${props} />`;
  if (kind === 'appConfiguration') return html`<${Tunnel} ...${props} /><${General} ...${props} />`;
  if (kind === 'iosProtection')
    return html`<p>Nothing here concerns the tunnel: on iOS the SDK starts it with the app. The policy has to be there for the app configuration to reach the app.</p>`;
  return html`<div class="form"><${YesNo} label="Start Microsoft Tunnel connection on app-launch" on=${props.draft.launch} change=${(/** @type {boolean} */ launch) => props.change({ launch })} /></div>`;
}

/** @param {{ label: string, value: string, change: (value: string) => void, hint?: string, size?: number, number?: boolean }} props */
function Field({ label, value, change, hint = '', size = 40 }) {
  return html`<label class="field"><span>${label}</span><input type="text" size=${size} value=${value} placeholder=${hint} spellcheck=${false} onInput=${(/** @type {any} */ event) => change(event.currentTarget.value)} /></label>`;
}

/** @param {{ label: string, value: string, change: (value: string) => void, options: readonly (readonly [string, string])[] }} props */
function Choice({ label, value, change, options }) {
  const all = options.some(([one]) => one === value) ? options : [...options, [value, value]];
  return html`<div class="field"><span aria-hidden="true">${label}</span><${Select} label=${label} value=${value} onChange=${change} options=${all} /></div>`;
}

/** @param {{ label: string, on: boolean, change: (on: boolean) => void, off?: string }} props */
function YesNo({ label, on, change, off = 'No' }) {
  return html`<${Choice} label=${label} value=${on ? 'yes' : 'no'} change=${(/** @type {string} */ value) => change(value === 'yes')} options=${[['yes', 'Yes'], ['no', off]]} />`;
}

/** @param {{ label: string, items: readonly any[], remove: (index: number) => void }} props */
function Chosen({ label, items, remove }) {
  return html`<ul class="rules" aria-label=${label}>${items.map(
    (item, i) =>
      html`<li key=${i}><span class="grow">${short(item, 300)}</span><button type="button" class="act" aria-label=${`Remove ${short(item, 80)}`} onClick=${() => remove(i)}>Remove</button></li>`,
  )}</ul>`;
}

const without = (/** @type {readonly any[]} */ list, /** @type {number} */ index) => list.filter((_, i) => i !== index);

/** @param {StepProps} props */
function Basics({ draft, change }) {
  return html`<div class="form column">
    <${Field} label="Name" value=${draft.displayName} change=${(/** @type {string} */ displayName) => change({ displayName })} />
    <${Field} label="Description" value=${draft.description} change=${(/** @type {string} */ description) => change({ description })} />
    ${draft.kind === 'trustedRoot' && html`<${Choice} label="Platform" value=${draft.platform} change=${(/** @type {string} */ platform) => change({ platform })} options=${CERTIFICATE_PLATFORMS.map((one) => [one, platformName(one)])} />`}
  </div>`;
}

/** @param {StepProps} props */
function Apps({ draft, change, value }) {
  const known = String(value.facts?.identity?.bundleId ?? '');
  const only = draft.kind === 'androidProtection' ? 'android' : draft.kind === 'iosProtection' ? 'ios' : undefined;
  const [id, setId] = useState(known);
  const [platform, setPlatform] = useState(/** @type {'ios' | 'android'} */ (only ?? 'ios'));
  return html`<div class="form">
      <${Choice} label="Target policy to" value=${draft.group} change=${(/** @type {string} */ group) => change({ group })} options=${APP_GROUP_CHOICES} />
      <${Choice} label="Device types" value=${draft.levels} change=${(/** @type {string} */ levels) => change({ levels })} options=${LEVEL_CHOICES} />
    </div>
    <h3>Custom apps</h3>
    <${Chosen} label="Custom apps" items=${draft.apps.map((one) => `${one.id} (${platformName(one.platform)})`)} remove=${(/** @type {number} */ i) => change({ apps: without(draft.apps, i) })} />
    <div class="form">
      <${Field} label="Bundle or package ID" value=${id} change=${setId} hint="com.contoso.lob" />
      ${only === undefined && html`<${Choice} label="Platform of the app" value=${platform} change=${setPlatform} options=${PLATFORM_CHOICES} />`}
      <button type="button" class="act" disabled=${id === ''} onClick=${() => {
        change({ apps: [...draft.apps, { platform, id }] });
        setId('');
      }}>Add the app</button>
    </div>`;
}

/** Microsoft Tunnel for Mobile Application Management settings. @param {StepProps} props */
function Tunnel({ draft, change, value }) {
  const { document } = value;
  const sites = document.microsoftTunnelSites ?? [];
  const profiles = document.deviceConfigurations ?? [];
  const set = (/** @type {string} */ name) => (/** @type {string} */ text) => change({ [name]: text });
  return html`<h3>Microsoft Tunnel for Mobile Application Management settings</h3>
    <div class="form"><${YesNo} label="Use Microsoft Tunnel for MAM" on=${draft.tunnel} off="Not configured" change=${(/** @type {boolean} */ tunnel) => change({ tunnel })} /></div>
    ${
      draft.tunnel &&
      html`<div class="form">
        <${Field} label="Connection name" value=${draft.connectionName} change=${set('connectionName')} hint="mam-tunnel-vpn" />
        <${Choice} label="Select a Site" value=${draft.site} change=${(/** @type {string} */ site) => change({ site, serverAddress: siteAddress(site, document) })} options=${[['', 'No site'], ...sites.map((one) => [String(one.id), short(one.displayName, 60)])]} />
        <${Field} label="Server address (the admin center takes it from the site)" value=${draft.serverAddress} change=${set('serverAddress')} hint="vpn.contoso.com:443" />
      </div>
      <fieldset><legend>Root Certificate</legend>
        ${profiles.length === 0 && html`<p>There is no trusted certificate profile to choose.</p>`}
        ${profiles.map((one) => {
          const id = String(one.id);
          const on = draft.roots.includes(id);
          return html`<label class="check" key=${id}><input type="checkbox" checked=${on} onChange=${() => change({ roots: on ? draft.roots.filter((each) => each !== id) : [...draft.roots, id] })} /> ${short(one.displayName, 80)}</label>`;
        })}
      </fieldset>
      <div class="form">
        <${Field} label="Proxy: automatic configuration script" value=${draft.pac} change=${set('pac')} hint="http://pac.contoso.internal/proxy.pac" />
        <${Field} label="Proxy: address" value=${draft.proxyAddress} change=${set('proxyAddress')} size=${24} />
        <${Field} label="Proxy: port" value=${draft.proxyPort} change=${set('proxyPort')} size=${7} />
      </div>`
    }`;
}

/** @param {StepProps} props */
function General({ draft, change }) {
  const put = (/** @type {number} */ index, /** @type {object} */ part) =>
    change({ general: draft.general.map((one, i) => (i === index ? { ...one, ...part } : one)) });
  return html`<h3>General configuration settings</h3>
    ${draft.general.map(
      (one, i) => html`<div class="form" key=${i}>
        <${Field} label=${`Name ${i + 1}`} value=${one.name} change=${(/** @type {string} */ name) => put(i, { name })} />
        <${Field} label=${`Value ${i + 1}`} value=${one.value} change=${(/** @type {string} */ text) => put(i, { value: text })} />
        <button type="button" class="act" aria-label=${`Remove setting ${i + 1}`} onClick=${() => change({ general: without(draft.general, i) })}>Remove</button>
      </div>`,
    )}
    <div class="buttons"><button type="button" class="act" onClick=${() => change({ general: [...draft.general, { name: '', value: '' }] })}>Add a setting</button></div>`;
}

/** @param {StepProps} props */
function Certificate({ draft, change, value }) {
  const pem = value.facts?.ca?.pem;
  const take = async (/** @type {File | undefined} */ file) => {
    if (!file) return;
    try {
      if (file.size > 1_000_000) throw new Error(`${file.name} is larger than a certificate.`);
      change({ fileName: file.name, certificate: certificateBase64(new Uint8Array(await file.arrayBuffer())) });
    } catch (error) {
      complain(error);
    }
  };
  return html`<div class="form">
      <label class="field"><span>Certificate file (.cer, DER or PEM)</span><input type="file" accept=".cer,.crt,.pem,.der" onChange=${(/** @type {any} */ event) => take(event.currentTarget.files[0])} /></label>
      ${pem && html`<button type="button" class="act" onClick=${() => change({ fileName: 'tunnelite-ca.cer', certificate: certificateBase64(new TextEncoder().encode(pem)) })}>Take the CA of this instance</button>`}
    </div>
    <p class="summary-line">${draft.certificate === '' ? 'No certificate yet.' : `${short(draft.fileName, 80)}: ${short(draft.certificate, 60)}`}</p>`;
}

/** @param {StepProps} props */
function Assignments({ draft, change, value }) {
  const { document, users } = value;
  const groups = document.groups ?? [];
  const [group, setGroup] = useState('');
  const [way, setWay] = useState('groupAssignmentTarget');
  const needsGroup = way.includes('roup');
  const chosen = group || String(groups[0]?.id ?? '');
  return html`
    <${Chosen} label="Included and excluded" items=${draft.targets.map((one) => targetWords(one, document))} remove=${(/** @type {number} */ i) => change({ targets: without(draft.targets, i) })} />
    <div class="form">
      <${Choice} label="Whom" value=${way} change=${setWay} options=${[
        ['groupAssignmentTarget', 'Include a group'],
        ['exclusionGroupAssignmentTarget', 'Exclude a group'],
        ['allLicensedUsersAssignmentTarget', 'All users'],
      ]} />
      ${needsGroup && html`<${Choice} label="Group" value=${chosen} change=${setGroup} options=${groups.length === 0 ? [['', 'There is no group']] : groups.map((one) => [String(one.id), short(one.displayName, 60)])} />`}
      <button type="button" class="act" disabled=${needsGroup && chosen === ''} onClick=${() =>
        change({
          targets: [...draft.targets, { to: way, ...(needsGroup ? { groupId: chosen } : {}) }],
        })}>Assign</button>
    </div>
    <${NewGroup} users=${users} onMade=${setGroup} />`;
}

/** @param {{ users: any[], onMade: (id: string) => void }} props */
function NewGroup({ users, onMade }) {
  const [name, setName] = useState('');
  const [member, setMember] = useState(String(users[0]?.id ?? ''));
  const body = {
    displayName: name,
    ...(member === '' ? {} : { 'members@odata.bind': [`directoryObjects/${member}`] }),
  };
  const rest = { method: 'POST', path: '/api/intune/objects/groups', body };
  const cli = ['intune', 'create', 'groups', '--body', JSON.stringify(body)];
  return html`<h3>A new group</h3>
    <div class="form">
      <${Field} label="Name of the group" value=${name} change=${setName} size=${24} />
      <${Choice} label="First member" value=${member} change=${setMember} options=${[['', 'Nobody'], ...users.slice(0, 500).map((one) => [String(one.id), short(one.userPrincipalName, 60)])]} />
      <${Act} how=${{ title: 'Make a group', cli, rest }} disabled=${name === ''} run=${async () => {
        const { id } = await json(rest.path, rest);
        await refresh();
        onMade(String(id));
        setName('');
        return `The group ${plain(name)} is there.`;
      }}>Make the group</${Act}>
    </div>`;
}
