import type { FastifyReply, FastifyRequest } from 'fastify';
import { type IdentityContext, newGuid, type SharedContext } from '../context/context.ts';
import { type AadstsError, entraTimestamp, errorDescription } from '../errors/aadsts-error.ts';
import { traceOf } from '../oauth/http.ts';
import { type Page, renderPage } from '../pages/layout.ts';
import { errorPage, relayPage } from '../pages/message-pages.ts';
import type { AnswerTarget } from './authorize-request.ts';
import { formActionSource, withParameters } from './redirect-uri.ts';

export const BRAND = 'Tunnelite ID';

/**
 * Sends a page with a strict policy: scripts only with a nonce, no framing, forms only to us and to the app's redirect URI. No
 * Cross-Origin-Opener-Policy: an app that opened the page as a popup reads the response from its window (msal-browser 2 to 4).
 */
export function sendPage(
  context: Pick<SharedContext, 'random'>,
  reply: FastifyReply,
  page: Page | ((nonce: string) => Page),
  options: { readonly status?: number; readonly formTarget?: string | undefined; readonly script?: boolean } = {},
): FastifyReply {
  const nonce = context.random.bytes(18).toString('base64');
  const formAction = options.formTarget === undefined ? "'self'" : `'self' ${formActionSource(options.formTarget)}`;
  const policy = [
    "default-src 'none'",
    `style-src 'nonce-${nonce}'`,
    ...(options.script ? [`script-src 'nonce-${nonce}'`] : []),
    "img-src 'self' data:",
    `form-action ${formAction}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ];
  return reply
    .code(options.status ?? 200)
    .headers({
      'content-security-policy': policy.join('; '),
      'x-frame-options': 'DENY',
      'referrer-policy': 'same-origin',
    })
    .type('text/html; charset=utf-8')
    .send(renderPage(typeof page === 'function' ? page(nonce) : page, nonce));
}

/** Sends a response to the app: by redirect, or by a self-posting form. */
export function sendToApp(
  context: IdentityContext,
  reply: FastifyReply,
  target: AnswerTarget,
  parameters: URLSearchParams,
): FastifyReply {
  if (target.state !== undefined) parameters.set('state', target.state);
  const { redirectUri, responseMode } = target;
  if (responseMode !== 'form_post') return reply.redirect(withParameters(redirectUri, parameters, responseMode), 302);
  return sendPage(context, reply, (nonce) => relayPage(BRAND, redirectUri, parameters, nonce), {
    formTarget: redirectUri,
    script: true,
  });
}

/** An error in the format of the app's redirect URI. */
function errorParameters(
  context: IdentityContext,
  request: FastifyRequest,
  error: AadstsError,
  silent: boolean,
): URLSearchParams {
  const trace = traceOf(context, request);
  const parameters = new URLSearchParams({
    error: silent ? (error.entry.silentError ?? error.entry.error) : error.entry.error,
    error_description: errorDescription(error, trace),
    error_uri: `${context.origin()}/error?code=${error.aadsts}`,
  });
  if (error.suberror !== undefined) parameters.set('error_subcode', error.suberror);
  if (error.claims !== undefined) parameters.set('claims', error.claims);
  return parameters;
}

/** Sends an error to the app, without a page in between. */
export function sendErrorToApp(
  context: IdentityContext,
  request: FastifyRequest,
  reply: FastifyReply,
  error: AadstsError,
  target: AnswerTarget,
  silent: boolean,
): FastifyReply {
  return sendToApp(context, reply, target, errorParameters(context, request, error, silent));
}

/** Shows an error to the user, with a link back to the app if the app is known. */
export function sendErrorPage(
  context: IdentityContext,
  request: FastifyRequest,
  reply: FastifyReply,
  error: AadstsError,
  target?: AnswerTarget,
): FastifyReply {
  const trace = traceOf(context, request);
  let backToApp: string | undefined;
  if (target) {
    const parameters = errorParameters(context, request, error, false);
    if (target.state !== undefined) parameters.set('state', target.state);
    // A link cannot post; the app gets the error only in the modes query and fragment.
    backToApp = withParameters(
      target.redirectUri,
      parameters,
      target.responseMode === 'fragment' ? 'fragment' : 'query',
    );
  }
  const page = errorPage({
    brand: BRAND,
    code: error.aadsts,
    text: error.text,
    traceId: trace.traceId,
    correlationId: trace.correlationId,
    timestamp: entraTimestamp(trace.time),
    backToApp,
  });
  return sendPage(context, reply, page, { status: error.entry.status ?? 400 });
}

/** `session_state` of a successful response. */
export function sessionState(context: IdentityContext): string {
  return newGuid(context.random);
}
