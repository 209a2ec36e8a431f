/** Application id of Entra's service principal "Microsoft Tunnel Gateway": the audience of its tokens (reference microsoft-tunnel.md §9). */
export const TUNNEL_AUDIENCE = '3678c9e9-9681-447a-974d-d19f668fcd88';

/** Delegated permission of that API: the scope that the app asks for (reference entra-tokens.md §4). */
export const TUNNEL_SCOPE = 'Tunnel_Allow';

/** Included and excluded routes together (reference microsoft-tunnel.md §3, from the product's limits). */
export const MAX_ROUTE_RULES = 500;

/** Largest configuration file that is read, in bytes. Ours to choose: a directory of 10,000 users fits. */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/** Environment variables that configure something else than the schema's keys. */
export const OTHER_VARIABLES = ['TUNNELITE_CONFIG', 'TUNNELITE_DEBUG', 'TUNNELITE_INTEROP', 'TUNNELITE_FUZZ'] as const;
