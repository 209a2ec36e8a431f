import type { IdentityContext, RequestContext } from '../context/context.ts';
import type { CodeGrant } from '../context/grants.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { type Client, findClient } from '../oauth/clients.ts';
import { readChallenge } from '../oauth/pkce.ts';
import { parseRequestClaims, type RequestClaims } from '../oauth/request-claims.ts';
import { parseScopes } from '../oauth/scopes.ts';
import { requestedScope } from '../oauth/token-grants.ts';
import { findRedirect } from './redirect-uri.ts';

const RESPONSE_TYPES = ['code', 'id_token', 'token'] as const;
type ResponseType = (typeof RESPONSE_TYPES)[number];
const RESPONSE_MODES = ['query', 'fragment', 'form_post'] as const;
export type ResponseMode = (typeof RESPONSE_MODES)[number];
const PROMPTS = ['none', 'login', 'consent', 'select_account', 'admin_consent', 'create'] as const;
export type Prompt = (typeof PROMPTS)[number];

/** Target and mode of the response: parsed first, so that later errors can be sent to the app. */
export interface AnswerTarget {
  readonly redirectUri: string;
  readonly responseMode: ResponseMode;
  readonly state: string | undefined;
}

/** A valid authorize request. */
export interface AuthorizeRequest extends AnswerTarget {
  readonly clientId: string;
  readonly authority: string;
  readonly version: 1 | 2;
  readonly responseTypes: ReadonlySet<ResponseType>;
  readonly scope: string;
  readonly nonce: string | undefined;
  readonly challenge: CodeGrant['challenge'];
  readonly spa: boolean;
  readonly prompt: ReadonlySet<Prompt>;
  readonly loginHint: string | undefined;
  readonly domainHint: string | undefined;
  /** Seconds; older sign-ins do not count. */
  readonly maxAge: number | undefined;
  readonly claims: RequestClaims;
  readonly clientInfo: boolean;
  readonly deviceId: string | undefined;
}

/** An error that can be sent to the app, because its redirect URI is validated. */
export class AuthorizeError extends Error {
  readonly error: AadstsError;
  readonly target: AnswerTarget;
  /** The app requested that no page be shown. */
  readonly silent: boolean;

  constructor(error: AadstsError, target: AnswerTarget, silent: boolean) {
    super(error.message);
    this.error = error;
    this.target = target;
    this.silent = silent;
  }
}

/**
 * Parses an authorize request.
 *
 * @throws AadstsError before the redirect URI is validated: nothing may be sent there
 * @throws AuthorizeError afterwards
 */
export function readAuthorizeRequest(context: IdentityContext, request: RequestContext): AuthorizeRequest {
  const { parameters, authority, version } = request;
  const clientId = parameters.get('client_id');
  if (clientId === undefined) throw new AadstsError(900144, { field: 'client_id' });
  const client = findClient(context, authority, clientId);
  const redirect = findRedirect(client.app, parameters.get('redirect_uri'), context.origin());
  const state = parameters.get('state');
  const prompt = new Set((parameters.get('prompt') ?? '').split(' ').filter(Boolean)) as ReadonlySet<Prompt>;
  let target: AnswerTarget = { redirectUri: redirect.uri, responseMode: 'query', state };
  try {
    const responseTypes = readResponseTypes(parameters.get('response_type'), client);
    target = { ...target, responseMode: defaultMode(responseTypes) };
    target = { ...target, responseMode: readResponseMode(parameters.get('response_mode'), responseTypes) };
    for (const word of prompt) if (!PROMPTS.includes(word)) throw new AadstsError(90100, { field: 'prompt' });
    if (prompt.has('none') && prompt.size > 1) throw new AadstsError(90100, { field: 'prompt' });
    const nonce = parameters.get('nonce');
    if (responseTypes.has('id_token') && nonce === undefined) throw new AadstsError(90014, { field: 'nonce' });
    const challenge = readChallenge(parameters.get('code_challenge'), parameters.get('code_challenge_method'));
    if (redirect.spa && responseTypes.has('code') && !challenge) throw new AadstsError(9002325);
    const { text: scope } = requestedScope(request);
    parseScopes(scope);
    return {
      ...target,
      clientId: client.app.appId,
      authority: authority.name,
      version,
      responseTypes,
      scope,
      nonce,
      challenge,
      spa: redirect.spa,
      prompt,
      loginHint: parameters.get('login_hint')?.slice(0, 320),
      domainHint: parameters.get('domain_hint')?.slice(0, 320),
      maxAge: readMaxAge(parameters.get('max_age')),
      claims: parseRequestClaims(parameters.get('claims')),
      clientInfo: parameters.get('client_info') === '1',
      deviceId: request.deviceId,
    };
  } catch (error) {
    if (error instanceof AadstsError) throw new AuthorizeError(error, target, prompt.has('none'));
    throw error;
  }
}

function readResponseTypes(text: string | undefined, { app }: Pick<Client, 'app'>): ReadonlySet<ResponseType> {
  if (text === undefined) throw new AadstsError(900144, { field: 'response_type' });
  const types = new Set(text.split(' ').filter(Boolean)) as Set<ResponseType>;
  for (const type of types) if (!RESPONSE_TYPES.includes(type)) throw new AadstsError(70005, { type: text });
  if (types.has('id_token') && !app.implicitIdToken) throw new AadstsError(700054);
  if (types.has('token') && !app.implicitAccessToken) throw new AadstsError(70005, { type: text });
  return types;
}

/** Tokens are returned in the fragment (OAuth 2.0 Multiple Response Types §5). */
function defaultMode(types: ReadonlySet<ResponseType>): ResponseMode {
  return types.size === 1 && types.has('code') ? 'query' : 'fragment';
}

function readResponseMode(text: string | undefined, types: ReadonlySet<ResponseType>): ResponseMode {
  const usual = defaultMode(types);
  if (text === undefined) return usual;
  const mode = RESPONSE_MODES.find((one) => one === text);
  // Tokens are never returned in a query: it ends up in logs and histories (OAuth 2.0 Multiple Response Types §5).
  if (!mode || (mode === 'query' && usual !== 'query')) throw new AadstsError(70007, { mode: text });
  return mode;
}

function readMaxAge(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (!Number.isSafeInteger(seconds) || seconds < 0) throw new AadstsError(90100, { field: 'max_age' });
  return seconds;
}
