import { Ajv } from 'ajv';

/*
 * HAR 1.2 as its specification has it (http://www.softwareishard.com/blog/har-12-spec/): every member that it knows, with its type, and which may be
 * left out. Members of one's own begin with an underscore; all others are refused.
 */

const text = { type: 'string' };
const number = { type: 'number' };
/** -1 = not known. */
const size = { type: 'integer', minimum: -1 };
const milliseconds = { type: 'number', minimum: -1 };

function object(members: Record<string, object>, optional: readonly string[] = []): object {
  const all = { ...members, comment: text };
  return {
    type: 'object',
    properties: all,
    required: Object.keys(members).filter((name) => !optional.includes(name)),
    patternProperties: { '^_': {} },
    additionalProperties: false,
  };
}
const list = (items: object): object => ({ type: 'array', items });
const pairs = list(object({ name: text, value: text }));
const cookies = list(
  object(
    {
      name: text,
      value: text,
      path: text,
      domain: text,
      expires: text,
      httpOnly: { type: 'boolean' },
      secure: { type: 'boolean' },
    },
    ['path', 'domain', 'expires', 'httpOnly', 'secure'],
  ),
);
const program = object({ name: text, version: text });
const cached = object({ expires: text, lastAccess: text, eTag: text, hitCount: number }, ['expires']);
const params = list(
  object({ name: text, value: text, fileName: text, contentType: text }, ['value', 'fileName', 'contentType']),
);
const HTTP_VERSION = { type: 'string', pattern: '^HTTP/[0-9](\\.[0-9])?$' };
const URL_TEXT = { type: 'string', pattern: '^[a-z][a-z0-9+.-]*://[^ ]+$' };

const entry = object(
  {
    pageref: text,
    // ISO 8601, with a time zone.
    startedDateTime: {
      type: 'string',
      pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?(Z|[+-]\\d\\d:\\d\\d)$',
    },
    time: { type: 'number', minimum: 0 },
    request: object(
      {
        method: text,
        url: URL_TEXT,
        httpVersion: HTTP_VERSION,
        cookies,
        headers: pairs,
        queryString: pairs,
        postData: object({ mimeType: text, params, text }, ['params', 'text']),
        headersSize: size,
        bodySize: size,
      },
      ['postData'],
    ),
    response: object({
      status: { type: 'integer', minimum: 0, maximum: 999 },
      statusText: text,
      httpVersion: HTTP_VERSION,
      cookies,
      headers: pairs,
      content: object(
        { size: { type: 'integer', minimum: 0 }, compression: number, mimeType: text, text, encoding: text },
        ['compression', 'text', 'encoding'],
      ),
      redirectURL: text,
      headersSize: size,
      bodySize: size,
    }),
    cache: object({ beforeRequest: cached, afterRequest: cached }, ['beforeRequest', 'afterRequest']),
    timings: object(
      {
        blocked: milliseconds,
        dns: milliseconds,
        connect: milliseconds,
        send: { type: 'number', minimum: 0 },
        wait: { type: 'number', minimum: 0 },
        receive: { type: 'number', minimum: 0 },
        ssl: milliseconds,
      },
      ['blocked', 'dns', 'connect', 'ssl'],
    ),
    serverIPAddress: text,
    connection: text,
  },
  ['pageref', 'serverIPAddress', 'connection'],
);

const HAR = {
  type: 'object',
  properties: {
    log: object(
      { version: { const: '1.2' }, creator: program, browser: program, pages: list({}), entries: list(entry) },
      ['browser', 'pages'],
    ),
  },
  required: ['log'],
  additionalProperties: false,
};

const judge = new Ajv({ allErrors: true, strict: false }).compile(HAR);

/** What is wrong with a document as a HAR 1.2, each with its place; nothing when it is one. The sum of the timings is `time` (§ timings). */
export function harProblems(document: unknown): readonly string[] {
  if (!judge(document)) return (judge.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  const { entries } = (document as { log: { entries: { time: number; timings: Record<string, number> }[] } }).log;
  return entries.flatMap(({ time, timings }, i) => {
    const sum = Object.entries(timings)
      .filter(([name, value]) => name !== 'ssl' && value > 0)
      .reduce((all, [, value]) => all + value, 0);
    return Math.abs(sum - time) < 1e-6 ? [] : [`/log/entries/${i}/time is ${time}, its parts come to ${sum}`];
  });
}
