/**
 * The table of AADSTS codes: Entra's text, OAuth `error` and HTTP status for each, and how to
 * provoke it here. docs/reference/aadsts-codes.md is generated from it.
 *
 * The caller fills in the `{name}` parts of a message. Where the error of a code differs between endpoints,
 * `silentError` is the error at v1 endpoints and with `prompt=none`. The texts follow
 * "Microsoft Entra authentication and authorization error codes" in substance; apps must branch on `error`, never on code or text.
 */
export interface AadstsEntry {
  readonly error: string;
  readonly message: string;
  readonly status?: number;
  readonly suberror?: string;
  /** The `error` at v1 token endpoints and at the authorize endpoint with `prompt=none`. */
  readonly silentError?: string;
  /** How a user of the simulator can provoke this error. A one-shot override can produce any code as well. */
  readonly provoke: string;
}

const OVERRIDE = 'one-shot override';

export const AADSTS = {
  16000: {
    error: 'interaction_required',
    message: "Selected user account does not exist in tenant '{tenant}' and cannot access the application '{client}'.",
    provoke: '`prompt=none` with a session of a user of another tenant',
  },
  28000: {
    error: 'invalid_request',
    message: 'Provided value for the input parameter scope is not valid because it contains more than one resource.',
    provoke: 'ask for scopes of two resources in one token request',
  },
  50001: {
    error: 'invalid_resource',
    message: "The resource '{resource}' is not registered for the account or is disabled.",
    provoke: 'disable the service principal of the resource',
  },
  50011: {
    error: 'invalid_request',
    message:
      "The redirect URI '{redirect}' specified in the request does not match the redirect URIs configured for the application '{client}'.",
    provoke: 'a redirect URI that the app registration does not have',
  },
  50013: { error: 'invalid_grant', message: 'Assertion failed signature validation.', provoke: OVERRIDE },
  50020: {
    error: 'invalid_grant',
    message:
      "User account '{user}' from another tenant does not exist in tenant '{tenant}' and cannot access the application '{client}' in that tenant. The account needs to be added as an external user in the tenant first.",
    provoke: 'sign in at a tenant with a user of another tenant who is not a guest there',
  },
  50027: {
    error: 'invalid_grant',
    message: 'JWT token is invalid or malformed.',
    provoke: 'a `client_assertion` that is not a JWT',
  },
  50034: {
    error: 'invalid_grant',
    message:
      'The user account {user} does not exist in the {tenant} directory. To sign into this application, the account must be added to the directory.',
    provoke: 'a user name that no tenant has',
  },
  50049: {
    error: 'invalid_instance',
    message: 'Unknown or invalid instance.',
    provoke: 'instance discovery for a host that is not a login host',
  },
  50053: {
    error: 'invalid_grant',
    message: "The account is locked, you've tried to sign in too many times with an incorrect user ID or password.",
    provoke: 'user with `locked: true`, or ten wrong passwords in a row',
  },
  50055: {
    error: 'invalid_grant',
    message: 'The password is expired.',
    suberror: 'user_password_expired',
    provoke: 'user with `passwordExpired: true`',
  },
  50057: {
    error: 'invalid_grant',
    message: 'The user account is disabled.',
    provoke: 'user with `enabled: false`',
  },
  50058: {
    error: 'login_required',
    message: 'A silent sign-in request was sent but no user is signed in.',
    provoke: '`prompt=none` without a session',
  },
  50059: {
    error: 'invalid_request',
    message: 'No tenant-identifying information found in either the request or implied by any provided credentials.',
    provoke: 'client credentials at `common` or `organizations`',
  },
  50072: {
    error: 'invalid_grant',
    silentError: 'interaction_required',
    suberror: 'basic_action',
    message:
      "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '{resource}'.",
    provoke: 'user with `mfa: required` and `mfaRegistered: false`',
  },
  50074: {
    error: 'invalid_grant',
    silentError: 'interaction_required',
    suberror: 'basic_action',
    message: 'Strong Authentication is required.',
    provoke: 'user with `mfa: required`',
  },
  50076: {
    error: 'invalid_grant',
    silentError: 'interaction_required',
    suberror: 'basic_action',
    message:
      "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access '{resource}'.",
    provoke: 'policy with control `mfa`',
  },
  50078: {
    error: 'invalid_grant',
    silentError: 'interaction_required',
    suberror: 'basic_action',
    message:
      "Presented multi-factor authentication has expired due to policies configured by your administrator, you must refresh your multi-factor authentication to access '{resource}'.",
    provoke: 'policy with control `mfa` and `mfaFrequencySeconds` that has passed',
  },
  50079: {
    error: 'invalid_grant',
    silentError: 'interaction_required',
    suberror: 'basic_action',
    message:
      "Due to a configuration change made by your administrator, or because you moved to a new location, you must enroll in multi-factor authentication to access '{resource}'.",
    provoke: 'policy with control `mfa`, user with `mfaRegistered: false`',
  },
  50089: {
    error: 'invalid_grant',
    message: 'Authentication failed due to flow token expired.',
    provoke: 'leave the sign-in page open for longer than `identity.lifetimes.signIn`',
  },
  50097: {
    error: 'interaction_required',
    message: 'Device authentication is required.',
    provoke: 'policy with control `compliant-device`, request without a device',
  },
  50105: {
    error: 'invalid_grant',
    silentError: 'access_denied',
    message:
      "Your administrator has configured the application '{client}' to block users unless they are specifically granted ('assigned') access to the application. The signed in user '{user}' is blocked because they are not a direct member of a group with access, nor had access directly assigned by an administrator.",
    provoke: 'service principal with `assignmentRequired: true`, user not in its `assigned` list',
  },
  50126: {
    error: 'invalid_grant',
    message: 'Error validating credentials due to invalid username or password.',
    provoke: 'a wrong password',
  },
  50127: {
    error: 'interaction_required',
    message: 'User needs to install a broker app to gain access to this content.',
    provoke: 'policy with control `broker`',
  },
  50128: {
    error: 'invalid_request',
    message:
      'Invalid domain name - No tenant-identifying information found in either the request or implied by any provided credentials.',
    provoke: OVERRIDE,
  },
  50129: {
    error: 'interaction_required',
    message: 'Device is not Workplace joined - Workplace join is required to register the device.',
    provoke: 'policy with control `compliant-device`, device that is not in the directory or has `joinType: none`',
  },
  50131: {
    error: 'invalid_grant',
    silentError: 'interaction_required',
    message:
      'Device is not in required device state: {device}, or the request was blocked because of suspicious activity, access policy, or security policy decisions.',
    provoke: OVERRIDE,
  },
  50132: {
    error: 'invalid_grant',
    message: 'The session is not valid because of password expiration or recent password change.',
    provoke: OVERRIDE,
  },
  50133: {
    error: 'invalid_grant',
    message: 'Session is invalid due to expiration or recent password change.',
    suberror: 'bad_token',
    provoke: "change the user's password, then refresh",
  },
  50135: {
    error: 'invalid_grant',
    silentError: 'interaction_required',
    message: 'Password change is required due to account risk.',
    provoke: 'user with `risk: medium` and a policy with control `password-change`',
  },
  50140: {
    error: 'interaction_required',
    message: "This error occurred due to 'Keep me signed in' interrupt when the user was signing-in.",
    provoke: OVERRIDE,
  },
  50147: {
    error: 'invalid_grant',
    message: 'Invalid size of Code_Challenge parameter.',
    provoke: 'a `code_challenge` that is not 43 to 128 characters long',
  },
  50158: {
    error: 'interaction_required',
    message:
      'External security challenge not satisfied. User will be redirected to another page or authentication provider to satisfy additional authentication challenges.',
    provoke: 'policy with control `external-challenge`',
  },
  50173: {
    error: 'invalid_grant',
    message:
      "The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset their password. The grant was issued on '{issued}' and the TokensValidFrom date (before which tokens are not valid) for this user is '{validFrom}'.",
    suberror: 'bad_token',
    provoke: '`revokeSessions`, then refresh',
  },
  50187: {
    error: 'invalid_grant',
    silentError: 'interaction_required',
    suberror: 'device_authentication_failed',
    message: 'Device authentication failed.',
    provoke: 'policy with control `compliant-device`, device with `enabled: false`',
  },
  50194: {
    error: 'invalid_request',
    message:
      "Application '{client}'({name}) is not configured as a multi-tenant application. Usage of the /common endpoint is not supported for such apps. Use a tenant-specific endpoint or configure the application to be multi-tenant.",
    provoke: 'a single-tenant app at `common` or `organizations`',
  },
  50196: {
    error: 'invalid_grant',
    message:
      'The server terminated an operation because it encountered a client request loop. Please contact your app vendor.',
    provoke: 'the same token request more often than `identity.behaviour.loopLimit` within five minutes',
  },
  50199: {
    error: 'interaction_required',
    message:
      'For security reasons, user confirmation is required for this request. Please repeat the request allowing user interaction.',
    provoke: OVERRIDE,
  },
  53000: {
    error: 'interaction_required',
    message:
      'Device is not in required device state: {device}. Conditional Access policy requires a compliant device, and the device is not compliant. The user must enroll their device with an approved MDM provider like Intune.',
    suberror: 'message_only',
    provoke: 'policy with control `compliant-device`, device with `compliant: false`',
  },
  53001: {
    error: 'interaction_required',
    message:
      'Device is not in required device state: {device}. Conditional Access policy requires a domain joined device, and the device is not domain joined.',
    suberror: 'message_only',
    provoke: 'policy with control `domain-joined-device`, device with another `joinType`',
  },
  53002: {
    error: 'interaction_required',
    message:
      'Application used is not an approved application for Conditional Access. User needs to use one of the apps from the list of approved applications to use in order to get access.',
    suberror: 'message_only',
    provoke: 'policy with control `approved-client-app`, app without `approvedClientApp: true`',
  },
  53003: {
    error: 'access_denied',
    message: 'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
    suberror: 'message_only',
    provoke: 'policy with control `block`',
  },
  53005: {
    error: 'interaction_required',
    message: 'Application needs to enforce Intune protection policies.',
    suberror: 'protection_policy_required',
    provoke: 'policy with control `app-protection`, app without `appProtection: true`',
  },
  53011: {
    error: 'invalid_grant',
    message: 'User blocked due to risk on home tenant.',
    provoke: 'user with `risk: high`',
  },
  54005: {
    error: 'invalid_grant',
    message:
      'OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.',
    provoke: 'redeem an authorization code twice',
  },
  65001: {
    error: 'invalid_grant',
    silentError: 'consent_required',
    suberror: 'consent_required',
    message:
      "The user or administrator has not consented to use the application with ID '{client}' named '{name}'. Send an interactive authorization request for this user and resource.",
    provoke: 'a permission without consent, asked for without interaction',
  },
  65004: {
    error: 'access_denied',
    message: 'User declined to consent to access the app.',
    suberror: 'cancel',
    provoke: 'Cancel on the consent page',
  },
  65005: {
    error: 'invalid_resource',
    message:
      "The application '{name}' asked for permissions to access a resource, '{resource}', that it is not configured for: its required resource access list does not contain applications discoverable by the resource.",
    provoke: OVERRIDE,
  },
  70000: {
    error: 'invalid_grant',
    message: 'The provided grant is invalid or malformed.',
    provoke: 'a code or refresh token that was never issued, or was issued to another client',
  },
  70001: {
    error: 'unauthorized_client',
    message: "The application '{client}' is disabled or was not found in the directory.",
    provoke: 'app registration with `enabled: false`',
  },
  70002: {
    error: 'invalid_client',
    status: 401,
    message: 'Error validating credentials. The specified client credentials are invalid.',
    provoke: OVERRIDE,
  },
  70003: {
    error: 'unsupported_grant_type',
    message: "The app requested an unsupported grant type '{grant}'.",
    provoke: 'a `grant_type` that does not exist',
  },
  70004: {
    error: 'invalid_request',
    message: 'The provided redirect URI is not valid.',
    provoke: 'redeem a code with a `redirect_uri` other than the one of the authorize request',
  },
  70005: {
    error: 'unsupported_response_type',
    message: "The app returned an unsupported response type '{type}'.",
    provoke: 'a `response_type` that does not exist',
  },
  70007: {
    error: 'invalid_request',
    message: "'{mode}' is not a supported value of 'response_mode'.",
    provoke: 'a `response_mode` that does not exist, or `query` for a token',
  },
  70008: {
    error: 'invalid_grant',
    message:
      'The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.',
    suberror: 'token_expired',
    provoke: 'an authorization code older than `identity.lifetimes.code`',
  },
  70011: {
    error: 'invalid_scope',
    message: "The provided value for the input parameter 'scope' is not valid. The scope '{scope}' is not valid.",
    provoke: 'a malformed scope, or client credentials without `/.default`',
  },
  70012: {
    error: 'server_error',
    status: 500,
    message: 'A server error occurred while authenticating the user.',
    provoke: OVERRIDE,
  },
  70016: {
    error: 'authorization_pending',
    message: 'OAuth 2.0 device flow error. Authorization is pending. Continue polling.',
    provoke: 'poll for a device code before the user has signed in',
  },
  70018: {
    error: 'bad_verification_code',
    message:
      'Bad verification code. User typed in a wrong user code for the device code flow, or the device code is unknown.',
    provoke: 'poll with a device code that was never issued',
  },
  70019: {
    error: 'expired_token',
    message: 'Verification code expired.',
    provoke: 'poll with a device code older than `identity.lifetimes.deviceCode`',
  },
  70020: {
    error: 'authorization_declined',
    message: 'The end user denied the authorization request.',
    provoke: 'Cancel on the device sign-in page',
  },
  70021: {
    error: 'slow_down',
    message: 'The client polls too often. Wait for the interval to pass between two polls.',
    provoke: 'poll for a device code without pause, with `identity.behaviour.slowDown: true`',
  },
  70043: {
    error: 'invalid_grant',
    suberror: 'bad_token',
    message: 'The refresh token has expired or is invalid due to sign-in frequency checks by Conditional Access.',
    provoke: 'policy with `signInFrequencySeconds` that has passed, then refresh',
  },
  70049: {
    error: 'invalid_client',
    status: 401,
    message: 'The provided client assertion has expired or was used before.',
    provoke: 'send the same `client_assertion` twice, with `identity.behaviour.assertionReplay: refuse`',
  },
  90002: {
    error: 'invalid_request',
    message:
      "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.",
    provoke: 'a tenant GUID or domain that the directory does not have',
  },
  90014: {
    error: 'invalid_request',
    message:
      "The required field '{field}' is missing from the credential. Ensure that you have all the necessary parameters for the login request.",
    provoke: 'leave out a required parameter',
  },
  90025: {
    error: 'temporarily_unavailable',
    status: 503,
    message:
      'Request processing has exceeded gateway allowance. An internal Microsoft Entra service has hit its retry allowance.',
    provoke: 'outage of the token endpoint, or one-shot override',
  },
  90033: {
    error: 'temporarily_unavailable',
    status: 503,
    message: 'A transient error has occurred. Please try again.',
    provoke: 'outage of the token endpoint',
  },
  90072: {
    error: 'invalid_grant',
    message:
      "User account '{user}' from identity provider '{idp}' does not exist in tenant '{tenant}' and cannot access the application '{client}' in that tenant. The account needs to be added as an external user in the tenant first. Sign out and sign in again with a different Microsoft Entra user account.",
    provoke: 'refresh at a tenant where the user is no guest',
  },
  90094: {
    error: 'access_denied',
    message: 'Admin consent is required for the permissions requested by this application.',
    provoke: 'ask interactively for a permission marked `adminConsentRequired` that has no consent',
  },
  90100: {
    error: 'invalid_request',
    message: "The parameter '{field}' is not valid or appears more than once.",
    provoke: 'send a parameter twice',
  },
  500011: {
    error: 'invalid_resource',
    message:
      'The resource principal named {resource} was not found in the tenant named {tenant}. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You might have sent your authentication request to the wrong tenant.',
    provoke: 'a resource without service principal in the tenant, such as a tenant without Microsoft Tunnel Gateway',
  },
  500121: {
    error: 'invalid_grant',
    silentError: 'interaction_required',
    message: 'Authentication failed during strong authentication request.',
    provoke: 'Cancel on the verification page',
  },
  500133: {
    error: 'invalid_grant',
    message:
      'Assertion is not within its valid time range. Ensure that the access token is not expired before using it for user assertion, or request a new token.',
    provoke: OVERRIDE,
  },
  501481: {
    error: 'invalid_grant',
    message: 'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
    provoke: 'redeem a code with another `code_verifier`',
  },
  501491: {
    error: 'invalid_grant',
    message: 'Invalid size or characters of the Code_Verifier parameter.',
    provoke: 'a `code_verifier` that is not 43 to 128 unreserved characters',
  },
  530003: {
    error: 'interaction_required',
    message: 'Your device is required to be managed to access this resource.',
    suberror: 'message_only',
    provoke: 'policy with control `compliant-device`, device with `managed: false`',
  },
  530035: {
    error: 'access_denied',
    message:
      'Access has been blocked by security defaults. This is due to the request using legacy auth or being deemed unsafe by security defaults policies.',
    suberror: 'message_only',
    provoke: 'tenant with `securityDefaults: true`, password grant',
  },
  650052: {
    error: 'invalid_client',
    message:
      "The app needs access to a service ('{resource}') that your organization '{tenant}' has not subscribed to or enabled. Contact your IT Admin to review the configuration of your service subscriptions.",
    provoke: 'tenant without the Microsoft Tunnel Gateway principal, app that lists it among its permissions',
  },
  650053: {
    error: 'invalid_client',
    message:
      "The application '{name}' asked for scope '{scope}' that doesn't exist on the resource '{resource}'. Contact the app vendor.",
    provoke: 'a scope name that the resource does not publish',
  },
  650056: {
    error: 'invalid_client',
    message:
      "Misconfigured application. This could be due to one of the following: the client has not listed any permissions for '{resource}' in the requested permissions in the client's application registration.",
    provoke: 'app registration without any permission, interactive request for `/.default`',
  },
  650057: {
    error: 'invalid_resource',
    message:
      "Invalid resource. The client has requested access to a resource which is not listed in the requested permissions in the client's application registration. Client app ID: {client}({name}). Resource value from request: {resource}.",
    provoke: '`<resource>/.default` or `resource=` for a resource that the app does not list among its permissions',
  },
  700011: {
    error: 'unauthorized_client',
    message: 'Application with identifier {client} was not found in the directory.',
    provoke: OVERRIDE,
  },
  700016: {
    error: 'unauthorized_client',
    message:
      "Application with identifier '{client}' was not found in the directory '{tenant}'. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent your authentication request to the wrong tenant.",
    provoke: 'a client id that the tenant does not have',
  },
  700021: {
    error: 'invalid_client',
    status: 401,
    message: "Client assertion application identifier doesn't match 'client_id' parameter.",
    provoke: 'a `client_assertion` whose `iss` or `sub` is not the client id',
  },
  700023: {
    error: 'invalid_client',
    status: 401,
    message: 'Client assertion audience claim does not match Realm issuer.',
    provoke: 'a `client_assertion` whose `aud` is not a token endpoint or issuer of the tenant',
  },
  700024: {
    error: 'invalid_client',
    status: 401,
    message: 'Client assertion is not within its valid time range.',
    provoke: 'an expired `client_assertion`',
  },
  700025: {
    error: 'invalid_client',
    status: 401,
    message: "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
    provoke: 'a secret sent by a public client',
  },
  700027: {
    error: 'invalid_client',
    status: 401,
    message:
      'The certificate with identifier used to sign the client assertion is not registered on application, or the signature is not valid.',
    provoke: 'a `client_assertion` signed by a key that the app registration does not have',
  },
  700054: {
    error: 'unsupported_response_type',
    message: "response_type 'id_token' is not enabled for the application.",
    provoke: '`response_type=id_token` without `implicitIdToken: true`',
  },
  700082: {
    error: 'invalid_grant',
    suberror: 'token_expired',
    message:
      'The refresh token has expired due to inactivity. The token was issued on {issued} and was inactive for {lifetime}.',
    provoke: 'a refresh token older than `identity.lifetimes.refreshToken`',
  },
  700084: {
    error: 'invalid_grant',
    suberror: 'token_expired',
    message:
      'The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime of {lifetime}, which cannot be extended. It is now expired and a new sign in request must be sent by the SPA to the sign in page. The token was issued on {issued}.',
    provoke: 'a refresh token of a SPA older than 24 hours',
  },
  900023: {
    error: 'invalid_request',
    message: "Specified tenant identifier '{tenant}' is neither a valid DNS name, nor a valid external domain.",
    provoke: 'a tenant that is neither GUID nor domain',
  },
  900144: {
    error: 'invalid_request',
    message: "The request body must contain the following parameter: '{field}'.",
    provoke: 'a token request without a required parameter',
  },
  7000215: {
    error: 'invalid_client',
    status: 401,
    message:
      "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{client}'.",
    provoke: 'a wrong `client_secret`',
  },
  7000218: {
    error: 'invalid_client',
    status: 401,
    message: "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    provoke: 'a confidential client without credential',
  },
  7000222: {
    error: 'invalid_client',
    status: 401,
    message: "The provided client secret keys for app '{client}' are expired.",
    provoke: 'a secret past its `expires`',
  },
  9001023: {
    error: 'invalid_request',
    message:
      'The grant type is not supported over the /common or /consumers endpoints. Please use the /organizations or tenant-specific endpoint.',
    provoke: 'password grant at `common` or `consumers`',
  },
  9002313: {
    error: 'invalid_grant',
    message: 'Invalid request. Request is malformed or invalid.',
    provoke: 'a token request that is not a form, is too large, or has a malformed value',
  },
  9002325: {
    error: 'invalid_request',
    message: 'Proof Key for Code Exchange is required for cross-origin authorization code redemption.',
    provoke: 'a SPA redirect URI without `code_challenge`',
  },
  9002326: {
    error: 'invalid_request',
    message:
      "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request origin: '{origin}'.",
    provoke:
      'a token request with an `Origin` header, as from a page, for a redirect URI that is not in `spaRedirectUris`',
  },
  9002327: {
    error: 'invalid_request',
    message:
      "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin requests.",
    provoke: 'redeem the code or refresh token of a single page app without an `Origin` header',
  },
} as const satisfies Readonly<Record<number, AadstsEntry>>;

/** An AADSTS number that the simulator supports. */
export type AadstsCode = keyof typeof AADSTS;

/** All numbers of the table. */
export const AADSTS_CODES = Object.keys(AADSTS).map(Number) as AadstsCode[];

/** True for a number of the table. */
export function isAadstsCode(code: number): code is AadstsCode {
  return Object.hasOwn(AADSTS, code);
}

/** The entry of a code, in its general type. */
export function aadstsEntry(code: AadstsCode): AadstsEntry {
  return AADSTS[code];
}
