import type { Directory } from '../entra/directory/directory.ts';
import { MAM_RESOURCE_ID } from '../entra/directory/well-known.ts';
import { readApiToken } from '../entra/tokens/api-token.ts';
import type { SigningKeys } from '../entra/tokens/signing-keys.ts';
import type { Clock } from '../lib/clock.ts';
import type { Delivery } from './delivery/deliver.ts';
import { PLATFORMS, type Platform } from './delivery/targets.ts';
import { badRequest, GraphError } from './graph/graph-error.ts';

const AUDIENCES = [MAM_RESOURCE_ID, 'https://msmamservice.api.application', 'https://msmamservice.api.application/'];
const SCOPE = 'DeviceManagementManagedApps.ReadWrite';

interface Context {
  readonly directory: Directory;
  readonly keys: SigningKeys;
  readonly clock: Clock;
  readonly deliver: (to: { user: string; app: string; platform: Platform; enrolled: boolean }) => Delivery;
}

/** Response to an app that requests its own policies. */
export type AppDelivery = Delivery;

/**
 * Responds to an enrolled app, which sends a token for *Microsoft Mobile Application Management*. The real protocol is not
 * public: this URL is our own, with the real keys and values.
 * @throws GraphError 400, 401, 403
 */
export async function appDelivery(
  context: Context,
  authorization: string | undefined,
  search: string,
): Promise<AppDelivery> {
  const token = await readApiToken(authorization, AUDIENCES, context);
  if (typeof token === 'string') {
    throw new GraphError(
      401,
      'InvalidAuthenticationToken',
      `A token for Microsoft Mobile Application Management is needed (${token}).`,
    );
  }
  if (!token.scopes.includes(SCOPE)) {
    throw new GraphError(
      403,
      'Forbidden',
      `The token does not have the permission ${SCOPE}: add it to the app registration, and consent to it.`,
    );
  }
  const query = new URLSearchParams(search);
  const app = query.get('app') ?? '';
  const platform = PLATFORMS.find((each) => each === query.get('platform'));
  if (app === '' || app.length > 256) throw badRequest("The parameter 'app' must be a bundle id or a package id.");
  if (platform === undefined) throw badRequest(`The parameter 'platform' must be one of ${PLATFORMS.join(', ')}.`);
  const tenant = context.directory.findTenant(token.tenantId);
  const user = tenant?.users.find(token.objectId);
  if (!user || tenant !== context.directory.defaultTenant) {
    throw new GraphError(403, 'Forbidden', 'The user of the token does not belong to the tenant with policies.');
  }
  return context.deliver({ user: user.id, app, platform, enrolled: query.get('enrolled') === 'true' });
}
