import { jsonShape, parseStrict } from '../../lib/strict-json.ts';
import { authenticate } from './access.ts';
import type { Call, GraphAnswer, GraphContext, GraphRequest } from './call.ts';
import { directoryAnswer } from './directory-paths.ts';
import { badRequest, GraphError, noSegment } from './graph-error.ts';
import { managementAnswer } from './management-paths.ts';
import { parsePath, type Segment } from './path.ts';
import { readQuery } from './query.ts';

/** Largest body, in bytes: Graph's own limit. */
export const MAX_BODY = 4 * 1024 * 1024;

/** Most members of all objects in a body: more than the longest lists need, and few enough to process quickly. */
const MAX_MEMBERS = 30_000;

/** Handles a request to Microsoft Graph. @throws GraphError */
export async function answerGraph(context: GraphContext, request: GraphRequest): Promise<GraphAnswer> {
  const token = await authenticate(request.authorization, context);
  const tenant = context.directory.findTenant(token.tenantId);
  if (!tenant) throw new GraphError(401, 'InvalidAuthenticationToken', `The tenant '${token.tenantId}' is unknown.`);
  const segments = parsePath(request.path);
  const base = `${request.origin}/${request.version}`;
  const call: Call = {
    method: request.method,
    version: request.version,
    segments,
    query: readQuery(request.search),
    token,
    tenant,
    address: `${base}/${request.path.replace(/^\/|\/$/g, '')}`,
    metadata: `${base}/$metadata`,
    body: bodyOf(request),
    ifMatch: request.ifMatch,
  };
  const [{ name }] = segments as readonly [Segment];
  if (/^device(App)?Management$/i.test(name)) return managementAnswer(context, call);
  return directoryAnswer(context, call) ?? fail(noSegment(name.slice(0, 200)));
}

function fail(error: GraphError): never {
  throw error;
}

const NOT_JSON =
  'Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format.';

function bodyOf({ method, body, contentType }: GraphRequest): unknown {
  if (method === 'GET' || method === 'DELETE' || method === 'HEAD') return undefined;
  if (body === undefined || body === '') return undefined;
  if (!/^application\/json\b/i.test(contentType ?? '')) {
    throw badRequest('Write requests (excluding DELETE) must contain the Content-Type header declaration.');
  }
  const { members } = jsonShape(body);
  if (members > MAX_MEMBERS) throw badRequest(`The payload has ${members} members; the limit is ${MAX_MEMBERS}.`);
  const parsed = parseStrict(body.replace(/^\ufeff/, ''));
  if (typeof parsed === 'string') throw badRequest(NOT_JSON);
  return parsed.value;
}

/** Graph's response in place of the requested object. */
export function errorBody(
  error: GraphError,
  ids: { readonly now: string; readonly request: string; readonly client: string },
): object {
  const innerError = { date: ids.now, 'request-id': ids.request, 'client-request-id': ids.client };
  return { error: { code: error.code, message: error.message, innerError } };
}
