export { createOnPremises, type OnPremises, type OnPremisesOptions, SERVICE_NAMES } from './on-premises.ts';
export { matchesPattern, patternChunk } from './pattern.ts';
export type { DatagramService, OnPremisesHost, StreamService, Visitor } from './types.ts';
