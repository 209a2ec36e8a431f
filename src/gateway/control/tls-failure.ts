import type { ReportLimit } from '../../lib/report-limit.ts';
import type { Emit } from '../../telemetry/events.ts';
import { parseClientHello } from '../../wire/client-hello.ts';
import { HANDSHAKE_TIMEOUT } from './constants.ts';

/** Why a TLS handshake failed, explained for readers of the log. */
export interface TlsFailure {
  readonly reason:
    | 'probe'
    | 'plain-http'
    | 'ssh'
    | 'not-tls'
    | 'untrusted'
    | 'version'
    | 'no-common-cipher'
    | 'client-certificate'
    | 'abandoned'
    | 'reset'
    | 'timeout'
    | 'other';
  readonly explanation: string;
}

const TRUST_HINT = 'Give the client the CA of this gateway (`tunnelite ca` shows it, /ca.pem serves it).';

const BY_CODE: readonly (readonly [pattern: RegExp, failure: TlsFailure])[] = [
  [
    /ALERT_(UNKNOWN_CA|BAD_CERTIFICATE|UNSUPPORTED_CERTIFICATE|CERTIFICATE_(UNKNOWN|EXPIRED|REVOKED))/,
    { reason: 'untrusted', explanation: `The client does not accept the gateway's certificate. ${TRUST_HINT}` },
  ],
  [
    /UNSUPPORTED_PROTOCOL|PROTOCOL_VERSION|VERSION_TOO_LOW|WRONG_SSL_VERSION/,
    {
      reason: 'version',
      explanation: 'The client and the gateway have no TLS version in common; the gateway supports 1.2 and 1.3.',
    },
  ],
  [
    /NO_SHARED_CIPHER|NO_SUITABLE|HANDSHAKE_FAILURE|NO_SHARED_GROUP/,
    {
      reason: 'no-common-cipher',
      explanation: 'The client and the gateway have no cipher suite, curve or signature in common.',
    },
  ],
];

function startsLikeText(bytes: Buffer): boolean {
  return bytes.subarray(0, 8).every((byte) => byte >= 0x20 && byte < 0x7f);
}

/** A reset by the peer; Windows has an additional code for it. */
function isReset(code: string | undefined): boolean {
  return code === 'ECONNRESET' || code === 'ECONNABORTED';
}

/**
 * @param code error code of the TLS library, or of the socket; undefined when the connection just ended
 * @param firstBytes first bytes from the client
 */
export function classifyTlsFailure(code: string | undefined, firstBytes: Buffer | undefined): TlsFailure {
  if (!firstBytes || firstBytes.length === 0) {
    return {
      reason: 'probe',
      explanation:
        'It connected and closed without sending a byte, as load balancers do to check whether the port is open.',
    };
  }
  const text = firstBytes.toString('latin1');
  if (/^(GET|HEAD|POST|PUT|DELETE|OPTIONS|CONNECT|PATCH|PRI) /.test(text)) {
    return {
      reason: 'plain-http',
      explanation: 'It sent plain HTTP. This port requires TLS: use https:// in the address.',
    };
  }
  if (text.startsWith('SSH-')) {
    return { reason: 'ssh', explanation: 'It sent SSH. This port requires TLS; the client uses the wrong port.' };
  }
  if (firstBytes[0] !== 0x16 && (startsLikeText(firstBytes) || !isReset(code))) {
    return {
      reason: 'not-tls',
      explanation: `Its first byte was 0x${firstBytes[0]!.toString(16).padStart(2, '0')}; a TLS handshake starts with 0x16.`,
    };
  }
  for (const [pattern, failure] of BY_CODE) if (code && pattern.test(code)) return failure;
  if (isReset(code) || code === 'EPIPE') {
    return {
      reason: 'reset',
      explanation: `The client reset the connection during or right after the handshake; usually it does not trust the certificate. ${TRUST_HINT}`,
    };
  }
  if (code === undefined) {
    return {
      reason: 'abandoned',
      explanation: `The client closed the connection during or right after the handshake; usually it does not trust the certificate. ${TRUST_HINT}`,
    };
  }
  return { reason: 'other', explanation: `The error of the TLS library is ${code}.` };
}

/** Error code of a handshake that took too long. */
export const HANDSHAKE_TIMED_OUT = 'TIMEOUT';

/** Same as {@link classifyTlsFailure}, and includes the gateway's own time limit. */
export function handshakeFailure(code: string | undefined, firstBytes: Buffer | undefined): TlsFailure {
  if (code !== HANDSHAKE_TIMED_OUT) return classifyTlsFailure(code, firstBytes);
  return { reason: 'timeout', explanation: `The TLS handshake was not complete within ${HANDSHAKE_TIMEOUT} s.` };
}

/** The client's alert (RFC 8446 §6), if the code of the TLS library contains one: `unknown_ca`. */
function alertOf(code: string | undefined): string | undefined {
  return /_ALERT_([A-Z_]{1,40})$/.exec(code ?? '')?.[1]?.toLowerCase();
}

/** What {@link reportFailure} needs from the gateway. */
interface FailureHost {
  readonly strangers: ReportLimit;
  readonly emit: Emit;
  /** Whether the gateway's certificate is valid for this name. */
  covers(name: string): boolean;
}

/**
 * Reports a connection that ended without a request. With TLS 1.2 and some 1.3 clients, an untrusted certificate is noticed only after our
 * side of the handshake.
 */
export function reportFailure(
  host: FailureHost,
  remote: string,
  { code, firstBytes, secured }: { code: string | undefined; firstBytes: Buffer | undefined; secured: boolean },
): void {
  const { strangers, emit } = host;
  const failure = handshakeFailure(code, firstBytes);
  const probe = failure.reason === 'probe';
  const withheld = strangers.next(probe ? 'tls.probe' : `tls.failed ${failure.reason}`);
  if (withheld === undefined) return;
  if (probe) {
    emit('tls.probe', { remote, withheld });
    return;
  }
  const { serverName, library } = parseClientHello(firstBytes ?? Buffer.alloc(0)) ?? {};
  const covered = serverName === undefined ? undefined : host.covers(serverName);
  const alert = alertOf(code);
  emit('tls.failed', { remote, ...failure, withheld, alert, serverName, covered, library, secured });
}
