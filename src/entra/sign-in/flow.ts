import { findAuthority } from '../context/authority.ts';
import { type IdentityContext, nowSeconds } from '../context/context.ts';
import type { Authentication, DeviceGrant } from '../context/grants.ts';
import type { Located } from '../directory/directory.ts';
import type { Application } from '../directory/schema.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import { findClient } from '../oauth/clients.ts';
import { type AccessFailure, judgeAccess, type Remedy } from '../oauth/conditional-access.ts';
import { type ConsentDecision, decideConsent } from '../oauth/consent.ts';
import { findResources, type Resource } from '../oauth/resources.ts';
import { parseScopes } from '../oauth/scopes.ts';
import { type Account, findAccount } from '../oauth/users.ts';
import type { AuthorizeRequest } from './authorize-request.ts';
import type { SignedIn } from './sessions.ts';

/**
 * State of a sign-in: the page to show next.
 *
 * ```
 *  pick-account ─▶ username ─▶ password ───────▶ new-password ─▶ mfa-registration ─▶ mfa ─▶ consent ─▶ confirm-app ─▶ stay-signed-in ─▶ done
 *        │             └─────▶ federated ──(STS)──▲                                         (device codes only)
 *        └── (session) ───────────────────────────┘
 * ```
 * Each page is shown only if {@link nextStep} finds it necessary, and not twice without reason.
 */
const STEPS = [
  'pick-account',
  'username',
  'password',
  'federated',
  'new-password',
  'mfa-registration',
  'mfa',
  'consent',
  'confirm-app',
  'stay-signed-in',
  'done',
] as const;
export type Step = (typeof STEPS)[number];

/** Input for choosing the next step. */
export interface StepFacts {
  /** The browser has signed-in accounts to choose from, and the request does not select one. */
  readonly canPick: boolean;
  readonly hasAccount: boolean;
  readonly isFederated: boolean;
  readonly isAuthenticated: boolean;
  /** Requirements of Conditional Access or user state. */
  readonly remedy: Remedy | undefined;
  readonly needsConsent: boolean;
  readonly needsConfirmation: boolean;
  readonly asksToStay: boolean;
}

/** Chooses the page to show. */
export function nextStep(facts: StepFacts): Step {
  if (!facts.isAuthenticated) {
    if (facts.hasAccount) return facts.isFederated ? 'federated' : 'password';
    return facts.canPick ? 'pick-account' : 'username';
  }
  if (facts.remedy !== undefined) return facts.remedy;
  if (facts.needsConsent) return 'consent';
  if (facts.needsConfirmation) return 'confirm-app';
  return facts.asksToStay ? 'stay-signed-in' : 'done';
}

/** The purpose of a sign-in. */
export type Purpose =
  | { readonly kind: 'authorize'; readonly request: AuthorizeRequest }
  | { readonly kind: 'device'; readonly device: DeviceGrant };

/** One sign-in in one browser, from the request to the response. */
export interface SignInFlow {
  readonly id: string;
  /** Hash of the cookie of the browser that started it. */
  readonly browser: string;
  readonly purpose: Purpose;
  readonly authority: string;
  readonly clientId: string;
  readonly scope: string;
  readonly deviceId: string | undefined;
  /** The account; there may be no home entry for a guest whose home tenant is not simulated. */
  username: string | undefined;
  /** An entered name that does not exist, for correction. */
  typed: string;
  /** The hint names a federated domain: the STS asks for the name. */
  federatedDomain: string | undefined;
  authentication: Authentication | undefined;
  sessionId: string | undefined;
  order: number;
  /** True if the user signed in on these pages, not through an earlier session. */
  fresh: boolean;
  useOther: boolean;
  consented: boolean;
  confirmed: boolean;
  stay: boolean | undefined;
  /** Inline message about the last attempt, shown once. */
  notice: string | undefined;
}

/** Consent state of one API. */
export interface ResourceConsent extends ConsentDecision {
  readonly resource: Resource;
}

