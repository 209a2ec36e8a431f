import fc from 'fast-check';
import fastify from 'fastify';
import t from 'tap';
import { TokenRequestSchema } from '../../src/admin/routes/token-request.ts';
import { resolveConfig } from '../../src/config/index.ts';
import { ConfigSchema } from '../../src/config/schema.ts';
import { DirectorySchema } from '../../src/entra/directory/schema.ts';
import { createIdentityProvider } from '../../src/entra/provider.ts';
import { directoryAdmin } from '../../src/entra/rest/directory-admin.ts';
import { isTunneliteError } from '../../src/lib/errors.ts';
import { compile } from '../../src/lib/schema/compile.ts';
import { COMPLAINTS } from '../../src/lib/schema/complaints.ts';
import { check, type Node, pathText, type TSchema, Type, validate, withDefaults } from '../../src/lib/schema/index.ts';
import { documentOf, mutationsOf, UNSAMPLED } from '../support/schema-documents.ts';

const RUNS = Math.min(Number(process.env.TUNNELITE_FUZZ ?? 20), 500);
/** Mutations that are tried of each document; a whole directory has thousands. */
const TRIED = 60;

/** The schemas that are in use: those of the documents, and those of every REST route as it is registered. */
async function realSchemas(): Promise<Map<string, TSchema>> {
  const schemas = new Map<string, TSchema>([
    ['configuration', ConfigSchema],
    ['directory', DirectorySchema],
    ['POST /tokens', TokenRequestSchema],
  ]);
  const app = fastify();
  app.addHook('onRoute', ({ method, url, schema }) => {
    for (const part of ['body', 'querystring', 'params'] as const) {
      if (schema?.[part]) schemas.set(`${method} ${url} ${part}`, schema[part] as TSchema);
    }
  });
  await app.register(directoryAdmin(await createIdentityProvider()));
  await app.close();
  return schemas;
}

const schemas = await realSchemas();
/** Kinds of mistakes that some real schema can meet with. */
const met = new Set<string>();

t.test('every format has a sample here', async (t) => t.strictSame(UNSAMPLED, []));

for (const [name, schema] of schemas) {
  t.test(`${name}: fitting documents pass, and each single mistake is refused where it is`, async (t) => {
    const node = schema as Node;
    // What a server configuration of the real product holds is looked at by other means.
    const documents = documentOf(node).map((one) =>
      schema === ConfigSchema ? { ...(one as object), serverConfiguration: null } : one,
    );
    t.doesNotThrow(() =>
      fc.assert(
        fc.property(documents, fc.nat(), (document, seed) => {
          const { problems } = validate(schema, document, { complete: true });
          if (problems.length > 0) throw new Error(`refused: ${JSON.stringify(problems)}`);
          const all = mutationsOf(node, document);
          const step = Math.max(1, Math.floor(all.length / TRIED));
          for (let i = seed % step; i < all.length; i += step) {
            const { kind, path, apply } = all[i]!;
            met.add(kind);
            const refused = refusalOf(schema, apply(document));
            const told = `${kind} at ${pathText(path)}: ${refused}`;
            if (!refused.includes(pathText(path))) throw new Error(told);
            if (!/: .{10,}\.|\?$/s.test(refused)) throw new Error(told);
          }
        }),
        { numRuns: RUNS, includeErrorInReport: true, endOnFailure: true },
      ),
    );
  });
}

/** The words of the refusal; empty when there is none. */
function refusalOf(schema: TSchema, document: unknown): string {
  try {
    if (schema === ConfigSchema) resolveConfig(document as object);
    else check(schema, document, { what: 'it', code: 'ERR_REQUEST_INVALID' });
  } catch (error) {
    if (isTunneliteError(error)) return error.message;
    throw error;
  }
  return '';
}

t.test('each keyword that has a sentence is used by a real schema, and its sentence was asked for', async (t) => {
  const without = Object.keys(COMPLAINTS).filter((keyword) => !met.has(keyword));
  t.strictSame(without, ['const'], 'a constant stands in unions only');
});

t.test('what a schema fills in is what it takes itself', async (t) => {
  for (const [name, schema] of schemas) {
    const needed = (schema as Node).required?.filter(
      (key) => (schema as Node).properties?.[key]?.default === undefined,
    );
    if (needed?.length) continue;
    t.strictSame(validate(schema, withDefaults(schema, {}), { complete: true }).problems, [], name);
  }
});

t.test('Ajv takes every real schema in strict mode', async (t) => {
  for (const [name, schema] of schemas) t.doesNotThrow(() => compile(schema as Node), name);
});

t.test('a schema with a keyword, a format or a place that nobody looks at is refused at once', async (t) => {
  const closed = { additionalProperties: false };
  const wrong: [schema: object, words: RegExp][] = [
    [{ type: 'string', minimumLength: 1 }, /unknown keyword "minimumLength"/],
    [Type.Object({ a: Type.Array({ type: 'string', enums: ['x'] } as never) }, closed), /schema\/a\/items .*"enums"/],
    [Type.Union([Type.Null(), { type: 'string', lenght: 1 } as never]), /schema\/1 has .*"lenght"/],
    [Type.String({ format: 'email' }), /unknown format "email"/],
    [Type.Object({}), /accepts keys that it does not name/],
  ];
  for (const [schema, words] of wrong) {
    t.throws(() => validate(schema as TSchema, {}, { complete: true }), { code: 'ERR_INTERNAL', message: words });
  }
});
