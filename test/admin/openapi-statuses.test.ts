import { once } from 'node:events';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { Ajv } from 'ajv';
import t from 'tap';
import { type Simulator, startSimulator } from '../../src/index.ts';
import { connect } from '../support/running-simulator.ts';

// The OpenAPI document describes everything, and each status that it declares is one that the listener answers with.

t.setTimeout(200_000);

interface Described {
  readonly description?: string;
  readonly schema?: { readonly description?: string };
}

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly (Described & {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
  })[];
  readonly requestBody?: { readonly required?: boolean; readonly content: Record<string, { schema: object }> };
  readonly responses: Readonly<Record<string, Described & { readonly content?: Record<string, { schema: object }> }>>;
}

interface Document {
  readonly tags: readonly { readonly name: string; readonly description?: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

const sim = await startSimulator();
t.teardown(() => sim.close());
const { secret } = sim.admin;
const document = (await (await fetch(`${sim.urls.admin}/api/openapi.json`)).json()) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => {
    const declared = Object.keys(operation.responses).map(Number);
    return { name: `${method.toUpperCase()} ${path}`, method: method.toUpperCase(), path, operation, declared };
  }),
);

const authorized = { authorization: `Bearer ${secret}` };
const NOBODY = '00000000-0000-4000-8000-000000000000';

