import t from 'tap';
import { ALERT, alertName } from '../../../src/dtls/protocol/alerts.ts';

/** IANA "TLS Alerts", as far as DTLS 1.2 has them. */
const IANA: Readonly<Record<number, string>> = {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  22: 'record_overflow',
  40: 'handshake_failure',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  90: 'user_canceled',
  100: 'no_renegotiation',
  110: 'unsupported_extension',
  112: 'unrecognized_name',
  115: 'unknown_psk_identity',
};

t.test('alerts are named as IANA numbers them, and others by their number', async (t) => {
  for (let code = 0; code < 256; code++) t.equal(alertName(code), IANA[code] ?? `alert ${code}`);
  t.equal(Object.keys(ALERT).length, Object.keys(IANA).length);
});
