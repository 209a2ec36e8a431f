import type { Socket } from 'node:net';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, errorText, isTunneliteError, TunneliteError } from '../../lib/errors.ts';
import { STATUS_CODES } from '../../lib/node-http.ts';
import { printable } from '../../lib/printable.ts';
import { parseStrict, type StrictFault } from '../../lib/strict-json.ts';

/** Errors caused by the request, with their status. */
const STATUS: Readonly<Partial<Record<ErrorCode, number>>> = {
  ERR_REQUEST_INVALID: 400,
  ERR_IDENTITY_NOT_FOUND: 404,
  ERR_IDENTITY_EXISTS: 409,
  ERR_IDENTITY_DIRECTORY_INVALID: 400,
  ERR_IDENTITY_OVERRIDE: 400,
  // Errors of Entra itself, such as AADSTS50034 for an unknown user.
  ERR_IDENTITY_AADSTS: 400,
  ERR_IDENTITY_WRONG_TOKEN: 400,
  ERR_SIMULATOR_TOKEN_REQUEST: 400,
  ERR_SIMULATOR_NO_PROVIDER: 404,
  ERR_JOURNAL_QUERY: 400,
  ERR_EXPLAIN_SUBJECT: 400,
  ERR_EXPLAIN_UNKNOWN: 404,
  ERR_JOURNAL_EXPECTATION: 409,
  ERR_JOURNAL_PROBLEMS: 409,
  ERR_COUNT_INVALID: 400,
  ERR_DURATION_INVALID: 400,
  ERR_CLOCK_RANGE: 400,
  ERR_CLOCK_MODE: 400,
  ERR_CLOCK_INTERRUPTED: 409,
  ERR_TIMEOUT: 408,
  ERR_CLOSED: 503,
  ERR_ADMIN_BUSY: 503,
  ERR_ADMIN_FORBIDDEN: 403,
  ERR_ADMIN_SECRET: 401,
  ERR_ADMIN_LINK: 403,
  ERR_NOT_FOUND: 404,
  ERR_RESOURCE_RULE: 400,
  ERR_RESOURCE_UNKNOWN: 404,
  ERR_ACCESS_RULE: 400,
  ERR_ACCESS_UNKNOWN: 404,
  ERR_INTUNE_DOCUMENT: 400,
  ERR_STUB_INVALID: 400,
  ERR_STUB_UNKNOWN: 404,
  ERR_SESSION_UNKNOWN: 404,
  ERR_FAULT_RULE: 400,
  ERR_FAULT_EXISTS: 409,
  ERR_FAULT_UNKNOWN: 404,
  ERR_FAULT_LIMIT: 409,
  ERR_SESSION_NOT_CONNECTED: 409,
  ERR_GATEWAY_STATE: 409,
  ERR_GATEWAY_PORT_IN_USE: 409,
  ERR_CONFIG_INVALID: 400,
  ERR_CONFIG_SYNTAX: 400,
  ERR_CONFIG_FILE: 400,
  ERR_CONFIG_RELOAD: 409,
  ERR_CAPTURE_UNKNOWN: 404,
  ERR_CAPTURE_LIMIT: 409,
  ERR_CAPTURE_OPTIONS: 400,
  ERR_REPORT_READ_ONLY: 409,
};

/** Responds with `{"error":{"code","message","hint","details"}}`, the format of every error on the administration listener. */
export function sendProblem(error: unknown, reply: FastifyReply): FastifyReply {
  if (isTunneliteError(error)) {
    const { code, message, hint, details } = error;
    return reply.code(STATUS[code] ?? 500).send({ error: { code, message, hint, details } });
  }
  // Errors of fastify itself.
  const status = (error as FastifyError | undefined)?.statusCode ?? 500;
  const own =
    status < 500 ? wordsOf(error as FastifyError, reply) : new TunneliteError('ERR_INTERNAL', errorText(error));
  const { code, message, hint, details } = own;
  return reply.code(status).send({ error: { code, message, hint, details } });
}

function wordsOf(error: FastifyError, { request }: FastifyReply): TunneliteError {
  switch (error.code) {
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': {
      const type = request.headers['content-type'];
      const sent = type ? `The body is ${printable(type)}` : 'The body has no content type';
      return badRequest(`${sent}, but only JSON is accepted.`, 'Send it with "Content-Type: application/json".');
    }
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return badRequest(`The body is longer than ${request.routeOptions.bodyLimit} bytes.`, 'Send less at a time.');
    case 'FST_ERR_BAD_URL':
      return badRequest(`The address ${addressed(request)} is not valid.`, 'Write a percent sign in a name as %25.');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return badRequest(`The address ${addressed(request)} contains a name that is too long.`, 'Shorten it.');
    default:
      return new TunneliteError('ERR_REQUEST_INVALID', errorText(error));
  }
}

/** The part of a URL to repeat in a message. */
function addressed({ url }: FastifyRequest): string {
  return printable(url.length > 200 ? `${url.slice(0, 200)}…` : url);
}

function badRequest(message: string, hint: string): TunneliteError {
  return new TunneliteError('ERR_REQUEST_INVALID', message, { hint });
}

const FAULTS: Readonly<Record<Exclude<StrictFault, 'not-json'>, string>> = {
  'repeated-member': 'has a repeated member',
  'too-deep': 'is nested too deeply',
};

/**
 * Parses bodies strictly: reports invalid JSON in the parser's own words, and refuses
 * duplicate members. An empty body counts as no body.
 */
export function readStrictJson(app: FastifyInstance): void {
  app.removeContentTypeParser('application/json');
  app.addContentTypeParser('application/json', { parseAs: 'string' }, async (_: FastifyRequest, body: string) => {
    const text = body.replace(/^\ufeff/, '');
    if (text === '') return undefined;
    const parsed = parseStrict(text);
    // Otherwise null would count as no body.
    if (typeof parsed !== 'string') {
      if (parsed.value !== null) return parsed.value;
      throw badRequest('The body is null, but must be an object.', 'For no members, send {}.');
    }
    const what = parsed === 'not-json' ? `is not JSON: ${whyNotJson(text)}` : FAULTS[parsed];
    throw badRequest(`The body ${what}.`, '/api/openapi.json describes every request.');
  });
}

function whyNotJson(text: string): string {
  try {
    JSON.parse(text);
    return 'it cannot be read';
  } catch (error) {
    return errorText(error);
  }
}

/** Responds to invalid or slow HTTP, and closes the connection. */
export function refuseClient(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [status, message, hint] = CLIENT_ERRORS[error.code ?? ''] ?? NO_HTTP;
  const body = JSON.stringify({ error: { code: 'ERR_REQUEST_INVALID', message, hint } });
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json; charset=utf-8\r\n`;
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`, () =>
    socket.destroy(),
  );
}

type ClientError = readonly [status: number, message: string, hint: string];
const NO_HTTP: ClientError = [
  400,
  'The request is not HTTP/1.1.',
  'Use http:// with this port, and a client that speaks HTTP/1.1.',
];
const CLIENT_ERRORS: Readonly<Record<string, ClientError>> = {
  HPE_HEADER_OVERFLOW: [431, 'The head of the request is longer than 16 KB.', 'Send a shorter request.'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time.', 'Send it completely at once.'],
};

/** A request for an unknown route. */
export function sendNotFound(request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return sendProblem(
    new TunneliteError('ERR_NOT_FOUND', `There is no ${request.method} ${addressed(request)}.`),
    reply,
  );
}
