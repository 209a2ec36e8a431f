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
    title: 'Only pages were requested, without a login',
    on: 'http.request',
    when: ({ method, remote }, { visit }) => method === 'GET' && !visit.triedLogin(remote),
    what: ({ path }, { visit }) => `${visit.client.kind === 'browser' ? 'A browser' : 'The client'} fetched ${path}.`,
    why: 'A tunnel begins with a POST that has a token. A client that requests pages, such as a browser or a monitor, gets the probe page or the login form.',
    next: [
      'Use a client of the tunnel: `tunnelite connect`, openconnect with --protocol=anyconnect, or an app with the SDK.',
    ],
    docs: ['docs/reference/protocol.md', 'docs/reference/client.md'],
  }),
  cause({
    id: 'request-malformed',
    area: 'request',
    weight: 'fatal',
    title: 'A malformed request',
    on: 'http.rejected',
    when: ({ reason }) => !ADMISSION.has(reason),
    what: ({ reason, explanation }) =>
      `The gateway closed the connection without an answer (${reason}): ${explanation}`,
    why: 'After the handshake, the client sent no HTTP that the gateway accepts, or too much of it.',
    next: [
      'Check that the client uses the AnyConnect protocol on this port.',
      'Compare its request with docs/reference/protocol.md; limits are in docs/explanation/security.md.',
    ],
    docs: ['docs/reference/protocol.md', 'docs/explanation/security.md'],
    seams: ['tcp'],
  }),
  cause({
    id: 'request-auth-timeout',
    area: 'request',
    weight: 'fatal',
    title: 'The client did not send CONNECT in time',
    on: 'http.rejected',
    when: ({ reason }) => reason === 'auth-timeout',
    what: ({ explanation }) => explanation,
    why: 'The client connected and waited: for its user at a prompt, for a token that did not arrive, or in a debugger.',
    next: ['Check what the client waits for.', 'To give it more time, increase gateway.authTimeout.'],
    docs: ['docs/reference/configuration.md'],
  }),
  cause({
    id: 'request-page-missing',
    area: 'request',
    weight: 'note',
    title: 'A nonexistent page was requested',
    on: 'http.response',
    when: ({ status }) => status === 404,
    what: (_, { visit, event }) => {
      const asked = visit.last('http.request', event.seq)?.fields;
      return `${asked ? `${asked.method} ${asked.path}` : 'A request'} got the answer 404.`;
    },
    why: 'The gateway has few pages, and Entra ID has another port.',
    next: ['`tunnelite status` shows the address of the gateway and of Entra ID.'],
    docs: ['docs/reference/protocol.md'],
  }),
];
