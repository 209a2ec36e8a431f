export { type LanAddress, lanAddress, lanName, linkMtu } from './lan-address.ts';
export { type PairingOptions, type PairingServer, startPairing } from './server.ts';
export type { PairingFacts, PairingIdentity } from './types.ts';
