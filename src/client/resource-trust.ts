import { X509Certificate } from 'node:crypto';
import { createSecureContext, getCACertificates, type SecureContext } from 'node:tls';
import { errorText, TunneliteError } from '../lib/errors.ts';
import type { ResourceTrust } from './traffic/types.ts';

/**
 * The CAs that TLS to resources trusts: the system's and these. They do not apply to the gateway's own certificate ("trusted certificate profile"
 * in "Microsoft Tunnel for MAM" on learn.microsoft.com). Created once, on first use: it takes a few milliseconds.
 * @param ca PEM
 * @throws TunneliteError `ERR_CLIENT_FETCH` on first use, if `ca` is not a certificate
 */
export function resourceTrust(ca: string | readonly string[] = []): ResourceTrust {
  let context: SecureContext | undefined;
  return () => {
    const added = [ca].flat();
    try {
      // OpenSSL ignores text that is not a certificate.
      for (const each of added) new X509Certificate(each);
      context ??= createSecureContext(added.length === 0 ? {} : { ca: [...getCACertificates('default'), ...added] });
    } catch (cause) {
      const message = `The certificates to trust for resources cannot be read: ${errorText(cause)}.`;
      throw new TunneliteError('ERR_CLIENT_FETCH', message, { cause });
    }
    return context;
  };
}
