import { isGuid } from '../../bearer/authority.ts';
import { derivedId } from '../directory/derived-id.ts';

/**
 * The `claims` that accompany a Conditional Access failure: the client sends them back at the authorize endpoint so
 * that the policies are met there (Microsoft: "Claims challenges, claims requests, and client capabilities").
 *
 * @param policies ids; a word that is no GUID is turned into one
 */
export function policyClaims(policies: readonly string[]): string {
  const values = policies.map((policy) => (isGuid(policy) ? policy : derivedId('policy', policy)));
  return JSON.stringify({ access_token: { capolids: { essential: true, values } } });
}
