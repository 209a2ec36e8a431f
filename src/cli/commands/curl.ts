import { isUtf8 } from 'node:buffer';
import { createWriteStream, readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Dispatcher, request } from 'undici';
import { errorText, TunneliteError } from '../../lib/errors.ts';
import { printable } from '../../lib/printable.ts';
import { command, repeated } from '../context/command.ts';
import { type CliIo, EXIT } from '../context/io.ts';
import { tunnelOptions, tunnelPlan } from '../context/tunnel-options.ts';

const MAX_REDIRECTS = 10;
/** Longest body in JSON output, in bytes. */
const MAX_JSON_BODY = 64 * 1024 * 1024;

/** How long a session for one request retries a lost tunnel, in milliseconds. */
const RECONNECT_MS = 10_000;

export default command({
  args: {
    url: { type: 'positional', valueHint: 'url', description: 'URL; http: is the default scheme', required: true },
    ...tunnelOptions,
    request: { type: 'string', alias: 'X', valueHint: 'method', description: 'Method; default: GET, with --data POST' },
    head: { type: 'boolean', alias: 'I', description: 'Request only the head, and print it' },
    include: { type: 'boolean', alias: 'i', description: 'Also print the head' },
    header: { type: 'string', alias: 'H', valueHint: 'name: value', description: 'A header; repeatable' },
    data: {
      type: 'string',
      alias: 'd',
      valueHint: 'text|@file',
      description: 'Request body; several are joined with &',
    },
    output: { type: 'string', alias: 'o', valueHint: 'file', description: 'Write the body to a file' },
    location: { type: 'boolean', alias: 'L', description: `Follow redirects, at most ${MAX_REDIRECTS}` },
    fail: {
      type: 'boolean',
      alias: 'f',
      description: 'Exit with 1 for a status of 400 or higher, without printing the body',
    },
    insecure: { type: 'boolean', alias: 'k', description: 'Accept any certificate of the resource' },
    verbose: { type: 'boolean', alias: 'v', description: 'Print each step to standard error' },
    json: { type: 'boolean', description: 'Print status, headers and body as JSON' },
    'max-time': { type: 'string', alias: 'm', valueHint: 'seconds', description: 'Time limit for the whole command' },
  },
  async run({ args, rawArgs, io }) {
    const url = webUrl(args.url);
    const wish = wishOf(args, rawArgs);
    const plan = await tunnelPlan(args, rawArgs, io, 'refuse');
    const { secondsOf } = await import('../context/seconds.ts');
    const seconds = secondsOf('max-time', args['max-time'], 0);
    const signal = seconds > 0 ? AbortSignal.timeout(seconds * 1000) : new AbortController().signal;
    const say = (text: string): void => {
      if (args.verbose) io.err(`* ${text}\n`);
    };
    const { TunnelClient, withFreshToken } = await import('../../client/index.ts');
    const connecting = withFreshToken(plan.tokens, (token) =>
      TunnelClient.connect({
        ...plan.options,
        token,
        reconnectTimeout: RECONNECT_MS,
        onStep: ({ step }) => say(`gateway: ${step}`),
        onChannel: (channel, why) => say(`data goes over ${channel}: ${why}`),
        onConnection: ({ host, port, way, why }) => say(`${host} port ${port} (${way}): ${why}`),
      }),
    );
    const client = await orTimeout(connecting, signal, seconds, (late) => late.close());
    try {
      const undici = await import('undici');
      const dispatcher = await client.dispatcher({ verify: args.insecure !== true });
      try {
        return await orTimeout(
          fetchAll({ ...wish, url, dispatcher, request: undici.request, signal, io }),
          signal,
          seconds,
        );
      } finally {
        await dispatcher.destroy();
      }
    } finally {
      await client.close();
    }
  },
});

interface Wish {
  readonly method: string;
  readonly headers: Readonly<Record<string, string[]>>;
  readonly body: Buffer | undefined;
  readonly output: string | undefined;
  readonly head: boolean;
  readonly follow: boolean;
  readonly fail: boolean;
  readonly json: boolean;
}

type Transfer = Wish & {
  readonly url: URL;
  readonly dispatcher: Dispatcher;
  readonly request: typeof request;
  readonly signal: AbortSignal;
  readonly io: CliIo;
};

async function fetchAll(transfer: Transfer): Promise<number> {
  let { url, method, body } = transfer;
  let { headers } = transfer;
  for (let hop = 0; ; hop++) {
    const answer = await transfer
      .request(url, {
        dispatcher: transfer.dispatcher,
        method: method as 'GET',
        headers,
        body: body ?? null,
        signal: transfer.signal,
      })
      .catch((error: unknown) => {
        throw inOurWords(url, error);
      });
    if (transfer.head) transfer.io.out(headText(answer));
    const { location } = answer.headers;
    if (transfer.follow && answer.statusCode >= 300 && answer.statusCode < 400 && typeof location === 'string') {
      await answer.body.dump();
      if (hop === MAX_REDIRECTS) throw failed(`${transfer.url.href} has more than ${MAX_REDIRECTS} redirects`);
      const next = URL.parse(location, url.href);
      if (next === null || !/^https?:$/.test(next.protocol))
        throw failed(`${url.href} redirects to “${printable(location.slice(0, 120))}”`);
      // Like curl: a POST becomes a GET, and secrets are sent only to their original host.
      if (answer.statusCode < 307 && method !== 'HEAD') [method, body] = ['GET', undefined];
      if (next.origin !== url.origin) {
        const secret = /^(?:authorization|cookie|proxy-authorization)$/i;
        headers = Object.fromEntries(Object.entries(headers).filter(([name]) => !secret.test(name)));
      }
      url = next;
      continue;
    }
    if (transfer.fail && answer.statusCode >= 400) {
      await answer.body.dump();
      transfer.io.err(`${url.href} answered ${answer.statusCode}.\n`);
      return EXIT.failed;
    }
    if (transfer.json) await writeJson(answer, transfer, url);
    else await writeBody(answer.body, transfer, url);
    return EXIT.ok;
  }
}

