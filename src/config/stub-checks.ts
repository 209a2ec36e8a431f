import { TunneliteError } from '../lib/errors.ts';
import { safeExpression } from '../lib/safe-expression.ts';
import { check } from '../lib/schema/index.ts';
import type { Contradiction } from './contradiction.ts';
import type { Config, ConfigInput } from './schema.ts';
import { type Stub, StubSchema } from './stub-schema.ts';

/** Regular expressions are tried one after the other. */
export const MAX_EXPRESSIONS = 50;
/** Size of all bodies together, in bytes. */
export const MAX_STUB_BYTES = 64 * 1024 * 1024;

/** Headers that the server writes itself, or that HTTP/2 does not allow. */
const OWN_HEADERS = new Set([
  ...[
    'connection',
    'content-length',
    'keep-alive',
    'proxy-connection',
    'te',
    'trailer',
    'transfer-encoding',
    'upgrade',
  ],
]);

/** A stub, as written by a user. */
export type StubInput = NonNullable<NonNullable<ConfigInput['services']>['stubs']>[number];

/** The stubs of a configuration. */
export function checkStubs({ services }: Config, problems: Contradiction[]): void {
  const { stubs, hosts } = services;
  let bytes = 0;
  let expressions = 0;
  const taken = new Set(
    hosts.filter(({ tcp }) => !hasStubs(tcp)).flatMap(({ names }) => names.map((name) => name.toLowerCase())),
  );
  for (const [i, stub] of stubs.entries()) {
    const at = ['services', 'stubs', i];
    problems.push(...stubProblems(stub).map((problem) => ({ ...problem, path: [...at, ...problem.path] })));
    if (stub.host !== null && taken.has(stub.host.toLowerCase())) {
      problems.push({
        path: [...at, 'host'],
        message: `${stub.host} is a mock host of its own`,
        hint: 'Choose another name, or give that host the service stubs-http.',
      });
    }
    bytes += stubBytes(stub);
    if (stub.expression !== null) expressions++;
  }
  if (bytes > MAX_STUB_BYTES) {
    problems.push({
      path: ['services', 'stubs'],
      message: `the bodies have ${bytes} bytes, of ${MAX_STUB_BYTES} at most`,
    });
  }
  if (expressions > MAX_EXPRESSIONS) {
    problems.push({
      path: ['services', 'stubs'],
      message: `${expressions} stubs have an expression, of ${MAX_EXPRESSIONS} at most: each is tried with each request`,
      hint: 'Use paths with :name and *.',
    });
  }
  if (stubs.length > 0 && !hosts.some(({ tcp }) => hasStubs(tcp))) {
    problems.push({ path: ['services', 'stubs'], message: 'no host of services.hosts has the service stubs-http' });
  }
}

/** Whether a host answers with stubs. */
export const hasStubs = (tcp: Readonly<Record<string, string>>): boolean =>
  Object.values(tcp).some((service) => service === 'stubs-http' || service === 'stubs-https');

/** The memory used by the bodies of a stub. */
export function stubBytes(stub: Stub): number {
  return [stub, ...stub.sequence].reduce(
    (sum, { body, json }) => sum + (body?.length ?? 0) + (json === null ? 0 : JSON.stringify(json).length),
    0,
  );
}

/**
 * Validates a stub that is added at run time, and completes it with all its members.
 * @throws TunneliteError `ERR_STUB_INVALID`
 */
export function checkStub(input: StubInput): Stub {
  const stub = check<Stub>(StubSchema, input, { what: 'stub', code: 'ERR_STUB_INVALID' });
  const [problem] = stubProblems(stub);
  if (problem === undefined) return stub;
  const { message, path, hint } = problem;
  throw new TunneliteError('ERR_STUB_INVALID', `${path.join('.')}: ${message}.`, hint === undefined ? {} : { hint });
}

function stubProblems(stub: Stub): Contradiction[] {
  const problems: Contradiction[] = [];
  const { expression, path } = stub;
  if (expression !== null) {
    const compiled = safeExpression(expression);
    if ('fault' in compiled) {
      problems.push({
        path: ['expression'],
        message: `“${expression}” is no regular expression that is taken: ${compiled.fault}`,
        hint: 'The syntax is that of RE2: without look-around (?=…) and references back \\1, which can take for ever.',
      });
    }
    if (path !== null)
      problems.push({ path: ['path'], message: 'there is an expression too', hint: 'Leave out one of them.' });
  }
  if (path !== null && !/^\/[\x21-\x7e]*$/.test(path)) {
    problems.push({
      path: ['path'],
      message: `“${path}” is no path as requests have it: it begins with / and has no spaces`,
    });
  } else if (path !== null && (/[?#]/.test(path) || /\*(?!$)|[^/]\*$/.test(path))) {
    problems.push({
      path: ['path'],
      message: /[?#]/.test(path) ? 'a path has no query' : 'a * stands for all below, as the last segment of its own',
    });
  }
  for (const [where, answer] of [
    [[], stub],
    ...stub.sequence.map((one, i) => [['sequence', i], one] as const),
  ] as const) {
    if (answer.body !== null && answer.json !== null) {
      problems.push({ path: [...where, 'body'], message: 'there is json too', hint: 'Leave out one of them.' });
    }
    for (const [name, value] of Object.entries(answer.headers)) {
      const fault = !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/.test(name)
        ? 'is no name of a header'
        : OWN_HEADERS.has(name.toLowerCase())
          ? 'is written by the server itself'
          : /[^\t\x20-\x7e\x80-\xff]/.test(value)
            ? 'has a value that no header can have'
            : undefined;
      if (fault !== undefined) problems.push({ path: [...where, 'headers', name], message: `${name} ${fault}` });
    }
  }
  return problems;
}
