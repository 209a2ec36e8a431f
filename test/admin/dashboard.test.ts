import { createHash } from 'node:crypto';
import { request } from 'node:http';
import t from 'tap';
import { startAdmin } from '../../src/admin/index.ts';
import { LINK_LIFETIME_MS } from '../../src/admin/link-codes.ts';
import { ManualClock } from '../../src/lib/clock.ts';
import { systemRandom } from '../../src/lib/random.ts';

interface Answer {
  readonly status: number;
  readonly headers: Record<string, string | string[] | undefined>;
  readonly text: string;
}

async function start(t: { teardown(fn: () => unknown): void }) {
  const clock = new ManualClock();
  const admin = await startAdmin({
    host: '127.0.0.1',
    port: 0,
    random: systemRandom,
    clock,
    check: async () => [],
    version: '1.2.3',
    names: ['devbox.example'],
    routes: [{ prefix: '/api/thing', plugin: async (app) => void app.get('/', async () => ({ thing: 1 })) }],
  });
  t.teardown(() => admin.close());
  /** As it is written here: nothing is normalized on the way. */
  const ask = (method: string, path: string, headers: Record<string, string> = {}, body?: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const sent = request({ host: '127.0.0.1', port: admin.port, method, path, headers }, (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk) => (text += chunk));
        answer.once('end', () => resolve({ status: answer.statusCode!, headers: answer.headers, text }));
      });
      sent.on('error', reject);
      sent.end(body);
    });
  const redeem = (code: string, headers: Record<string, string> = {}) =>
    ask('POST', '/dashboard/session', { 'content-type': 'application/json', ...headers }, JSON.stringify({ code }));
  return { admin, ask, clock, redeem };
}

const codeOf = (link: string): string => /^http:\/\/127\.0\.0\.1:\d+\/#code=([\w-]{43})$/.exec(link)![1]!;

t.test('the document and its files are there without a secret, and hold none', async (t) => {
  const { admin, ask } = await start(t);
  const page = await ask('GET', '/');
  t.equal(page.status, 200);
  t.match(page.headers['content-type'], /^text\/html/);
  const paths = [...page.text.matchAll(/(?:href|src)="(\/[^"]+)"|: "(\/[^"]+)"/g)].map(([, a, b]) => a ?? b!);
  t.ok(paths.length > 15, `${paths.length} files`);
  for (const path of paths) {
    const file = await ask('GET', path);
    t.equal(file.status, 200, path);
    t.notOk(file.text.includes(admin.secret), path);
    t.equal(file.headers['x-content-type-options'], 'nosniff', path);
    t.equal(file.headers['cross-origin-resource-policy'], 'same-origin', path);
  }
  const again = await ask('GET', paths[0]!, {
    'if-none-match': String((await ask('GET', paths[0]!)).headers.etag),
  });
  t.equal(again.status, 304, 'what has not changed is not sent again');
  t.equal((await ask('HEAD', '/')).status, 200);
});

