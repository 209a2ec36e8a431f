import type { Authentication } from '../context/grants.ts';
import { policyClaims } from '../context/policy-claims.ts';
import type { Application, Device, Policy, PolicyControl, User } from '../directory/schema.ts';
import type { Tenant } from '../directory/tenant.ts';
import type { AadstsCode } from '../errors/aadsts.ts';
import { AadstsError } from '../errors/aadsts-error.ts';
import type { Resource } from './resources.ts';

/** Input of the policies. */
export interface AccessContext {
  readonly tenant: Tenant;
  readonly user: User;
  readonly app: Application;
  readonly resource: Resource;
  readonly authentication: Authentication;
  /** Device ID in the request, or undefined. */
  readonly deviceId: string | undefined;
  /** Authentication contexts that the client requests in `claims`. */
  readonly contexts: readonly string[];
  /** The client returns `claims` of a Conditional Access failure: it requires a second factor regardless of the policies. */
  readonly stepUp: boolean;
  /** True for a refresh: sign-in frequency applies. */
  readonly refresh: boolean;
  /** Seconds since the Unix epoch. */
  readonly now: number;
}

/** How the user can resolve a failure on a page. */
export type Remedy = 'mfa' | 'mfa-registration' | 'new-password';

export interface AccessFailure {
  /** The interactive remedy; undefined if there is none. */
  readonly remedy: Remedy | undefined;
  readonly error: AadstsError;
}

interface ControlFailure {
  readonly code: AadstsCode;
  readonly remedy?: Remedy;
}

/**
 * Evaluates a sign-in by user state and the tenant's policies. Throws the first failure: blocks first, then failures
 * that no page can resolve, then those that a page can.
 */
export function judgeAccess(context: AccessContext): AccessFailure | undefined {
  const { tenant, user, resource } = context;
  if (user.risk === 'high') return failure(context, { code: 53011 }, []);
  if (resource.principal?.assignmentRequired && !includesUser(resource.principal.assigned, user)) {
    return failure(context, { code: 50105 }, []);
  }
  const applicable = [...tenant.policies].filter((policy) => applies(policy, context));
  const failures: { policy: Policy; found: ControlFailure }[] = [];
  for (const policy of applicable)
    for (const found of failedControls(policy, context)) failures.push({ policy, found });
  const worst =
    failures.find(({ found }) => found.code === 53003) ??
    failures.find(({ found }) => found.remedy === undefined) ??
    failures[0];
  if (worst) {
    const same = failures.filter(({ found }) => found.code === worst.found.code).map(({ policy }) => policy.id);
    return failure(context, worst.found, same);
  }
  const perUser = perUserMfa(context);
  return perUser && failure(context, perUser, []);
}

function failure(context: AccessContext, found: ControlFailure, policies: readonly string[]): AccessFailure {
  const { app, user, resource, deviceId } = context;
  const error = new AadstsError(
    found.code,
    {
      client: app.appId,
      name: app.displayName,
      user: user.userPrincipalName,
      resource: resource.identifier,
      tenant: context.tenant.settings.displayName,
      device: deviceId ?? 'unregistered',
    },
    { claims: policies.length > 0 ? policyClaims(policies) : undefined },
  );
  return { remedy: found.remedy, error };
}

function applies(policy: Policy, { user, resource, app, contexts }: AccessContext): boolean {
  if (!policy.enabled) return false;
  if (policy.authenticationContexts.length > 0) {
    if (!policy.authenticationContexts.some((id) => contexts.includes(id))) return false;
  }
  if (policy.risk && (user.risk === 'none' || !policy.risk.includes(user.risk))) return false;
  return (
    (policy.users.includes('all') || includesUser(policy.users, user)) &&
    !includesUser(policy.excludeUsers, user) &&
    selects(policy.resources, policy.excludeResources, resource.appId) &&
    selects(policy.clients, policy.excludeClients, app.appId)
  );
}

function selects(included: readonly string[], excluded: readonly string[], id: string): boolean {
  const same = (other: string): boolean => other.toLowerCase() === id.toLowerCase();
  return (included.includes('all') || included.some(same)) && !excluded.some(same);
}

function includesUser(names: readonly string[], user: User): boolean {
  return names.some((name) => [user.id, user.userPrincipalName.toLowerCase()].includes(name.toLowerCase()));
}

function failedControls(policy: Policy, context: AccessContext): ControlFailure[] {
  const found: ControlFailure[] = [];
  for (const control of policy.controls) {
    const failed = CONTROLS[control as PolicyControl](policy, context);
    if (failed) found.push(failed);
  }
  // With "or", one satisfied control is enough; otherwise the resolvable failure is reported, because Entra guides the user to it.
  if (policy.operator === 'or' && policy.controls.length > 0) {
    if (found.length < policy.controls.length) found.length = 0;
    else found.splice(0, found.length, found.find(({ remedy }) => remedy !== undefined) ?? found[0]!);
  }
  const { signInFrequencySeconds: frequency } = policy;
  if (context.refresh && frequency !== undefined && context.now - context.authentication.authTime >= frequency) {
    found.push({ code: 70043 });
  }
  return found;
}

const CONTROLS: Readonly<
  Record<PolicyControl, (policy: Policy, context: AccessContext) => ControlFailure | undefined>
> = {
  block: () => ({ code: 53003 }),
  mfa: (policy, { user, authentication, now }) => {
    if (!user.mfaRegistered) return { code: 50079, remedy: 'mfa-registration' };
    if (authentication.mfaTime === undefined) return { code: 50076, remedy: 'mfa' };
    const { mfaFrequencySeconds: frequency } = policy;
    const stale = frequency !== undefined && now - authentication.mfaTime >= frequency;
    return stale ? { code: 50078, remedy: 'mfa' } : undefined;
  },
  'compliant-device': (_, context) =>
    deviceFailure(context, (device) => {
      if (!device.managed) return { code: 530003 };
      return device.compliant ? undefined : { code: 53000 };
    }),
  'domain-joined-device': (_, context) =>
    deviceFailure(context, (device) => (device.joinType === 'hybrid' ? undefined : { code: 53001 })),
  'approved-client-app': (_, { app }) => (app.approvedClientApp ? undefined : { code: 53002 }),
  'app-protection': (_, { app }) => (app.appProtection ? undefined : { code: 53005 }),
  broker: (_, { app }) => (app.appProtection || app.approvedClientApp ? undefined : { code: 50127 }),
  'password-change': (_, { user, authentication }) =>
    user.risk === 'none' || authentication.methods.includes('newpwd')
      ? undefined
      : { code: 50135, remedy: 'new-password' },
  'external-challenge': () => ({ code: 50158 }),
};

function deviceFailure(
  { tenant, user, deviceId }: AccessContext,
  judge: (device: Device) => ControlFailure | undefined,
): ControlFailure | undefined {
  if (deviceId === undefined) return { code: 50097 };
  const device = tenant.devices.find(deviceId);
  if (!device || device.joinType === 'none') return { code: 50129 };
  if (!device.enabled) return { code: 50187 };
  if (device.owner !== undefined && !includesUser([device.owner], user)) return { code: 50187 };
  return judge(device);
}

/** MFA required by the user's own state or by the client, not by a policy. */
function perUserMfa({ user, authentication, stepUp }: AccessContext): ControlFailure | undefined {
  if (user.mfa !== 'required' && !stepUp) return undefined;
  if (authentication.mfaTime !== undefined) return undefined;
  if (!user.mfaRegistered) return { code: 50072, remedy: 'mfa-registration' };
  return { code: user.mfa === 'required' ? 50074 : 50076, remedy: 'mfa' };
}