/** Everything known about a flow at one moment. */
export interface FlowState {
  readonly step: Step;
  readonly app: Application;
  readonly account: Account | undefined;
  /** Each requested API with its consent state; empty until the user is known. */
  readonly consents: readonly ResourceConsent[];
  readonly accounts: readonly SignedIn[];
}

/**
 * Computes the state of a flow.
 *
 * @throws AadstsError for problems that no page can resolve: blocked, not compliant, not assigned, no such resource, …
 */
export function evaluateFlow(context: IdentityContext, flow: SignInFlow, accounts: readonly SignedIn[]): FlowState {
  const authority = findAuthority(context.directory, flow.authority);
  const { app } = findClient(context, authority, flow.clientId);
  const account = flow.username === undefined ? undefined : findAccount(context, authority, flow.username, app.appId);
  const base = {
    canPick: accounts.length > 0 && !flow.useOther,
    hasAccount: account !== undefined || flow.federatedDomain !== undefined,
    isFederated: flow.federatedDomain !== undefined || (account?.home.tenant.isFederated(flow.username!) ?? false),
    isAuthenticated: false,
    remedy: undefined,
    needsConsent: false,
    needsConfirmation: false,
    asksToStay: false,
  };
  if (!account || !flow.authentication) {
    return { step: nextStep(base), app, account, consents: [], accounts };
  }
  const scope = parseScopes(flow.scope);
  const found = findResources(context.directory, account.tenant, scope, { app, interactive: true });
  const resources = found.map(({ resource }) => resource);
  const failure = judgeFlow(context, flow, flow.authentication, account, app, resources);
  if (failure && failure.remedy === undefined) throw failure.error;
  const consents = found.map((one) => ({
    resource: one.resource,
    ...decideConsent(account.tenant, app, one, scope.oidc, account.user.id),
  }));
  const promptsConsent = flow.purpose.kind === 'authorize' && flow.purpose.request.prompt.has('consent');
  const facts: StepFacts = {
    ...base,
    isAuthenticated: true,
    remedy: account.home.user.passwordExpired && !isFederated(account.home) ? 'new-password' : failure?.remedy,
    needsConsent: !flow.consented && (consents.some(({ missing }) => missing.length > 0) || promptsConsent),
    needsConfirmation: flow.purpose.kind === 'device' && !flow.confirmed,
    asksToStay: flow.fresh && flow.stay === undefined && flow.purpose.kind === 'authorize',
  };
  return { step: nextStep(facts), app, account, consents, accounts };
}

function isFederated({ tenant, user }: Located): boolean {
  return tenant.isFederated(user.userPrincipalName);
}

/** Applies Conditional Access to a flow; with `prompt=none`, a failure is the response, otherwise its remedy is the next page. */
export function judgeFlow(
  context: IdentityContext,
  flow: SignInFlow,
  authentication: Authentication,
  account: Account,
  app: Application,
  resources: readonly Resource[],
): AccessFailure | undefined {
  const claims = flow.purpose.kind === 'authorize' ? flow.purpose.request.claims : undefined;
  const failures = resources.map((resource) =>
    judgeAccess({
      tenant: account.tenant,
      user: account.user,
      app,
      resource,
      authentication,
      deviceId: flow.deviceId ?? account.user.device,
      contexts: claims?.contexts ?? [],
      stepUp: claims?.stepUp ?? false,
      refresh: false,
      now: nowSeconds(context),
    }),
  );
  // Failures that no page can resolve come first.
  return failures.find((failure) => failure && failure.remedy === undefined) ?? failures.find(Boolean);
}

/** 90094 when an ordinary user requests permissions that only an administrator can grant. */
export function refuseAdminConsent(consent: Pick<ConsentDecision, 'missing'>, isAdministrator: boolean): void {
  if (!isAdministrator && consent.missing.some((scope) => scope.adminConsentRequired)) throw new AadstsError(90094);
}
