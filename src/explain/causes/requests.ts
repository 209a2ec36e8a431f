import { type Cause, cause } from '../visit/cause.ts';

/** Reasons of `http.rejected` that have their own causes. */
const ADMISSION = new Set([
  'full',
  'banned',
  'pending',
  'pending-full',
  'descriptors',
  'draining',
  'stopped',
  'auth-timeout',
  'fault',
]);

export const REQUEST_CAUSES: readonly Cause[] = [
  cause({
    id: 'request-only-looked',
    area: 'request',
    weight: 'note',
    title: 'Only pages were asked for, and no login was tried',
    on: 'http.request',
    when: ({ method, remote }, { visit }) => method === 'GET' && !visit.triedLogin(remote),
    what: ({ path }, { visit }) => `${visit.client.kind === 'browser' ? 'A browser' : 'The client'} fetched ${path}.`,
    why: 'A tunnel begins with a POST that has a token. Who fetches pages sees the probe page or the login form, as browsers and monitors do.',
    next: [
      'Use a client of the tunnel: `tunnelite connect`, openconnect with --protocol=anyconnect, or an app with the SDK.',
    ],
    docs: ['docs/reference/protocol.md', 'docs/reference/client.md'],
  }),
  cause({
    id: 'request-malformed',
    area: 'request',
    weight: 'fatal',
    title: 'A request that cannot be read',
    on: 'http.rejected',
    when: ({ reason }) => !ADMISSION.has(reason),
    what: ({ reason, explanation }) =>
      `The gateway closed the connection without an answer (${reason}): ${explanation}`,
    why: 'What came after the handshake is no HTTP that the gateway takes, or too much of it.',
    next: [
      'Check that the client speaks the AnyConnect protocol to this port.',
      'Compare its request with docs/reference/protocol.md; limits are in docs/explanation/security.md.',
    ],
    docs: ['docs/reference/protocol.md', 'docs/explanation/security.md'],
    seams: ['tcp'],
  }),
  cause({
    id: 'request-auth-timeout',
    area: 'request',
    weight: 'fatal',
    title: 'The client did not come to CONNECT in time',
    on: 'http.rejected',
    when: ({ reason }) => reason === 'auth-timeout',
    what: ({ explanation }) => explanation,
    why: 'The client connected and waited: for its user at a prompt, for a token that did not come, or in a debugger.',
    next: ['See what the client waits for.', 'gateway.authTimeout gives it more time.'],
    docs: ['docs/reference/configuration.md'],
  }),
  cause({
    id: 'request-page-missing',
    area: 'request',
    weight: 'note',
    title: 'A page was asked for that there is not',
    on: 'http.response',
    when: ({ status }) => status === 404,
    what: (_, { visit, event }) => {
      const asked = visit.last('http.request', event.seq)?.fields;
      return `${asked ? `${asked.method} ${asked.path}` : 'A request'} was answered 404.`;
    },
    why: 'The gateway has few pages, and Entra ID is at another port.',
    next: ['`tunnelite status` shows the address of the gateway and of Entra ID.'],
    docs: ['docs/reference/protocol.md'],
  }),
];
