import { Ajv } from 'ajv';

interface Operation {
  readonly requestBody?: { readonly content: { readonly 'application/json'?: { readonly schema: object } } };
  readonly parameters?: readonly { readonly in: string; readonly name: string }[];
}

/** The part of an OpenAPI document that requests are held against. */
export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Throws when the document has no such request (`POST /api/faults {"name":…}`), or not with this body or these parameters. */
export function assertRequest({ paths }: OpenApi, text: string): void {
  const [, method, address, body] = /^([A-Z]+) (\S+)(?: (.*))?$/s.exec(text) ?? [];
  if (method === undefined || address === undefined) throw new Error(`${text} is no request`);
  const [path, query = ''] = address.split('?') as [string, string?];
  for (const [pattern, operations] of Object.entries(paths)) {
    const operation = operations[method.toLowerCase()];
    const escaped = pattern.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll(/\{[^}]+\}/g, '[^/]+');
    if (operation === undefined || !new RegExp(`^${escaped}/?$`).test(path.replace(/\/$/, ''))) continue;
    const known = new Set(operation.parameters?.filter((one) => one.in === 'query').map(({ name }) => name));
    for (const name of new URLSearchParams(query).keys()) {
      if (!known.has(name)) throw new Error(`${method} ${pattern} has no parameter ${name}`);
    }
    assertBody(operation, body, text);
    return;
  }
  throw new Error(`There is no ${method} ${path}`);
}

function assertBody({ requestBody }: Operation, body: string | undefined, text: string): void {
  const schema = requestBody?.content['application/json']?.schema;
  if (body === undefined) return;
  if (schema === undefined) throw new Error(`${text} takes no body`);
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const validate = ajv.compile(schema);
  if (!validate(JSON.parse(body))) throw new Error(`${text}: ${ajv.errorsText(validate.errors)}`);
}
