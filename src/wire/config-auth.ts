/*
 * The XML documents of the authentication phase (reference openconnect-protocol §4). The real server looks for a few
 * elements in what clients send and writes fixed documents; so does this. No XML parser means no entities to expand.
 */

/**
 * How a document has to look for a client. `wrapped`: inside `config-auth`, for all clients of today.
 * `bare`: `auth` as the root, for openconnect before version 4 (§4.5).
 */
export type AuthDialect = 'wrapped' | 'bare';

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

/** Escapes text for an element's content or an attribute. */
export function escapeXml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function wrap(dialect: AuthDialect, type: string, auth: string, end: string): string {
  if (dialect === 'bare') return `${DECLARATION}${auth}`;
  return `${DECLARATION}<config-auth client="vpn" type="${type}">\n<version who="sg">0.1(1)</version>\n${auth}${end}</config-auth>`;
}

/**
 * The document that asks to authenticate. With bearer tokens the form has no inputs (§4.6): what a client can do with
 * it is to notice that it should have sent a token.
 */
export function authRequestDocument(dialect: AuthDialect): string {
  const form = '<message>Please enter your username.</message>\n<form method="post" action="/auth">\n</form></auth>';
  const document = wrap(dialect, 'auth-request', `<auth id="main">\n${form}`, '\n');
  return dialect === 'bare' ? `${document}\n` : document;
}

/** The document that says authentication succeeded (§4.3). */
export function authCompleteDocument(dialect: AuthDialect, banner: string | undefined): string {
  const note = banner ? `<banner>${escapeXml(banner)}</banner>` : '';
  const auth = `<auth id="success">\n<title>SSL VPN Service</title>${note}</auth>`;
  return `${wrap(dialect, 'complete', auth, '')}\n`;
}

/** The body that a load balancer's probe is answered with (reference microsoft-tunnel §2.1). */
export const PROBE_DOCUMENT = '<message>I am still alive!!</message>';

/** What a client's authentication body says of itself; for the log only, the token decides. */
export interface AuthBody {
  /** `xml` when the body holds an XML declaration, as the real server judges. */
  readonly kind: 'xml' | 'form' | 'empty';
  /** `type` of `config-auth`: init, auth-reply, logout. */
  readonly type: string | undefined;
  readonly version: string | undefined;
  readonly deviceId: string | undefined;
  readonly group: string | undefined;
}

const SCAN_LIMIT = 65_536;

const pick = (pattern: RegExp, source: string): string | undefined => pattern.exec(source)?.[1]?.trim().slice(0, 63);

/** Looks for the few things worth logging. Never fails: an unreadable body is simply silent. */
export function describeAuthBody(body: Buffer): AuthBody {
  const source = body.toString('utf8', 0, Math.min(body.length, SCAN_LIMIT));
  if (source.trim() === '') {
    return { kind: 'empty', type: undefined, version: undefined, deviceId: undefined, group: undefined };
  }
  if (!source.includes('<?xml')) {
    const group = pick(/(?:^|&)group(?:_|%5f)list=([^&]{0,256})/i, source);
    return { kind: 'form', type: undefined, version: undefined, deviceId: undefined, group };
  }
  return {
    kind: 'xml',
    type: pick(/<config-auth\s[^<>]{0,512}?type="([^"<>]{0,64})"/i, source),
    version: pick(/<version\s[^<>]{0,64}>([^<>]{0,64})</i, source),
    deviceId: pick(/<device-id[^<>]{0,512}>([^<>]{0,64})</i, source),
    group: pick(/<group-select>([^<>]{0,256})</i, source),
  };
}
