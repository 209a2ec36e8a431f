import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Html, html } from '../lib/html.ts';
import { ownString } from '../lib/own-string.ts';
import { MAX_FILE_BYTES } from './constants.ts';
import { bodyOf, refuse } from './content.ts';
import { page } from './page.ts';
import { Remembered } from './remembered.ts';
import { isTls, type SiteTools } from './site.ts';

/** The password of every user; the page shows it. */
export const WEBAPP_PASSWORD = 'contoso';

const COOKIE = 'webapp-session';
const MAX_FORM_BYTES = 16 * 1024;
const MAX_FORM_PARTS = 100;
const MAX_PART_HEAD_BYTES = 8 * 1024;

interface Visit {
  readonly user: string;
  /** Part of each form, so that no other site can submit one (OWASP, synchronizer token). */
  readonly token: string;
  requests: number;
}

/**
 * A typical on-premises web application. Routes: `/` (requires sign-in), `/login` (form), `/logout`, `/upload` (a file from a
 * form), `/session` (JSON). Accepts any user name.
 */
export function addWebapp(app: FastifyInstance, { random }: Pick<SiteTools, 'random'>): void {
  const visits = new Remembered<Visit>();
  const visitOf = (request: FastifyRequest): Visit | undefined => {
    const visit = visits.get(cookieOf(request) ?? '');
    if (visit) visit.requests += 1;
    return visit;
  };
  const show = (reply: FastifyReply, title: string, content: Html) =>
    reply.type('text/html; charset=utf-8').header('cache-control', 'no-store').send(page(title, content));
  const toLogin = (request: FastifyRequest, reply: FastifyReply) =>
    reply.redirect(`/login?next=${encodeURIComponent(request.url)}`, 303);

  app.get('/', async (request, reply) => {
    const visit = visitOf(request);
    if (!visit) return toLogin(request, reply);
    return show(reply, 'Contoso Web App', home(visit));
  });
  app.get<{ Querystring: { next?: string } }>('/login', async (request, reply) =>
    show(reply, 'Sign in to Contoso', loginForm(ownPath(request.query.next))),
  );
  app.post('/login', async (request, reply) => {
    const form = await formOf(request);
    if (!form) return refuse(reply, `A form has at most ${MAX_FORM_BYTES} bytes.`, 413);
    const user = form.get('username')?.trim() ?? '';
    const next = ownPath(form.get('next') ?? undefined);
    if (user === '' || form.get('password') !== WEBAPP_PASSWORD) {
      return show(reply.code(401), 'Sign in to Contoso', loginForm(next, 'The user name or password is wrong.'));
    }
    const id = random.bytes(24).toString('base64url');
    visits.set(id, { user: ownString(user.slice(0, 100)), token: random.bytes(18).toString('base64url'), requests: 0 });
    return reply.header('set-cookie', cookieText(request, id)).redirect(next, 303);
  });
  app.post('/logout', async (request, reply) => {
    visits.delete(cookieOf(request) ?? '');
    return reply.header('set-cookie', `${cookieText(request, '')}; Max-Age=0`).redirect('/login', 303);
  });
  app.get('/session', async (request, reply) => {
    const visit = visitOf(request);
    if (!visit) return refuse(reply, 'Not signed in. Send the form at /login.', 401);
    return { user: visit.user, requests: visit.requests };
  });
  app.post('/upload', { bodyLimit: MAX_FILE_BYTES }, async (request, reply) => {
    const visit = visitOf(request);
    if (!visit) return refuse(reply, 'Not signed in. Send the form at /login.', 401);
    const body = await bodyOf(request, MAX_FILE_BYTES);
    if (!body) return refuse(reply, `The limit is ${MAX_FILE_BYTES} bytes.`, 413);
    const form = await multipart(request, body);
    if (form === 'too-complex') {
      const limits = `${MAX_FORM_PARTS} parts at most, each with ${MAX_PART_HEAD_BYTES} bytes of headers`;
      return refuse(reply, `A form has ${limits}.`, 413);
    }
    if (!form) return refuse(reply, 'This requires a form of type multipart/form-data (RFC 7578).', 415);
    if (form.get('token') !== visit.token)
      return refuse(reply, 'The form is not from this session. Reload the page.', 403);
    const files = [];
    for (const part of form.getAll('file')) {
      if (typeof part === 'string') continue;
      const content = Buffer.from(await part.arrayBuffer());
      const sha256 = createHash('sha256').update(content).digest('hex');
      files.push({ name: part.name, type: part.type, bytes: content.length, sha256 });
    }
    return { user: visit.user, files };
  });
}

/** A return URL, limited to this site. */
function ownPath(text: string | undefined): string {
  return text !== undefined && /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(text) ? text : '/';
}

function cookieOf(request: FastifyRequest): string | undefined {
  for (const pair of (request.headers.cookie ?? '').split(';')) {
    const [name, value] = pair.trim().split('=', 2);
    if (name === COOKIE) return value;
  }
  return undefined;
}

const cookieText = (request: FastifyRequest, value: string): string =>
  `${COOKIE}=${value}; Path=/; HttpOnly; SameSite=Lax${isTls(request) ? '; Secure' : ''}`;

async function formOf(request: FastifyRequest): Promise<URLSearchParams | undefined> {
  const body = await bodyOf(request, MAX_FORM_BYTES);
  return body && new URLSearchParams(body.toString());
}

/** Parses a form with files, using Node's own parser; undefined for anything else. */
async function multipart(request: FastifyRequest, body: Buffer): Promise<FormData | 'too-complex' | undefined> {
  const type = request.headers['content-type'] ?? '';
  if (!/^multipart\/form-data\s*;/i.test(type)) return undefined;
  const [, quoted, plain] = /;\s*boundary=(?:"([^"]{1,70})"|([^\s;"]{1,70}))/i.exec(type) ?? [];
  const boundary = quoted ?? plain;
  if (boundary === undefined) return undefined;
  if (!isSimple(body, boundary)) return 'too-complex';
  return new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData().catch(() => undefined);
}

/** Whether a form is parsed in no time: the parser takes it in one go, and a second for a body full of parts or headers. */
function isSimple(body: Buffer, boundary: string): boolean {
  const delimiter = `\r\n--${boundary}`;
  let at = 0;
  for (let parts = 0; at >= 0; parts++) {
    const end = body.indexOf('\r\n\r\n', at + 1);
    if (parts > MAX_FORM_PARTS || (end < 0 ? body.length : end) - at > MAX_PART_HEAD_BYTES) return false;
    at = end < 0 ? -1 : body.indexOf(delimiter, end);
  }
  return true;
}

const loginForm = (
  next: string,
  problem?: string,
): Html => html`${problem !== undefined && html`<p class="problem" role="alert">${problem}</p>`}
<form method="post" action="/login">
<input type="hidden" name="next" value="${next}">
<label for="username">User name</label><input id="username" name="username" autocomplete="username" required>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>
<div><button>Sign in</button></div>
</form>
<p>Any user name is accepted; the password is <code>${WEBAPP_PASSWORD}</code>.</p>`;

const home = ({
  user,
  token,
  requests,
}: Visit): Html => html`<p>You are signed in as <strong>${user}</strong>. This is request ${requests} of the session.</p>
<form method="post" action="/upload" enctype="multipart/form-data">
<input type="hidden" name="token" value="${token}">
<label for="file">Files</label><input id="file" name="file" type="file" multiple>
<div><button>Upload</button></div>
</form>
<form method="post" action="/logout"><button>Sign out</button></form>`;
