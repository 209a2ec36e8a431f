/**
 * Life cycle of a client, from the first connection to its end. The tunnel is the TLS connection that carries CSTP; the DTLS channel next to it
 * has a life cycle of its own (`data-path-state.ts`), which ends with the tunnel's.
 *
 * ```text
 *  IDLE ─ start ─▶ CONNECTING ── opened ──▶ CONNECTED ◀─ opened, failed ─ REKEYING
 *                   │      │                │ │  ▲ │ └────── rekey ─────▶   │
 *                   │      │suspend         │ │  │ │suspend               │ │
 *            failed,│      ▼          moved │ │  │ ▼ ▲ resume             │ │
 *            refused│     AWAY ◀─ lost ─────│─│──│─ ASLEEP ◀── suspend ───┘ │
 *                   │    ▲    │             │ │  │                          │
 *                   │    │    │resume       │ │  │opened                    │
 *                   │    │    ▼             ▼ │  │                          │
 *                   │    └── RECONNECTING ◀───│──┴────────────── lost, moved┘
 *                   │    ▲     │ ▲            │
 *                   │    │     │ │due,        │ lost
 *                   │    │     │ │moved       │
 *                   │    │     ▼ │            │
 *                   │    └── WAITING ◀────────┘
 *                   ▼   (failed ▼)
 *                 ENDED ◀── close, refused, from every state
 * ```
 *
 * All other events change nothing. REKEYING, ASLEEP and CONNECTED have a tunnel; packets pass in CONNECTED and REKEYING.
 */
export const ClientState = {
  /** Not started. */
  Idle: 'idle',
  /** Opening the first connection: TLS, login, CONNECT. */
  Connecting: 'connecting',
  Connected: 'connected',
  /** As connected, while a new tunnel of the same session is being opened. */
  Rekeying: 'rekeying',
  /** The tunnel is gone; reconnecting with the cookie. */
  Reconnecting: 'reconnecting',
  /** The tunnel is gone, and the next attempt is scheduled: the first one immediately. */
  Waiting: 'waiting',
  /** The program or its device is suspended, and there is a tunnel. */
  Asleep: 'asleep',
  /** The same without a tunnel. */
  Away: 'away',
  Ended: 'ended',
} as const;
export type ClientState = (typeof ClientState)[keyof typeof ClientState];

/** Events in the life of a client. */
export const ClientEvent = {
  Start: 'start',
  /** An attempt opened a tunnel. */
  Opened: 'opened',
  /** An attempt failed. */
  Failed: 'failed',
  /** Retrying is pointless: the gateway ended the session, or does not accept the cookie. */
  Refused: 'refused',
  /** The tunnel broke, or is silent. */
  Lost: 'lost',
  /** It is time for the next attempt. */
  Due: 'due',
  /** The keys are due for renewal. */
  Rekey: 'rekey',
  /** The device has moved to another network. */
  Moved: 'moved',
  Suspend: 'suspend',
  Resume: 'resume',
  Close: 'close',
} as const;
export type ClientEvent = (typeof ClientEvent)[keyof typeof ClientEvent];

/** Actions of a transition, in the order of the list. */
export const ClientEffect = {
  /** Starts an attempt to open a tunnel. */
  Dial: 'dial',
  /** Aborts the attempt in progress. */
  AbortDial: 'abort-dial',
  /** Uses the tunnel that the attempt opened; it replaces an existing one. */
  Adopt: 'adopt',
  /** Discards the tunnel without a disconnect packet. */
  Drop: 'drop',
  /** Sends the disconnect packet, if there is a tunnel, and discards it. */
  Goodbye: 'goodbye',
  PlanRetry: 'plan-retry',
  /** Schedules the renewal of the keys. */
  PlanRekey: 'plan-rekey',
  /** Stops reading, and suspends dead peer detection. */
  Pause: 'pause',
  /** Resumes reading, and checks whether the gateway is still there. */
  Wake: 'wake',
  TellConnected: 'tell-connected',
  TellReconnecting: 'tell-reconnecting',
  TellEnd: 'tell-end',
} as const;
export type ClientEffect = (typeof ClientEffect)[keyof typeof ClientEffect];

export interface ClientTransition {
  readonly to: ClientState;
  readonly effects: readonly ClientEffect[];
}

