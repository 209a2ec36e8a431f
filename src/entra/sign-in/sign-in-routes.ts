import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ownString } from '../../lib/own-string.ts';
import type { IdentityContext, SharedContext } from '../context/context.ts';
import { Parameters } from '../context/parameters.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { contextOf, formOf, readRequest } from '../oauth/http.ts';
import { act } from './actions.ts';
import { sendErrorPage, sendErrorToApp, sendPage } from './answer.ts';
import { AuthorizeError, readAuthorizeRequest } from './authorize-request.ts';
import { failFlow, finish, targetOf } from './finish.ts';
import { evaluateFlow, type FlowState, judgeFlow, type SignInFlow } from './flow.ts';
import type { SignIns } from './flows.ts';
import { LOGIN_PATH, stepPage } from './step-pages.ts';
import { type Turn, turnOf } from './turn.ts';

/** The authorize endpoint and its pages. */
export function signInRoutes(shared: SharedContext, signIns: SignIns, app: FastifyInstance): void {
  app.setErrorHandler((error: unknown, request, reply) =>
    sendFailure(contextOf(shared, request), request, reply, error),
  );
  for (const [path, version] of [
    ['oauth2', 1],
    ['oauth2/v2.0', 2],
  ] as const) {
    const config = { config: { endpoint: 'authorize', version } as const };
    // OpenID Connect Core §3.1.2.1: the request can also be a form.
    app.get(`/:tenant/${path}/authorize`, config, (request, reply) =>
      authorize(turnOf(shared, signIns, request, reply), Parameters.ofUrl(request.url)),
    );
    app.post(`/:tenant/${path}/authorize`, config, (request, reply) =>
      authorize(turnOf(shared, signIns, request, reply), formOf(request)),
    );
  }
  app.get(LOGIN_PATH, { config: { endpoint: 'authorize' } }, (request, reply) => {
    const turn = turnOf(shared, signIns, request, reply);
    return showStep(turn, signIns.find(Parameters.ofUrl(request.url).get('flow'), turn.browser));
  });
  app.post(LOGIN_PATH, { config: { endpoint: 'authorize' } }, (request, reply) => {
    const turn = turnOf(shared, signIns, request, reply);
    const form = formOf(request);
    const flow = signIns.find(form.get('flow'), turn.browser);
    turn.browser.checkForm(request, flow.id, form.get('canary'));
    return submitStep(turn, flow, form);
  });
}

/** Starts a sign-in: responds at once if no page is needed, else redirects to the first page. */
async function authorize(turn: Turn, parameters: Parameters): Promise<FastifyReply> {
  const { context, signIns, request, browser } = turn;
  const authorizeRequest = readAuthorizeRequest(context, readRequest(context, request, parameters));
  const { clientId, authority, scope, deviceId, prompt } = authorizeRequest;
  const flow = signIns.begin(browser, {
    authority,
    clientId,
    scope,
    deviceId,
    purpose: { kind: 'authorize', request: authorizeRequest },
  });
  if (prompt.has('none')) {
    signIns.end(flow);
    return answerSilently(turn, flow);
  }
  return showStep(turn, flow);
}

/** `prompt=none`: a response or an error, never a page. */
async function answerSilently(turn: Turn, flow: SignInFlow): Promise<FastifyReply> {
  const { context, signIns, request, reply, browser } = turn;
  const target = targetOf(flow)!;
  try {
    if (!flow.authentication) {
      const several = signIns.accountsFor(flow, browser).length > 0;
      const tenant = flow.authority;
      throw several && flow.username === undefined
        ? new AadstsError(16000, { tenant, client: flow.clientId })
        : new AadstsError(50058);
    }
    const state = evaluateFlow(context, flow, []);
    if (state.step === 'done') return await finish(turn, flow, state);
    if (state.step === 'consent') {
      throw new AadstsError(65001, { client: state.app.appId, name: state.app.displayName });
    }
    const { account, app } = state;
    const resources = state.consents.map(({ resource }) => resource);
    const failure = account && judgeFlow(context, flow, flow.authentication, account, app, resources);
    throw failure?.error ?? new AadstsError(state.step === 'new-password' ? 50055 : 50058);
  } catch (error) {
    if (error instanceof AadstsError) return sendErrorToApp(context, request, reply, error, target, true);
    throw error;
  }
}

