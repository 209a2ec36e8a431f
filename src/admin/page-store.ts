import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { type FastifyInstance, fastify } from 'fastify';
import { DOCUMENT, PAGE_FOLDER, pageFiles } from '../dashboard/files.ts';

/** A dashboard file, ready to send. */
export interface PageAnswer {
  readonly type: string;
  readonly etag: string;
  readonly bytes: Buffer;
  /** The same, gzip-compressed. */
  readonly packed: Buffer;
  /** Content-Security-Policy of the document; `undefined` for other files. */
  readonly policy: string | undefined;
}

/** Entry points: the page, and its first view. */
const FIRST = ['app.js', 'views/sessions.js'];

const STYLE = 'style.css';

/** Static imports of a module; dynamic ones (`import(…)`) do not count. */
const IMPORT = /(?:^|[;}\n])\s*import\s*(?:[\w*{][^'"();]*from\s*)?["']([^"']+)["']/g;

/**
 * The files of the dashboard, read and compressed on first use and then cached: they are few and small. The document
 * includes its style sheet and the paths of all modules that the first view needs, so that a browser can paint after one response and
 * request all modules at once.
 */
export class PageStore {
  readonly #kept = new Map<string, PageAnswer>();
  readonly #attributes: string;
  #files: Promise<FastifyInstance> | undefined;

  /** @param reportedAt creation time of the report to show, in milliseconds since the Unix epoch */
  constructor(reportedAt?: number) {
    this.#attributes = reportedAt === undefined ? '' : ` data-report="${Math.round(reportedAt)}"`;
  }

  /** The file at a path below `/dashboard/`, '' for the document; `undefined` if there is none. */
  async get(address: string): Promise<PageAnswer | undefined> {
    const kept = this.#kept.get(address);
    if (kept) return kept;
    const made = address === '' ? await this.#document() : await this.#file(address);
    if (made) this.#kept.set(address, made);
    return made;
  }

  async close(): Promise<void> {
    await (await this.#files)?.close();
  }

  async #file(address: string): Promise<PageAnswer | undefined> {
    const answer = await (await (this.#files ??= fileServer())).inject({ method: 'GET', url: `/${address}` });
    if (answer.statusCode !== 200) return undefined;
    return packed(String(answer.headers['content-type']), answer.rawPayload);
  }

  async #document(): Promise<PageAnswer> {
    const source = (await this.#file(DOCUMENT))!.bytes.toString();
    const style = (await this.#file(STYLE))!.bytes.toString();
    const preloads = (await this.#modules(source)).map(
      (address) => `<link rel="modulepreload" href="/dashboard/${address}" />`,
    );
    const html = source
      .replace('<html', `<html${this.#attributes}`)
      .replace(`<link rel="stylesheet" href="/dashboard/${STYLE}" />`, () => `<style>${style}</style>`)
      .replace('</head>', () => `${preloads.join('\n')}\n</head>`);
    return packed('text/html; charset=utf-8', Buffer.from(html), policyOf(html));
  }

  /** All modules that the first view needs, nearest first. */
  async #modules(html: string): Promise<string[]> {
    const named = new Map(
      Array.from(html.matchAll(/"([\w/]+)": "\/dashboard\/([^"]+)"/g), ([, name, address]) => [name!, address!]),
    );
    const found = new Set(FIRST);
    for (const address of found) {
      const text = (await this.get(address))!.bytes.toString();
      for (const [, name] of text.matchAll(IMPORT)) {
        const imported = name!.startsWith('.') ? posix.join(posix.dirname(address), name!) : named.get(name!);
        if (imported !== undefined) found.add(imported);
      }
    }
    return [...found];
  }
}

function packed(type: string, bytes: Buffer, policy?: string): PageAnswer {
  const digest = createHash('sha256')
    .update(bytes)
    .update(policy ?? '')
    .digest('base64url');
  return {
    type,
    etag: `"${digest.slice(0, 22)}"`,
    bytes,
    packed: gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION }),
    policy,
  };
}

/** No external resources, no framing, and strings never become markup or code (Trusted Types). */
function policyOf(html: string): string {
  // Allowed inline: the style, the import map, which cannot be external, and the module loader, which must not get lost.
  const digestsOf = (pattern: RegExp): string =>
    Array.from(html.matchAll(pattern), ([, text = '']) => {
      return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    }).join(' ');
  return [
    "default-src 'none'",
    `script-src 'self' ${digestsOf(/<script type="(?:importmap|module)">([\s\S]*?)<\/script>/g)}`,
    `style-src 'self' ${digestsOf(/<style>([\s\S]*?)<\/style>/g)}`,
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

/** Reads the files; loaded on the first browser request. */
async function fileServer(): Promise<FastifyInstance> {
  const { default: fastifyStatic } = await import('@fastify/static');
  const app = fastify();
  await app.register(fastifyStatic, { root: PAGE_FOLDER, serve: false, cacheControl: false });
  app.get(`/${DOCUMENT}`, async (_, reply) => reply.sendFile(DOCUMENT, PAGE_FOLDER, { cacheControl: false }));
  for (const [address, { folder, name }] of pageFiles()) {
    app.get(`/${address}`, async (_, reply) => reply.sendFile(name, folder, { cacheControl: false }));
  }
  await app.ready();
  return app;
}
