/** The built-in Entra ID, as a phone reaches it. */
export interface PairingIdentity {
  /** `https://<name>:8444/<tenant id>`. */
  readonly authority: string;
  readonly tenantId: string;
  readonly clientId: string;
  /** `msauth.<bundle id>://auth`. */
  readonly redirectUri: string;
  readonly bundleId: string;
  /** Sign-in name of the test token's user. */
  readonly user: string;
}

/** Everything that the pairing page shows. Contains no secrets. */
export interface PairingFacts {
  /** Name by which the phone reaches this machine. */
  readonly name: string;
  /** Its address in the local network. */
  readonly address: string;
  /** `<name>:8443`, as the SDK and policies expect it. */
  readonly serverAddress: string;
  readonly udp: boolean;
  /** Link MTU from which the tunnel's is derived, in bytes. */
  readonly mtu: number;
  readonly ca: {
    readonly pem: string;
    /** SHA-256, upper-case hex pairs with colons. */
    readonly fingerprint: string;
  };
  /** Undefined with a real tenant's authority: then there are no test tokens. */
  readonly identity: PairingIdentity | undefined;
}