/** Shows the current step of the flow: a page, the organization's STS, or the response to the app. */
async function showStep(turn: Turn, flow: SignInFlow): Promise<FastifyReply> {
  const { context, reply, browser } = turn;
  try {
    const state = evaluateOrAskAgain(turn, flow);
    if (state.step === 'federated') return reply.redirect(stsLocation(context, flow, state), 302);
    if (state.step === 'done') return await finish(turn, flow, state);
    const page = stepPage(context, browser, flow, state)!;
    flow.notice = undefined;
    return sendPage(context, reply, page, { formTarget: targetOf(flow)?.redirectUri });
  } catch (error) {
    return failFlow(turn, flow, error);
  }
}

/** A hinted name may be unknown: then the page asks for a name instead of showing an error. */
function evaluateOrAskAgain({ context, signIns, browser }: Turn, flow: SignInFlow): FlowState {
  const accounts = signIns.accountsFor(flow, browser);
  try {
    return evaluateFlow(context, flow, accounts);
  } catch (error) {
    if (!(error instanceof AadstsError) || error.aadsts !== 50034 || flow.authentication) throw error;
    flow.notice = `There is no account ${flow.username} here (AADSTS50034).`;
    flow.typed = flow.username ?? '';
    flow.username = undefined;
    return evaluateFlow(context, flow, accounts);
  }
}

async function submitStep(turn: Turn, flow: SignInFlow, form: Parameters): Promise<FastifyReply> {
  const { context, signIns, reply, browser } = turn;
  try {
    const state = evaluateFlow(context, flow, signIns.accountsFor(flow, browser));
    act(state.step, { context, signIns, browser, flow, state, form });
    if (evaluateFlow(context, flow, signIns.accountsFor(flow, browser)).step === 'done') {
      return await showStep(turn, flow);
    }
    // Each step has its own page, so that a reload does not resubmit a form.
    return reply.redirect(loginLocation(flow), 303);
  } catch (error) {
    return failFlow(turn, flow, error);
  }
}

export function loginLocation(flow: SignInFlow): string {
  return `${LOGIN_PATH}?flow=${flow.id}`;
}

function stsLocation(context: IdentityContext, flow: SignInFlow, { account }: FlowState): string {
  const tenant = account?.home.tenant ?? context.directory.tenant(flow.federatedDomain!);
  const parameters = new URLSearchParams({
    wa: 'wsignin1.0',
    wtrealm: 'urn:federation:MicrosoftOnline',
    wctx: flow.id,
    ...(flow.username !== undefined && { username: flow.username }),
  });
  return `${context.origin()}/${tenant.id}/sts/ls?${parameters}`;
}

/** Errors outside a flow: sent to the app once its redirect URI is validated (RFC 6749 §4.1.2.1), before that shown on a page. */
function sendFailure(
  context: IdentityContext,
  request: FastifyRequest,
  reply: FastifyReply,
  thrown: unknown,
): FastifyReply {
  if (thrown instanceof AuthorizeError) {
    const { error, target, silent } = thrown;
    return sendErrorToApp(context, request, reply, error, target, silent);
  }
  if (thrown instanceof AadstsError) return sendErrorPage(context, request, reply, thrown);
  const status = typeof thrown === 'object' && thrown && 'statusCode' in thrown ? Number(thrown.statusCode) : 500;
  if (status >= 500) {
    context.emit('identity.request.failed', {
      path: ownString(request.url.split('?', 1)[0]!),
      explanation: String(thrown),
    });
  }
  return sendErrorPage(context, request, reply, new AadstsError(status >= 500 ? 70012 : 9002313)).code(status);
}
