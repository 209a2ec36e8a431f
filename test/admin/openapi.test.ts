import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import openapiTS, { astToString, type OpenAPI3 } from 'openapi-typescript';
import t from 'tap';
import ts from 'typescript';
import { startSimulator } from '../../src/index.ts';

// A client that is generated from the API's description, by a tool of somebody else.

// Compiling takes long on a busy machine.
t.setTimeout(300_000);

const repository = join(import.meta.dirname, '../..');

/** What the compiler says in strict mode, as `file:line message`. */
function complaints(files: readonly string[]): string[] {
  const { config } = ts.readConfigFile(join(repository, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, repository);
  const program = ts.createProgram(files, {
    ...options,
    lib: ['lib.es2024.d.ts', 'lib.dom.d.ts'],
    allowJs: false,
    checkJs: false,
    skipLibCheck: false,
    types: [],
  });
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file ? file.getLineAndCharacterOfPosition(start ?? 0).line + 1 : 0;
    return `${file?.fileName.split('/').at(-1)}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
  });
}

/** One request, typed by its path alone: the return type, the query and the body come from the description. */
const CLIENT = `import type { paths } from './api.ts';

type Get<P extends keyof paths> = paths[P] extends { get: infer Operation } ? Operation : never;
type Post<P extends keyof paths> = paths[P] extends { post: infer Operation } ? Operation : never;
type Answer<Operation> = Operation extends { responses: { 200: { content: { 'application/json': infer Body } } } }
  ? Body
  : never;
type Query<Operation> = Operation extends { parameters: { query?: infer Q } } ? NonNullable<Q> : never;
type Body<Operation> = Operation extends { requestBody?: infer R }
  ? NonNullable<R> extends { content: { 'application/json': infer B } }
    ? B
    : never
  : never;

export class Client {
  readonly #url: string;
  readonly #headers: Record<string, string>;

  constructor(url: string, secret: string) {
    this.#url = url;
    this.#headers = { authorization: \`Bearer \${secret}\` };
  }

  async get<P extends keyof paths>(path: P, query: Query<Get<P>> = {} as Query<Get<P>>): Promise<Answer<Get<P>>> {
    const words = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
    const answer = await fetch(\`\${this.#url}\${path}?\${words}\`, { headers: this.#headers });
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.json()) as Answer<Get<P>>;
  }

  async post<P extends keyof paths>(path: P, body: Body<Post<P>>): Promise<Answer<Post<P>>> {
    const answer = await fetch(\`\${this.#url}\${path}\`, {
      method: 'POST',
      headers: { ...this.#headers, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.json()) as Answer<Post<P>>;
  }
}
`;

const USE = `import { Client } from './client.ts';

export async function use(url: string, secret: string) {
  const client = new Client(url, secret);
  const { accessToken } = await client.post('/api/tokens', { user: 'alice@contoso.com', expiresIn: 60 });
  const { offset, mode } = await client.post('/api/clock/advance', { by: '90m' });
  const { sessions } = await client.get('/api/sessions', { state: 'connected' });
  const users: string[] = sessions.map((session) => session.username);
  const { events } = await client.get('/api/journal', { name: 'simulator.*', level: 'debug' });
  const names: string[] = events.map((event) => event.name);
  const parts: number = accessToken.split('.').length;
  const moved: boolean = offset >= 5_400_000 && (mode === 'real' || mode === 'manual');
  return { parts, moved, users, names };
}
`;

const MISUSES: readonly (readonly [text: string, words: RegExp])[] = [
  ["await client.post('/api/tokens', { user: 5 });", /^misuse\.ts:4 Type 'number' is not assignable to type 'string'/],
  ["await client.post('/api/tokens', { wrong: 'expird' });", /^misuse\.ts:4 Type '"expird"' is not assignable/],
  ["(await client.get('/api/sessions')).sesions;", /^misuse\.ts:4 Property 'sesions' does not exist/],
  ["await client.get('/api/journal', { level: 'loud' });", /^misuse\.ts:4 Type '"loud"' is not assignable/],
  ["await client.get('/api/nothing');", /^misuse\.ts:4 Argument of type '"\/api\/nothing"' is not assignable/],
  ["(await client.get('/api/clock')).mode === 'fast';", /^misuse\.ts:4 This comparison appears to be unintentional/],
];

t.test('a client that is generated from the description compiles in strict TypeScript, and works', async (t) => {
  await using sim = await startSimulator();
  const description = (await (await fetch(`${sim.urls.admin}/api/openapi.json`)).json()) as OpenAPI3;
  const folder = t.testdir({
    'client.ts': CLIENT,
    'use.ts': USE,
    'package.json': '{"type":"module"}',
    'misuse.ts': '',
  });
  writeFileSync(join(folder, 'api.ts'), astToString(await openapiTS(description, { silent: true })));
  t.strictSame(complaints([join(folder, 'use.ts')]), []);
  const { use } = (await import(join(folder, 'use.ts'))) as {
    use(url: string, secret: string): Promise<{ parts: number; moved: boolean; users: string[]; names: string[] }>;
  };
  t.strictSame(await use(sim.urls.admin, sim.admin.secret), {
    parts: 3,
    moved: true,
    users: [],
    names: ['simulator.starting', 'simulator.ready'],
  });
  for (const [text, words] of MISUSES) {
    writeFileSync(
      join(folder, 'misuse.ts'),
      `import { Client } from './client.ts';\n\nconst client = new Client('', '');\n${text}\n`,
    );
    const [first = 'nothing', ...more] = complaints([join(folder, 'misuse.ts')]);
    t.match(first, words);
    t.strictSame(more, []);
  }
});
