import type { Context, Helpers } from './artillery.ts';
import { EngineError } from './errors.ts';
import { flagOf, isMembers, type Members, membersOf, requiredText, scriptError, textOf, timeOf } from './values.ts';
import type { VirtualUser } from './virtual-user.ts';

const MEMBERS = [
  'url',
  'method',
  'headers',
  'body',
  'json',
  'expect',
  'timeout',
  'allowLoss',
  'capture',
  'match',
] as const;
const WHERE = 'request';

/** One HTTP request through the tunnel, on a connection of its own. @throws TunneliteError, EngineError */
export async function request(
  user: VirtualUser,
  value: unknown,
  context: Context,
  helpers: Pick<Helpers, 'captureOrMatch'>,
): Promise<void> {
  const members = typeof value === 'string' ? { url: value } : membersOf(value, WHERE, MEMBERS);
  const url = requiredText(members, 'url', WHERE);
  if (!/^https?:/i.test(url) || URL.parse(url) === null) {
    throw scriptError(`"url" of ${WHERE} is "${url}", which is no URL such as http://intranet.contoso.internal/.`);
  }
  const expected = expectedOf(members);
  const { json } = members;
  const body = json === undefined ? textOf(members, 'body', WHERE) : JSON.stringify(json);
  const timeout = timeOf(members, 'timeout', WHERE, 30);
  const signal = AbortSignal.timeout(timeout);
  const lenient = flagOf(members, 'allowLoss', WHERE) ?? false;
  const { client } = user;
  user.count('requests');
  user.rate('request_rate');
  const begun = performance.now();
  const asked = client
    .fetch(url, {
      method: textOf(members, 'method', WHERE)?.toUpperCase() ?? 'GET',
      headers: { ...(json !== undefined && { 'content-type': 'application/json' }), ...headersOf(members) },
      ...(body !== undefined && { body }),
      signal,
    })
    .catch((cause: unknown) => {
      if (!signal.aborted) throw cause;
      throw new EngineError('ERR_ENGINE_TIMEOUT', `${url} did not answer within ${timeout / 1000} s.`, { cause });
    });
  const answer = await user.unlessLost('request', lenient, asked);
  if (answer === undefined) return;
  user.answered('request', performance.now() - begun);
  user.count(`codes.${answer.status}`);
  if (expected !== undefined && !expected.includes(answer.status)) {
    throw new EngineError('ERR_ENGINE_STATUS', `${url} answered ${answer.status} instead of ${expected.join(' or ')}.`);
  }
  if (members['capture'] === undefined && members['match'] === undefined) return;
  const { capture, match } = members;
  const params = { ...(capture !== undefined && { capture }), ...(match !== undefined && { match }) };
  const response = { body: answer.body.toString('utf8'), headers: answer.headers };
  await new Promise<void>((resolve, reject) => {
    helpers.captureOrMatch(params, response, context, (error, result) => {
      if (error) return reject(error);
      const { captures = {}, matches = {} } = result ?? {};
      const failed = Object.entries(captures).filter(([, each]) => each.failed === true);
      const differs = Object.entries(matches).filter(([, each]) => each.success === false);
      const [name] = [...failed, ...differs].map(([each]) => each);
      if (name !== undefined) {
        return reject(
          new EngineError('ERR_ENGINE_ANSWER', `The answer of ${url} does not have "${name}" as the script wants it.`),
        );
      }
      for (const [each, { value: captured }] of Object.entries(captures)) context.vars[each] = captured;
      resolve();
    });
  });
}

function expectedOf(members: Members): readonly number[] | undefined {
  const { expect } = members;
  if (expect === undefined) return undefined;
  const all = (Array.isArray(expect) ? expect : [expect]).map(Number);
  if (all.length > 0 && all.every((each) => Number.isInteger(each) && each >= 100 && each <= 599)) return all;
  throw scriptError(`"expect" of ${WHERE} is neither an HTTP status nor a list of them.`);
}

function headersOf(members: Members): Readonly<Record<string, string>> {
  const { headers } = members;
  if (headers === undefined || headers === null) return {};
  if (!isMembers(headers)) throw scriptError(`"headers" of ${WHERE} is not an object.`);
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
