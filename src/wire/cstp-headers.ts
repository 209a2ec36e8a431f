/**
 * What a client says of itself and wishes in the headers of its requests, and the header block that answers CONNECT.
 * Header names and order: reference openconnect-protocol §5.1 and §5.2.
 */

/** One header line. Names are compared case-sensitively by clients: written exactly as given. */
export type HeaderLine = readonly [name: string, value: string];

/**
 * The headers a gateway looks at. They stick to the connection, not to the request: what an earlier request said
 * still holds for CONNECT unless that repeats the header (§3).
 */
export interface ClientHeaders {
  /** At most 63 characters. */
  readonly userAgent: string | undefined;
  readonly authorization: string | undefined;
  /** Value of the `webvpn` cookie. */
  readonly webvpn: string | undefined;
  /** Value of the `webvpncontext` cookie. */
  readonly webvpnContext: string | undefined;
  /** Letters, digits and `-` only, at most 63; anything else is ignored. */
  readonly hostname: string | undefined;
  readonly deviceType: string | undefined;
  readonly platform: string | undefined;
  /** `X-CSTP-Base-MTU`: the client's link MTU in bytes. */
  readonly baseMtu: number | undefined;
  /** `X-CSTP-MTU`: the plain MTU wish of old clients. */
  readonly mtu: number | undefined;
  readonly wantsIpv4: boolean;
  readonly wantsIpv6: boolean;
  readonly fullIpv6: boolean;
  /** Items of `X-DTLS-CipherSuite`, in the client's order. */
  readonly dtlsCiphers: readonly string[];
  /** Items of `X-DTLS12-CipherSuite`, in the client's order. */
  readonly dtls12Ciphers: readonly string[];
  /** `X-DTLS-Master-Secret`: 48 bytes, or undefined when absent or of another size. */
  readonly dtlsMasterSecret: Buffer | undefined;
  /** True when any `X-DTLS-*` header came. */
  readonly asksDtls: boolean;
  readonly acceptEncoding: readonly string[];
  readonly dtlsAcceptEncoding: readonly string[];
}