type Row = { readonly [E in ClientEvent]: ClientTransition };

const S = ClientState;
const F = ClientEffect;

/** No change, for every event that is not listed. */
function row(state: ClientState, moves: Partial<Row>): Row {
  const stay: ClientTransition = { to: state, effects: [] };
  return {
    start: stay,
    opened: stay,
    failed: stay,
    refused: stay,
    lost: stay,
    due: stay,
    rekey: stay,
    moved: stay,
    suspend: stay,
    resume: stay,
    close: stay,
    ...moves,
  };
}

const END_OF_TRY: ClientTransition = { to: S.Ended, effects: [F.AbortDial, F.TellEnd] };
const END_OF_TUNNEL: ClientTransition = { to: S.Ended, effects: [F.AbortDial, F.Drop, F.TellEnd] };
const LEAVE: ClientTransition = { to: S.Ended, effects: [F.AbortDial, F.Goodbye, F.TellEnd] };
const TRY_ANEW: ClientTransition = { to: S.Reconnecting, effects: [F.AbortDial, F.Dial] };

/** Every state, with the events that matter in it. */
const TRANSITIONS: { readonly [State in ClientState]: Row } = {
  [S.Idle]: row(S.Idle, {
    start: { to: S.Connecting, effects: [F.Dial] },
    close: { to: S.Ended, effects: [F.TellEnd] },
  }),
  [S.Connecting]: row(S.Connecting, {
    opened: { to: S.Connected, effects: [F.Adopt, F.PlanRekey, F.TellConnected] },
    failed: END_OF_TRY,
    refused: END_OF_TRY,
    moved: { to: S.Connecting, effects: [F.AbortDial, F.Dial] },
    suspend: { to: S.Away, effects: [F.AbortDial] },
    close: END_OF_TRY,
  }),
  [S.Connected]: row(S.Connected, {
    refused: END_OF_TUNNEL,
    lost: { to: S.Waiting, effects: [F.Drop, F.TellReconnecting, F.PlanRetry] },
    rekey: { to: S.Rekeying, effects: [F.Dial] },
    moved: { to: S.Reconnecting, effects: [F.Drop, F.TellReconnecting, F.Dial] },
    suspend: { to: S.Asleep, effects: [F.Pause] },
    close: LEAVE,
  }),
  [S.Rekeying]: row(S.Rekeying, {
    opened: { to: S.Connected, effects: [F.Adopt, F.PlanRekey] },
    failed: { to: S.Connected, effects: [F.PlanRekey] },
    refused: END_OF_TUNNEL,
    lost: { to: S.Reconnecting, effects: [F.Drop, F.TellReconnecting] },
    moved: { to: S.Reconnecting, effects: [F.AbortDial, F.Drop, F.TellReconnecting, F.Dial] },
    suspend: { to: S.Asleep, effects: [F.AbortDial, F.Pause] },
    close: LEAVE,
  }),
  [S.Reconnecting]: row(S.Reconnecting, {
    opened: { to: S.Connected, effects: [F.Adopt, F.PlanRekey, F.TellConnected] },
    failed: { to: S.Waiting, effects: [F.PlanRetry] },
    refused: END_OF_TRY,
    moved: TRY_ANEW,
    suspend: { to: S.Away, effects: [F.AbortDial] },
    close: END_OF_TRY,
  }),
  [S.Waiting]: row(S.Waiting, {
    refused: END_OF_TRY,
    due: { to: S.Reconnecting, effects: [F.Dial] },
    moved: { to: S.Reconnecting, effects: [F.Dial] },
    suspend: { to: S.Away, effects: [] },
    close: END_OF_TRY,
  }),
  [S.Asleep]: row(S.Asleep, {
    refused: END_OF_TUNNEL,
    lost: { to: S.Away, effects: [F.Drop, F.TellReconnecting] },
    resume: { to: S.Connected, effects: [F.Wake] },
    close: LEAVE,
  }),
  [S.Away]: row(S.Away, {
    resume: { to: S.Reconnecting, effects: [F.Dial] },
    close: END_OF_TRY,
  }),
  [S.Ended]: row(S.Ended, {}),
};

/** The pure transition function. */
export function nextClient(state: ClientState, event: ClientEvent): ClientTransition {
  return TRANSITIONS[state][event];
}
