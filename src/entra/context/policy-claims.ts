import { isGuid } from '../../bearer/authority.ts';
import { derivedId } from '../directory/derived-id.ts';

/**
 * The `claims` of a Conditional Access failure: the client sends them back to the authorize endpoint so
 * that the policies are satisfied there (Microsoft: "Claims challenges, claims requests, and client capabilities").
 *
 * @param policies IDs; a string that is not a GUID is converted into one
 */
export function policyClaims(policies: readonly string[]): string {
  const values = policies.map((policy) => (isGuid(policy) ? policy : derivedId('policy', policy)));
  return JSON.stringify({ access_token: { capolids: { essential: true, values } } });
}
