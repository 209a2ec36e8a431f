export type { ProfileName } from '../config/fault-profiles.ts';
export type { FaultRule } from '../config/fault-schema.ts';
export { FaultEngine, MAX_RULES } from './engine.ts';
export type { Surroundings } from './notes.ts';
export type {
  FaultHandle,
  FaultRuleInput,
  FaultStatus,
  FaultStrike,
  Passing,
  StruckOptions,
} from './types.ts';
