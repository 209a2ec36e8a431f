/* What would do the same outside of the page: a command of ours, or a request with curl. */

/** Characters that have an effect where they are pasted, or that reverse or hide displayed text. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

/**
 * Quotes a shell word on one line: escapes unprintable characters (`$'\n'`), in a form that bash, zsh and ksh support.
 * @param {string} text
 */
export function word(text) {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (!UNPRINTABLE.test(text)) return `'${text.replaceAll("'", `'\\''`)}'`;
  const spelled = text
    .replace(/[\\']/g, '\\$&')
    .replace(new RegExp(UNPRINTABLE, 'g'), (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
  return `$'${spelled}'`;
}

/** @param {readonly string[]} args */
export function command(...args) {
  return ['tunnelite', ...args].map(word).join(' ');
}

/**
 * A request to this instance with curl. The command reads the secret when it runs, so the copied text does not contain it.
 * @param {string} origin @param {{ method?: string, path: string, body?: unknown }} request @param {string} [secret] what a shell makes the secret of
 */
export function curlToApi(origin, { method = 'GET', path, body }, secret = '$(tunnelite status --secret)') {
  const parts = ['curl'];
  if (method !== 'GET') parts.push('-X', method);
  parts.push('-H', `"authorization: Bearer ${secret}"`);
  if (body !== undefined) parts.push('-H', "'content-type: application/json'", '-d', word(JSON.stringify(body)));
  parts.push(word(`${origin}${path}`));
  return parts.join(' ');
}

/** Headers that curl generates, or that were hidden when the request was recorded. */
const OWN_HEADERS = new Set(['host', 'content-length', 'connection', 'accept-encoding', 'transfer-encoding']);

/**
 * A recorded HTTP request of a client as a command, to run in the tunnel.
 * @param {any} entry of a HAR 1.2
 */
export function curlOfEntry(entry) {
  const { method, url, headers, postData } = entry.request;
  const parts = ['curl'];
  if (method !== 'GET') parts.push('-X', word(String(method)));
  for (const { name, value } of headers ?? []) {
    if (OWN_HEADERS.has(String(name).toLowerCase()) || value === '(not shown)') continue;
    parts.push('-H', word(`${name}: ${value}`));
  }
  if (typeof postData?.text === 'string') parts.push('--data-raw', word(postData.text));
  parts.push(word(String(url)));
  return parts.join(' ');
}
