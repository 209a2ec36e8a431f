import { type Cause, cause, type Evidence, type Weight } from '../visit/cause.ts';

interface Ending {
  readonly reason: string;
  readonly id: string;
  readonly weight: Weight;
  readonly title: string;
  readonly why: string;
  readonly next: readonly string[];
  readonly seams?: readonly string[];
}

const cameBack = ({ visit, event }: Evidence<'session.disconnect'>): boolean =>
  visit.has('session.connect', { after: event.seq });

/** By the reason of `session.disconnect`. */
const ENDINGS: readonly Ending[] = [
  {
    reason: 'user',
    id: 'end-user',
    weight: 'note',
    title: 'The client disconnected',
    why: 'Its user or program ended the session. The cookie is no longer valid.',
    next: ['Nothing. openconnect ends like this on Ctrl+C; on SIGHUP it disconnects and keeps the cookie.'],
  },
  {
    reason: 'temporary',
    id: 'end-paused',
    weight: 'note',
    title: 'The client disconnected temporarily',
    why: 'It announced that it will reconnect. Its cookie remains valid for gateway.cookieTimeout.',
    next: ['Reconnect within that time.'],
  },
  {
    reason: 'connection-lost',
    id: 'end-connection-lost',
    weight: 'trouble',
    title: 'The connection was lost',
    why: 'The TCP connection of the tunnel ended without a disconnect packet: the client was killed, its network changed, or a device on the path closed the connection. Its cookie remains valid for a while.',
    next: [
      'A client reconnects automatically with its cookie: check whether it tries.',
      'Check whether a device on the path closes long connections.',
    ],
    seams: ['tcp', 'decision'],
  },
  {
    reason: 'dpd',
    id: 'end-dpd',
    weight: 'trouble',
    title: 'The client stopped answering',
    why: 'It did not answer dead peer detection for three times gateway.dpd: it was stopped, is asleep, or its packets are lost.',
    next: [
      'Check whether the client was stopped in a debugger or the device was asleep.',
      'To allow longer silence, increase gateway.dpd (for phones gateway.mobileDpd).',
    ],
    seams: ['tcp', 'udp', 'decision'],
  },
  {
    reason: 'idle',
    id: 'end-idle',
    weight: 'fatal',
    title: 'The idle timeout passed',
    why: 'There was no data in the tunnel for gateway.idleTimeout; pings do not count.',
    next: ['Connect again when there is data to send, or increase gateway.idleTimeout.'],
  },
  {
    reason: 'session-timeout',
    id: 'end-session-timeout',
    weight: 'fatal',
    title: 'The session reached its time limit',
    why: 'gateway.sessionTimeout passed, by the simulator’s clock, or the session was expired on request. The cookie is no longer valid.',
    next: [
      'Log in again with a new token; a client must do that automatically.',
      'To allow longer sessions, increase gateway.sessionTimeout.',
    ],
  },
  {
    reason: 'admin',
    id: 'end-admin',
    weight: 'fatal',
    title: 'An administrator ended the session',
    why: 'It was ended with `tunnelite sessions disconnect`, over REST or by a test. The client got a disconnect packet, and its cookie is no longer valid.',
    next: ['Log in again.'],
    seams: ['decision'],
  },
  {
    reason: 'rekey',
    id: 'end-rekey',
    weight: 'note',
    title: 'The tunnel was closed for new keys',
    why: 'It had to be renewed; the client reconnects with its cookie and opens a new tunnel.',
    next: ['Nothing, if it reconnected. If not, check the client’s log about the lost connection.'],
    seams: ['decision'],
  },
  {
    reason: 'restart',
    id: 'end-restart',
    weight: 'trouble',
    title: 'The gateway was restarted or stopped',
    why: 'This was requested. If cookies are kept, clients reconnect automatically.',
    next: ['Wait for the client to reconnect; after `--cookies lose` it must log in again.'],
  },
  {
    reason: 'shutdown',
    id: 'end-shutdown',
    weight: 'fatal',
    title: 'The simulator was stopped or drained',
    why: 'This was requested, or the timeout for clients to leave passed.',
    next: ['Start it again; clients must then log in again.'],
  },
  {
    reason: 'reset',
    id: 'end-reset',
    weight: 'fatal',
    title: 'The simulator was reset',
    why: '`tunnelite reset` or a test ended all sessions and invalidated all cookies.',
    next: ['Log in again.'],
  },
  {
    reason: 'protocol-error',
    id: 'end-protocol-error',
    weight: 'fatal',
    title: 'The tunnel was closed because the client violated the protocol',
    why: 'After such bytes, the start of the next packet is unknown.',
    next: ['See channel.protocol-error in the journal, and compare with docs/reference/protocol.md.'],
    seams: ['tcp'],
  },
];

function ending({ reason, id, weight, title, why, next, seams }: Ending): Cause {
  return cause({
    id,
    area: 'ending',
    weight,
    title,
    on: 'session.disconnect',
    when: (fields) => fields.reason === reason,
    what: ({ explanation, seconds }, evidence) =>
      `After ${Math.round(seconds)} s: ${explanation}${cameBack(evidence) ? ' It reconnected.' : ''}`,
    why,
    next,
    docs: ['docs/how-to/testing.md', 'docs/reference/protocol.md'],
    ...(seams && { seams }),
  });
}

export const ENDING_CAUSES: readonly Cause[] = [
  ...ENDINGS.map(ending),
  cause({
    id: 'end-replaced',
    area: 'ending',
    weight: 'note',
    title: 'Another connection took over the session',
    on: 'channel.cstp.close',
    when: ({ reason }) => reason === 'replaced',
    what: ({ remote }) => `The tunnel from ${remote} was closed because a new connection has the same cookie.`,
    why: 'The client reconnected before the gateway noticed the loss of its old connection, or two clients use the same cookie.',
    next: ['Nothing, if it is the same client. Each client needs its own login.'],
    docs: ['docs/reference/protocol.md'],
  }),
  cause({
    id: 'end-cookie-expired',
    area: 'ending',
    weight: 'fatal',
    title: 'The client did not reconnect in time',
    on: 'session.expired',
    when: ({ reason }) => reason === 'expired',
    what: ({ explanation }) => explanation,
    why: 'A session without a tunnel is kept for gateway.cookieTimeout, then removed.',
    next: ['Log in again.', 'To give clients more time to reconnect, increase gateway.cookieTimeout.'],
    docs: ['docs/reference/configuration.md'],
  }),
];
