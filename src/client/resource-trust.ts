import { X509Certificate } from 'node:crypto';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { errorText, TunneliteError } from '../lib/errors.ts';
import type { ResourceTrust } from './traffic/types.ts';

/**
 * Whom TLS to resources trusts: the system's authorities, and these beside them. The gateway's own certificate is another matter (reference
 * tunnel-for-mam.md §3.3). Made once, when first needed: it costs some milliseconds.
 * @param ca PEM
 * @throws TunneliteError `ERR_CLIENT_FETCH` when first asked, if `ca` is no certificate
 */
export function resourceTrust(ca: string | readonly string[] = []): ResourceTrust {
  let context: SecureContext | undefined;
  return () => {
    const added = [ca].flat();
    try {
      // OpenSSL passes over text that is no certificate.
      for (const each of added) new X509Certificate(each);
      context ??= createSecureContext(added.length === 0 ? {} : { ca: [...getCACertificates('default'), ...added] });
    } catch (cause) {
      const message = `The certificates to trust for resources cannot be read: ${errorText(cause)}.`;
      throw new TunneliteError('ERR_CLIENT_FETCH', message, { cause });
    }
    return context;
  };
}
