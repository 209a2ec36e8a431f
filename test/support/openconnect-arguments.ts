/**
 * How stock openconnect signs in with a token in a file, at a gateway whose CA is in another; without root.
 * @param files paths of the token, and of the CA's PEM
 */
export const signInArguments = ({ token, ca }: { readonly token: string; readonly ca: string }): readonly string[] => [
  '--protocol=anyconnect',
  '--http-auth=Bearer',
  '--token-mode=oidc',
  `--token-secret=@${token}`,
  `--cafile=${ca}`,
];
