import type { AppRegistration } from './app-registration.ts';
import { type AppFinding, error } from './findings.ts';
import {
  checkAuthority,
  checkBundleId,
  checkClientId,
  checkQueriedSchemes,
  checkRedirectUri,
  checkUrlSchemes,
} from './project-checks.ts';
import { checkRegisteredRedirects, checkRegistration } from './registration-checks.ts';
import { type AppCheckOptions, readAppSettings } from './settings.ts';

export {
  type AppRegistration,
  registrationFromDirectory,
  registrationFromGraph,
} from './app-registration.ts';
export { type BuildSettings, parseXcconfig, type XcconfigFile } from './build-settings.ts';
export { type AppFinding, formatAppFindings } from './findings.ts';
export { type AppCheckOptions, type AppSettings, readAppSettings } from './settings.ts';

/**
 * Checks that an app registration matches the Info.plist of an Xcode project, as Tunnel for MAM requires
 * (memdocs, `app-sdk/tunnel-mam-ios.md`). The result holds every point that was checked, including those that pass.
 *
 * @throws TunneliteError `ERR_IDENTITY_APP_CHECK` when the Info.plist cannot be read
 * @example
 * ```ts
 * const findings = checkAppRegistration(registrationFromGraph(json, tenantId), readFileSync('Info.plist', 'utf8'));
 * console.log(formatAppFindings(findings));
 * ```
 */
export function checkAppRegistration(
  registration: AppRegistration,
  infoPlist: string,
  options: AppCheckOptions = {},
): readonly AppFinding[] {
  const app = readAppSettings(infoPlist, options);
  const intune = app.hasIntuneSettings
    ? [
        checkClientId(app, registration),
        checkAuthority(app, registration, options),
        checkRedirectUri(app, registration),
      ]
    : [
        error(
          'IntuneMAMSettings',
          'Info.plist has no IntuneMAMSettings.',
          'Add that dictionary, with ADALClientId, ADALAuthority and ADALRedirectUri.',
        ),
      ];
  const [audience, ...rest] = checkRegistration(registration);
  return [
    checkBundleId(app),
    ...intune,
    ...checkUrlSchemes(app),
    checkQueriedSchemes(app),
    audience!,
    ...checkRegisteredRedirects(app, registration),
    ...rest,
  ];
}
