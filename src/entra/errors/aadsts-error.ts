import { TunneliteError } from '../../lib/errors.ts';
import { withoutControls } from '../../lib/printable.ts';
import { type AadstsCode, type AadstsEntry, aadstsEntry } from './aadsts.ts';

/** Values for the `{name}` parts of a message. */
export type AadstsParameters = Readonly<Record<string, string | number | undefined>>;

export interface AadstsErrorOptions {
  /** The `claims` member: a JSON string that the client must send back (Conditional Access). */
  readonly claims?: string | undefined;
  /** Overrides the table's `suberror`. */
  readonly suberror?: string;
  /** True if a test requested this failure. */
  readonly ordered?: boolean;
}

/**
 * An error in Entra's format: the response of an endpoint, and the exception for a program that asks the built-in Entra ID
 * for a token that no sign-in can produce. `message` starts with the code, as Entra writes it.
 */
export class AadstsError extends TunneliteError {
  /** AADSTS number. */
  readonly aadsts: AadstsCode;
  /** The text without the code. */
  readonly text: string;
  readonly entry: AadstsEntry;
  readonly claims: string | undefined;
  readonly suberror: string | undefined;
  /** True if a test requested this failure; false if the request itself is wrong. */
  readonly ordered: boolean;

  constructor(code: AadstsCode, parameters: AadstsParameters = {}, options: AadstsErrorOptions = {}) {
    const entry = aadstsEntry(code);
    const text = fillIn(entry.message, parameters);
    super('ERR_IDENTITY_AADSTS', `AADSTS${code}: ${text}`, { details: { aadsts: code, error: entry.error } });
    this.aadsts = code;
    this.text = text;
    this.entry = entry;
    this.claims = options.claims;
    this.suberror = options.suberror ?? entry.suberror;
    this.ordered = options.ordered ?? false;
  }
}

const MAX_PARAMETER = 256;

/** Parameters come from requests: removes control characters and limits the length. */
function fillIn(template: string, parameters: AadstsParameters): string {
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = parameters[name];
    return value === undefined ? '' : oneLine(String(value));
  });
}

function oneLine(text: string): string {
  const clean = withoutControls(text, ' ');
  return clean.length > MAX_PARAMETER ? `${clean.slice(0, MAX_PARAMETER)}...` : clean;
}

/** Identifiers of one request, for every response to it. */
export interface Trace {
  readonly traceId: string;
  readonly correlationId: string;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
}

/** `yyyy-MM-dd HH:mm:ssZ`, Entra's format. */
export function entraTimestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** The complete `error_description`. */
export function errorDescription(error: AadstsError, trace: Trace): string {
  return (
    `${error.message} Trace ID: ${trace.traceId} ` +
    `Correlation ID: ${trace.correlationId} Timestamp: ${entraTimestamp(trace.time)}`
  );
}

export interface ErrorBody {
  readonly error: string;
  readonly error_description: string;
  readonly error_codes: readonly number[];
  readonly timestamp: string;
  readonly trace_id: string;
  readonly correlation_id: string;
  readonly error_uri: string;
  readonly suberror?: string;
  readonly claims?: string;
}

export interface ErrorStyle {
  /** The identity provider's own origin, for `error_uri`. */
  readonly origin: string;
  /** v1 token endpoints use `interaction_required` where v2 uses `invalid_grant` with a suberror. */
  readonly version: 1 | 2;
}

/** JSON body of an error response, as Entra ID sends it. Responses of v1 endpoints have no `suberror`. */
export function errorBody(error: AadstsError, trace: Trace, style: ErrorStyle): ErrorBody {
  const oauth = style.version === 1 ? (error.entry.silentError ?? error.entry.error) : error.entry.error;
  return {
    error: oauth,
    error_description: errorDescription(error, trace),
    error_codes: [error.aadsts],
    timestamp: entraTimestamp(trace.time),
    trace_id: trace.traceId,
    correlation_id: trace.correlationId,
    error_uri: `${style.origin}/error?code=${error.aadsts}`,
    ...(error.suberror !== undefined && style.version === 2 && { suberror: error.suberror }),
    ...(error.claims !== undefined && { claims: error.claims }),
  };
}
