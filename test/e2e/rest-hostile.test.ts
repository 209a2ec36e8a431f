import { once } from 'node:events';
import { request } from 'node:http';
import { connect as connectTcp, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { connect, start } from '../support/running-simulator.ts';

/* Every route of the administration interface, with what a hostile or broken script sends. */

t.setTimeout(200_000);

const sim = await start(t);
const { port } = new URL(sim.admin.url);
const authorization = `Bearer ${sim.admin.secret}`;

interface Answer {
  readonly status: number;
  readonly text: string;
}

/** One request as it is written here: nothing is normalized on the way. */
function ask(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
          // A stream goes on: its head is enough.
          if (/^(?:text\/event-stream|application\/x-pcapng)/.test(answer.headers['content-type'] ?? ''))
            answer.destroy();
        });
        answer.once('close', () => resolve({ status: answer.statusCode!, text }));
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
  readonly requestBody?: { readonly content: { readonly 'application/json': { readonly schema: Schema } } };
}
interface Schema {
  readonly properties?: Record<string, Schema>;
}

const document = JSON.parse((await ask('GET', '/api/openapi.json')).text) as {
  paths: Record<string, Record<string, Operation>>;
};
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
);

/** Refused in the one shape, with words; never a fault of ours. */
function assertRefused(t: Test, { status, text }: Answer, what: string): void {
  if (status < 400 || status >= 500) t.fail(`${what}: ${status} ${text.slice(0, 200)}`);
  const { error } = JSON.parse(text) as { error?: { code?: string; message?: string; hint?: string } };
  if (!error?.code?.startsWith('ERR_') || !error.message || !error.hint) t.fail(`${what}: ${text.slice(0, 300)}`);
}

const HOSTILE_NAMES = [
  '__proto__',
  'constructor',
  '..%2f..%2fetc%2fpasswd',
  '%2e%2e',
  '%00',
  '%ff',
  '%F0%9F%92%A9',
  "'%20or%201=1--",
  '-1',
  '1e999',
  'a'.repeat(1000),
];

const HOSTILE_VALUES: readonly string[] = [
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '1e999',
  '-1e308',
  '9007199254740993',
  '0.1',
  '-0',
  '{"toString":1}',
  '{"__proto__":{"a":1}}',
  `"${'x'.repeat(50_000)}"`,
  `[${'1,'.repeat(5000)}1]`,
];

const HOSTILE_BODIES: readonly string[] = [
  'null',
  '[]',
  '"x"',
  '1',
  '{',
  '{"a":1,"a":2}',
  '{"__proto__":{"polluted":true}}',
  '{"constructor":{"prototype":{"polluted":true}}}',
  `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`,
  `{"${'k'.repeat(60_000)}":1}`,
  '\u0000',
  '{"a":NaN}',
  '{} {}',
];

/** What would end or undo what the test looks at. */
const ENDING = new Set(['/api/stop']);

const reached = (path: string, name: string): string => path.replaceAll(/\{[^}]+\}/g, name);

t.test('a body that cannot be meant is refused by every route, in words', async (t) => {
  let asked = 0;
  for (const { path, method, operation } of operations) {
    if (method === 'GET' || method === 'DELETE' || ENDING.has(path)) continue;
    for (const body of HOSTILE_BODIES) {
      asked++;
      assertRefused(t, await ask(method, reached(path, 'x'), body), `${method} ${path} ${body.slice(0, 60)}`);
    }
    const { properties } = operation.requestBody?.content['application/json'].schema ?? {};
    for (const name of Object.keys(properties ?? {})) {
      for (const value of HOSTILE_VALUES) {
        asked++;
        const answer = await ask(method, reached(path, 'x'), `{${JSON.stringify(name)}:${value}}`);
        // Some of these are what the member may be.
        if (answer.status >= 400) assertRefused(t, answer, `${method} ${path} ${name}: ${value.slice(0, 60)}`);
      }
    }
  }
  t.ok(asked > 500, `${asked} requests`);
  t.equal(({} as { polluted?: boolean }).polluted, undefined);
});

