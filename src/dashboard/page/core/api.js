/* Requests to the instance that the page comes from. */

const KEY = 'tunnelite.secret';

/** An error response of the instance, with its message. */
export class ApiError extends Error {
  /** @param {number} status @param {{ code?: string, message?: string, hint?: string }} error */
  constructor(status, { code = 'ERR_INTERNAL', message = `It answered ${status}.`, hint = '' } = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.hint = hint;
  }
}

/** The secret of the instance, stored for this tab only and while it is open. */
export const secret = {
  /** @returns {string | null} */
  get() {
    return sessionStorage.getItem(KEY);
  },
  /** @param {string} value */
  set(value) {
    sessionStorage.setItem(KEY, value);
  },
  forget() {
    sessionStorage.removeItem(KEY);
  },
};

/** Called when the instance refuses the secret: it may have been restarted. */
let onStranger = () => {};

/** @param {() => void} fn */
export function whenStranger(fn) {
  onStranger = fn;
}

/**
 * @param {string} path @param {{ method?: string, body?: unknown, signal?: AbortSignal }} [asked]
 * @returns {Promise<Response>}
 */
export async function request(path, { method = 'GET', body, signal } = {}) {
  /** @type {Record<string, string>} */
  const headers = { authorization: `Bearer ${secret.get() ?? ''}` };
  if (body !== undefined) headers['content-type'] = 'application/json';
  /** @type {Response} */
  let answer;
  try {
    answer = await fetch(path, {
      method,
      headers,
      cache: 'no-store',
      redirect: 'error',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, { code: 'ERR_REMOTE_UNREACHABLE', message: 'The instance does not answer.' });
  }
  if (answer.ok) return answer;
  const { error } = await answer.json().catch(() => ({}));
  if (answer.status === 401) onStranger();
  throw new ApiError(answer.status, error);
}

/**
 * What responses have cost the instance, in milliseconds.
 * @typedef {{ milliseconds: number }} Cost
 */

/**
 * @param {string} path @param {{ method?: string, body?: unknown, signal?: AbortSignal, cost?: Cost }} [asked] with a cost, adds that of the response to it
 * @returns {Promise<any>}
 */
export async function json(path, asked) {
  const began = performance.now();
  const answer = await request(path, asked);
  if (asked?.cost) {
    // Time that a request waits because others are served, or the machine is busy, costs the instance nothing.
    const work = /\bdur=([\d.]+)/.exec(answer.headers.get('server-timing') ?? '')?.[1];
    asked.cost.milliseconds += work === undefined ? performance.now() - began : Number(work);
  }
  const text = await answer.text();
  return text === '' ? undefined : JSON.parse(text);
}

/** How often to send the code of a link when there is no response: requests get lost when the network changes. */
const CODE_TRIES = 4;

/** The secret for the code of a link. @param {string} code */
export async function exchangeCode(code) {
  const ask = () =>
    fetch('/dashboard/session', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
      cache: 'no-store',
    });
  const answer = await persist(ask, CODE_TRIES);
  const body = await answer.json();
  if (!answer.ok) throw new ApiError(answer.status, body.error);
  return String(body.secret);
}

/**
 * Retries with a growing pause until it succeeds.
 * @template T
 * @param {() => Promise<T>} act @param {number} tries @returns {Promise<T>}
 */
export async function persist(act, tries) {
  for (let failed = 1; ; failed++) {
    try {
      return await act();
    } catch (error) {
      if (failed >= tries) throw error;
      await new Promise((resolve) => setTimeout(resolve, 200 * failed));
    }
  }
}

/** @param {Record<string, string | number | undefined | readonly string[]>} parts */
export function query(parts) {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(parts)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined && one !== '') words.append(name, String(one));
    }
  }
  return String(words);
}
