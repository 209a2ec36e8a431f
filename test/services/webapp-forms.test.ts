import Fastify from 'fastify';
import t, { type Test } from 'tap';
import { systemRandom } from '../../src/lib/random.ts';
import { addWebapp, WEBAPP_PASSWORD } from '../../src/services/webapp.ts';

async function signedIn(t: Test) {
  const app = Fastify({ bodyLimit: 16 * 1024 * 1024 });
  t.teardown(() => app.close());
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  addWebapp(app, { random: systemRandom });
  const login = await app.inject({
    method: 'POST',
    url: '/login',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    payload: `username=alice&password=${WEBAPP_PASSWORD}`,
  });
  const cookie = String(login.headers['set-cookie']).split(';')[0]!;
  const home = await app.inject({ url: '/', headers: { cookie } });
  const token = /name="token" value="([^"]+)"/.exec(home.body)![1]!;
  const upload = (payload: string, type = 'multipart/form-data; boundary=seam-of-the-form') =>
    app.inject({ method: 'POST', url: '/upload', headers: { cookie, 'content-type': type }, payload });
  return { token, upload };
}

const part = (name: string, content: string, ...headers: string[]): string =>
  `--seam-of-the-form\r\ncontent-disposition: form-data; name="${name}"\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n${content}\r\n`;

t.test('a form that would keep the process busy is refused before it is parsed', async (t) => {
  const { token, upload } = await signedIn(t);
  const own = part('token', token);
  t.equal((await upload(`${own}${part('a', '').repeat(99)}--seam-of-the-form--\r\n`)).statusCode, 200);
  for (const [what, payload] of [
    ['parts', `${own}${part('a', '').repeat(1_000)}--seam-of-the-form--\r\n`],
    ['headers', `${own}${part('a', '', ...Array.from({ length: 2_000 }, () => 'a: b'))}--seam-of-the-form--\r\n`],
    ['a head without an end', `${own}--seam-of-the-form\r\n${'a: b\r\n'.repeat(2_000)}`],
  ] as const) {
    const { statusCode, body } = await upload(payload);
    t.equal(statusCode, 413, what);
    t.match(body, /100 parts at most, each with 8192 bytes of headers/);
  }
});

t.test('the delimiter of a form may be quoted, and a part may be long', async (t) => {
  const { token, upload } = await signedIn(t);
  const form = `${part('token', token)}${part('a', 'x'.repeat(20_000))}--seam-of-the-form--\r\n`;
  for (const type of [
    'multipart/form-data; boundary="seam-of-the-form"',
    'multipart/form-data; charset=utf-8; boundary=seam-of-the-form',
  ]) {
    const { statusCode, body } = await upload(form, type);
    t.equal(statusCode, 200, `${type}: ${body}`);
  }
  t.equal((await upload(form, 'multipart/form-data; nothing')).statusCode, 415, 'without a delimiter');
});
