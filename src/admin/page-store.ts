import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { type FastifyInstance, fastify } from 'fastify';
import { DOCUMENT, PAGE_FOLDER, pageFiles } from '../dashboard/files.ts';

/** A file of the dashboard as it is sent. */
export interface PageAnswer {
  readonly type: string;
  readonly etag: string;
  readonly bytes: Buffer;
  /** The same, compressed by gzip. */
  readonly packed: Buffer;
  /** What a browser holds the document to; of files `undefined`. */
  readonly policy: string | undefined;
}

/** What runs first: the page, and the view that it opens with. */
const FIRST = ['app.js', 'views/sessions.js'];

const STYLE = 'style.css';

/** What a module imports before it runs; what it imports when that is wanted (`import(…)`) is not among it. */
const IMPORT = /(?:^|[;}\n])\s*import\s*(?:[\w*{][^'"();]*from\s*)?["']([^"']+)["']/g;

/**
 * The files of the dashboard, each read and compressed when it is first asked for, and then kept: they are few and small. The document is
 * sent with its style sheet in it and with the addresses of all modules that the first view needs, so that a browser paints after one answer and
 * asks for all the modules at once.
 */
export class PageStore {
  readonly #kept = new Map<string, PageAnswer>();
  readonly #attributes: string;
  #files: Promise<FastifyInstance> | undefined;

  /** @param reportedAt when the report was made that is shown, in milliseconds since the Unix epoch */
  constructor(reportedAt?: number) {
    this.#attributes = reportedAt === undefined ? '' : ` data-report="${Math.round(reportedAt)}"`;
  }

  /** The file at an address below `/dashboard/`, '' for the document; `undefined`: there is none. */
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

  /** Every module that the first view needs, the nearest first. */
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

/** Nothing from elsewhere is loaded or shown in the page, it is shown in no other one, and no text is ever made into markup or code (Trusted Types). */
function policyOf(html: string): string {
  // What stands in the document itself: its style, the import map, which may not be a file, and what loads the modules, so that it cannot be lost.
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

/** Reads them: it is loaded when a browser first asks for one. */
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
