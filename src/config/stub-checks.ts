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
        message: `${stub.host} is another mock host`,
        hint: 'Choose another name, or add the service stubs-http to that host.',
      });
    }
    bytes += stubBytes(stub);
    if (stub.expression !== null) expressions++;
  }
  if (bytes > MAX_STUB_BYTES) {
    problems.push({
      path: ['services', 'stubs'],
      message: `the bodies have ${bytes} bytes; the limit is ${MAX_STUB_BYTES}`,
    });
  }
  if (expressions > MAX_EXPRESSIONS) {
    problems.push({
      path: ['services', 'stubs'],
      message: `${expressions} stubs have an expression; the limit is ${MAX_EXPRESSIONS}, because each request is compared with all of them`,
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
        message: `“${expression}” is not a valid regular expression: ${compiled.fault}`,
        hint: 'Use RE2 syntax, which has no look-around (?=…) and no backreferences \\1, because these can take exponential time.',
      });
    }
    if (path !== null)
      problems.push({ path: ['path'], message: 'there is also an expression', hint: 'Remove one of them.' });
  }
  if (path !== null && !/^\/[\x21-\x7e]*$/.test(path)) {
    problems.push({
      path: ['path'],
      message: `“${path}” is not a path of a request, which begins with / and has no spaces`,
    });
  } else if (path !== null && (/[?#]/.test(path) || /\*(?!$)|[^/]\*$/.test(path))) {
    problems.push({
      path: ['path'],
      message: /[?#]/.test(path)
        ? 'a path has no query'
        : 'a * is only possible as the last segment, for all paths below',
    });
  }
  for (const [where, answer] of [
    [[], stub],
    ...stub.sequence.map((one, i) => [['sequence', i], one] as const),
  ] as const) {
    if (answer.body !== null && answer.json !== null) {
      problems.push({ path: [...where, 'body'], message: 'there is also json', hint: 'Remove one of them.' });
    }
    for (const [name, value] of Object.entries(answer.headers)) {
      const fault = !/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/.test(name)
        ? 'is not a header name'
        : OWN_HEADERS.has(name.toLowerCase())
          ? 'is set by the server itself'
          : /[^\t\x20-\x7e\x80-\xff]/.test(value)
            ? 'has a value that is not valid in a header'
            : undefined;
      if (fault !== undefined) problems.push({ path: [...where, 'headers', name], message: `${name} ${fault}` });
    }
  }
  return problems;
}
