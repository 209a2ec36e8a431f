import type { FastifyReply } from 'fastify';
import type { IdentityContext } from '../context/context.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { clientOf } from '../oauth/http.ts';
import { overrideParameters } from '../oauth/token-grants.ts';
import { passwordMark } from '../oauth/token-response.ts';
import type { Account } from '../oauth/users.ts';
import { messagePage } from '../pages/message-pages.ts';
import { Declined } from './actions.ts';
import { BRAND, sendErrorPage, sendErrorToApp, sendPage, sendToApp } from './answer.ts';
import type { AuthorizeRequest } from './authorize-request.ts';
import { signInOf, successParameters } from './complete.ts';
import type { FlowState, SignInFlow } from './flow.ts';
import type { Turn } from './turn.ts';

/** Where to send the app's response; undefined for a device code. */
export function targetOf(flow: SignInFlow): AuthorizeRequest | undefined {
  return flow.purpose.kind === 'authorize' ? flow.purpose.request : undefined;
}

/** Signs the browser in, and completes the request of the app or the waiting device. */
export async function finish(turn: Turn, flow: SignInFlow, state: FlowState): Promise<FastifyReply> {
  const { context, signIns, request, reply } = turn;
  const account = state.account!;
  strikeOverride(context, flow, account, state);
  signIns.end(flow);
  if (flow.fresh) rememberSignIn(turn, flow, account);
  context.emit('identity.signin.completed', {
    user: account.user.userPrincipalName,
    client: state.app.appId,
    methods: flow.authentication!.methods.join(' '),
    remote: clientOf(request).remote,
  });
  if (flow.purpose.kind === 'device') {
    flow.purpose.device.signIn = signInOf(flow, account, state.app.appId);
    flow.purpose.device.state = 'approved';
    const text = `You have signed in to ${state.app.displayName} on your device. You may now close this window.`;
    return sendPage(context, reply, messagePage(BRAND, 'You are signed in', text));
  }
  const authorizeRequest = flow.purpose.request;
  const parameters = await successParameters(context, flow, authorizeRequest, account, clientOf(request).address);
  return sendToApp(context, reply, authorizeRequest, parameters);
}

/** The app must handle a requested failure, so it gets the error without a page. */
function strikeOverride(context: IdentityContext, flow: SignInFlow, account: Account, state: FlowState): void {
  try {
    const requester = { user: account.user, client: state.app.appId };
    context.overrides.strike('authorize', requester, overrideParameters(account, state, flow.scope));
  } catch (error) {
    throw error instanceof AadstsError ? new Declined(error) : error;
  }
}

function rememberSignIn({ signIns, browser }: Turn, flow: SignInFlow, { home }: Account): void {
  const persistent = flow.stay === true;
  const { secret, seconds } = signIns.sessions.signIn(browser.session, {
    tenantId: home.tenant.id,
    userId: home.user.id,
    userPrincipalName: home.user.userPrincipalName,
    sessionId: flow.sessionId!,
    authentication: flow.authentication!,
    passwordMark: passwordMark(home.user),
    order: flow.order,
    persistent,
  });
  browser.setSession(secret, seconds, persistent);
}

/** Ends a failed flow: the page shows the reason, or the app gets the error at once if the user canceled. */
export function failFlow({ context, signIns, request, reply }: Turn, flow: SignInFlow, thrown: unknown): FastifyReply {
  const error = thrown instanceof Declined ? thrown.error : thrown;
  if (!(error instanceof AadstsError)) throw thrown;
  signIns.end(flow);
  context.emit('identity.signin.failed', {
    user: flow.username,
    client: flow.clientId,
    code: error.aadsts,
    ordered: error.ordered,
    explanation: error.text,
    remote: clientOf(request).remote,
  });
  const target = targetOf(flow);
  if (flow.purpose.kind === 'device' && thrown instanceof Declined) {
    // A device only receives "declined".
    flow.purpose.device.state = 'declined';
    return sendPage(
      context,
      reply,
      messagePage(BRAND, 'Sign-in cancelled', 'The app on your device was told. You may close this window.'),
    );
  }
  if (thrown instanceof Declined && target) return sendErrorToApp(context, request, reply, error, target, false);
  return sendErrorPage(context, request, reply, error, target);
}
