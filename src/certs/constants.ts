/** Validity of a CA certificate in days. Our choice: ten years, as in mkcert, so that trust is set up once. */
export const CA_DAYS = 3650;

/** A CA certificate with fewer days left is renewed, with the same key: no leaf may outlive it. */
export const CA_RENEW_DAYS = 430;

/** Validity of a leaf in days. Public CAs may issue 398 at most, and iOS refuses longer ones ("Prerequisites for the Microsoft Tunnel in Intune"). */
export const LEAF_DAYS = 397;

/** A leaf with fewer days left is renewed: the real product warns at this point ("Monitor Microsoft Tunnel" on learn.microsoft.com). */
export const LEAF_RENEW_DAYS = 30;

/** Certificates are valid from one day ago, for clients whose clock is slow. */
export const BACKDATE_DAYS = 1;

/** Days since the end of a deliberately expired certificate: more than a wrong time zone can shift a clock. */
export const EXPIRED_DAYS = 7;

export const DAY_MS = 86_400_000;

/** Largest file read from the directory, in bytes; our own files are far smaller. */
export const MAX_FILE_BYTES = 1 << 20;

/** DNS subtrees that the CA may always certify (RFC 6761 §6.3 and ICANN's private-use `.internal`). */
export const ALWAYS_PERMITTED_DNS = ['localhost', 'contoso.internal'] as const;

/** Address ranges that the CA may always certify: loopback. */
export const ALWAYS_PERMITTED_IPS = ['127.0.0.0/8', '::1/128'] as const;
