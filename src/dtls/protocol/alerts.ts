/** Alert descriptions (RFC 5246 §7.2, RFC 4279 §2, RFC 5746, RFC 7627) by the names of the specifications. */
export const ALERT = {
  close_notify: 0,
  unexpected_message: 10,
  bad_record_mac: 20,
  record_overflow: 22,
  handshake_failure: 40,
  bad_certificate: 42,
  unsupported_certificate: 43,
  certificate_revoked: 44,
  certificate_expired: 45,
  certificate_unknown: 46,
  illegal_parameter: 47,
  unknown_ca: 48,
  access_denied: 49,
  decode_error: 50,
  decrypt_error: 51,
  protocol_version: 70,
  insufficient_security: 71,
  internal_error: 80,
  user_canceled: 90,
  no_renegotiation: 100,
  unsupported_extension: 110,
  unrecognized_name: 112,
  unknown_psk_identity: 115,
} as const;

export type AlertName = keyof typeof ALERT;

export const ALERT_LEVEL = { warning: 1, fatal: 2 } as const;

const names = new Map<number, string>(Object.entries(ALERT).map(([name, code]) => [code, name]));

/** Name of an alert that the peer sent; its number where the name is unknown. */
export function alertName(code: number): string {
  return names.get(code) ?? `alert ${code}`;
}
