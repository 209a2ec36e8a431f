import t from 'tap';
import { connectSimulator, startSimulator, TunnelClient } from '../../src/index.ts';
import { harProblems } from '../support/har-schema.ts';

t.setTimeout(120_000);

interface Entry {
  readonly startedDateTime: string;
  readonly time: number;
  readonly request: {
    method: string;
    url: string;
    httpVersion: string;
    headers: object[];
    queryString: object[];
    bodySize: number;
    postData?: { mimeType: string; text: string };
  };
  readonly response: {
    status: number;
    headers: { name: string; value: string }[];
    content: { size: number; mimeType: string; text?: string };
    bodySize: number;
    redirectURL: string;
  };
  readonly timings: { send: number; wait: number; receive: number };
  readonly _request: string;
  readonly _user: string;
  readonly _service: string;
}

t.test('requests to the mock sites are seen as a HAR, in process and over REST', async (t) => {
  const sim = await startSimulator({ resources: { requests: { capacity: 3, bodyBytes: 100 } } });
  t.teardown(() => sim.close());
  const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
  t.teardown(() => client.close());
  await client.fetch('http://intranet.contoso.internal/whoami');
  const sent = await client.fetch('https://api.contoso.internal/echo?a=1&b=%20x', {
    method: 'POST',
    body: Buffer.from('z'.repeat(5000)),
    ca: sim.ca,
    headers: { authorization: 'Basic c2VjcmV0', 'content-type': 'text/plain' },
  } as never);
  t.equal(sent.status, 200);
  t.match(sent.body.toString(), /z{1000}/, 'who is looked at notices nothing');
  const bytes = await client.fetch('https://files.contoso.internal/bytes/300000', { ca: sim.ca });
  t.equal(bytes.body.length, 300_000);
  await sim.journal.waitFor({ name: 'service.request', where: ({ fields }) => fields.path === '/bytes/300000' });
  const { log } = sim.resources.har() as unknown as { log: { version: string; creator: object; entries: Entry[] } };
  t.match(log, { version: '1.2', creator: { name: 'Tunnelite', version: /^\d/ } });
  t.strictSame(
    log.entries.map(({ request, response, _service }) => [request.method, request.url, response.status, _service]),
    [
      ['GET', 'http://intranet.contoso.internal/whoami', 200, 'intranet-http'],
      ['POST', 'https://api.contoso.internal/echo?a=1&b=%20x', 200, 'api-https'],
      ['GET', 'https://files.contoso.internal/bytes/300000', 200, 'files-https'],
    ],
  );
  const [, post, file] = log.entries as [Entry, Entry, Entry];
  t.match(post.request.queryString, [
    { name: 'a', value: '1' },
    { name: 'b', value: ' x' },
  ]);
  t.match(post.request, { bodySize: 5000, postData: { mimeType: 'text/plain', text: 'z'.repeat(100) } });
  t.notMatch(JSON.stringify(log), /c2VjcmV0/, 'credentials are not shown');
  t.match(file.response.content.size, 300_000);
  t.equal(Buffer.from(file.response.content.text ?? '', 'base64').length > 0, true);
  for (const entry of log.entries) {
    t.match(entry.startedDateTime, /^\d{4}-\d\d-\d\dT.*Z$/);
    t.ok(entry.time >= 0);
    for (const key of ['cache', 'timings', 'request', 'response']) t.type((entry as never)[key], 'object', key);
    for (const key of ['cookies', 'headers', 'queryString', 'headersSize', 'bodySize', 'httpVersion'])
      t.ok(key in entry.request, key);
    for (const key of ['cookies', 'headers', 'content', 'redirectURL', 'statusText']) t.ok(key in entry.response, key);
    const end = sim.journal.query({ name: 'resource.request', fields: { request: entry._request } });
    t.equal(end.length, 1, 'each names its connect request');
    t.equal(entry._user, 'alice@contoso.com');
  }
  await client.fetch('http://intranet.contoso.internal/status/404');
  await sim.journal.waitFor({ name: 'service.request', where: ({ fields }) => fields.status === 404 });
  t.equal(sim.resources.har().log.entries.length, 3, 'no more are kept than was said');
  const remote = await connectSimulator(sim.urls.admin, { secret: sim.admin.secret });
  t.strictSame((await remote.resources.har()).log, JSON.parse(JSON.stringify(sim.resources.har().log)));
  const { requests } = await remote.resources.list();
  t.match(requests, { denied: 0, failed: 0 });
  t.equal(requests.requests, sim.journal.count({ name: 'resource.request' }));
  await sim.reset();
  t.strictSame(sim.resources.har().log.entries, []);
});

