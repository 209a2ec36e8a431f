/** The built-in Entra ID as a phone meets it. */
export interface PairingIdentity {
  /** `https://<name>:8444/<tenant id>`. */
  readonly authority: string;
  readonly tenantId: string;
  readonly clientId: string;
  /** `msauth.<bundle id>://auth`. */
  readonly redirectUri: string;
  readonly bundleId: string;
  /** Sign-in name of the user whom the test token is for. */
  readonly user: string;
}

/** All that the pairing page shows. Nothing of it is a secret. */
export interface PairingFacts {
  /** Name by which the phone reaches this machine. */
  readonly name: string;
  /** Its address in the local network. */
  readonly address: string;
  /** `<name>:8443`, as the SDK and policies have it. */
  readonly serverAddress: string;
  readonly udp: boolean;
  /** Link MTU that the tunnel's is derived from, in bytes. */
  readonly mtu: number;
  readonly ca: {
    readonly pem: string;
    /** SHA-256, upper-case hex pairs with colons. */
    readonly fingerprint: string;
  };
  /** Undefined with a real tenant's authority: then there are no test tokens either. */
  readonly identity: PairingIdentity | undefined;
}
