/** Lifetimes in seconds, with Entra's defaults (Microsoft: "Configurable token lifetimes", "Refresh tokens", "… device authorization grant flow"). */
export interface Lifetimes {
  /** Access token: exact, or a range to draw from. */
  readonly accessToken: number | { readonly min: number; readonly max: number };
  readonly idToken: number;
  /** Authorization code; single use. */
  readonly code: number;
  readonly deviceCode: number;
  /** Refresh token, counted from its own issue: each use gives a new one, so it slides. */
  readonly refreshToken: number;
  /** Refresh token of a single page app, counted from the sign-in: it does not slide. */
  readonly spaRefreshToken: number;
  /** Sign-in session of a browser that does not stay signed in. */
  readonly session: number;
  /** Sign-in session of a browser that stays signed in. */
  readonly persistentSession: number;
  /** How long one may look at the sign-in page. */
  readonly signIn: number;
}

/** Seconds between two polls with a device code (Microsoft: "OAuth 2.0 device authorization grant flow"). */
export const DEVICE_POLL_INTERVAL = 5;

/** Wrong passwords in a row after which an account is locked, and for how many seconds (Entra's smart lockout defaults). */
export const LOCKOUT = { attempts: 10, seconds: 60 } as const;

/** Identical token requests within this many seconds count towards `loopLimit`. */
export const LOOP_WINDOW = 300;

/** Largest request body, in bytes: a form with an 8 KB assertion and claims fits many times over. */
export const MAX_BODY = 65_536;

/** Most parameters of one request. */
export const MAX_PARAMETERS = 100;

/** Longest single parameter, in characters. */
export const MAX_PARAMETER_LENGTH = 16_384;

/** Most entries that the provider keeps of each kind; the oldest goes first. */
export const STORE_LIMITS = {
  codes: 20_000,
  deviceCodes: 10_000,
  refreshTokens: 200_000,
  sessions: 50_000,
  flows: 10_000,
  assertions: 50_000,
} as const;

/** Accounts that one browser can be signed in with. */
export const MAX_ACCOUNTS = 8;

/** Connections at once: more than a load test needs. They have one in so many of the process's file descriptors at most. */
export const MAX_CONNECTIONS = 10_000;
export const CONNECTION_DESCRIPTOR_SHARE = 8;

/** Milliseconds between two reports of connections that were too many. */
export const FULL_REPORT_MS = 10_000;

/** Milliseconds a client may take for the head, and for the whole, of a request before the connection is closed. */
export const HTTP_TIMEOUTS = { headers: 10_000, request: 15_000, keepAlive: 30_000, idle: 60_000 } as const;
