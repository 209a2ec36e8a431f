import { TunneliteError } from '../../lib/errors.ts';
import { withoutControls } from '../../lib/printable.ts';
import { type AadstsCode, type AadstsEntry, aadstsEntry } from './aadsts.ts';

/** What fills the `{name}` parts of a message. */
export type AadstsParameters = Readonly<Record<string, string | number | undefined>>;

export interface AadstsErrorOptions {
  /** The `claims` member: a JSON string the client has to send back (Conditional Access). */
  readonly claims?: string | undefined;
  /** Overrides the table's `suberror`. */
  readonly suberror?: string;
  /** A test asked for this failure. */
  readonly ordered?: boolean;
}

/**
 * A refusal in Entra's shape: what becomes the answer of an endpoint, and what a program gets that asks the built-in Entra ID
 * for a token which no sign-in could have. `message` is the text with its number before it, as Entra writes it.
 */
export class AadstsError extends TunneliteError {
  /** AADSTS number. */
  readonly aadsts: AadstsCode;
  /** The text without the number. */
  readonly text: string;
  readonly entry: AadstsEntry;
  readonly claims: string | undefined;
  readonly suberror: string | undefined;
  /** True when a test asked for this failure; false when the request itself is at fault. */
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

/** Parameters come from requests: control characters go, length is capped. */
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

/** What identifies one request in every answer to it. */
export interface Trace {
  readonly traceId: string;
  readonly correlationId: string;
  /** Milliseconds since the Unix epoch. */
  readonly time: number;
}

/** `yyyy-MM-dd HH:mm:ssZ`, the way Entra writes it. */
export function entraTimestamp(milliseconds: number): string {
  return `${new Date(milliseconds).toISOString().slice(0, 19).replace('T', ' ')}Z`;
}

/** The whole text of `error_description`. */
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
  /** v1 token endpoints say `interaction_required` where v2 says `invalid_grant` with a suberror. */
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
