import { isGuid } from '../../bearer/authority.ts';
import { isIsoDate } from './dates.ts';
import { badRequest, type GraphError, wrongValue } from './graph-error.ts';
import type { Member } from './members.ts';
import {
  type AppEntry,
  type AppIdentifier,
  type Assignment,
  type NameValue,
  TARGETS,
  type TargetType,
} from './values.ts';

/** Longest list in a member, and longest list of apps or assignments. */
const MAX_LIST = 1000;

type Json = Readonly<Record<string, unknown>>;
export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The member with that name, ignoring case as the service does (mikeliddle/TunnelTestEnv sends Pascal case). */
export function memberOf(object: Json, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name];
  const lower = name.toLowerCase();
  for (const [key, value] of Object.entries(object)) if (key.toLowerCase() === lower) return value;
  return undefined;
}

/** Parses the value of a member. @throws GraphError */
export function readValue(name: string, member: Member, value: unknown): unknown {
  if (value === null) {
    if (member.nullable) return null;
    if (member.initial !== undefined && member.required !== true) return member.initial;
    throw wrongValue(name, `a value other than null`);
  }
  switch (member.kind) {
    case 'text':
      return string(name, value);
    case 'flag':
      if (typeof value === 'boolean') return value;
      throw wrongValue(name, 'true or false');
    case 'int':
      if (typeof value === 'number' && Number.isSafeInteger(value) && Math.abs(value) < 2 ** 31) return value;
      throw wrongValue(name, 'an integer of 32 bits');
    case 'date':
      if (typeof value === 'string' && isIsoDate(value)) return value;
      throw wrongValue(name, 'a date such as 2026-01-01T00:00:00Z');
    case 'time': {
      const [, short, fraction = ''] =
        /^((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)(?:\.(\d{1,7}))?$/.exec(String(value)) ?? [];
      if (short !== undefined) return `${short}.${fraction.padEnd(7, '0')}`;
      throw wrongValue(name, 'a time such as 02:00:00.0000000');
    }
    case 'binary':
      if (typeof value === 'string' && value.length > 0 && isBase64(value)) return value;
      throw wrongValue(name, 'base64');
    case 'choice':
      return word(name, member, value);
    case 'choices':
      return list(name, value).map((each, i) => word(name, member, each, [name, i]));
    case 'texts':
      return list(name, value).map((each, i) => string(name, each, [name, i]));
    case 'pairs':
      return list(name, value).map((each, i) => pair(name, each, i));
    case 'apps':
      return list(name, value).map((each, i) => placed([name, i], () => readApp(each)));
    case 'assignments':
      return list(name, value).map((each, i) => placed([name, i], () => readAssignment(each)));
    case 'any':
      return value;
  }
}

function string(name: string, value: unknown, path: readonly (string | number)[] = [name]): string {
  if (typeof value === 'string') return value;
  throw wrongValue(name, 'a string', path);
}

function list(name: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongValue(name, 'a list');
  if (value.length > MAX_LIST) throw wrongValue(name, `a list of at most ${MAX_LIST}`);
  return value;
}

function word(
  name: string,
  { values = [], several = false }: Member,
  value: unknown,
  path: readonly (string | number)[] = [name],
): string {
  const written = typeof value === 'string' && value.length <= 1000 ? value : '';
  const known = (each: string): string | undefined => values.find((one) => one.toLowerCase() === each.toLowerCase());
  const found = (several ? written.split(',') : [written]).map((each) => known(each.trim()));
  if (found.includes(undefined)) throw wrongValue(name, `one of ${values.join(', ')}`, path);
  return found.join(',');
}

function pair(name: string, value: unknown, i: number): NameValue {
  const path = [name, i];
  if (!isObject(value)) throw wrongValue(name, 'a list of objects with name and value', path);
  const given = memberOf(value, 'name');
  const said = memberOf(value, 'value') ?? null;
  if (typeof given !== 'string' || given === '') throw wrongValue(name, 'a name in each of its objects', path);
  if (said !== null && typeof said !== 'string') throw wrongValue(name, 'a string as value', [...path, 'value']);
  return { name: given, value: said };
}

/** Parses one app of a policy. @throws GraphError */
function readApp(value: unknown): AppEntry {
  const identifier = isObject(value) ? memberOf(value, 'mobileAppIdentifier') : undefined;
  if (!isObject(value) || !isObject(identifier)) {
    throw badRequest("An app must have a 'mobileAppIdentifier'.", ['mobileAppIdentifier']);
  }
  const type = identifier['@odata.type'];
  const [platform, key] =
    String(type).toLowerCase() === '#microsoft.graph.iosmobileappidentifier'
      ? (['ios', 'bundleId'] as const)
      : String(type).toLowerCase() === '#microsoft.graph.androidmobileappidentifier'
        ? (['android', 'packageId'] as const)
        : [];
  if (platform === undefined) throw unknownType(type, ['mobileAppIdentifier', '@odata.type']);
  const id = memberOf(identifier, key);
  if (typeof id !== 'string' || id === '' || id.length > 256) {
    throw wrongValue(key, 'the id of an app', ['mobileAppIdentifier', key]);
  }
  const version = memberOf(value, 'version');
  return {
    id: `${id}.${platform}`.toLowerCase(),
    ...(typeof version === 'string' ? { version } : {}),
    mobileAppIdentifier: {
      '@odata.type': `#microsoft.graph.${platform}MobileAppIdentifier`,
      [key]: id,
    } as unknown as AppIdentifier,
  };
}

/** Parses one assignment; the store assigns its ID. @throws GraphError */
function readAssignment(value: unknown): Assignment {
  const target = isObject(value) ? memberOf(value, 'target') : undefined;
  if (!isObject(target)) throw badRequest("An assignment must have a 'target'.", ['target']);
  const written = String(target['@odata.type']).toLowerCase();
  const type = (Object.keys(TARGETS) as TargetType[]).find((known) => known.toLowerCase() === written);
  if (type === undefined) throw unknownType(target['@odata.type'], ['target', '@odata.type']);
  const groupId = memberOf(target, 'groupId');
  if (TARGETS[type].group && !(typeof groupId === 'string' && isGuid(groupId))) {
    throw wrongValue('groupId', 'the GUID of a group', ['target', 'groupId']);
  }
  const filter = memberOf(target, 'deviceAndAppManagementAssignmentFilterId') ?? null;
  const kind = memberOf(target, 'deviceAndAppManagementAssignmentFilterType') ?? 'none';
  if (filter !== null && typeof filter !== 'string') {
    throw wrongValue('deviceAndAppManagementAssignmentFilterId', 'a string or null', ['target']);
  }
  if (kind !== 'none' && kind !== 'include' && kind !== 'exclude') {
    throw wrongValue('deviceAndAppManagementAssignmentFilterType', 'one of none, include, exclude', ['target']);
  }
  return {
    id: '',
    target: {
      '@odata.type': type,
      ...(TARGETS[type].group ? { groupId: (groupId as string).toLowerCase() } : {}),
      deviceAndAppManagementAssignmentFilterId: filter,
      deviceAndAppManagementAssignmentFilterType: kind,
    },
  };
}

/** Uses the message of Microsoft's OData library. */
export function unknownType(type: unknown, path: readonly (string | number)[] = ['@odata.type']): GraphError {
  const name = typeof type === 'string' ? type.replace(/^#/, '').slice(0, 200) : undefined;
  return badRequest(
    name === undefined
      ? "The '@odata.type' is missing, so the type of the object is unknown."
      : `A type named '${name}' could not be resolved by the model. When a model is available, each type name must resolve to a valid type.`,
    path,
  );
}

function placed<T>(steps: readonly (string | number)[], work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof Error && 'under' in error ? (error as GraphError).under(...steps) : error;
  }
}

/** Base64 as OData accepts it (RFC 4648 §4 or §5), including line breaks of a certificate file. */
function isBase64(text: string): boolean {
  return /^[A-Za-z0-9+/_\r\n-]*={0,2}[\r\n]*$/.test(text);
}
