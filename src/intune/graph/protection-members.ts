import { choice, choices, flag, int, maybe, pairs, text, texts, word } from './members.ts';

/*
 * Members of app protection policies, from Graph's types. Only `connectToVpnOnLaunch` concerns the tunnel; the others exist so
 * that a tenant's policy can be read, stored and exported unchanged. They have no defaults: a tenant's defaults are not known.
 */

/** Members that are present only if set. */
function unset<T extends object>(members: T): T {
  for (const member of Object.values(members) as { initial?: unknown }[]) delete member.initial;
  return members;
}

/** Action for an app that does not meet a condition. */
const ACTIONS = ['block', 'wipe', 'warn', 'blockWhenSettingIsSupported'] as const;

/** `microsoft.graph.managedAppProtection`. */
export const PROTECTION = unset({
  allowedDataIngestionLocations: choices(['oneDriveForBusiness', 'sharePoint', 'camera', 'photoLibrary']),
  allowedDataStorageLocations: choices([
    'oneDriveForBusiness',
    'sharePoint',
    'box',
    'localStorage',
    'photoLibrary',
    'iManage',
    'egnyte',
    'unknownFutureValue',
  ]),
  allowedInboundDataTransferSources: choice(['allApps', 'managedApps', 'none']),
  allowedOutboundClipboardSharingExceptionLength: int(),
  allowedOutboundClipboardSharingLevel: choice(['allApps', 'managedAppsWithPasteIn', 'managedApps', 'blocked']),
  allowedOutboundDataTransferDestinations: choice(['allApps', 'managedApps', 'none']),
  appActionIfDeviceComplianceRequired: choice(ACTIONS),
  appActionIfMaximumPinRetriesExceeded: choice(ACTIONS),
  appActionIfUnableToAuthenticateUser: choice(ACTIONS),
  blockDataIngestionIntoOrganizationDocuments: flag(),
  contactSyncBlocked: flag(),
  dataBackupBlocked: flag(),
  deviceComplianceRequired: flag(),
  dialerRestrictionLevel: choice(['allApps', 'managedApps', 'customApp', 'blocked']),
  disableAppPinIfDevicePinIsSet: flag(),
  fingerprintBlocked: flag(),
  gracePeriodToBlockAppsDuringOffClockHours: text(),
  managedBrowser: choice(['notConfigured', 'microsoftEdge']),
  managedBrowserToOpenLinksRequired: flag(),
  maximumAllowedDeviceThreatLevel: choice(['notConfigured', 'secured', 'low', 'medium', 'high']),
  maximumPinRetries: int(),
  maximumRequiredOsVersion: text(),
  maximumWarningOsVersion: text(),
  maximumWipeOsVersion: text(),
  minimumPinLength: int(),
  minimumRequiredAppVersion: text(),
  minimumRequiredOsVersion: text(),
  minimumWarningAppVersion: text(),
  minimumWarningOsVersion: text(),
  minimumWipeAppVersion: text(),
  minimumWipeOsVersion: text(),
  mobileThreatDefensePartnerPriority: choice([
    'defenderOverThirdPartyPartner',
    'thirdPartyPartnerOverDefender',
    'unknownFutureValue',
  ]),
  mobileThreatDefenseRemediationAction: choice(ACTIONS),
  notificationRestriction: choice(['allow', 'blockOrganizationalData', 'block']),
  organizationalCredentialsRequired: flag(),
  periodBeforePinReset: word(),
  periodOfflineBeforeAccessCheck: word(),
  periodOfflineBeforeWipeIsEnforced: word(),
  periodOnlineBeforeAccessCheck: word(),
  pinCharacterSet: choice(['numeric', 'alphanumericAndSymbol']),
  pinRequired: flag(),
  pinRequiredInsteadOfBiometricTimeout: text(),
  previousPinBlockCount: int(),
  printBlocked: flag(),
  protectedMessagingRedirectAppType: choice(['anyApp', 'anyManagedApp', 'specificApps', 'blocked']),
  saveAsBlocked: flag(),
  simplePinBlocked: flag(),
});

