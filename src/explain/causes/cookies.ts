import { type Cause, cause } from '../visit/cause.ts';
import { splitRemote } from '../visit/remote.ts';
import type { Visit } from '../visit/visit.ts';

/** State of the session before an event. */
function addressBefore(visit: Visit, seq: number): string | undefined {
  const { remote } = (visit.last('session.connect', seq) ?? visit.last('auth.accepted', seq))?.fields ?? {};
  return remote === undefined ? undefined : splitRemote(remote).address;
}

export const COOKIE_CAUSES: readonly Cause[] = [
  cause({
    id: 'cookie-none',
    area: 'cookie',
    weight: 'fatal',
    title: 'CONNECT without a cookie',
    on: 'session.refused',
    when: ({ reason }) => reason === 'no-cookie',
    what: ({ explanation }) => explanation,
    why: 'A tunnel needs a login on the same connection, or the cookie that a login gave.',
    next: [
      'Log in first: POST / with a token.',
      'The cookie is 43 characters of base64; openconnect prints it with --authenticate.',
    ],
    docs: ['docs/reference/protocol.md'],
  }),
  cause({
    id: 'cookie-ended',
    area: 'cookie',
    weight: 'fatal',
    title: 'The cookie is of a session that is over',
    on: 'session.refused',
    when: ({ reason, session }) => reason === 'unknown-cookie' && session !== undefined,
    what: ({ explanation }) => explanation,
    why: 'The client came back, and the session had ended meanwhile: it left by itself, was ended, or was away for longer than its cookie lasts.',
    next: [
      'The client has to log in again, with a fresh token: see whether it does.',
      'gateway.cookieTimeout says for how long a cookie lasts without a tunnel.',
    ],
    docs: ['docs/how-to/testing.md'],
    seams: ['decision'],
  }),
  cause({
    id: 'cookie-unknown',
    area: 'cookie',
    weight: 'fatal',
    title: 'The cookie is unknown',
    on: 'session.refused',
    when: ({ reason, session }) => reason === 'unknown-cookie' && session === undefined,
    what: ({ explanation }) => explanation,
    why: 'The gateway was started anew since the login, or the cookie is of another gateway, or made up.',
    next: [
      'The client has to log in again.',
      '`tunnelite gateway restart` keeps cookies, a new start of the program does not.',
    ],
    docs: ['docs/how-to/testing.md'],
  }),
  cause({
    id: 'cookie-roaming',
    area: 'cookie',
    weight: 'fatal',
    title: 'The cookie came from another address',
    on: 'session.refused',
    when: ({ reason }) => reason === 'roaming',
    what: ({ explanation }) => explanation,
    why: 'The client changed its network, or somebody else has its cookie; the configuration denies both (deny-roaming).',
    next: [
      'gateway.denyRoaming false allows it, as the real product does.',
      'If the client did not move, its cookie may have been stolen: end the session.',
    ],
    docs: ['docs/reference/configuration.md'],
  }),
  cause({
    id: 'cookie-elsewhere',
    area: 'cookie',
    weight: 'note',
    title: 'The session went on from another address',
    on: 'session.connect',
    when: ({ remote, resumed }, { visit, event }) => {
      const before = addressBefore(visit, event.seq);
      return resumed && before !== undefined && before !== splitRemote(remote).address;
    },
    what: ({ remote }, { visit, event }) =>
      `The cookie came from ${splitRemote(remote).address}; before, the session was at ${addressBefore(visit, event.seq)}.`,
    why: 'The client roamed, as a phone does between Wi-Fi and mobile network. Who steals a cookie looks the same.',
    next: ['Nothing, if the client moved.', 'If it did not: end the session, and set gateway.denyRoaming.'],
    docs: ['docs/reference/configuration.md'],
  }),
  cause({
    id: 'cookie-path',
    area: 'cookie',
    weight: 'fatal',
    title: 'CONNECT asked for something else than the tunnel',
    on: 'session.refused',
    when: ({ reason }) => reason === 'path',
    what: ({ explanation }) => explanation,
    why: 'The client speaks another protocol, or takes the gateway for an HTTP proxy.',
    next: ['For resources without a tunnel, set gateway.httpConnect.', 'openconnect wants --protocol=anyconnect.'],
    docs: ['docs/reference/http-connect.md', 'docs/reference/protocol.md'],
  }),
];
