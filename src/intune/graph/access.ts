import { GRAPH_AUDIENCES } from '../../entra/directory/well-known.ts';
import { type ApiToken, type ApiTokenFault, readApiToken } from '../../entra/tokens/api-token.ts';
import type { SigningKeys } from '../../entra/tokens/signing-keys.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Call } from './call.ts';
import { GraphError } from './graph-error.ts';

/** Graph's error for a token that is not valid for it. */
const FAULTS: Readonly<Record<ApiTokenFault, string>> = {
  missing: 'Access token is empty.',
  malformed: 'CompactToken parsing failed with error code: 80049217',
  expired: 'Lifetime validation failed, the token is expired.',
  'not-yet-valid': 'Lifetime validation failed, the token is not yet valid.',
  audience: 'Access token validation failure. Invalid audience.',
  signature: 'Access token validation failure. Invalid signature.',
};

/** Parts of Graph with their own permissions to read and to write. */
export const PERMISSIONS = {
  configuration: {
    read: ['DeviceManagementConfiguration.Read.All', 'DeviceManagementConfiguration.ReadWrite.All'],
    write: ['DeviceManagementConfiguration.ReadWrite.All'],
  },
  apps: {
    read: ['DeviceManagementApps.Read.All', 'DeviceManagementApps.ReadWrite.All'],
    write: ['DeviceManagementApps.ReadWrite.All'],
  },
  applications: {
    read: ['Application.Read.All', 'Application.ReadWrite.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
    write: ['Application.ReadWrite.All', 'Directory.ReadWrite.All'],
  },
  groups: {
    read: ['Group.Read.All', 'Group.ReadWrite.All', 'Directory.Read.All', 'Directory.ReadWrite.All'],
    write: ['Group.ReadWrite.All', 'Directory.ReadWrite.All'],
  },
  users: { read: ['User.Read.All', 'Directory.Read.All', 'Directory.ReadWrite.All'], write: [] },
  me: { read: ['User.Read', 'User.Read.All', 'Directory.Read.All'], write: [] },
} as const;

export type Area = keyof typeof PERMISSIONS;

/** Authenticates the caller by the token. @throws GraphError 401 */
export async function authenticate(
  authorization: string | undefined,
  context: { readonly keys: SigningKeys; readonly clock: Clock },
): Promise<ApiToken> {
  const token = await readApiToken(authorization, GRAPH_AUDIENCES, context);
  if (typeof token === 'string') throw new GraphError(401, 'InvalidAuthenticationToken', FAULTS[token]);
  return token;
}

/** @throws GraphError 403 */
export function authorize({ scopes, roles }: ApiToken, area: Area, write: boolean): void {
  const wanted: readonly string[] = PERMISSIONS[area][write ? 'write' : 'read'];
  if ([...scopes, ...roles].some((name) => wanted.includes(name))) return;
  if (area === 'configuration' || area === 'apps') {
    throw new GraphError(
      403,
      'Forbidden',
      `Application is not authorized to perform this operation. Application must have one of the following scopes: ${wanted.join(', ')}`,
    );
  }
  throw new GraphError(403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.');
}

/** Objects have no ETags here, so a given one never matches (OData 4.01 part 1 §8.2.5). @throws GraphError 412 */
export function assertPrecondition({ ifMatch, method }: Pick<Call, 'ifMatch' | 'method'>): void {
  if (method === 'GET' || ifMatch === undefined || ifMatch.trim() === '*') return;
  throw new GraphError(
    412,
    'PreconditionFailed',
    'The If-Match condition is not met: objects have no ETag here. Remove the header, or send *.',
  );
}
