export type { DeliveredPolicy, Delivery, SettingConflict } from './delivery/deliver.ts';
export type { Platform } from './delivery/targets.ts';
export { DOCUMENT_SETS, documentFault, type IntuneDocument, readDocument } from './document.ts';
export { type SeedOptions, type SeedPolicies, seedPolicies } from './export/seed-policies.ts';
export type { GraphRequest } from './graph/call.ts';
export { GraphError } from './graph/graph-error.ts';
export { MAX_BODY } from './graph/service.ts';
export type { SetName } from './graph/store.ts';
export { type AppliedConfiguration, type DeliverTo, Intune, type IntuneOptions } from './intune.ts';
