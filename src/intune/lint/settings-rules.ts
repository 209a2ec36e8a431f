import { isIP } from 'node:net';
import { bareHost } from '../../lib/endpoint.ts';
import { suggest } from '../../lib/schema/suggest.ts';
import type { LintFinding, LintRule } from './findings.ts';
import { nameOf, type Picture, type PolicyPicture } from './picture.ts';

/* Rules for the keys and values of one app configuration policy (memdocs, `microsoft-tunnel/mam-ios.md`, and the constants of the SDK's headers). */

const TUNNEL = 'com.microsoft.tunnel.';
const BROWSER = 'com.microsoft.intune.mam.managedbrowser.';

/** Keys of the tunnel, and Edge's keys for it. */
export const KNOWN_KEYS: readonly string[] = [
  ...[
    'connection_type',
    'connection_name',
    'site_id',
    'server_address',
    'proxy_pacurl',
    'proxy_address',
    'proxy_port',
    'trusted_root_certificates',
    'targeted_apps',
    'custom_configuration',
  ].map((key) => TUNNEL + key),
  `${BROWSER}TunnelAvailable.IntuneMAMOnly`,
  `${BROWSER}StrictTunnelMode`,
];

/** Settings of VPN profiles and of the Defender app; an app with the Tunnel for MAM SDK ignores them (memdocs, `microsoft-tunnel/mam-android.md`). */
const GENERAL = [
  'vpn',
  'antiphishing',
  'defendertoggle',
  'TunnelOnly',
  'WebProtection',
  'AutoOnboard',
  'MSTunnelProtectMode',
];

const EDGE = ['com.microsoft.msedge', 'com.microsoft.emmx'];
const DEFENDER = 'com.microsoft.scmx';

type Say = (level: LintFinding['level'], rule: LintRule, message: string, fix: string) => void;

/** Checks one policy. */
export function lintSettings(policy: PolicyPicture, picture: Picture): readonly LintFinding[] {
  const findings: LintFinding[] = [];
  const say: Say = (level, rule, message, fix) => findings.push({ level, rule, subject: policy.subject, message, fix });
  const values = new Map<string, string>();
  for (const { name, value } of policy.settings) {
    lintKey(name, value, say);
    if (!values.has(name.trim())) values.set(name.trim(), value);
  }
  const isTunnel = [...values.keys()].some((key) => key.toLowerCase().startsWith(TUNNEL));
  if (!isTunnel) return findings;
  lintTwice(policy, say);
  const value = (key: string): string => (values.get(TUNNEL + key) ?? '').trim();
  lintAddress(value('server_address'), value('site_id'), picture, say);
  const type = value('connection_type');
  if (type !== 'MicrosoftProtect') {
    say(
      'error',
      'connection-type',
      `${TUNNEL}connection_type is ${type === '' ? 'missing' : `“${type}”`}, but clients support only the type MicrosoftProtect.`,
      `Set it to MicrosoftProtect.`,
    );
  }
  lintJson(value('custom_configuration'), value('trusted_root_certificates'), say);
  lintProxy(policy, value, say);
  lintIgnored(policy, values, say);
  return findings;
}

/** A key with several values in one policy: which one an app uses is undefined. */
function lintTwice({ settings }: PolicyPicture, say: Say): void {
  const byKey = new Map<string, string[]>();
  for (const { name, value } of settings) {
    const given = byKey.get(name);
    if (given) given.push(value);
    else byKey.set(name, [value]);
  }
  for (const [name, given] of byKey) {
    if (given.every((value) => value === given[0])) continue;
    say(
      'error',
      'key-twice',
      `${name.slice(0, 200)} occurs ${given.length} times, with different values: it is undefined which one wins.`,
      'Keep one of them.',
    );
  }
}

function lintKey(name: string, value: string, say: Say): void {
  const key = name.trim();
  if (key !== name) {
    say(
      'error',
      'key-spaces',
      `The key “${name}” has a leading or trailing space, so it is not found.`,
      `Write ${key}.`,
    );
  }
  if (value.trim() !== value && !value.trim().startsWith('[') && !value.trim().startsWith('{')) {
    say(
      'error',
      'value-spaces',
      `The value of ${key} has a leading or trailing space, which becomes part of it.`,
      'Remove the space.',
    );
  }
  if (KNOWN_KEYS.includes(key)) return;
  const concerns = /^com\.microsoft\.(tunnel|intune\.mam\.managedbrowser\.(Tunnel|StrictTunnel))/i.test(key);
  const near = KNOWN_KEYS.find((known) => known.toLowerCase() === key.toLowerCase()) ?? suggest(key, KNOWN_KEYS);
  if (!concerns && near === undefined) return;
  say(
    'error',
    'key-unknown',
    `The key ${key} is not a key of the tunnel, and has no effect.`,
    near === undefined ? `Remove it; the keys are ${KNOWN_KEYS.join(', ')}.` : `Write ${near}.`,
  );
}

