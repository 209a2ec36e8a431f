/* What would do the same outside of the page: a command of ours, or a request with curl. */

/** A word of a POSIX shell. @param {string} text */
export function word(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** @param {readonly string[]} args */
export function command(...args) {
  return ['tunnelite', ...args].map(word).join(' ');
}

/**
 * A request to this instance with curl. The secret is asked for when it runs, and so does not stand in what is copied.
 * @param {string} origin @param {{ method?: string, path: string, body?: unknown }} request
 */
export function curlToApi(origin, { method = 'GET', path, body }) {
  const parts = ['curl'];
  if (method !== 'GET') parts.push('-X', method);
  parts.push('-H', '"authorization: Bearer $(tunnelite status --secret)"');
  if (body !== undefined) parts.push('-H', "'content-type: application/json'", '-d', word(JSON.stringify(body)));
  parts.push(word(`${origin}${path}`));
  return parts.join(' ');
}

/** Headers that curl makes itself, or that were hidden when the request was recorded. */
const OWN_HEADERS = new Set(['host', 'content-length', 'connection', 'accept-encoding', 'transfer-encoding']);

/**
 * A recorded HTTP request of a client as a command, to be run in the tunnel.
 * @param {any} entry of a HAR 1.2
 */
export function curlOfEntry(entry) {
  const { method, url, headers, postData } = entry.request;
  const parts = ['curl'];
  if (method !== 'GET') parts.push('-X', word(String(method)));
  for (const { name, value } of headers ?? []) {
    if (OWN_HEADERS.has(String(name).toLowerCase()) || value === '(not shown)') continue;
    parts.push('-H', word(oneLine(`${name}: ${value}`)));
  }
  if (typeof postData?.text === 'string') parts.push('--data-raw', word(postData.text));
  parts.push(word(oneLine(String(url))));
  return parts.join(' ');
}

/** What is pasted into a shell must not end a line there. @param {string} text */
function oneLine(text) {
  return text.replace(/[\r\n\0]+/g, ' ');
}