/** `GET /api/faults/x`, with a body as JSON. Resolves with the status; a stream is not read. */
async function ask(text: string, body?: unknown, headers: Record<string, string> = authorized, from = sim) {
  const [method, path] = text.split(' ') as [string, string];
  const gone = new AbortController();
  const answer = await fetch(`${from.urls.admin}${path}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: gone.signal,
  });
  if (!/^text\/event-stream|pcapng/.test(answer.headers.get('content-type') ?? '')) {
    const text = await answer.text();
    return {
      status: answer.status,
      text,
      value: /json/.test(answer.headers.get('content-type') ?? '') ? JSON.parse(text) : undefined,
    };
  }
  gone.abort();
  return { status: answer.status, text: '', value: undefined };
}

/** An operation with something in the place of each parameter of its path. */
function filled(name: string, values: Readonly<Record<string, string>> = {}): string {
  return name.replaceAll(/\{(\w+)\}/g, (_, parameter: string) =>
    name.includes('/failures/') ? '99' : (values[parameter] ?? SAMPLES[parameter] ?? NOBODY),
  );
}

/** Values of parameters that only have a few. */
const SAMPLES: Readonly<Record<string, string>> = { set: 'groups', endpoint: 'token' };

t.test('every operation, parameter and response has a description', async (t) => {
  t.ok(operations.length > 100);
  const tags = new Map(document.tags.map(({ name, description }) => [name, description]));
  const used = new Set<string>();
  for (const { name, operation } of operations) {
    t.match(operation.summary, /^[A-Z].{6,}[^.]$/, name);
    for (const tag of operation.tags ?? []) used.add(tag);
    t.equal(operation.tags?.length, 1, name);
    for (const one of operation.parameters ?? []) {
      t.ok(one.description ?? one.schema?.description, `${name}: ${one.name}`);
    }
    for (const [status, { description }] of Object.entries(operation.responses)) {
      t.match(status, /^[2-5]\d\d$/, `${name}: ${status} is a status, and not a class of them`);
      t.match(description, /^(?!Default Response)\S.{5,}/, `${name}: ${status}`);
    }
  }
  t.strictSame([...used].toSorted(), [...tags.keys()].toSorted(), 'the groups are the described ones');
  for (const [tag, description] of tags) t.ok(description, tag);
});

t.test(
  'each operation declares one success, and refuses strangers, other origins and unknown parameters',
  async (t) => {
    for (const { name, declared } of operations) {
      t.equal(declared.filter((status) => status < 300).length, 1, name);
      const known = async (status: number, answer: ReturnType<typeof ask>) => {
        const { status: actual, value } = await answer;
        t.equal(actual, status, `${name} ${status}`);
        t.match(
          value,
          { error: { code: /^ERR_/, message: /\.$/, hint: /\.$/ } },
          `${name} ${status}: the form of a refusal`,
        );
        t.ok(declared.includes(status), `${name} declares ${status}`);
      };
      await known(401, ask(filled(name), undefined, {}));
      await known(403, ask(filled(name), undefined, { ...authorized, origin: 'https://contoso.example' }));
      await known(400, ask(`${filled(name)}?no-such-parameter=1`, undefined));
    }
  },
);

t.test('what reads a body refuses a long one, and one that is not JSON', async (t) => {
  for (const { name, method, operation, declared } of operations) {
    t.equal(declared.includes(413), operation.requestBody !== undefined, `${name} 413`);
    t.equal(declared.includes(415), operation.requestBody !== undefined, `${name} 415`);
    if (operation.requestBody === undefined) continue;
    const path = filled(name).split(' ')[1]!;
    const long = request(`${sim.urls.admin}${path}`, {
      method,
      headers: { ...authorized, 'content-type': 'application/json', 'content-length': String(2 ** 30) },
    });
    long.on('error', () => undefined).flushHeaders();
    const [{ statusCode }] = (await once(long, 'response')) as [{ statusCode: number }];
    long.destroy();
    t.equal(statusCode, 413, `${name} 413`);
    const headers = { ...authorized, 'content-type': 'application/yaml' };
    t.equal((await ask(filled(name), 'a: b', headers)).status, 415, `${name} 415`);
  }
});

t.test('a body is required where an empty one is refused, and only there', async (t) => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  let [required, optional] = [0, 0];
  for (const { name, operation } of operations) {
    if (operation.requestBody === undefined) continue;
    const { schema } = operation.requestBody.content['application/json']!;
    if (operation.requestBody.required) {
      required++;
      t.equal((await ask(filled(name))).status, 400, name);
    } else {
      optional++;
      t.ok(ajv.validate(schema, {}), `${name}: ${ajv.errorsText()}`);
    }
  }
  t.ok(required > 10 && optional > 10, `${required} and ${optional}`);
});

t.test('what only reads answers as it is described', async (t) => {
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const tenant = sim.urls.authority.split('/').at(-1)!;
  let count = 0;
  for (const { name, operation, declared } of operations) {
    const needs = operation.parameters?.some(({ name, in: where, required }) =>
      where === 'path' ? name !== 'tenant' : required,
    );
    if (!name.startsWith('GET ') || needs || /wait|expect|explain/.test(name)) continue;
    const { status, value } = await ask(filled(name, { tenant }));
    t.equal(status, 200, name);
    t.ok(declared.includes(200), name);
    const schema = operation.responses[200]?.content?.['application/json']?.schema;
    if (schema === undefined) continue;
    count++;
    t.ok(ajv.validate(schema, value), `${name}: ${ajv.errorsText()}`);
  }
  t.ok(count > 20, `${count}`);
});

const ITEMS = {
  users: { userPrincipalName: 'carol@contoso.com' },
  devices: { id: '00000000-0000-4000-8000-00000000d001' },
  applications: { appId: '00000000-0000-4000-8000-00000000a001' },
  'service-principals': { appId: '00000000-0000-4000-8000-00000000a001' },
  consents: { client: '00000000-0000-4000-8000-00000000a001', resource: '00000000-0000-4000-8000-00000000a002' },
  policies: { id: '00000000-0000-4000-8000-00000000c001', displayName: 'One' },
} as const;
const OTHERS = {
  users: { userPrincipalName: 'dave@contoso.com' },
  devices: { id: '00000000-0000-4000-8000-00000000d002' },
  applications: { appId: '00000000-0000-4000-8000-00000000a003' },
  'service-principals': { appId: '00000000-0000-4000-8000-00000000a003' },
  consents: { client: '00000000-0000-4000-8000-00000000a003', resource: '00000000-0000-4000-8000-00000000a002' },
  policies: { id: '00000000-0000-4000-8000-00000000c002', displayName: 'Two' },
} as const;
const TENANT = { id: '00000000-0000-4000-8000-00000000e001', domains: ['fabrikam.example'] };

/** Bodies without which an operation would refuse before it looks for what the path names. */
const BODIES: Readonly<Record<string, unknown>> = {
  'PATCH /api/directory/tenants/{tenant}': {},
  'POST /api/tokens': { tenant: 'nowhere.example' },
  'POST /api/directory/tokens': { tenant: 'nowhere.example' },
  ...Object.fromEntries(
    Object.entries(ITEMS).flatMap(([collection, item]) => [
      [`POST /api/directory/tenants/{tenant}/${collection}`, item],
      [`PUT /api/directory/tenants/{tenant}/${collection}/{key}`, item],
    ]),
  ),
};
/** Queries with something that does not exist. */
const QUERIES: Readonly<Record<string, string>> = {
  'GET /api/explain': '?session=zzzzzz',
  'GET /api/intune/delivery': '?user=nobody&app=com.contoso.lob&platform=ios',
};

t.test('a name that does not exist is refused with 404 where that is declared, and nowhere else', async (t) => {
  for (const { name, path, declared } of operations) {
    const body = BODIES[name] ?? (/^(?:POST|PUT|PATCH)/.test(name) ? {} : undefined);
    const names = /\{(?!endpoint)/.test(path) || QUERIES[name] !== undefined || name.endsWith('/tokens');
    t.equal(declared.includes(404), names && !/profiles|objects\/\{set\}$/.test(path), `${name} declares 404`);
    if (!declared.includes(404)) continue;
    const { status, text } = await ask(`${filled(name)}${QUERIES[name] ?? ''}`, body);
    t.equal(status, 404, `${name} ${text}`);
  }
});

t.test('what does not happen in time is refused with 408', async (t) => {
  sim.faults.add({ name: 'waits', on: { seam: 'udp' }, then: { do: 'drop' } });
  const waits = ['GET /api/journal/wait?name=session.connect&timeout=0', 'GET /api/faults/waits/struck?timeout=0'];
  for (const one of waits) t.equal((await ask(one)).status, 408, one);
  t.strictSame(
    operations.filter(({ declared }) => declared.includes(408)).map(({ name }) => name),
    ['GET /api/journal/wait', 'GET /api/faults/{name}/struck'],
  );
});

t.test('the journal refuses more readers than are allowed with 503', async (t) => {
  const gone = new AbortController();
  const url = `${sim.urls.admin}/api/journal/stream`;
  for (let i = 0; i < 100; i++) await fetch(url, { headers: authorized, signal: gone.signal });
  t.equal((await ask('GET /api/journal/stream')).status, 503);
  gone.abort();
  t.strictSame(
    operations.filter(({ declared }) => declared.includes(503)).map(({ name }) => name),
    ['GET /api/journal/stream'],
  );
});

/** Brings about a conflict of each operation that declares one, and returns the answers by operation. */
async function conflicts(): Promise<Map<string, { status: number; text: string }>> {
  const found = new Map<string, { status: number; text: string }>();
  const put = async (name: string, body?: unknown, path = name) => found.set(name, await ask(path, body));
  await directoryConflicts(put);
  await put('POST /api/faults', { name: 'waits', on: { seam: 'udp' }, then: { do: 'drop' } });
  await put('GET /api/journal/expect', undefined, 'GET /api/journal/expect?name=session.expired');
  await put('POST /api/config/reload', {});
  for (let i = 0; i < 8; i++) await ask('POST /api/capture', {});
  await put('POST /api/capture', {});
  await put('GET /api/capture/stream');
  await gatewayConflicts(put, sim);
  found.set('POST /api/sessions/{id}/rekey', await lostTunnel());
  return found;
}

type Put = (name: string, body?: unknown, path?: string) => Promise<unknown>;

async function directoryConflicts(put: Put): Promise<void> {
  const tenants = '/api/directory/tenants';
  await ask(`POST ${tenants}`, TENANT);
  await put(`POST ${tenants}`, TENANT);
  await put(`PATCH ${tenants}/{tenant}`, { domains: ['contoso.com'] }, `PATCH ${tenants}/${TENANT.id}`);
  await put('PUT /api/directory', { tenants: [TENANT, TENANT] });
  for (const [collection, item] of Object.entries(ITEMS)) {
    const other = OTHERS[collection as keyof typeof OTHERS];
    const list = `${tenants}/{tenant}/${collection}`;
    const here = `${tenants}/${TENANT.id}/${collection}`;
    await ask(`POST ${here}`, item);
    await ask(`POST ${here}`, other);
    const key = Object.values(other)[0];
    const path = collection === 'consents' ? `${here}/${Object.values(other).join(':')}:tenant` : `${here}/${key}`;
    await put(`POST ${list}`, item, `POST ${here}`);
    await put(`PUT ${list}/{key}`, item, `PUT ${path}`);
    await put(`PATCH ${list}/{key}`, item, `PATCH ${path}`);
  }
}

async function gatewayConflicts(put: Put, { gateway }: Simulator): Promise<void> {
  const { port } = gateway;
  await gateway.stop();
  await put('POST /api/gateway/drain', {});
  const other = createServer().listen(port, '127.0.0.1');
  await once(other, 'listening');
  await put('POST /api/gateway/start', {});
  await put('POST /api/gateway/restart', {});
  other.close();
  await once(other, 'close');
  await gateway.start();
}

/** A session whose client has gone and may return has no tunnel. */
async function lostTunnel() {
  const { id } = await connect(t, sim);
  const mark = sim.journal.mark();
  sim.sessions.rekey(id);
  await sim.journal.waitFor({ name: 'session.disconnect', since: mark });
  return ask(`POST /api/sessions/${id}/rekey`, {});
}

/** Conflicts that other tests bring about: an advance of the clock that a reset ends, and 20,000 fault rules. */
const ELSEWHERE = ['POST /api/clock/advance', 'PUT /api/profiles/{name}'];

t.test('a conflict is refused with 409 where that is declared', async (t) => {
  const found = await conflicts();
  for (const [name, { status, text }] of found) t.equal(status, 409, `${name}: ${text}`);
  t.strictSame(
    operations
      .filter(({ declared }) => declared.includes(409))
      .map(({ name }) => name)
      .toSorted(),
    [...found.keys(), ...ELSEWHERE].toSorted(),
  );
});
