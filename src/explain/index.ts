export { CAUSE_IDS, CAUSES } from './causes/index.ts';
export { type Explanation, explain, type Finding, type Outcome } from './explain.ts';
export { explanationText } from './explanation-text.ts';
export type { Step } from './story.ts';
export { parseAddress, parseSubject } from './subject.ts';
export { AREAS, type Area, type Cause, type Weight } from './visit/cause.ts';
export { type ClientDescription, type ClientKind, describeClient } from './visit/client-kind.ts';
export type { Subject } from './visit/gather.ts';
