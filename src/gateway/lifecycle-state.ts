/**
 * Life of a gateway.
 *
 * ```text
 *              start              drain
 *   STOPPED ───────────▶ LISTENING ─────▶ DRAINING
 *     ▲  ▲                 │  ▲   start      │ │
 *     │  └───── stop ──────┘  └──────────────┘ │
 *     └──────────────────── stop ──────────────┘
 *
 *   close: from each of them to CLOSED, permanently
 * ```
 *
 * Every other event changes nothing. In DRAINING the ports stay open and new clients are rejected; connected clients stay.
 */
export const GatewayState = {
  /** Its ports are closed. */
  Stopped: 'stopped',
  Listening: 'listening',
  /** Accepts no new clients. */
  Draining: 'draining',
  Closed: 'closed',
} as const;
export type GatewayState = (typeof GatewayState)[keyof typeof GatewayState];

/** Operations of a gateway. */
export const GatewayEvent = { Start: 'start', Drain: 'drain', Stop: 'stop', Close: 'close' } as const;
export type GatewayEvent = (typeof GatewayEvent)[keyof typeof GatewayEvent];

/** Effects of a transition. */
export type GatewayEffect = 'open-ports' | 'accept-again' | 'turn-away' | 'close-ports';

interface GatewayTransition {
  readonly to: GatewayState;
  readonly effect?: GatewayEffect;
}

const S = GatewayState;
const stay = (to: GatewayState): GatewayTransition => ({ to });

/** Every pair of state and event. A missing one does not compile. */
const TRANSITIONS: { readonly [S in GatewayState]: { readonly [E in GatewayEvent]: GatewayTransition } } = {
  [S.Stopped]: {
    start: { to: S.Listening, effect: 'open-ports' },
    drain: stay(S.Stopped),
    stop: stay(S.Stopped),
    close: stay(S.Closed),
  },
  [S.Listening]: {
    start: stay(S.Listening),
    drain: { to: S.Draining, effect: 'turn-away' },
    stop: { to: S.Stopped, effect: 'close-ports' },
    close: { to: S.Closed, effect: 'close-ports' },
  },
  [S.Draining]: {
    start: { to: S.Listening, effect: 'accept-again' },
    drain: stay(S.Draining),
    stop: { to: S.Stopped, effect: 'close-ports' },
    close: { to: S.Closed, effect: 'close-ports' },
  },
  [S.Closed]: {
    start: stay(S.Closed),
    drain: stay(S.Closed),
    stop: stay(S.Closed),
    close: stay(S.Closed),
  },
};

/** The pure transition function. */
export function nextGatewayState(state: GatewayState, event: GatewayEvent): GatewayTransition {
  return TRANSITIONS[state][event];
}
