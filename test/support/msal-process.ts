/*
 * Runs an unmodified @azure/msal-node in a process of its own, because Node.js reads extra trusted certificates
 * (NODE_EXTRA_CA_CERTS) only at its start. Calls and results travel over the IPC channel of child_process.
 */
import {
  type AuthenticationResult,
  ConfidentialClientApplication,
  type Configuration,
  InteractionRequiredAuthError,
  PublicClientApplication,
} from '@azure/msal-node';

/** What MSAL threw, as data. */
export interface MsalFailure {
  readonly name: string;
  readonly interactionRequired: boolean;
  readonly errorCode: string;
  readonly subError: string;
  readonly claims: string;
  readonly message: string;
}

export type MsalCall =
  | { readonly call: 'configure'; readonly kind: 'public' | 'confidential'; readonly configuration: Configuration }
  | { readonly call: 'password'; readonly username: string; readonly password: string; readonly scopes: string[] }
  | { readonly call: 'device'; readonly scopes: string[] }
  | { readonly call: 'interactive'; readonly scopes: string[]; readonly loginHint?: string; readonly claims?: string }
  | { readonly call: 'silent'; readonly scopes: string[]; readonly forceRefresh?: boolean; readonly claims?: string }
  | { readonly call: 'client'; readonly scopes: string[] };

let publicClient: PublicClientApplication;
let confidentialClient: ConfidentialClientApplication;

function tell(message: object): void {
  process.send!(message);
}

async function run(call: MsalCall): Promise<AuthenticationResult | null | undefined> {
  switch (call.call) {
    case 'configure':
      if (call.kind === 'public') publicClient = new PublicClientApplication(call.configuration);
      else confidentialClient = new ConfidentialClientApplication(call.configuration);
      return undefined;
    case 'password':
      return publicClient.acquireTokenByUsernamePassword(call);
    case 'device':
      return publicClient.acquireTokenByDeviceCode({
        scopes: call.scopes,
        deviceCodeCallback: (deviceCode) => tell({ deviceCode }),
      });
    case 'interactive':
      return publicClient.acquireTokenInteractive({
        scopes: call.scopes,
        ...(call.loginHint !== undefined && { loginHint: call.loginHint }),
        ...(call.claims !== undefined && { claims: call.claims }),
        openBrowser: async (url) => tell({ openBrowser: url }),
        successTemplate: '<h1>Signed in</h1>',
        errorTemplate: '<h1>Failed</h1>',
      });
    case 'silent': {
      const [account] = await publicClient.getTokenCache().getAllAccounts();
      return publicClient.acquireTokenSilent({
        account: account!,
        scopes: call.scopes,
        forceRefresh: call.forceRefresh ?? false,
        ...(call.claims !== undefined && { claims: call.claims }),
      });
    }
    case 'client':
      return confidentialClient.acquireTokenByClientCredential({ scopes: call.scopes });
  }
}

process.on('message', (call: MsalCall) => {
  run(call).then(
    (result) => tell({ result: result ?? null }),
    (error: Partial<InteractionRequiredAuthError>) =>
      tell({
        failure: {
          name: error.name ?? '',
          interactionRequired: error instanceof InteractionRequiredAuthError,
          errorCode: error.errorCode ?? '',
          subError: error.subError ?? '',
          claims: (error as { claims?: string }).claims ?? '',
          message: error.message ?? '',
        } satisfies MsalFailure,
      }),
  );
});
tell({ ready: true });
// A test that is ended by force takes this process with it.
process.on('disconnect', () => process.exit());
