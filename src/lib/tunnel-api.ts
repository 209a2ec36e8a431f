/** Application id of the *Microsoft Tunnel Gateway* API: the audience of a tunnel token (tunnel-for-mam.md §4). */
export const TUNNEL_RESOURCE_ID = '3678c9e9-9681-447a-974d-d19f668fcd88';

/** The delegated permission of that API (tunnel-for-mam.md §4). */
export const TUNNEL_SCOPE = 'Tunnel_Allow';

/** What a client asks for (tunnel-for-mam.md, Microsoft's sample). */
export const TUNNEL_DEFAULT_SCOPE = `${TUNNEL_RESOURCE_ID}/.default`;
