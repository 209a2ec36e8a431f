import type { EventName } from '../../telemetry/index.ts';
import { type Cause, cause } from '../visit/cause.ts';

interface Group {
  readonly id: string;
  readonly codes: readonly number[];
  readonly title: string;
  readonly why: string;
  readonly next: readonly string[];
}

const DOCS = ['docs/reference/identity.md'];
const DIRECTORY = 'identity.directory has the users and their states.';

/** By the number of the AADSTS code. */
const GROUPS: readonly Group[] = [
  {
    id: 'sign-in-password',
    codes: [50126],
    title: 'Wrong password',
    why: 'The password is not the one in the directory.',
    next: ['The default users alice@contoso.com and bob@contoso.com have the password Passw0rd!.', DIRECTORY],
  },
  {
    id: 'sign-in-user-unknown',
    codes: [50034],
    title: 'No such user',
    why: 'The directory has no user with this name.',
    next: ['Check the spelling and the domain.', DIRECTORY],
  },
  {
    id: 'sign-in-user-disabled',
    codes: [50057],
    title: 'The user is disabled',
    why: 'The account was disabled (`enabled: false`).',
    next: ['Enable the user in the directory, or sign in as another one.', DIRECTORY],
  },
  {
    id: 'sign-in-locked',
    codes: [50053],
    title: 'The account is locked',
    why: 'There were too many wrong passwords, or the directory locks it (`locked: true`).',
    next: ['Unlock the user in the directory; `tunnelite reset` clears wrong passwords.'],
  },
  {
    id: 'sign-in-password-expired',
    codes: [50055],
    title: 'The password has expired',
    why: 'The directory sets this (`passwordExpired: true`). Only a person can change the password, on the sign-in page.',
    next: ['Sign in interactively, or change the user in the directory.'],
  },
  {
    id: 'sign-in-interaction',
    codes: [16000, 50058, 50072, 50074, 50076, 50078, 50079, 50097, 50140, 50158, 50199, 500121, 65001, 65004],
    title: 'Interaction is required: second factor, consent, or a first sign-in',
    why: 'The tenant requires something that a silent request cannot provide. MSAL reports InteractionRequiredAuthError.',
    next: [
      'When a silent request fails with interaction_required, the app must call acquireToken with a sign-in page.',
      'The second factor of the built-in Entra ID is the code 123456, and consent is a button on its page.',
    ],
  },
  {
    id: 'sign-in-device',
    codes: [50129, 53000, 53001, 53002, 530003],
    title: 'The device does not meet a policy',
    why: 'A Conditional Access policy requires a device that is compliant or joined, or an approved app.',
    next: [
      'Set a device that meets it (x-tunnelite-device), or change the device in the directory.',
      'identity.directory has the policies.',
    ],
  },
  {
    id: 'sign-in-blocked',
    codes: [53003, 53005, 53011, 530035],
    title: 'A Conditional Access policy blocks the sign-in',
    why: 'It applies to this user, this app and this resource, and its control is `block`.',
    next: ['Check which users the policies in identity.directory include and exclude.'],
  },
  {
    id: 'sign-in-app',
    codes: [700016, 700011, 650052, 650053, 650056, 65005, 70011, 500011, 28000, 501481],
    title: 'The app registration does not match the request',
    why: 'The tenant does not have the client id, the resource or the scope, or the app may not request it.',
    next: [
      'Compare the client id and the scope with the app registration, for example with `tunnelite app check`.',
      'The scope for the tunnel is 3678c9e9-9681-447a-974d-d19f668fcd88/.default.',
    ],
  },
  {
    id: 'sign-in-secret',
    codes: [7000215, 7000218, 7000222, 700021, 700023, 700024, 700025, 700027, 50027, 50013],
    title: 'The app did not authenticate',
    why: 'Its secret or its certificate is missing, wrong or has expired; or a public client tried to use one.',
    next: [
      'Check the secrets and certificates of the app registration.',
      'An app on a phone is a public client: it has no secret, and signs in a user.',
    ],
  },
  {
    id: 'sign-in-grant-old',
    codes: [50089, 50132, 50133, 50173, 54005, 70008, 70043, 700082, 700084, 70000, 9002313, 500133],
    title: 'The code or refresh token is no longer valid',
    why: 'It has expired, was used or revoked, or belongs to another app or instance; each start of an instance invalidates earlier ones.',
    next: [
      'Sign in again; with MSAL, remove the account from its cache first.',
      'identity.lifetimes sets how long codes and refresh tokens are valid.',
    ],
  },
];

const KNOWN: ReadonlyMap<number, Group> = new Map(
  GROUPS.flatMap((group) => group.codes.map((code) => [code, group] as const)),
);

/** The user has not signed in at the device yet: the client keeps polling. */
const PENDING = 70016;

type Failure = 'identity.token.refused' | 'identity.signin.failed';
const FAILURES = ['identity.token.refused', 'identity.signin.failed'] as const satisfies readonly EventName[];

/** The same cause for both endpoints. */
function both(spec: {
  readonly id: string;
  readonly title: string;
  readonly when: (code: number, ordered: boolean) => boolean;
  readonly why: string;
  readonly next: readonly string[];
}): Cause[] {
  return FAILURES.map((on: Failure) =>
    cause({
      id: spec.id,
      area: 'sign_in',
      weight: 'fatal',
      title: spec.title,
      on,
      when: ({ code, ordered }) => spec.when(code, ordered),
      what: ({ user, code, explanation }) => `${user ?? 'The app'} got no token: AADSTS${code}. ${explanation}`,
      why: spec.why,
      next: spec.next,
      docs: DOCS,
      seams: ['http'],
    }),
  );
}

export const SIGN_IN_CAUSES: readonly Cause[] = [
  ...both({
    id: 'sign-in-ordered',
    title: 'The failure was ordered',
    when: (_, ordered) => ordered,
    why: 'A test ordered it with failNext, POST /api/failures, or a fault rule. The client did not cause it.',
    next: ['Check how the client handles it.', 'DELETE /api/failures cancels pending failures.'],
  }),
  ...GROUPS.flatMap(({ id, codes, title, why, next }) =>
    both({ id, title, why, next, when: (code, ordered) => !ordered && codes.includes(code) }),
  ),
  ...both({
    id: 'sign-in-other',
    title: 'Entra ID refused for another reason',
    when: (code, ordered) => !ordered && code !== PENDING && !KNOWN.has(code),
    why: 'The code has the same meaning in the real Entra ID.',
    next: [
      'https://login.microsoftonline.com/error?code=NUMBER explains each code.',
      'docs/reference/aadsts-codes.md describes how to provoke each one here.',
    ],
  }),
];
