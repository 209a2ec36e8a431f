/*
 * Life of one connection on the TLS port.
 *
 *             secure          authenticate            accept
 *   Handshake ──────▶ Request ────────────▶ Verifying ──────▶ Authenticated
 *       │              │                     │                    │ connect
 *       │              │                     │                    ▼
 *       │              │ connect             │                Connecting ── establish ──▶ Tunnel
 *       │              └─────────────────────┼─────────────────▶  │    └──── forward ───▶ Forwarding
 *       │                                    ▼                    ▼                          │
 *       └──────────── close ─────────────▶ Closing ◀──────────────┴──────────────────────────┘
 *                                            │ gone (from every state)
 *                                            ▼
 *                                          Closed
 */
export const ConnectionState = {
  Handshake: 'HANDSHAKE',
  /** Waits for requests; not authenticated. */
  Request: 'REQUEST',
  /** A token is being verified. */
  Verifying: 'VERIFYING',
  /** Waits for CONNECT; a token was accepted on this connection. */
  Authenticated: 'AUTHENTICATED',
  /** A CONNECT is being decided. */
  Connecting: 'CONNECTING',
  /** CSTP. */
  Tunnel: 'TUNNEL',
  /** The bytes of an HTTP CONNECT. */
  Forwarding: 'FORWARDING',
  /** The last bytes are being sent; nothing more is processed. */
  Closing: 'CLOSING',
  Closed: 'CLOSED',
} as const;
export type ConnectionState = (typeof ConnectionState)[keyof typeof ConnectionState];

export type ConnectionEvent =
  | 'secure'
  | 'authenticate'
  | 'accept'
  | 'connect'
  | 'establish'
  | 'forward'
  | 'close'
  | 'gone';

const S = ConnectionState;

/** Null: the event cannot happen in that state. */
export const CONNECTION_TRANSITIONS: Readonly<
  Record<ConnectionState, Readonly<Record<ConnectionEvent, ConnectionState | null>>>
> = {
  [S.Handshake]: {
    secure: S.Request,
    authenticate: null,
    accept: null,
    connect: null,
    establish: null,
    forward: null,
    close: S.Closing,
    gone: S.Closed,
  },
  [S.Request]: {
    secure: null,
    authenticate: S.Verifying,
    accept: null,
    connect: S.Connecting,
    establish: null,
    forward: null,
    close: S.Closing,
    gone: S.Closed,
  },
  [S.Verifying]: {
    secure: null,
    authenticate: null,
    accept: S.Authenticated,
    connect: null,
    establish: null,
    forward: null,
    close: S.Closing,
    gone: S.Closed,
  },
  [S.Authenticated]: {
    secure: null,
    authenticate: null,
    accept: null,
    connect: S.Connecting,
    establish: null,
    forward: null,
    close: S.Closing,
    gone: S.Closed,
  },
  [S.Connecting]: {
    secure: null,
    authenticate: null,
    accept: null,
    connect: null,
    establish: S.Tunnel,
    forward: S.Forwarding,
    close: S.Closing,
    gone: S.Closed,
  },
  [S.Tunnel]: {
    secure: null,
    authenticate: null,
    accept: null,
    connect: null,
    establish: null,
    forward: null,
    close: S.Closing,
    gone: S.Closed,
  },
  [S.Forwarding]: {
    secure: null,
    authenticate: null,
    accept: null,
    connect: null,
    establish: null,
    forward: null,
    close: S.Closing,
    gone: S.Closed,
  },
  [S.Closing]: {
    secure: null,
    authenticate: null,
    accept: null,
    connect: null,
    establish: null,
    forward: null,
    close: S.Closing,
    gone: S.Closed,
  },
  [S.Closed]: {
    secure: null,
    authenticate: null,
    accept: null,
    connect: null,
    establish: null,
    forward: null,
    close: S.Closed,
    gone: S.Closed,
  },
};
