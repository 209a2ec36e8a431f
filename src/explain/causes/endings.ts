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
    title: 'The client left by itself',
    why: 'Its user ended it, or its program did. The cookie is of no use any more.',
    next: ['Nothing. openconnect ends like this at Ctrl+C; with SIGHUP it leaves and keeps the cookie.'],
  },
  {
    reason: 'temporary',
    id: 'end-paused',
    weight: 'note',
    title: 'The client left for a while',
    why: 'It said that it comes back, and its cookie stays good for gateway.cookieTimeout.',
    next: ['Let it come back in time.'],
  },
  {
    reason: 'connection-lost',
    id: 'end-connection-lost',
    weight: 'trouble',
    title: 'The connection broke',
    why: 'The TCP connection of the tunnel ended without a goodbye: the client was killed, its network changed, or something on the way cut it off. Its cookie stays good for a while.',
    next: [
      'A client comes back by itself, with its cookie: see whether it tries.',
      'Look whether something on the way ends long connections.',
    ],
    seams: ['tcp', 'decision'],
  },
  {
    reason: 'dpd',
    id: 'end-dpd',
    weight: 'trouble',
    title: 'The client fell silent',
    why: 'It answered no dead peer detection for three times gateway.dpd: it was stopped, sleeps, or its packets do not come through.',
    next: [
      'Look whether the client was stopped in a debugger or the device slept.',
      'A longer gateway.dpd (for phones gateway.mobileDpd) has more patience.',
    ],
    seams: ['tcp', 'udp', 'decision'],
  },
  {
    reason: 'idle',
    id: 'end-idle',
    weight: 'fatal',
    title: 'The idle time-out was over',
    why: 'No data went through the tunnel for gateway.idleTimeout; pings do not count.',
    next: ['Connect again when there is something to send, or set a longer gateway.idleTimeout.'],
  },
  {
    reason: 'session-timeout',
    id: 'end-session-timeout',
    weight: 'fatal',
    title: 'The session lasted as long as it may',
    why: 'gateway.sessionTimeout was over, by the clock of the simulator, or somebody had the session expire. The cookie is no longer valid.',
    next: [
      'Log in again, with a fresh token: a client has to do that by itself.',
      'gateway.sessionTimeout allows longer sessions.',
    ],
  },
  {
    reason: 'admin',
    id: 'end-admin',
    weight: 'fatal',
    title: 'An administrator ended the session',
    why: 'Somebody did so by `tunnelite sessions disconnect`, REST or a test; the client was told to go, and its cookie is no longer valid.',
    next: ['Log in again.'],
    seams: ['decision'],
  },
  {
    reason: 'rekey',
    id: 'end-rekey',
    weight: 'note',
    title: 'The tunnel was ended for new keys',
    why: 'It was to be renewed; the client comes back with its cookie and makes a new tunnel.',
    next: ['Nothing, if it came back. If not, see what it says of the broken connection.'],
    seams: ['decision'],
  },
  {
    reason: 'restart',
    id: 'end-restart',
    weight: 'trouble',
    title: 'The gateway was restarted or stopped',
    why: 'Somebody told it to. With cookies kept, clients come back by themselves.',
    next: ['Wait for the client to come back; with `--cookies lose` it has to log in again.'],
  },
  {
    reason: 'shutdown',
    id: 'end-shutdown',
    weight: 'fatal',
    title: 'The simulator ended, or drained its clients',
    why: 'It was told to end, or the time was over that it waited for clients to leave.',
    next: ['Start it again; clients have to log in anew.'],
  },
  {
    reason: 'reset',
    id: 'end-reset',
    weight: 'fatal',
    title: 'The simulator was reset',
    why: '`tunnelite reset`, or a test: all sessions end, and all cookies with them.',
    next: ['Log in again.'],
  },
  {
    reason: 'protocol-error',
    id: 'end-protocol-error',
    weight: 'fatal',
    title: 'The tunnel was ended because the client broke the protocol',
    why: 'After what came, nobody can say where the next packet begins.',
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
      `After ${Math.round(seconds)} s: ${explanation}${cameBack(evidence) ? ' It came back.' : ''}`,
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
    title: 'Another connection took the session over',
    on: 'channel.cstp.close',
    when: ({ reason }) => reason === 'replaced',
    what: ({ remote }) => `The tunnel from ${remote} was ended, for a new one came with the same cookie.`,
    why: 'The client reconnected before the gateway noticed that its old connection was dead; or two clients use one cookie.',
    next: ['Nothing, if it is the same client. Two clients need a login each.'],
    docs: ['docs/reference/protocol.md'],
  }),
  cause({
    id: 'end-cookie-expired',
    area: 'ending',
    weight: 'fatal',
    title: 'The client did not come back in time',
    on: 'session.expired',
    when: ({ reason }) => reason === 'expired',
    what: ({ explanation }) => explanation,
    why: 'A session without a tunnel is kept for gateway.cookieTimeout, and then forgotten.',
    next: ['Log in again.', 'gateway.cookieTimeout gives clients longer to come back.'],
    docs: ['docs/reference/configuration.md'],
  }),
];
