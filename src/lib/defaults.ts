import { TUNNEL_RESOURCE_ID, TUNNEL_SCOPE } from './tunnel-api.ts';

/**
 * Default values: for the configuration, which shows them, and for the parts that can be used without one. Grouped like the configuration.
 * Defaults that only one of both uses are defined there.
 */
export const DEFAULTS = {
  /** Listening address: this machine only. */
  host: '127.0.0.1',
  gateway: {
    bearerPrefix: 'lenient',
    tls: { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' },
  },
  identity: {
    audience: TUNNEL_RESOURCE_ID,
    /** Seconds, by policy: none at the gateway (microsoft/mstunnel-ocserv), 300 for APIs (.NET's `TokenValidationParameters.DefaultClockSkew`). */
    clockSkew: { gateway: 0, strict: 300 },
    /** Shortest time in seconds between two downloads of keys, by policy (microsoft/mstunnel-ocserv; Entra's "Signing key rollover" page). */
    keyRefreshInterval: { gateway: 900, strict: 300 },
    strict: {
      scope: TUNNEL_SCOPE,
      guests: 'refuse',
      /** Seconds past their time to live during which keys remain usable while no refresh succeeds (our choice). */
      lastKnownGood: 24 * 3600,
    },
    /** Seconds, as in Entra ID ("Configurable token lifetimes", "Refresh tokens" and "OAuth 2.0 device code flow" on learn.microsoft.com). */
    lifetimes: {
      accessToken: { min: 60 * 60, max: 90 * 60 },
      idToken: 60 * 60,
      code: 10 * 60,
      deviceCode: 15 * 60,
      refreshToken: 90 * 86_400,
      spaRefreshToken: 24 * 3600,
      session: 24 * 3600,
      persistentSession: 90 * 86_400,
      signIn: 60 * 60,
    },
    /** As Entra ID behaves. */
    behaviour: {
      replay: 'allow',
      assertionReplay: 'allow',
      loopLimit: 0,
      slowDown: false,
      showAccounts: true,
    },
  },
  resources: { denyWith: 'prohibited' },
  journal: {
    /** Number of events kept in memory. */
    capacity: 10_000,
    level: 'debug',
    file: null,
  },
} as const;
