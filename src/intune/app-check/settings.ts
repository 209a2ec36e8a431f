import { type BuildSettings, buildSettingsFiller } from './build-settings.ts';
import { type PlistDictionary, type PlistValue, parseInfoPlist } from './info-plist.ts';

/** Context of an Info.plist. */
export interface AppCheckOptions {
  /** Bundle ID, for an Info.plist that contains a build setting instead, such as `$(PRODUCT_BUNDLE_IDENTIFIER)`. */
  readonly bundleId?: string;
  /** Values of other build settings that the Info.plist contains as `$(NAME)` or `${NAME}`; they can reference each other. */
  readonly buildSettings?: BuildSettings;
  /** Additional valid login hosts, such as the built-in Entra ID's. */
  readonly authorityHosts?: readonly string[];
}

/** The relevant part of an Info.plist, with build settings expanded. */
export interface AppSettings {
  readonly bundleId: string | undefined;
  readonly clientId: string | undefined;
  readonly authority: string | undefined;
  readonly redirectUri: string | undefined;
  readonly urlSchemes: readonly string[];
  readonly queriedSchemes: readonly string[];
  readonly hasIntuneSettings: boolean;
}

/** The Info.plist settings that identify an app registration: the client ID helps to find it. */
export function readAppSettings(infoPlist: string, options: AppCheckOptions = {}): AppSettings {
  const plist = parseInfoPlist(infoPlist);
  const settings: Record<string, string> = { ...options.buildSettings };
  if (options.bundleId !== undefined) settings.PRODUCT_BUNDLE_IDENTIFIER = options.bundleId;
  const filled = buildSettingsFiller(settings);
  const fill = (value: PlistValue | undefined): string | undefined => {
    if (typeof value !== 'string' || value.trim() === '') return undefined;
    return filled(value).trim();
  };
  const texts = (value: PlistValue | undefined): string[] =>
    Array.isArray(value) ? value.flatMap((item: PlistValue) => fill(item) ?? []) : [];
  const intune = dictionary(plist.IntuneMAMSettings);
  const types = Array.isArray(plist.CFBundleURLTypes) ? plist.CFBundleURLTypes : [];
  return {
    bundleId: options.bundleId ?? fill(plist.CFBundleIdentifier),
    clientId: fill(intune?.ADALClientId),
    authority: fill(intune?.ADALAuthority),
    redirectUri: fill(intune?.ADALRedirectUri),
    urlSchemes: types.flatMap((type: PlistValue) => texts(dictionary(type)?.CFBundleURLSchemes)),
    queriedSchemes: texts(plist.LSApplicationQueriesSchemes),
    hasIntuneSettings: intune !== undefined,
  };
}

function dictionary(value: PlistValue | undefined): PlistDictionary | undefined {
  return typeof value === 'object' && !Array.isArray(value) ? (value as PlistDictionary) : undefined;
}
