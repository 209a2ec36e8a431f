export { healthPlugin } from './health.ts';
export { type ProbeTargets, probes } from './probes.ts';
export { type AdminOptions, type AdminServer, startAdmin } from './server.ts';
export { tokensPlugin } from './tokens.ts';
export type { HealthCheck, HealthResult, MintedToken, TokenMinter, TokenRequest } from './types.ts';
