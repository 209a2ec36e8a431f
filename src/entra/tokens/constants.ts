import { TUNNEL_RESOURCE_ID } from '../../bearer/constants.ts';

/** What a client asks for (tunnel-for-mam.md, Microsoft's sample). */
export const TUNNEL_DEFAULT_SCOPE = `${TUNNEL_RESOURCE_ID}/.default`;

/** Default lifetime of an access token: random in this range, in seconds (entra-tokens.md §6). */
export const ACCESS_TOKEN_LIFETIME = { min: 60 * 60, max: 90 * 60 } as const;

/** Lifetime of an id token, in seconds (entra-tokens.md §6). */
export const ID_TOKEN_LIFETIME = 60 * 60;
