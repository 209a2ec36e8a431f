export { Collection, type CollectionShape } from './collection.ts';
export * from './default-directory.ts';
export { derivedId } from './derived-id.ts';
export { Directory, type Located } from './directory.ts';
export * from './input-types.ts';
export * from './schema.ts';
export { TENANT_COLLECTIONS, Tenant, type TenantCollection, type TenantSettings } from './tenant.ts';
export * from './well-known.ts';
