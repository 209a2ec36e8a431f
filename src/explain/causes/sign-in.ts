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
const DIRECTORY = 'Users and their states are in identity.directory.';

/** By the number of the AADSTS code. */
const GROUPS: readonly Group[] = [
  {
    id: 'sign-in-password',
    codes: [50126],
    title: 'Wrong password',
    why: 'The password is not the one that the directory has for this user.',
    next: ['The default users alice@contoso.com and bob@contoso.com have the password Passw0rd!.', DIRECTORY],
  },
  {
    id: 'sign-in-user-unknown',
    codes: [50034],
    title: 'No such user',
    why: 'The directory has nobody of this name.',
    next: ['Check the spelling and the domain.', DIRECTORY],
  },
  {
    id: 'sign-in-user-disabled',
    codes: [50057],
    title: 'The user is disabled',
    why: 'Somebody disabled the account (`enabled: false`).',
    next: ['Enable the user in the directory, or sign in as another one.', DIRECTORY],
  },
  {
    id: 'sign-in-locked',
    codes: [50053],
    title: 'The account is locked',
    why: 'After too many wrong passwords, or because the directory says so (`locked: true`).',
    next: ['Unlock the user in the directory; `tunnelite reset` forgets wrong passwords.'],
  },
  {
    id: 'sign-in-password-expired',
    codes: [50055],
    title: 'The password has expired',
    why: 'The directory has it so (`passwordExpired: true`). Only a person at the sign-in page can change it.',
    next: ['Sign in interactively, or change the user in the directory.'],
  },
  {
    id: 'sign-in-interaction',
    codes: [16000, 50058, 50072, 50074, 50076, 50078, 50079, 50097, 50140, 50158, 50199, 500121, 65001, 65004],
    title: 'Somebody has to be there: second factor, consent, or a first sign-in',
    why: 'The tenant wants something that no silent request can give. This is the InteractionRequiredAuthError of MSAL.',
    next: [
      'Have the app fall back to acquireToken with a sign-in page when a silent request fails with interaction_required.',
      'The second factor of the built-in Entra ID is the code 123456, consent is a button on its page.',
    ],
  },
  {
    id: 'sign-in-device',
    codes: [50129, 53000, 53001, 53002, 530003],
    title: 'The device does not meet a policy',
    why: 'A policy of conditional access wants a device that is compliant, joined, or has an approved app.',
    next: [
      'Name a device that meets it (x-tunnelite-device), or change the device in the directory.',
      'Policies are in identity.directory.',
    ],
  },
  {
    id: 'sign-in-blocked',
    codes: [53003, 53005, 53011, 530035],
    title: 'A policy of conditional access blocks the sign-in',
    why: 'It applies to this user, this app and this resource, and its control is `block`.',
    next: ['Look at the policies in identity.directory: whom they are for, and whom they except.'],
  },
  {
    id: 'sign-in-app',
    codes: [700016, 700011, 650052, 650053, 650056, 65005, 70011, 500011, 28000, 501481],
    title: 'The app registration does not fit what was asked for',
    why: 'The client id, the resource or the scope is not one that this tenant has, or that the app may ask for.',
    next: [
      'Compare the client id and the scope with the app registration: `tunnelite app check` does.',
      'The scope of the tunnel is 3678c9e9-9681-447a-974d-d19f668fcd88/.default.',
    ],
  },
  {
    id: 'sign-in-secret',
    codes: [7000215, 7000218, 7000222, 700021, 700023, 700024, 700025, 700027, 50027, 50013],
    title: 'The app did not prove who it is',
    why: 'Its secret or its certificate is missing, wrong or has expired; or a public client tried to use one.',
    next: [
      'Check the secrets and certificates of the app registration.',
      'An app on a phone is a public client: it has none, and signs a user in.',
    ],
  },
  {
    id: 'sign-in-grant-old',
    codes: [50089, 50132, 50133, 50173, 54005, 70008, 70043, 700082, 700084, 70000, 9002313, 500133],
    title: 'The code or refresh token is no longer good',
    why: 'It has expired, was used or revoked, or belongs to another app or another instance: each start has new ones.',
    next: [
      'Sign in again; with MSAL, remove the account from its cache first.',
      'identity.lifetimes says how long codes and refresh tokens last.',
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
    why: 'A test asked for exactly this: by failNext, POST /api/failures, or a fault rule. It is not the client’s doing.',
    next: ['Look at how the client takes it.', 'DELETE /api/failures takes back what is still to come.'],
  }),
  ...GROUPS.flatMap(({ id, codes, title, why, next }) =>
    both({ id, title, why, next, when: (code, ordered) => !ordered && codes.includes(code) }),
  ),
  ...both({
    id: 'sign-in-other',
    title: 'Entra ID refused for another reason',
    when: (code, ordered) => !ordered && code !== PENDING && !KNOWN.has(code),
    why: 'The code stands for it in the real Entra ID, too.',
    next: [
      'https://login.microsoftonline.com/error?code=NUMBER explains each code.',
      'docs/reference/aadsts-codes.md says how each can be provoked here.',
    ],
  }),
];
