import { startSimulator } from '../../src/index.ts';
import { describe, type Node } from '../../src/lib/schema/index.ts';
import { capital, cell, linked } from './cell.ts';
import { membersOf, memberTable } from './member-tables.ts';

interface Media {
  readonly schema?: Node;
}

interface Operation {
  readonly summary?: string;
  readonly description?: string;
  readonly tags?: readonly string[];
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly description?: string;
    readonly schema: Node;
  }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> };
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>;
}

interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

/** Bodies that a table of the page about the configuration describes. */
const ELSEWHERE: readonly (readonly [pattern: RegExp, key: string])[] = [
  [/^\/api\/faults$/, 'faults.rules'],
  [/^\/api\/stubs$/, 'services.stubs'],
  [/^\/api\/resources$/, 'resources.upstreams'],
  [/^\/api\/access$/, 'resources.access.rules'],
  [/^\/api\/directory(\/tenants|$)/, 'identity.directory'],
];

/** Statuses of refusals that the head of the page describes, once for all operations. */
const ALWAYS = new Set(['400', '401', '403', '413', '415']);

/** docs/reference/rest.md: the REST interface, from the OpenAPI document of a running simulator. */
export async function restPage(): Promise<string> {
  await using sim = await startSimulator();
  const document = (await (await fetch(`${sim.urls.admin}/api/openapi.json`)).json()) as OpenApi;
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const groups = Map.groupBy(operations, ({ operation }) => operation.tags?.[0] ?? 'other');
  const parts = [...groups].map(([tag, members]) => {
    const sections = members.map(({ path, method, operation }) => operationSection(method, path, operation));
    return `## ${capital(tag)}\n\n${sections.join('\n\n')}`;
  });
  return `${HEAD}\n${parts.join('\n\n')}\n`;
}

function operationSection(method: string, path: string, operation: Operation): string {
  const { summary, description, parameters = [], requestBody, responses } = operation;
  const parts = [`### \`${method} ${path}\``];
  const sentences = [summary, description].filter((text) => text !== undefined).map(sentence);
  if (sentences.length > 0) parts.push(linked(sentences.join(' ')));
  const queries = parameters.filter((one) => one.in === 'query');
  if (queries.length > 0) {
    const rows = queries.map(
      ({ name, schema, description: meaning = schema.description ?? '', required }) =>
        `| \`${name}\` | ${required ? 'required, ' : ''}${cell(describe(schema))} | ${linked(cell(meaning))} |`,
    );
    parts.push(`| Parameter | Value | Meaning |\n|---|---|---|\n${rows.join('\n')}`);
  }
  const body = requestBody?.content['application/json']?.schema;
  const elsewhere = ELSEWHERE.find(([pattern]) => pattern.test(path))?.[1];
  const members = body ? membersOf(body, 4) : [];
  if (members.length > 0 && elsewhere !== undefined) {
    const anchor = `members-of-${elsewhere.toLowerCase().replaceAll('.', '')}`;
    parts.push(`Body: as in the configuration, [\`${elsewhere}\`](configuration.md#${anchor}).`);
  } else if (members.length > 0) parts.push(`Body:\n\n${memberTable(members)}`);
  for (const [status, { content = {} }] of Object.entries(responses)) {
    const schema = content['application/json']?.schema;
    if (Number(status) >= 400 || !schema) continue;
    const answer = membersOf(schema, 1);
    if (answer.length === 0) continue;
    const list = schema.type === 'array' ? 'a list of objects with' : 'an object with';
    const names = answer.map(({ path: name }) => `\`${name.replace(/^\[\]\./, '')}\``);
    parts.push(`Returns ${status} and ${list} ${names.join(', ')}.`);
  }
  const success = Object.keys(responses).find((status) => Number(status) < 300);
  if (success !== '200' && !parts.some((part) => part.startsWith('Returns '))) parts.push(`Returns ${success}.`);
  const refusals = Object.keys(responses).filter((status) => Number(status) >= 400 && !ALWAYS.has(status));
  if (refusals.length > 0) parts.push(`Can refuse with ${refusals.join(', ')}.`);
  return parts.join('\n\n');
}

const sentence = (text: string): string => (/[.:]$/.test(text) ? text : `${text}.`);

const HEAD = `# REST

The health and administration listener (\`admin.port\`) lets programs in any language do what [tests in TypeScript](../how-to/testing.md)
can do. This page is generated from its OpenAPI 3.1 document, which \`GET /api/openapi.json\` returns. \`/api/docs\` shows the document as a page
on which you can try each request.

Every request needs the secret of the instance as a bearer token, except \`/livez\`, \`/readyz\`, [\`/metrics\`](metrics.md) and the two addresses
above. \`tunnelite status --secret\` prints the secret; it is also in \`instance.json\` in the certificate directory, which only you can read.
The listener is on loopback. It refuses requests under host names that are not its own (add yours to \`gateway.names\`) and requests from web
pages of other origins.

\`\`\`sh
url=http://127.0.0.1:8445
secret=$(npx tunnelite status --secret)
curl -H "authorization: Bearer $secret" "$url/api/sessions"
curl -H "authorization: Bearer $secret" "$url/api/faults" --json '{"on":{"seam":"udp"},"then":{"do":"drop"}}'
curl -H "authorization: Bearer $secret" "$url/api/tokens" --json '{"user":"alice@contoso.com","wrong":"expired"}'
curl -H "authorization: Bearer $secret" "$url/api/clock/advance" --json '{"by":"90m"}'
\`\`\`

[examples/python](../../examples/python/README.md) drives this interface with pytest, and a stock openconnect as the client. Policies and sites
are also at [Microsoft Graph's own addresses](../how-to/policies.md#microsoft-graph).

## Conditions

Write conditions on fields of events as \`field=value\`, also with \`!=\`, \`>\`, \`>=\`, \`<\`, \`<=\` and \`~\` (contains). Numbers, \`true\`, \`false\` and
\`null\` are values of their kind; in double quotes they are strings. You can repeat \`where\`; all conditions must hold. A field that none of the
requested events has is refused:

\`\`\`sh
curl -G -H "authorization: Bearer $secret" "$url/api/journal/wait" \\
  -d name=session.disconnect -d where=reason=session-timeout -d where='seconds>3000' -d timeout=60
\`\`\`

## Errors

A refusal has a status of 400 or more and the body \`{"error":{"code","message","hint","details"}}\`. Branch on the code; [errors](errors.md)
lists all of them. For a misspelled name or field, the hint has the nearest one that exists.

| Status | Meaning |
|---|---|
| 400 | The path, the query or the body is not valid |
| 401 | The secret is missing or wrong |
| 403 | The host name is not one of this instance, or a page of another origin sent the request |
| 413, 415 | The body is too long, or not JSON |

Every request can be refused with these. The operations below list their other refusals: 404 (it does not exist), 408 (it did not
happen in time), 409 (the current state does not permit it) and 503 (as many readers as are allowed follow already).

A reader of \`GET /api/journal/stream\` that does not keep up loses nothing while the events are still in the journal. After that it receives a
message \`event: lost\` with the number of the oldest event that is left. At most 100 readers can follow at once.
`;