/** `microsoft.graph.iosManagedAppProtection`. */
export const IOS_PROTECTION = unset({
  allowedIosDeviceModels: text(),
  allowWidgetContentSync: flag(),
  appActionIfAccountIsClockedOut: choice(ACTIONS),
  appActionIfIosDeviceModelNotAllowed: choice(ACTIONS),
  appDataEncryptionType: choice([
    'useDeviceSettings',
    'afterDeviceRestart',
    'whenDeviceLockedExceptOpenFiles',
    'whenDeviceLocked',
  ]),
  customBrowserProtocol: text(),
  customDialerAppProtocol: text(),
  disableProtectionOfManagedOutboundOpenInData: flag(),
  exemptedAppProtocols: pairs(),
  exemptedUniversalLinks: texts(),
  faceIdBlocked: flag(),
  filterOpenInToOnlyManagedApps: flag(),
  genmojiConfigurationState: choice(['notBlocked', 'blocked', 'unknownFutureValue']),
  managedUniversalLinks: texts(),
  messagingRedirectAppUrlScheme: text(),
  minimumRequiredSdkVersion: text(),
  minimumWarningSdkVersion: text(),
  minimumWipeSdkVersion: text(),
  protectInboundDataFromUnknownSources: flag(),
  screenCaptureConfigurationState: choice(['notBlocked', 'blocked', 'unknownFutureValue']),
  thirdPartyKeyboardsBlocked: flag(),
  writingToolsConfigurationState: choice(['notBlocked', 'blocked', 'unknownFutureValue']),
});

/** `microsoft.graph.androidManagedAppProtection`. */
export const ANDROID_PROTECTION = {
  ...unset({
    allowedAndroidDeviceManufacturers: text(),
    allowedAndroidDeviceModels: texts(),
    appActionIfAccountIsClockedOut: choice(ACTIONS),
    appActionIfAndroidDeviceManufacturerNotAllowed: choice(ACTIONS),
    appActionIfAndroidDeviceModelNotAllowed: choice(ACTIONS),
    appActionIfAndroidSafetyNetAppsVerificationFailed: choice(ACTIONS),
    appActionIfAndroidSafetyNetDeviceAttestationFailed: choice(ACTIONS),
    appActionIfDeviceLockNotSet: choice(ACTIONS),
    appActionIfDevicePasscodeComplexityLessThanHigh: choice(ACTIONS),
    appActionIfDevicePasscodeComplexityLessThanLow: choice(ACTIONS),
    appActionIfDevicePasscodeComplexityLessThanMedium: choice(ACTIONS),
    appActionIfSamsungKnoxAttestationRequired: choice(ACTIONS),
    approvedKeyboards: pairs(),
    biometricAuthenticationBlocked: flag(),
    blockAfterCompanyPortalUpdateDeferralInDays: int(),
    customBrowserDisplayName: text(),
    customBrowserPackageId: text(),
    customDialerAppDisplayName: text(),
    customDialerAppPackageId: text(),
    deviceLockRequired: flag(),
    disableAppEncryptionIfDeviceEncryptionIsEnabled: flag(),
    encryptAppData: flag(),
    exemptedAppPackages: pairs(),
    fingerprintAndBiometricEnabled: maybe(),
    keyboardsRestricted: flag(),
    messagingRedirectAppDisplayName: text(),
    messagingRedirectAppPackageId: text(),
    minimumRequiredCompanyPortalVersion: text(),
    minimumRequiredPatchVersion: text(),
    minimumWarningCompanyPortalVersion: text(),
    minimumWarningPatchVersion: text(),
    minimumWipeCompanyPortalVersion: text(),
    minimumWipePatchVersion: text(),
    requireClass3Biometrics: flag(),
    requiredAndroidSafetyNetAppsVerificationType: choice(['none', 'enabled']),
    requiredAndroidSafetyNetDeviceAttestationType: choice([
      'none',
      'basicIntegrity',
      'basicIntegrityAndDeviceCertification',
    ]),
    requiredAndroidSafetyNetEvaluationType: choice(['basic', 'hardwareBacked']),
    requirePinAfterBiometricChange: flag(),
    screenCaptureBlocked: flag(),
    warnAfterCompanyPortalUpdateDeferralInDays: int(),
    wipeAfterCompanyPortalUpdateDeferralInDays: int(),
  }),
  /** Starts the tunnel when the app starts (mikeliddle/TunnelTestEnv, `TunnelProfiles.ps1`). */
  connectToVpnOnLaunch: flag(),
};
