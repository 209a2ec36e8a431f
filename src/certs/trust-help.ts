import { shellWord } from '../lib/shell-word.ts';
import type { CertificateAuthority } from './types.ts';

/** The limits on what the CA can certify. */
const LIMITS = {
  full: `It was created on this machine, its key never leaves it, and name constraints limit it to localhost,
the mock domains and the names in your configuration.`,
  dns: `It was created on this machine, and its key never leaves it. By certs.nameConstraints its name constraints
limit it to localhost, the mock domains and the names in your configuration, but not to any addresses.`,
  off: `It was created on this machine, and its key never leaves it. By certs.nameConstraints it has no name
constraints: anyone with its key can impersonate any site to clients that trust it.
Trust it on test devices only, and for a single run rather than on the whole machine.`,
} as const satisfies Record<CertificateAuthority['constraints'], string>;

/** Instructions for making programs and devices trust the CA. */
export function trustHelp(ca: CertificateAuthority): string {
  const file = ca.path ?? 'ca.pem';
  const path = shellWord(file);
  return `The CA certificate: ${file}
SHA-256 fingerprint: ${ca.fingerprint}

${LIMITS[ca.constraints]}
Most programs can trust it for a single run:

  openconnect   --cafile ${path}
  curl          --cacert ${path}
  Node.js       NODE_EXTRA_CA_CERTS=${path}
  Python        SSL_CERT_FILE=${path}  (requests: REQUESTS_CA_BUNDLE)
  Go            SSL_CERT_FILE=${path}

To trust it on the whole machine or device:

  macOS         sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${path}
  Debian,Ubuntu sudo cp ${path} /usr/local/share/ca-certificates/tunnelite.crt && sudo update-ca-certificates
  Fedora,RHEL   sudo cp ${path} /etc/pki/ca-trust/source/anchors/tunnelite.pem && sudo update-ca-trust
  Windows       certutil -addstore -user Root ${path}
  Chrome, Linux certutil -d "sql:$HOME/.pki/nssdb" -A -t C,, -n "Tunnelite development CA" -i ${path}
                (certutil is in the package libnss3-tools or nss-tools.)
  Firefox       Settings, Privacy & Security, View Certificates, Authorities, Import
  iOS simulator xcrun simctl keychain booted add-root-cert ${path}
  iOS device    Send the file to the device, install the profile in Settings, then switch it on in
                Settings, General, About, Certificate Trust Settings
  Android       Settings, Security, Encryption & credentials, Install a certificate, CA certificate.
                The app has to allow user certificates in its network security configuration.

To undo this, remove "Tunnelite development CA" from the same place. For a new CA, stop Tunnelite and delete
the files in the certificate directory.
`;
}
