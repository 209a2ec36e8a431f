import t from 'tap';
import { noFaults } from '../../../src/faults/ports.ts';
import { isForward, readForward } from '../../../src/gateway/control/forwarding.ts';
import { encodeCookie } from '../../../src/gateway/session/sessions.ts';
import { seededRandom } from '../../../src/lib/random.ts';
import type { HttpRequest } from '../../../src/wire/http1/index.ts';
import { fakeVerifier } from '../../support/gateway.ts';
import { sessionTable } from '../../support/session-table.ts';

const TARGET = 'Intranet.example:8080';
const REMOTE = { address: '192.0.2.1', key: '192.0.2.1:4000' };
const TOKEN = ['proxy-authorization', 'Bearer good'] as const;
const BASIC = (text: string) => ['proxy-authorization', `Basic ${Buffer.from(text).toString('base64')}`] as const;

function setup() {
  const { sessions } = sessionTable();
  const host = { verifier: fakeVerifier, faults: noFaults, bearerPrefix: 'lenient', sessionTable: sessions } as const;
  const ask = (headers: HttpRequest['headers'], version: HttpRequest['version'] = '1.1') =>
    readForward(
      host,
      { method: 'CONNECT', target: TARGET, version, headers, body: Buffer.alloc(0) },
      undefined,
      REMOTE,
      async () => false,
    );
  return { sessions, ask };
}

t.test('a CONNECT is for a resource unless it names the path of the tunnel', async (t) => {
  for (const target of ['host.example:443', '[fd00::1]:22', 'CSCOSSLC.example:443'])
    t.equal(isForward(target), true, target);
  for (const target of ['/CSCOSSLC/tunnel', 'CSCOSSLC/tunnel', 'cscosslc/tunnel', '/other']) {
    t.equal(isForward(target), false, target);
  }
});

t.test('Host names the target, with or without the port, and is one line in HTTP/1.1 [RFC 9112 §3.2]', async (t) => {
  const { ask } = setup();
  for (const host of ['intranet.example:8080', 'INTRANET.EXAMPLE', '']) {
    t.match(await ask([['host', host], TOKEN]), { host: 'intranet.example', port: 8080, session: undefined }, host);
  }
  for (const host of ['intranet.example:80', 'other.example', 'intranet.example:8080:8080']) {
    t.match(await ask([['host', host], TOKEN]), { reason: 'bad-connect', answer: { status: 400 } }, host);
  }
  t.match(await ask([TOKEN]), { reason: 'bad-connect', explanation: /0 Host headers/ });
  const twice = [['host', TARGET], ['host', TARGET], TOKEN] as const;
  t.match(await ask(twice), { reason: 'bad-connect', explanation: /2 Host headers/ });
  t.match(await ask([TOKEN], '1.0'), { port: 8080 }, 'HTTP/1.0 has no need of it');
});

t.test('a request with content is refused: it could be read as two [RFC 9110 §9.3.6]', async (t) => {
  const { ask } = setup();
  const with_ = (name: string, value: string) => ask([['host', TARGET], TOKEN, [name, value]]);
  t.match(await with_('content-length', '5'), { reason: 'bad-connect', explanation: /content-length/ });
  t.match(await with_('transfer-encoding', 'chunked'), { reason: 'bad-connect', explanation: /transfer-encoding/ });
  t.match(await with_('content-length', '0'), { port: 8080 });
});

t.test('credentials are a token, or the cookie of a session, each in two ways', async (t) => {
  const { sessions, ask } = setup();
  const verdict = await fakeVerifier.verify('good:grace');
  if (!verdict.ok) throw new Error('no verdict');
  const { session, cookie } = await sessions.create(verdict.principal, REMOTE.address);
  const show = (...line: readonly [string, string]) => ask([['host', TARGET], line]);
  t.match(await show(...TOKEN), { person: { username: 'adele@example.com' }, session: undefined });
  t.match(await show(...BASIC('Bearer:good:ada')), { person: { username: 'ada' }, session: undefined });
  t.match(await show('cookie', `a=b; webvpn=${cookie}`), {
    person: { username: 'grace' },
    session: { id: session.id },
  });
  t.match(await show(...BASIC(`cookie:${cookie}`)), { person: { username: 'grace' }, session: { id: session.id } });
});

t.test('who shows nothing is asked, and who shows something wrong has tried to log in', async (t) => {
  const { ask } = setup();
  const show = (...lines: (readonly [string, string])[]) => ask([['host', TARGET], ...lines]);
  t.match(await show(), { reason: 'no-credentials', login: false, answer: { status: 407 } });
  t.match(await show(['cookie', 'other=1']), { reason: 'no-credentials' });
  const stale = encodeCookie(Buffer.from(seededRandom(9).bytes(32)));
  for (const [lines, reason] of [
    [[['cookie', `webvpn=${stale}`]], 'unknown-cookie'],
    [[['cookie', 'webvpn=short']], 'unknown-cookie'],
    [[TOKEN, TOKEN], 'scheme'],
    [[BASIC('good')], 'scheme'],
    [[BASIC('bearer:')], 'scheme'],
    [[BASIC('adele:good')], 'scheme'],
    [[['proxy-authorization', 'Digest good']], 'scheme'],
    [[['proxy-authorization', 'Bearer bad']], 'malformed'],
  ] as const) {
    t.match(await show(...lines), { reason, login: true, answer: { status: 407 } }, JSON.stringify(lines));
  }
});