function lintAddress(address: string, siteId: string, { sites, serverConfigurations }: Picture, say: Say): void {
  const key = `${TUNNEL}server_address`;
  if (address === '') {
    say(
      'error',
      'server-address-missing',
      `${key} is missing: the app does not know the gateway’s address.`,
      'Set it to host:port of the site.',
    );
    return;
  }
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[^\s:/]+)(?::(\d{1,5}))?$/i.exec(address) ?? [];
  if (host === undefined) {
    say(
      'error',
      'server-address-form',
      `${key} is “${address.slice(0, 200)}”, which is more than a host and a port.`,
      'Write host:port, without https:// and without a path.',
    );
    return;
  }
  if (port === undefined) {
    say(
      'error',
      'server-address-port',
      `${key} is ${address}, without a port.`,
      `Write ${host}:443, with the port of the server configuration.`,
    );
  }
  if (isIP(bareHost(host)) !== 0) {
    say(
      'error',
      'server-address-ip',
      `${key} has the address ${host}: certificates of gateways contain host names, so TLS fails.`,
      'Write the host name of the site.',
    );
  }
  const site = sites?.find((each) => String(each.id).toLowerCase() === siteId.toLowerCase());
  if (sites !== undefined && siteId !== '' && !site) {
    say(
      'error',
      'server-address-site',
      `${TUNNEL}site_id is ${siteId}, and there is no such site.`,
      'Choose the site in the policy again.',
    );
  }
  if (!site) return;
  const linked = site.microsoftTunnelConfiguration as { id?: unknown } | undefined;
  const configuration = serverConfigurations?.find((each) => each.id === linked?.id);
  const wanted =
    `${String(site.publicAddress)}${configuration ? `:${String(configuration.listenPort)}` : ''}`.toLowerCase();
  const given = (configuration ? address : host).toLowerCase();
  if (given !== wanted) {
    say(
      'error',
      'server-address-site',
      `${key} is ${address}, but the site “${nameOf(site.displayName)}” is at ${wanted}.`,
      'Choose the site in the policy again, to let the portal write its address.',
    );
  }
}

function lintJson(custom: string, roots: string, say: Say): void {
  const read = (key: string, text: string): unknown => {
    if (text === '') return undefined;
    try {
      return JSON.parse(text);
    } catch {
      say(
        'error',
        'json-value',
        `The value of ${TUNNEL}${key} is not JSON, so the app considers the whole policy invalid.`,
        'Write it as one line of JSON.',
      );
      return undefined;
    }
  };
  const parsed = read('custom_configuration', custom) as { bypassedUrls?: unknown } | null | undefined;
  if (
    parsed?.bypassedUrls !== undefined &&
    !(Array.isArray(parsed.bypassedUrls) && parsed.bypassedUrls.every((each) => typeof each === 'string'))
  ) {
    say(
      'error',
      'json-value',
      `bypassedUrls in ${TUNNEL}custom_configuration is not a list of names.`,
      'Write {"bypassedUrls":["sts.contoso.com"]}.',
    );
  }
  const list = read('trusted_root_certificates', roots);
  if (list !== undefined && !Array.isArray(list)) {
    say(
      'error',
      'json-value',
      `The value of ${TUNNEL}trusted_root_certificates is not a list.`,
      'Choose the root certificate in the policy again.',
    );
  }
}

function lintProxy(policy: PolicyPicture, value: (key: string) => string, say: Say): void {
  const [pac, host] = [value('proxy_pacurl'), value('proxy_address')];
  const port = value('proxy_port') === '-1' ? '' : value('proxy_port');
  if (pac !== '' && (host !== '' || port !== '')) {
    say(
      'warning',
      'proxy-both',
      'A PAC file and a fixed proxy are both set: it is undocumented which one is used.',
      'Keep one of them: proxy_pacurl, or proxy_address with proxy_port.',
    );
  }
  if ((host === '') !== (port === '')) {
    say(
      'error',
      'proxy-half',
      `Of the fixed proxy only the ${host === '' ? 'port' : 'host'} is set.`,
      'Set proxy_address and proxy_port, or neither.',
    );
  }
  const others = policy.apps.filter(
    ({ app, platform }) => platform === 'android' && !EDGE.includes(app.toLowerCase()) && app !== DEFENDER,
  );
  if (pac !== '' && others.length > 0) {
    say(
      'warning',
      'pac-android',
      `On Android only Edge uses a PAC file; ${others.map(({ app }) => app).join(', ')} will not.`,
      'Set proxy_address and proxy_port for these apps, in a policy of their own.',
    );
  }
}

/** Members of a policy without effect for Tunnel for MAM. */
function lintIgnored(policy: PolicyPicture, values: ReadonlyMap<string, string>, say: Say): void {
  const ios = policy.apps.filter(({ platform }) => platform === 'ios').map(({ app }) => app);
  if (values.has(`${TUNNEL}targeted_apps`) && ios.length > 0) {
    say(
      'warning',
      'per-app-vpn-ios',
      `Per-app VPN (${TUNNEL}targeted_apps) is only for Android; ${ios.join(', ')} ignores it: on iOS the tunnel is in the app itself.`,
      'Remove it, or move it to the policy for Android.',
    );
  }
  const general = [...values.keys()].filter((key) => GENERAL.includes(key));
  const apps = policy.apps.filter(({ app }) => app !== DEFENDER);
  if (general.length > 0 && apps.length > 0) {
    say(
      'warning',
      'general-settings',
      `The general settings ${general.join(', ')} are for VPN profiles of enrolled devices and for Defender; Tunnel for MAM ignores them.`,
      'Remove them from this policy.',
    );
  }
}
