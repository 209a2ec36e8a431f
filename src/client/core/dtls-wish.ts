import { createSecretKey } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { DtlsClientCredentials } from '../../dtls/association/types.ts';
import type { CipherSuiteName } from '../../dtls/protocol/cipher-suites.ts';
import { LEGACY_SUITES, type LegacyHeader } from '../../dtls/protocol/legacy-suites.ts';
import { keep } from '../../lib/keep.ts';
import type { HeaderLine } from '../../wire/cstp-headers.ts';
import { PSK_BYTES, PSK_LABEL, PSK_NEGOTIATE } from '../../wire/dtls-channel.ts';
import { MAX_ID_BYTES } from './constants.ts';
import type { TunnelConfiguration } from './tunnel-configuration.ts';

/**
 * Which DTLS mode a client requests (draft-mavrogiannopoulos-openconnect): `psk` with a key exported from the TLS connection, `legacy` with a
 * master secret that it sends, `auto` for whichever the gateway supports, the first before the second, or none.
 */
export type DtlsWish = 'auto' | 'psk' | 'legacy' | 'off';

/** Plain PSK: a gateway may omit ServerKeyExchange (RFC 4279 §2). */
const PSK_SUITES: readonly CipherSuiteName[] = [
  'TLS_PSK_WITH_AES_256_GCM_SHA384',
  'TLS_PSK_WITH_AES_128_GCM_SHA256',
  'TLS_PSK_WITH_CHACHA20_POLY1305_SHA256',
];

const namesFor = (header: LegacyHeader): string[] =>
  LEGACY_SUITES.flatMap((each) => (each.header === header ? each.suites.map(([name]) => name) : []));

/** The header lines that request DTLS. @param masterSecret for legacy mode */
export function dtlsWishHeaders(wish: DtlsWish, masterSecret: Buffer | undefined): HeaderLine[] {
  if (wish === 'off') return [];
  const psk = wish === 'legacy' ? [] : [PSK_NEGOTIATE];
  if (masterSecret === undefined || wish === 'psk') return [['X-DTLS-CipherSuite', psk.join(':')]];
  return [
    ['X-DTLS-Master-Secret', masterSecret.toString('hex')],
    ['X-DTLS12-CipherSuite', namesFor('X-DTLS12-CipherSuite').join(':')],
    ['X-DTLS-CipherSuite', [...psk, ...namesFor('X-DTLS-CipherSuite')].join(':')],
  ];
}

/** The parameters of the DTLS handshake. */
export interface DtlsAgreement {
  readonly credentials: DtlsClientCredentials;
  readonly id: Buffer;
  readonly suites: readonly CipherSuiteName[] | undefined;
}

/** The parameters agreed on with the gateway's answer; undefined = no DTLS, or none that works. */
export function agreedDtls(
  offer: NonNullable<TunnelConfiguration['dtls']>,
  tls: TLSSocket,
  masterSecret: Buffer | undefined,
): DtlsAgreement | undefined {
  if (offer.cipher === PSK_NEGOTIATE) {
    const id = idBytes(offer.appId);
    if (!id) return undefined;
    // Without the context argument: an empty context differs from none under TLS 1.2 (RFC 5705 §4).
    const exportKey = tls.exportKeyingMaterial.bind(tls) as (length: number, label: string) => Buffer;
    const key = createSecretKey(exportKey(PSK_BYTES, PSK_LABEL));
    return { credentials: { kind: 'psk', key, identity: 'psk' }, id, suites: PSK_SUITES };
  }
  const id = idBytes(offer.sessionId);
  const suite = LEGACY_SUITES.flatMap(({ suites }) => suites).find(([name]) => name === offer.cipher)?.[1];
  if (!id || !suite || !masterSecret) return undefined;
  return {
    credentials: { kind: 'resume', masterSecret: keep(masterSecret), sessionId: id, cipherSuite: suite },
    id,
    suites: undefined,
  };
}

function idBytes(digits: string | undefined): Buffer | undefined {
  if (digits === undefined || !/^(?:[0-9a-f]{2})+$/i.test(digits) || digits.length > MAX_ID_BYTES * 2) return undefined;
  return keep(Buffer.from(digits, 'hex'));
}
