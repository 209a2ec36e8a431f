export { createJsonFetcher, type FetchJson, type FetchLimits, type JsonFetcher } from './fetch-json.ts';
export type { TokenPolicy } from './policy.ts';
export type { InspectedCheck, TokenInspection } from './token-inspection.ts';
export { createTokenVerifier, type EntraTokenVerifier, type TokenVerifierOptions } from './token-verifier.ts';
export type { Principal, TokenRefusal, TokenRefusalReason, TokenVerdict, TokenVerifier } from './types.ts';
