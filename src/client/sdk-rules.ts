import { X509Certificate } from 'node:crypto';
import { parseProxy } from './routing/proxy-list.ts';
import type { ProxySetting } from './routing/proxy-rules.ts';

/** Traffic rules of an app configuration policy ("Microsoft Tunnel for MAM", learn.microsoft.com; headers of ms-intune-tunnel-sdk-ios). */
export interface SdkRules {
  readonly bypass: readonly string[];
  /** If omitted, the gateway's settings apply. */
  readonly proxy?: ProxySetting;
  readonly resourceCa: readonly string[];
}

/** Hosts that the SDK always reaches directly ("MAM Tunnel for iOS", learn.microsoft.com, 2023 version). */
const NEVER_TUNNELLED = [
  'login.microsoftonline.com',
  'mamservice.manage.microsoft.com',
  'msauth.net',
  'msftauth.net',
  'login.live.com',
  'go.microsoft.com',
  'browser.events.data.microsoft.com',
  'msauthimages.net',
  'msftauthimages.net',
  'account.activedirectory.windowsazure.com',
] as const;

const PREFIX = 'com.microsoft.tunnel.';
/** Policies never contain larger values. In characters. */
const MAX_JSON = 4 * 1024 * 1024;
const MAX_ROOTS = 256;
const MAX_BYPASSED = 1024;

/** Why a value is unusable. */
class Unusable extends Error {}

/** Reads the rules. Returns a string with the reason if that is impossible. */
export function readSdkRules(config: Readonly<Record<string, string>>): SdkRules | string {
  const value = (key: string): string =>
    Object.hasOwn(config, PREFIX + key) ? String(config[PREFIX + key]).trim() : '';
  try {
    const proxy = proxyOf(value);
    return {
      bypass: [...NEVER_TUNNELLED, ...bypassedOf(value('custom_configuration'))],
      ...(proxy === undefined ? {} : { proxy }),
      resourceCa: rootsOf(value('trusted_root_certificates')),
    };
  } catch (error) {
    if (error instanceof Unusable) return error.message;
    throw error;
  }
}

function proxyOf(value: (key: string) => string): ProxySetting | undefined {
  const pac = value('proxy_pacurl');
  const host = value('proxy_address');
  // The sample app (ms-intune-tunnel-iOS-sampleapps) writes -1 if there is no port.
  const port = value('proxy_port') === '-1' ? '' : value('proxy_port');
  if (pac !== '') {
    // One policy may contain both, as a published export of a tenant does; then the file wins.
    const url = URL.parse(pac);
    if (url === null || !/^https?:$/.test(url.protocol)) {
      throw new Unusable(`${PREFIX}proxy_pacurl is “${pac.slice(0, 120)}”; it must be an http or https URL.`);
    }
    return { pac: url };
  }
  if (host === '' && port === '') return undefined;
  const proxy = parseProxy(`${host.includes(':') ? `[${host}]` : host}:${port}`, 0);
  if (proxy === undefined) {
    throw new Unusable(
      `${PREFIX}proxy_address and proxy_port are “${host.slice(0, 120)}” and “${port.slice(0, 20)}”; they must be a host and a port.`,
    );
  }
  return proxy;
}

function bypassedOf(text: string): string[] {
  if (text === '') return [];
  const custom = json('custom_configuration', text);
  const list =
    typeof custom === 'object' && custom !== null && Object.hasOwn(custom, 'bypassedUrls')
      ? (custom as { readonly bypassedUrls: unknown }).bypassedUrls
      : [];
  if (!Array.isArray(list) || list.length > MAX_BYPASSED || !list.every((each) => typeof each === 'string')) {
    throw new Unusable(
      `bypassedUrls in ${PREFIX}custom_configuration must be a list of at most ${MAX_BYPASSED} names.`,
    );
  }
  return list;
}

/** Each list item is a trusted root certificate policy in Graph's form; its certificate is base64-encoded DER. */
function rootsOf(text: string): string[] {
  if (text === '') return [];
  const list = json('trusted_root_certificates', text);
  if (!Array.isArray(list) || list.length > MAX_ROOTS) {
    throw new Unusable(`${PREFIX}trusted_root_certificates must be a list of at most ${MAX_ROOTS} certificates.`);
  }
  return list.map((item: unknown, i) => {
    const encoded = (item as { readonly trustedRootCertificate?: unknown } | null)?.trustedRootCertificate;
    try {
      if (typeof encoded !== 'string') throw new TypeError();
      const bytes = Buffer.from(encoded, 'base64');
      // Admins may upload either form, so a PEM file that was base64-encoded again is accepted too.
      return new X509Certificate(bytes).toString();
    } catch {
      throw new Unusable(
        `Number ${i + 1} of ${PREFIX}trusted_root_certificates has no certificate in trustedRootCertificate: it must be DER in base64.`,
      );
    }
  });
}

function json(key: string, text: string): unknown {
  try {
    if (text.length > MAX_JSON) throw new RangeError();
    return JSON.parse(text);
  } catch {
    throw new Unusable(`${PREFIX}${key} is not JSON of at most ${MAX_JSON} characters.`);
  }
}