t.test('what is given out is a HAR 1.2 by its specification, whatever was asked for', async (t) => {
  for (const bodyBytes of [0, 2_000]) {
    const sim = await startSimulator({ resources: { requests: { capacity: 100, bodyBytes } } });
    t.teardown(() => sim.close());
    const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
    t.teardown(() => client.close());
    const requests: readonly (readonly [path: string, options?: object])[] = [
      ['http://api.contoso.internal/redirect/1?status=307'],
      ['http://api.contoso.internal/status/204'],
      ['http://api.contoso.internal/status/404'],
      ['http://api.contoso.internal/echo?empty=&twice=1&twice=2&=x&a%ZZ=%FF&ü=ß'],
      ['http://api.contoso.internal/echo', { method: 'PUT', body: Buffer.from([0xff, 0, 1, 0x80]) }],
      [
        'http://api.contoso.internal/echo',
        {
          method: 'POST',
          body: Buffer.from('a=1&b=2'),
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
        },
      ],
      ['http://api.contoso.internal/echo', { headers: { 'x-odd': 'caf\u00e9', cookie: 'a=b', 'content-type': '' } }],
      ['http://webapp.contoso.internal/login', { method: 'HEAD' }],
      ['http://files.contoso.internal/chunked/5000?piece=100'],
      ['https://intranet.contoso.internal/', { ca: sim.ca }],
    ];
    for (const [url, options = {}] of requests) await client.fetch(url, { ...options, redirect: 'manual' } as never);
    await sim.journal.waitFor({ name: 'service.request', where: ({ fields }) => fields.service === 'intranet-https' });
    const har = JSON.parse(JSON.stringify(sim.resources.har())) as { log: { entries: Record<string, unknown>[] } };
    t.ok(har.log.entries.length >= requests.length, `${har.log.entries.length} entries`);
    t.strictSame(harProblems(har), []);

    // What the specification does not allow is found.
    const broken = (change: (entry: never) => void): unknown => {
      const copy = structuredClone(har);
      change(copy.log.entries[0]! as never);
      return copy;
    };
    for (const change of [
      (entry: { request: { cookies?: unknown } }) => delete entry.request.cookies,
      (entry: { time: number }) => (entry.time += 5),
      (entry: { startedDateTime: string }) => (entry.startedDateTime = 'yesterday'),
      (entry: { session?: string }) => (entry.session = 's1'),
      (entry: { response: { status: unknown } }) => (entry.response.status = '200'),
      (entry: { request: { headers: object } }) => (entry.request.headers = { host: 'x' }),
    ] as readonly ((entry: never) => void)[]) {
      t.not(harProblems(broken(change)).length, 0, String(change));
    }
  }
});

t.test('bodies are not kept unless asked for, and nothing with a capacity of 0', async (t) => {
  for (const [capacity, count] of [
    [1000, 1],
    [0, 0],
  ] as const) {
    const sim = await startSimulator({ resources: { requests: { capacity } } });
    t.teardown(() => sim.close());
    const client = await TunnelClient.connect({ server: sim.urls.gateway, ca: sim.ca, token: await sim.token() });
    t.teardown(() => client.close());
    await client.fetch('http://intranet.contoso.internal/whoami');
    await sim.journal.waitFor({ name: 'service.request' });
    const { entries } = sim.resources.har().log;
    t.equal(entries.length, count);
    for (const entry of entries as Entry[]) t.equal(entry.response.content.text, undefined);
  }
});
