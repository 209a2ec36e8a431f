import type { Path } from '../../lib/schema/index.ts';
import type { Directory } from './directory.ts';
import type { Tenant } from './tenant.ts';

/** A name without a user. */
export interface AbsentUser {
  /** Its position in the directory, such as `tenants, 0, policies, 1, users, 0`. */
  readonly path: Path;
  /** The problem and what to do about it. */
  readonly warning: string;
}

/**
 * Finds users that policies, assignments and devices name but their tenant does not have. Allowed, because a test can add them later, but
 * usually a misspelled name, and then the policy applies to no one.
 */
export function absentUsers(directory: Directory): AbsentUser[] {
  return directory.tenants.flatMap((tenant, i) =>
    [...namedUsers(tenant)]
      .filter(({ name }) => name !== 'all' && tenant.users.find(name) === undefined)
      .map(({ path, what, name }) => ({
        path: ['tenants', i, ...path],
        warning: `${what} names the user ${name}, who does not exist in the tenant ${tenant.settings.displayName}. Add the user, or correct the name.`,
      })),
  );
}

function* namedUsers(tenant: Tenant): Iterable<{ readonly path: Path; readonly what: string; readonly name: string }> {
  for (const [i, policy] of [...tenant.policies].entries()) {
    for (const list of ['users', 'excludeUsers'] as const) {
      for (const [j, name] of policy[list].entries()) {
        yield { path: ['policies', i, list, j], what: `The policy “${policy.displayName}”`, name };
      }
    }
  }
  for (const [i, { appId, assigned }] of [...tenant.servicePrincipals].entries()) {
    for (const [j, name] of assigned.entries()) {
      yield { path: ['servicePrincipals', i, 'assigned', j], what: `The service principal of ${appId}`, name };
    }
  }
  for (const [i, { displayName, owner }] of [...tenant.devices].entries()) {
    if (owner !== undefined) yield { path: ['devices', i, 'owner'], what: `The device “${displayName}”`, name: owner };
  }
}
