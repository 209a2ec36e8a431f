import type { Cause } from '../visit/cause.ts';
import { ADMISSION_CAUSES } from './admission.ts';
import { CHANNEL_CAUSES } from './channels.ts';
import { COOKIE_CAUSES } from './cookies.ts';
import { ENDING_CAUSES } from './endings.ts';
import { FAULT_CAUSES } from './faults.ts';
import { FLIGHT_CAUSES } from './flights.ts';
import { NAME_CAUSES } from './names.ts';
import { REQUEST_CAUSES } from './requests.ts';
import { RESOURCE_CAUSES } from './resources.ts';
import { SIGN_IN_CAUSES } from './sign-in.ts';
import { TLS_CAUSES } from './tls.ts';
import { TOKEN_CAUSES } from './tokens.ts';

/** All causes. A cause of several event names appears once for each, with the same ID. */
export const CAUSES: readonly Cause[] = [
  ...SIGN_IN_CAUSES,
  ...TLS_CAUSES,
  ...REQUEST_CAUSES,
  ...TOKEN_CAUSES,
  ...ADMISSION_CAUSES,
  ...COOKIE_CAUSES,
  ...CHANNEL_CAUSES,
  ...FLIGHT_CAUSES,
  ...ENDING_CAUSES,
  ...NAME_CAUSES,
  ...RESOURCE_CAUSES,
  ...FAULT_CAUSES,
];

/** Each cause once, by its ID. */
export const CAUSE_IDS: readonly string[] = [...new Set(CAUSES.map(({ id }) => id))];
