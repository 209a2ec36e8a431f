/** The package ships no types; this is as much of it as the interop suite uses. */
declare module 'oidc-provider' {
  import type { RequestListener } from 'node:http';

  interface Jwt {
    header?: Record<string, unknown>;
    payload: Record<string, unknown>;
  }

  interface Configuration {
    readonly clients: readonly Readonly<Record<string, unknown>>[];
    readonly jwks: { readonly keys: readonly Readonly<Record<string, unknown>>[] };
    readonly features: Readonly<Record<string, unknown>>;
    readonly formats: { readonly customizers: { jwt(context: unknown, token: unknown, jwt: Jwt): Jwt } };
  }

  export default class Provider {
    constructor(issuer: string, configuration: Configuration);
    callback(): RequestListener;
  }
}
