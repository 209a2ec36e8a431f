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
    why: 'A tunnel requires a login on the same connection, or the cookie of an earlier login.',
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
    title: 'The cookie belongs to a session that has ended',
    on: 'session.refused',
    when: ({ reason, session }) => reason === 'unknown-cookie' && session !== undefined,
    what: ({ explanation }) => explanation,
    why: 'The session had ended before the client reconnected: the client had ended it, it was ended otherwise, or the cookie had expired.',
    next: [
      'The client must log in again with a new token: check whether it does.',
      'gateway.cookieTimeout sets how long a cookie is valid without a tunnel.',
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
    why: 'Tunnelite was started again since the login, or the cookie belongs to another gateway or is invented.',
    next: [
      'The client must log in again.',
      '`tunnelite gateway restart` keeps cookies; a new start of Tunnelite does not.',
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
    why: 'The client changed its network, or another client has its cookie; the configuration denies both (deny-roaming).',
    next: [
      'To allow it, like the real product, set gateway.denyRoaming to false.',
      'If the client did not change its network, its cookie may be stolen: end the session.',
    ],
    docs: ['docs/reference/configuration.md'],
  }),
  cause({
    id: 'cookie-elsewhere',
    area: 'cookie',
    weight: 'note',
    title: 'The session continued from another address',
    on: 'session.connect',
    when: ({ remote, resumed }, { visit, event }) => {
      const before = addressBefore(visit, event.seq);
      return resumed && before !== undefined && before !== splitRemote(remote).address;
    },
    what: ({ remote }, { visit, event }) =>
      `The cookie came from ${splitRemote(remote).address}; before, the session was at ${addressBefore(visit, event.seq)}.`,
    why: 'The client roamed, like a phone between Wi-Fi and a mobile network. A stolen cookie looks the same.',
    next: ['Nothing, if the client roamed.', 'Otherwise end the session, and set gateway.denyRoaming.'],
    docs: ['docs/reference/configuration.md'],
  }),
  cause({
    id: 'cookie-path',
    area: 'cookie',
    weight: 'fatal',
    title: 'CONNECT requested something other than the tunnel',
    on: 'session.refused',
    when: ({ reason }) => reason === 'path',
    what: ({ explanation }) => explanation,
    why: 'The client uses another protocol, or uses the gateway as an HTTP proxy.',
    next: ['For resources without a tunnel, set gateway.httpConnect.', 'openconnect needs --protocol=anyconnect.'],
    docs: ['docs/reference/http-connect.md', 'docs/reference/protocol.md'],
  }),
];
