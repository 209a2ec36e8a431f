import type { CertificateAuthority } from './types.ts';

/** How to make programs and devices trust the CA. The constraints keep it from vouching for anything but test names. */
export function trustHelp(ca: CertificateAuthority): string {
  const path = ca.path ?? 'ca.pem';
  return `The CA certificate: ${path}
SHA-256 fingerprint: ${ca.fingerprint}

It was made on this machine, its key never leaves it, and name constraints limit it to localhost,
the mock domains and what your configuration names. Most programs can be told to trust it for one run only:

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
  Firefox       Settings, Privacy & Security, View Certificates, Authorities, Import
  iOS simulator xcrun simctl keychain booted add-root-cert ${path}
  iOS device    Send the file to the device, install the profile in Settings, then switch it on in
                Settings, General, About, Certificate Trust Settings
  Android       Settings, Security, Encryption & credentials, Install a certificate, CA certificate.
                The app has to allow user certificates in its network security configuration.

To undo, remove "Tunnelite development CA" from the same place. To make a new CA, stop Tunnelite and delete
the certificate directory's files.
`;
}
