/**
 * Life cycle of the DTLS channel next to a tunnel.
 *
 * ```text
 *        offer                 secured
 *  OFF ─────────▶ HANDSHAKE ──────────▶ UP
 *                  │    ▲ ▲              │
 *            failed│ due│ └── silent ────┤
 *                  ▼    │     failed     │
 *                 WAITING ◀──────────────┘
 *  OFF ◀── withdraw, from every state
 * ```
 *
 * Data uses this channel in UP, and the tunnel's own in every other state. A channel that has become silent is replaced immediately, from
 * another port, since a NAT that dropped the old mapping is the likeliest reason; after a failed handshake or an end by the gateway, after a pause.
 */
export const DataPathState = {
  /** No DTLS was agreed on, or there is no tunnel. */
  Off: 'off',
  Handshake: 'handshake',
  Up: 'up',
  /** The next handshake is scheduled. */
  Waiting: 'waiting',
} as const;
export type DataPathState = (typeof DataPathState)[keyof typeof DataPathState];

export const DataPathEvent = {
  /** A tunnel with DTLS was opened. */
  Offer: 'offer',
  /** The handshake is complete. */
  Secured: 'secured',
  /** The handshake failed, or the gateway ended the channel. */
  Failed: 'failed',
  /** Nothing arrives over DTLS anymore. */
  Silent: 'silent',
  Due: 'due',
  /** The tunnel is gone. */
  Withdraw: 'withdraw',
} as const;
export type DataPathEvent = (typeof DataPathEvent)[keyof typeof DataPathEvent];

type Row = { readonly [E in DataPathEvent]: DataPathState };

const S = DataPathState;

/** Every pair of state and event. A missing one is a compile-time error. */
const TRANSITIONS: { readonly [State in DataPathState]: Row } = {
  [S.Off]: { offer: S.Handshake, secured: S.Off, failed: S.Off, silent: S.Off, due: S.Off, withdraw: S.Off },
  [S.Handshake]: {
    offer: S.Handshake,
    secured: S.Up,
    failed: S.Waiting,
    silent: S.Handshake,
    due: S.Handshake,
    withdraw: S.Off,
  },
  [S.Up]: { offer: S.Handshake, secured: S.Up, failed: S.Waiting, silent: S.Handshake, due: S.Up, withdraw: S.Off },
  [S.Waiting]: {
    offer: S.Handshake,
    secured: S.Waiting,
    failed: S.Waiting,
    silent: S.Waiting,
    due: S.Handshake,
    withdraw: S.Off,
  },
};

/** The pure transition function. */
export function nextDataPath(state: DataPathState, event: DataPathEvent): DataPathState {
  return TRANSITIONS[state][event];
}