t.test('names in addresses, and queries, lead nowhere else', async (t) => {
  for (const { path, method, operation } of operations) {
    if (ENDING.has(path)) continue;
    const body = method === 'GET' || method === 'DELETE' ? undefined : '{}';
    if (path.includes('{')) {
      for (const name of HOSTILE_NAMES) {
        const answer = await ask(method, reached(path, name), body);
        if (answer.status >= 400) assertRefused(t, answer, `${method} ${path} ${name}`);
        t.notMatch(answer.text, /root:/);
      }
    }
    if (method !== 'GET') continue;
    const names = (operation.parameters ?? []).filter((one) => one.in === 'query').map(({ name }) => name);
    for (const name of names) {
      for (const value of [
        '',
        '%00',
        '-1',
        '1e999',
        '9'.repeat(400),
        '[',
        '%22',
        `${'('.repeat(2000)}`,
        '__proto__=1',
      ]) {
        if (path === '/api/journal/wait' && name !== 'timeout') continue;
        const answer = await ask(method, `${reached(path, 'x')}?${name}=${value}`);
        if (answer.status >= 400) assertRefused(t, answer, `${path}?${name}=${value.slice(0, 20)}`);
      }
    }
    assertRefused(t, await ask(method, `${reached(path, 'x')}?__proto__=1`), `${path}?__proto__`);
    for (const odd of ['?a[]=1', `?${'a=1&'.repeat(1000)}`]) {
      assertRefused(t, await ask(method, `${reached(path, 'x')}${odd}`), `${path}${odd.slice(0, 10)}`);
    }
  }
});

t.test('headers that play games are refused, or mean nothing', async (t) => {
  for (const [headers, statuses] of [
    [{ authorization: `bearer ${sim.admin.secret}` }, [401]],
    [{ authorization: `${authorization}x` }, [401]],
    [{ authorization: `Basic ${btoa(`x:${sim.admin.secret}`)}` }, [401]],
    [{ host: 'evil.example' }, [403]],
    [{ origin: 'http://evil.example' }, [403]],
    [{ origin: 'null' }, [403]],
    [{ 'x-forwarded-host': 'evil.example', 'x-http-method-override': 'DELETE', 'x-original-url': '/api/stop' }, [200]],
    [{ 'content-encoding': 'gzip' }, [200]],
    [{ expect: '200-ok' }, [200, 417]],
    [{ range: 'bytes=0-1' }, [200]],
  ] as const) {
    const { status } = await ask('GET', '/api/status', undefined, headers);
    t.ok((statuses as readonly number[]).includes(status), `${JSON.stringify(headers).slice(0, 60)}: ${status}`);
  }
  for (const method of ['PUT', 'PATCH', 'TRACE', 'OPTIONS', 'PROPFIND']) {
    const { status } = await ask(method, '/api/status');
    t.ok(status >= 400 && status < 500, `${method}: ${status}`);
  }
});

t.test('bodies that never end hold up nobody', async (t) => {
  const slow: Socket[] = [];
  for (let i = 0; i < 50; i++) {
    const socket = connectTcp(Number(port), '127.0.0.1').on('error', () => {});
    slow.push(socket);
    await once(socket, 'connect');
    const head = `POST /api/tokens HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${authorization}\r\n`;
    socket.write(`${head}Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"user":`);
  }
  t.equal((await ask('GET', '/api/status')).status, 200);
  for (const socket of slow) socket.destroy();
});

t.test('after all that everything works, and nothing of it is a failure of ours', async (t) => {
  t.strictSame(sim.journal.query({ name: 'identity.request.failed' }), []);
  await sim.gateway.start();
  await sim.reset();
  const { client } = await connect(t, sim);
  t.equal((await client.fetch('http://intranet.contoso.internal/')).status, 200);
});
