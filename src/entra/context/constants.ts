/** Lifetimes in seconds, with Entra's defaults (Microsoft: "Configurable token lifetimes", "Refresh tokens", "… device authorization grant flow"). */
export interface Lifetimes {
  /** Access token: exact, or a range to draw from. */
  readonly accessToken: number | { readonly min: number; readonly max: number };
  readonly idToken: number;
  /** Authorization code; single use. */
  readonly code: number;
  readonly deviceCode: number;
  /** Refresh token, counted from its own issue: each use issues a new one, so the lifetime slides. */
  readonly refreshToken: number;
  /** Refresh token of a single-page app, counted from the sign-in: the lifetime does not slide. */
  readonly spaRefreshToken: number;
  /** Sign-in session of a browser without "Stay signed in". */
  readonly session: number;
  /** Sign-in session of a browser with "Stay signed in". */
  readonly persistentSession: number;
  /** How long a sign-in page stays valid. */
  readonly signIn: number;
}

/** Seconds between two polls with a device code (Microsoft: "OAuth 2.0 device authorization grant flow"). */
export const DEVICE_POLL_INTERVAL = 5;

/** Consecutive wrong passwords that lock an account, and for how many seconds (Entra's smart lockout defaults). */
export const LOCKOUT = { attempts: 10, seconds: 60 } as const;

/** Identical token requests within this many seconds count towards `loopLimit`. */
export const LOOP_WINDOW = 300;

/** Largest request body, in bytes: far more than a form with an 8 KB assertion and claims. */
export const MAX_BODY = 65_536;

/** Most parameters of one request. */
export const MAX_PARAMETERS = 100;

/** Longest single parameter, in characters. */
export const MAX_PARAMETER_LENGTH = 16_384;

/** Most entries of each kind; the oldest are dropped first. */
export const STORE_LIMITS = {
  codes: 20_000,
  deviceCodes: 10_000,
  refreshTokens: 200_000,
  sessions: 50_000,
  flows: 10_000,
  assertions: 50_000,
} as const;

/** Most signed-in accounts per browser. */
export const MAX_ACCOUNTS = 8;

/** Most concurrent connections: more than a load test needs. Also limited to a share of the process's file descriptors. */
export const MAX_CONNECTIONS = 10_000;
export const CONNECTION_DESCRIPTOR_SHARE = 8;

/** Milliseconds between two reports of connections over the limit. */
export const FULL_REPORT_MS = 10_000;

/** Timeouts in milliseconds for the head of a request and for the whole request. */
export const HTTP_TIMEOUTS = { headers: 10_000, request: 15_000, keepAlive: 30_000, idle: 60_000 } as const;
