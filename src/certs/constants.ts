/** Days that a CA certificate is valid. Ours to choose; ten years, as mkcert does, so that trust is set up once. */
export const CA_DAYS = 3650;

/** A CA certificate with fewer days left is renewed, with the same key: no leaf may outlive it. */
export const CA_RENEW_DAYS = 430;

/** Days that a leaf is valid. Public CAs may issue 398 at most, and iOS refuses longer ones (reference microsoft-tunnel.md §8). */
export const LEAF_DAYS = 397;

/** A leaf with fewer days left is renewed: the point where the real product warns (reference microsoft-tunnel.md §5). */
export const LEAF_RENEW_DAYS = 30;

/** Certificates are valid from a day ago, for clients whose clock is behind. */
export const BACKDATE_DAYS = 1;

/** Days for which a certificate that is to be expired is that already: more than a clock can be wrong by its time zone. */
export const EXPIRED_DAYS = 7;

export const DAY_MS = 86_400_000;

/** Largest file that is read from the directory, in bytes: ours are far smaller. */
export const MAX_FILE_BYTES = 1 << 20;

/** DNS subtrees that the CA may always certify (RFC 6761 §6.3 and ICANN's private-use `.internal`). */
export const ALWAYS_PERMITTED_DNS = ['localhost', 'contoso.internal'] as const;

/** Address ranges that the CA may always certify: loopback. */
export const ALWAYS_PERMITTED_IPS = ['127.0.0.0/8', '::1/128'] as const;