/** Bodies that are not UTF-8 are encoded in base64. */
async function writeJson(answer: Dispatcher.ResponseData, { io, output, ...rest }: Transfer, url: URL): Promise<void> {
  const { statusCode: status, statusText, headers } = answer;
  const shown = { url: url.href, status, statusText, headers };
  if (output !== undefined) {
    await writeBody(answer.body, { io, output, ...rest }, url);
    io.out(`${JSON.stringify({ ...shown, output })}\n`);
    return;
  }
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > MAX_JSON_BODY) throw failed(`The answer of ${url.href} is too long for JSON: use --output`);
      chunks.push(chunk);
    }
  } catch (error) {
    throw inOurWords(url, error);
  }
  const bytes = Buffer.concat(chunks);
  const body = isUtf8(bytes) ? bytes.toString() : bytes.toString('base64');
  io.out(`${JSON.stringify({ ...shown, encoding: isUtf8(bytes) ? 'utf8' : 'base64', body })}\n`);
}

async function writeBody(body: Readable, { output, io }: Transfer, url: URL): Promise<void> {
  try {
    if (output !== undefined && output !== '-') await pipeline(body, createWriteStream(output));
    else
      for await (const chunk of body as AsyncIterable<Buffer>) {
        if (io.outBytes) io.outBytes(chunk);
        else io.out(chunk.toString());
      }
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException;
    if (path === output && code !== undefined) {
      throw new TunneliteError('ERR_CLI_FILE', `${output} cannot be written: ${errorText(error)}`, { cause: error });
    }
    throw inOurWords(url, error);
  }
}

function headText(answer: { statusCode: number; statusText: string; headers: Record<string, unknown> }): string {
  const lines = Object.entries(answer.headers).flatMap(([name, value]) =>
    [value].flat().map((each) => `${name}: ${printable(String(each))}`),
  );
  return `${[`HTTP/1.1 ${answer.statusCode} ${printable(answer.statusText)}`, ...lines].join('\n')}\n\n`;
}

function wishOf(args: Readonly<Record<string, unknown>>, rawArgs: readonly string[]): Wish {
  const parts = repeated(rawArgs, 'data', 'd').map(dataOf);
  const body =
    parts.length === 0
      ? undefined
      : Buffer.concat(parts.flatMap((part, i) => (i === 0 ? [part] : [Buffer.from('&'), part])));
  const method = typeof args.request === 'string' ? args.request : args.head ? 'HEAD' : body ? 'POST' : 'GET';
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}$/.test(method)) throw usage(`"--request ${method}" is not a method.`);
  const headers = new Map<string, string[]>([
    ['accept', ['*/*']],
    ['user-agent', ['tunnelite-curl']],
  ]);
  if (body) headers.set('content-type', ['application/x-www-form-urlencoded']);
  const given = new Set<string>();
  for (const line of repeated(rawArgs, 'header', 'H')) {
    const [, name, value = ''] = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):\s*([\t\x20-\x7e\x80-\xff]*)$/.exec(line) ?? [];
    if (name === undefined) throw usage(`"--header ${printable(line)}" is not valid: write it as "name: value".`);
    const key = name.toLowerCase();
    // The first header of a name replaces the default one.
    headers.set(key, given.has(key) ? [...headers.get(key)!, value] : [value]);
    given.add(key);
  }
  return {
    method,
    headers: Object.fromEntries(headers),
    body,
    output: typeof args.output === 'string' ? args.output : undefined,
    head: args.json !== true && (args.head === true || args.include === true),
    follow: args.location === true,
    fail: args.fail === true,
    json: args.json === true,
  };
}

function dataOf(text: string): Buffer {
  if (!text.startsWith('@')) return Buffer.from(text);
  try {
    return readFileSync(text.slice(1));
  } catch (cause) {
    throw new TunneliteError('ERR_CLI_USAGE', `${text.slice(1)} cannot be read: ${errorText(cause)}`, { cause });
  }
}

function webUrl(text: string): URL {
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  if (url !== null && /^https?:$/.test(url.protocol) && url.hostname !== '') return url;
  throw usage(`"${text}" is not an http: or https: URL.`);
}

/** Discards late results. */
async function orTimeout<T>(
  work: Promise<T>,
  signal: AbortSignal,
  seconds: number,
  late: (value: T) => unknown = () => {},
): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const onAbort = (): void =>
    timeout.reject(new TunneliteError('ERR_TIMEOUT', `It took longer than the ${seconds} s of --max-time.`));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, timeout.promise]);
  } catch (error) {
    work.then(late).catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function inOurWords(url: URL, cause: unknown): unknown {
  if (cause instanceof TunneliteError) return cause;
  return failed(`${url.href} could not be fetched: ${errorText(cause)}`, cause);
}

function failed(message: string, cause?: unknown): TunneliteError {
  return new TunneliteError('ERR_CLIENT_FETCH', `${message}.`, { cause });
}

function usage(message: string): TunneliteError {
  return new TunneliteError('ERR_CLI_USAGE', message);
}
