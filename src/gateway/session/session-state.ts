/**
 * Life of one session, from the cookie issued for a token to the release of its addresses.
 *
 * ```text
 *                                     ┌───┐ connect (takes over)
 *                   connect           ▼   │        leave
 *   AUTHENTICATED ────────────────▶ CONNECTED ──────────────────▶ DISCONNECTED
 *         │                           │    ▲                        │    │
 *         │ end, expire               │    └──────── connect ───────┘    │
 *         │                           │ end                             │ end, expire
 *         ▼                           ▼                                 │
 *         └───────────────────────▶ CLOSING ◀───────────────────────────┘
 *                                     │ settle
 *                                     ▼
 *                                   ENDED
 * ```
 *
 * Every other event changes nothing. In DISCONNECTED the channels are closed and the cookie and addresses are kept for a reconnect
 * of the client. In CLOSING the cookie is already refused, but packets of the batch in which the session ended may still be in the
 * network behind the gateway: its addresses are not reassigned until they have been processed.
 */
export const SessionState = {
  /** A cookie was issued; there has been no tunnel yet. */
  Authenticated: 'authenticated',
  /** A tunnel is up. */
  Connected: 'connected',
  /** The tunnel has ended; the cookie remains valid for a while. */
  Disconnected: 'disconnected',
  /** The cookie is no longer valid; the addresses are not free yet. */
  Closing: 'closing',
  Ended: 'ended',
} as const;
export type SessionState = (typeof SessionState)[keyof typeof SessionState];

/** What happens to a session. */
export const SessionEvent = {
  /** A CONNECT with its cookie was answered: a tunnel is up and may have replaced another one. */
  Connect: 'connect',
  /** The tunnel ended in a way that lets the client reconnect. */
  Leave: 'leave',
  /** The session ended permanently. */
  End: 'end',
  /** The cookie was not used in time. */
  Expire: 'expire',
  /** No packets of the session are pending any more. */
  Settle: 'settle',
} as const;
export type SessionEvent = (typeof SessionEvent)[keyof typeof SessionEvent];

/** Effects of a transition, performed in the order of the list. */
export const SessionEffect = {
  /** Closes the channels of the open tunnel. */
  CloseTunnel: 'close-tunnel',
  OpenTunnel: 'open-tunnel',
  /** The cookie does not expire while a tunnel uses it. */
  UseCookie: 'use-cookie',
  /** Restarts the lifetime of the cookie. */
  KeepCookie: 'keep-cookie',
  /** Removes the cookie. */
  DropCookie: 'drop-cookie',
  TellConnect: 'tell-connect',
  TellDisconnect: 'tell-disconnect',
  TellExpired: 'tell-expired',
  /** Requests `settle` once no packets of the session are pending. */
  AwaitSettle: 'await-settle',
  FreeAddresses: 'free-addresses',
} as const;
export type SessionEffect = (typeof SessionEffect)[keyof typeof SessionEffect];

export interface SessionTransition {
  readonly to: SessionState;
  readonly effects: readonly SessionEffect[];
}

type Row = { readonly [E in SessionEvent]: SessionTransition };

const S = SessionState;
const F = SessionEffect;

const stay = (state: SessionState): SessionTransition => ({ to: state, effects: [] });

/** Reported with one event: a session that has disconnected only loses its cookie. */
const LOSE_COOKIE: SessionTransition = { to: S.Closing, effects: [F.TellExpired, F.DropCookie, F.AwaitSettle] };

/** Every pair of state and event. A missing one does not compile. */
const TRANSITIONS: { readonly [State in SessionState]: Row } = {
  [S.Authenticated]: {
    connect: { to: S.Connected, effects: [F.OpenTunnel, F.UseCookie, F.TellConnect] },
    leave: stay(S.Authenticated),
    end: { to: S.Closing, effects: [F.TellDisconnect, F.DropCookie, F.AwaitSettle] },
    expire: LOSE_COOKIE,
    settle: stay(S.Authenticated),
  },
  [S.Connected]: {
    connect: { to: S.Connected, effects: [F.CloseTunnel, F.OpenTunnel, F.UseCookie, F.TellConnect] },
    leave: { to: S.Disconnected, effects: [F.CloseTunnel, F.TellDisconnect, F.KeepCookie] },
    end: { to: S.Closing, effects: [F.CloseTunnel, F.TellDisconnect, F.DropCookie, F.AwaitSettle] },
    expire: stay(S.Connected),
    settle: stay(S.Connected),
  },
  [S.Disconnected]: {
    connect: { to: S.Connected, effects: [F.OpenTunnel, F.UseCookie, F.TellConnect] },
    leave: stay(S.Disconnected),
    end: LOSE_COOKIE,
    expire: LOSE_COOKIE,
    settle: stay(S.Disconnected),
  },
  [S.Closing]: {
    connect: stay(S.Closing),
    leave: stay(S.Closing),
    end: stay(S.Closing),
    expire: stay(S.Closing),
    settle: { to: S.Ended, effects: [F.FreeAddresses] },
  },
  [S.Ended]: {
    connect: stay(S.Ended),
    leave: stay(S.Ended),
    end: stay(S.Ended),
    expire: stay(S.Ended),
    settle: stay(S.Ended),
  },
};

/** The pure transition function. */
export function nextSession(state: SessionState, event: SessionEvent): SessionTransition {
  return TRANSITIONS[state][event];
}

/** True while the cookie is valid: the states in which a tunnel can be opened. */
export function holdsCookie(state: SessionState): boolean {
  return state !== S.Closing && state !== S.Ended;
}