t.test(
  'one answer is enough to paint, names every module of the first view, and comes compressed to who takes that',
  async (t) => {
    const { ask } = await start(t);
    const { text, headers } = await ask('GET', '/');
    t.notMatch(text, /rel="stylesheet"/);
    const [, style] = /<style>([\s\S]*?)<\/style>/.exec(text)!;
    t.match(style, /prefers-color-scheme/);
    const digest = createHash('sha256').update(style!).digest('base64');
    t.ok(String(headers['content-security-policy']).includes(`style-src 'self' 'sha256-${digest}'`));
    const preloaded = new Set([...text.matchAll(/rel="modulepreload" href="([^"]+)"/g)].map(([, address]) => address!));
    for (const address of preloaded) {
      const module = await ask('GET', address);
      for (const [, name] of module.text.matchAll(/^import [^'"]*['"](\.[^'"]+)['"]/gm)) {
        const imported = new URL(name!, `http://x${address}`).pathname;
        t.ok(preloaded.has(imported), `${imported}, which ${address} imports`);
      }
    }
    t.ok(preloaded.has('/dashboard/lib/preact.js') && preloaded.size > 20, `${preloaded.size} modules`);
    const file = await fetch(`${(await start(t)).admin.url}/dashboard/app.js`, {
      headers: { 'accept-encoding': 'gzip' },
    });
    t.equal(file.headers.get('content-encoding'), 'gzip');
    t.equal(await file.text(), (await ask('GET', '/dashboard/app.js')).text);
    for (const refused of ['', 'br', 'gzip;q=0', 'gzip; q=0.0, br']) {
      t.equal(
        (await ask('GET', '/dashboard/app.js', { 'accept-encoding': refused })).headers['content-encoding'],
        undefined,
      );
    }
  },
);

t.test('only files of the table are served, whatever the address says', async (t) => {
  const { ask } = await start(t);
  for (const path of [
    '/dashboard/',
    '/dashboard/index.html',
    '/dashboard/../server.ts',
    '/dashboard/..%2f..%2fpackage.json',
    '/dashboard/%2e%2e/%2e%2e/package.json',
    '/dashboard/lib/../../admin/secret.ts',
    '/dashboard/lib/preact.mjs.map',
    '/dashboard/lib/%00',
    '/dashboard/__proto__',
    `/dashboard/${'a/'.repeat(3000)}`,
    '/dashboard/app.js/',
    '/dashboard/core',
  ]) {
    const { status, text } = await ask('GET', path);
    t.ok(status >= 400 && status < 500, `${path}: ${status}`);
    t.match(JSON.parse(text), { error: { code: /^ERR_/ } }, path);
  }
});

t.test(
  'the page may load nothing from elsewhere, run nothing that is not a file of it, and be in no frame',
  async (t) => {
    const { ask } = await start(t);
    const { headers, text } = await ask('GET', '/');
    const policy = String(headers['content-security-policy']);
    for (const part of [
      "default-src 'none'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "form-action 'none'",
      "trusted-types 'none'",
    ]) {
      t.ok(policy.includes(part), part);
    }
    t.notMatch(policy, /unsafe|https?:|\*|data:/);
    t.notMatch(text, / style=| on\w+=|https?:\/\//, 'the document needs none of it');
    t.equal(headers['referrer-policy'], 'no-referrer');
  },
);

t.test('a link brings the secret once, and only while it is fresh', async (t) => {
  const { admin, ask, clock, redeem } = await start(t);
  const link = admin.dashboardLink();
  t.notOk(link.includes(admin.secret));
  const first = await redeem(codeOf(link));
  t.equal(first.status, 200);
  t.same(JSON.parse(first.text), { secret: admin.secret });
  t.equal(first.headers['cache-control'], 'no-store');
  const second = await redeem(codeOf(link));
  t.equal(second.status, 403);
  t.match(JSON.parse(second.text), { error: { code: 'ERR_ADMIN_LINK', hint: /tunnelite dashboard/ } });
  const [slow, fresh] = [admin.dashboardLink(), admin.dashboardLink()];
  clock.advance(LINK_LIFETIME_MS - 1);
  t.equal((await redeem(codeOf(fresh))).status, 200);
  clock.advance(1);
  t.equal((await redeem(codeOf(slow))).status, 403, 'two minutes are over');
  t.equal((await ask('GET', '/api/thing', { authorization: `Bearer ${JSON.parse(first.text).secret}` })).status, 200);
});

t.test('links are made by who has the secret, and are bounded', async (t) => {
  const { admin, ask, redeem } = await start(t);
  const json = { 'content-type': 'application/json' };
  t.equal((await ask('POST', '/api/dashboard/links', json, '{}')).status, 401);
  const made = await ask('POST', '/api/dashboard/links', { ...json, authorization: `Bearer ${admin.secret}` }, '{}');
  t.equal(made.status, 201);
  const { url, expiresIn } = JSON.parse(made.text) as { url: string; expiresIn: number };
  t.equal(expiresIn, 120);
  for (let i = 0; i < 64; i++) admin.dashboardLink();
  t.equal((await redeem(codeOf(url))).status, 403, 'the oldest of too many is no longer good');
  t.equal((await redeem(codeOf(admin.dashboardLink()))).status, 200);
});

t.test('a code that is guessed, empty, long or no text gets nothing', async (t) => {
  const { admin, redeem, ask } = await start(t);
  admin.dashboardLink();
  for (const code of ['', 'x', 'a'.repeat(43), 'a'.repeat(5000), '__proto__', admin.secret]) {
    const { status, text } = await redeem(code);
    t.ok(status === 400 || status === 403, code.slice(0, 20));
    t.notOk(text.includes(admin.secret));
  }
  for (const body of ['null', '[]', '{"code":1}', '{"code":["x"]}', '{', '{"code":"x","code":"y"}']) {
    t.equal((await ask('POST', '/dashboard/session', { 'content-type': 'application/json' }, body)).status, 400, body);
  }
});

t.test('pages of other origins and names that were bound to this machine get neither page nor secret', async (t) => {
  const { admin, ask, redeem } = await start(t);
  const host = `127.0.0.1:${admin.port}`;
  for (const headers of [
    { host: 'attacker.example' },
    { host: `attacker.example:${admin.port}` },
    { host, origin: 'https://attacker.example' },
    { host, origin: 'null' },
    { host, origin: `http://127.0.0.1:${admin.port + 1}` },
  ]) {
    t.equal((await ask('GET', '/', headers)).status, 403, JSON.stringify(headers));
    t.equal((await ask('GET', '/dashboard/app.js', headers)).status, 403);
    const code = codeOf(admin.dashboardLink());
    const stolen = await redeem(code, headers);
    t.equal(stolen.status, 403);
    t.notOk(stolen.text.includes(admin.secret));
    t.equal((await redeem(code)).status, 200, 'and the link is still good for its owner');
  }
  // What a form of another page could send without asking is no JSON.
  const form = await ask('POST', '/dashboard/session', { host, 'content-type': 'text/plain' }, '{"code":"x"}');
  t.ok(form.status >= 400 && form.status < 500);
  for (const name of ['devbox.example', 'localhost', `localhost:${admin.port}`, host, '[::1]']) {
    t.equal((await ask('GET', '/', { host: name })).status, 200, name);
  }
});
