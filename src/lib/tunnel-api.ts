/** Application id of the *Microsoft Tunnel Gateway* API, the audience of a tunnel token (Intune's "Conditional Access" page for Tunnel). */
export const TUNNEL_RESOURCE_ID = '3678c9e9-9681-447a-974d-d19f668fcd88';

/** The delegated permission of that API ("Microsoft Tunnel for Mobile Application Management for iOS/iPadOS" on learn.microsoft.com). */
export const TUNNEL_SCOPE = 'Tunnel_Allow';

/** The scope that a client requests (microsoftconnect/ms-intune-tunnel-iOS-sampleapps). */
export const TUNNEL_DEFAULT_SCOPE = `${TUNNEL_RESOURCE_ID}/.default`;
