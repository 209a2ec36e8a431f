import type { Config } from '../config/index.ts';
import { derivedId } from '../entra/directory/derived-id.ts';
import type { Directory } from '../entra/directory/directory.ts';
import type { User } from '../entra/directory/schema.ts';
import type { SigningKeys } from '../entra/tokens/signing-keys.ts';
import type { Clock } from '../lib/clock.ts';
import { errorText } from '../lib/errors.ts';
import type { RandomSource } from '../lib/random.ts';
import type { Emit } from '../telemetry/events.ts';
import { type AppDelivery, appDelivery } from './app-delivery.ts';
import { Deliveries, type DeliveryState } from './deliveries.ts';
import { type Delivery, deliver } from './delivery/deliver.ts';
import type { Platform } from './delivery/targets.ts';
import { type IntuneDocument, loadDocument, readDocument } from './document.ts';
import { documentObject, exportDocument } from './export-document.ts';
import type { GraphAnswer, GraphContext, GraphRequest } from './graph/call.ts';
import { graphDate } from './graph/dates.ts';
import { GraphError, notFound } from './graph/graph-error.ts';
import { type Change, GraphObjects } from './graph/objects.ts';
import { answerGraph, errorBody } from './graph/service.ts';
import type { SetName } from './graph/store.ts';
import type { GraphObject } from './graph/types.ts';
import type { LintFinding } from './lint/index.ts';
import { configurationObject, THRESHOLDS } from './server-object.ts';

/** Result of a change to the server configuration. */
export interface AppliedConfiguration {
  /** Changed members that apply to new sessions. */
  readonly applied: readonly string[];
  /** Changed members that apply after a restart of the gateway. */
  readonly needsRestart: readonly string[];
}

/** Dependencies of policies and sites. */
export interface IntuneOptions {
  readonly directory: Directory;
  readonly keys: SigningKeys;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly emit: Emit;
  /** The configuration with which the gateway started. */
  readonly config: Config;
  /** The gateway's address for clients. */
  readonly gateway: { readonly name: string; readonly port: number };
  /** Initial objects from the configuration, in addition to the simulator's own site. */
  readonly document: IntuneDocument | undefined;
  /** Returns why a server configuration is invalid. */
  readonly checkConfiguration: (object: Readonly<Record<string, unknown>>) => string | undefined;
  /** Applies a configuration to new sessions. */
  readonly applyConfiguration: (object: Readonly<Record<string, unknown>>) => AppliedConfiguration;
  /** Whether the gateway accepts clients. */
  readonly unavailable: () => boolean;
  readonly metrics: () => Readonly<Record<string, number>>;
}

/** The app that requests its policies. */
export interface DeliverTo {
  /** Sign-in name or object ID. */
  readonly user: string;
  /** Bundle ID, or package ID. */
  readonly app: string;
  readonly platform: Platform;
  /** True if Intune manages the whole device. */
  readonly enrolled?: boolean;
}

/** Sites, policies and profiles of the simulator's tenant in Graph's format, and their delivery to apps. */
export class Intune {
  /** The objects, for direct access without HTTP. */
  readonly objects: GraphObjects;
  readonly #options: IntuneOptions;
  readonly #ids: { readonly site: string; readonly configuration: string; readonly server: string };
  readonly #context: GraphContext;
  readonly #restore: () => void;
  readonly #deliveries = new Deliveries();
  /** The configuration of new sessions, as last applied. */
  #applied: GraphObject | undefined;
  #loading = true;
  /** Changes of an import in progress: reported and applied after all of it succeeds. */
  #importing: Change[] | undefined;

  constructor(options: IntuneOptions) {
    this.#options = options;
    const { clock, directory, keys, random } = options;
    const idOf = (what: string): string => derivedId(what, directory.defaultTenant.id);
    this.#ids = {
      site: idOf('tunnel-site'),
      configuration: idOf('tunnel-configuration'),
      server: idOf('tunnel-server'),
    };
    this.objects = new GraphObjects({
      clock,
      random,
      checkConfiguration: options.checkConfiguration,
      isUser: (id) => directory.tenants.some(({ users }) => users.find(id)?.id === id),
      onChange: (change) => this.#onChange(change),
    });
    this.#context = {
      objects: this.objects,
      directory,
      keys,
      clock,
      random,
      metrics: options.metrics,
      liveServer: (id) => this.#liveServer(id),
      onDirectoryChange: ({ set, change, name, id }) =>
        options.emit('intune.changed', { set, change, displayName: name, id }),
    };
    this.#begin();
    this.#loading = false;
    this.#restore = this.objects.store.snapshot();
  }

  /** The site of this simulator's gateway. @throws GraphError 404 if all sites were removed */
  get site(): GraphObject {
    return this.objects.get('microsoftTunnelSites', this.#siteId() ?? this.#ids.site).object;
  }

  /** Handles a request to Microsoft Graph; errors become responses. */
  async graph(request: GraphRequest, ids: { readonly request: string; readonly client: string }): Promise<GraphAnswer> {
    try {
      return await answerGraph(this.#context, request);
    } catch (error) {
      return this.refused(request, error, ids);
    }
  }

  /** Converts an error to Graph's format, including internal errors. */
  refused(
    { method, version, path }: Pick<GraphRequest, 'method' | 'version' | 'path'>,
    error: unknown,
    ids: { readonly request: string; readonly client: string },
  ): GraphAnswer {
    const refusal =
      error instanceof GraphError
        ? error
        : new GraphError(500, 'InternalServerError', 'An internal server error has occurred.');
    const explanation = error instanceof GraphError ? error.message : errorText(error);
    const shown = { method, path: `/${version}/${path}`.slice(0, 300), status: refusal.status, code: refusal.code };
    this.#options.emit('graph.refused', { ...shown, explanation: explanation.slice(0, 500) });
    const now = graphDate(this.#options.clock.now());
    return { status: refusal.status, body: errorBody(refusal, { now, ...ids }) };
  }

  /** The policies for an app on a phone, identified by its token. */
  async appConfiguration(authorization: string | undefined, search: string): Promise<AppDelivery> {
    const { directory, keys, clock } = this.#options;
    return appDelivery({ directory, keys, clock, deliver: (to) => this.deliver(to) }, authorization, search);
  }

  /**
   * Delivers an app's policies for its user, on a platform, and records the delivery.
   * @throws GraphError 404 for an unknown user
   */
  deliver(to: DeliverTo): Delivery {
    const { emit, clock } = this.#options;
    const delivery = this.preview(to);
    const { app, platform, enrolled = false } = to;
    const { id } = this.#userOf(to.user);
    this.#deliveries.record(delivery, { userId: id, enrolled, at: graphDate(clock.now()) });
    const policies = delivery.policies.map(({ displayName }) => displayName).join(', ');
    emit('intune.delivered', {
      user: id,
      app: app.slice(0, 256),
      platform,
      enrolled,
      policies: policies.slice(0, 500),
      settings: Object.keys(delivery.settings).length,
      conflicts: delivery.conflicts.length,
      explanation: delivery.notes.join(' ').slice(0, 1000),
    });
    return delivery;
  }

  /**
   * Previews an app's policies without recording a delivery.
   * @throws GraphError 404 for an unknown user
   */
  preview({ user, app, platform, enrolled = false }: DeliverTo): Delivery {
    return deliver(this.objects, { user: this.#userOf(user), app, platform, enrolled });
  }

  /** Recorded deliveries, most recent first, and whether they are still current. */
  deliveries(): readonly DeliveryState[] {
    return this.#deliveries.list(({ userId, app, platform, enrolled }) => {
      const user = this.#findUser(userId);
      return user && deliver(this.objects, { user, app, platform, enrolled });
    });
  }

  /** One object, with its apps, assignments and members. @throws GraphError 404 */
  object(set: SetName, id: string): Readonly<Record<string, unknown>> {
    return documentObject(this.objects.get(set, id));
  }

  /** Creates an object from a Graph request body. @throws GraphError 400, 404, 507; then nothing is created */
  create(set: SetName, body: unknown): Readonly<Record<string, unknown>> {
    return this.object(set, this.objects.create(set, body).id);
  }

  /** Changes members of an object. @throws GraphError 400, 404, 507; then nothing is changed */
  change(set: SetName, id: string, body: unknown): Readonly<Record<string, unknown>> {
    return this.object(set, this.objects.update(set, id, body).id);
  }

  /** @throws GraphError 400 if another object needs it; 404 */
  remove(set: SetName, id: string): void {
    this.objects.remove(set, id);
  }

  /** Imports an export of a tenant's objects completely or not at all. @throws GraphError with the path of the invalid part */
  import(value: unknown): { readonly created: number; readonly changed: number } {
    const undo = this.objects.store.snapshot();
    const undoDirectory = this.#options.directory.snapshot();
    const changes: Change[] = [];
    this.#importing = changes;
    let done: ReturnType<typeof loadDocument>;
    try {
      done = loadDocument(this.#context, readDocument(value));
    } catch (error) {
      undo();
      undoDirectory();
      throw error;
    } finally {
      this.#importing = undefined;
    }
    for (const change of changes) this.#onChange(change);
    return done;
  }

  /** All objects as lists, by the names of Graph's collections: the input format of `import` and the configuration. */
  export(): Readonly<Record<string, readonly object[]>> {
    return exportDocument(this.objects, this.#options.directory);
  }

  /** Problems of the current objects that would fail in production. */
  async lint(): Promise<readonly LintFinding[]> {
    const { lintDocument } = await import('./lint/index.ts');
    return lintDocument(this.export(), this.#options.clock.now());
  }

  /** Restores the initial objects. */
  reset(): void {
    this.#restore();
    this.#deliveries.clear();
    this.#applied = this.#configuration();
  }

  #begin(): void {
    const { config, document, gateway } = this.#options;
    const { objects } = this;
    for (const { id, healthy, unhealthy } of THRESHOLDS) {
      const limits = { healthyThreshold: healthy, unhealthyThreshold: unhealthy };
      const { object } = objects.get(
        'microsoftTunnelHealthThresholds',
        objects.create('microsoftTunnelHealthThresholds', { id, ...limits }).id,
      );
      const defaults = { defaultHealthyThreshold: healthy, defaultUnhealthyThreshold: unhealthy };
      objects.store.put('microsoftTunnelHealthThresholds', { object: { ...object, ...defaults }, links: {} });
    }
    if (document) loadDocument(this.#context, document);
    if (objects.store.list('microsoftTunnelSites').length === 0) {
      objects.create('microsoftTunnelConfigurations', configurationObject(config, gateway.port), {
        id: this.#ids.configuration,
      });
      const site = {
        displayName: 'Tunnelite',
        description: 'The gateway of this simulator.',
        publicAddress: gateway.name,
        microsoftTunnelConfiguration: { id: this.#ids.configuration },
      };
      objects.create('microsoftTunnelSites', site, { id: this.#ids.site });
    }
    objects.create(
      'microsoftTunnelServers',
      { displayName: gateway.name },
      { id: this.#ids.server, site: this.#siteId() },
    );
    this.#applied = this.#configuration();
    if (document && this.#applied) this.#apply(this.#applied);
  }

  #findUser(user: string): User | undefined {
    const { directory } = this.#options;
    return directory.defaultTenant.users.find(user) ?? directory.findMember(user)?.user;
  }

  /** @throws GraphError 404 */
  #userOf(user: string): User {
    const found = this.#findUser(user);
    if (!found) throw notFound('directory', user.slice(0, 200));
    return found;
  }

  /** Undefined after all sites were removed. */
  #siteId(): string | undefined {
    return this.objects.store.list('microsoftTunnelSites')[0]?.object.id;
  }

  #configuration(): GraphObject | undefined {
    const links = this.objects.store.list('microsoftTunnelSites')[0]?.links;
    return links?.configuration === undefined
      ? undefined
      : this.objects.store.find('microsoftTunnelConfigurations', links.configuration)?.object;
  }

  #onChange(whole: Change): void {
    if (this.#loading) return;
    if (this.#importing) {
      this.#importing.push(whole);
      return;
    }
    const { set, change, object } = whole;
    const name = String(object.displayName ?? object.id);
    this.#options.emit('intune.changed', { set, change, displayName: name.slice(0, 256), id: object.id });
    if (set !== 'microsoftTunnelConfigurations' && set !== 'microsoftTunnelSites') return;
    const now = this.#configuration();
    if (now === undefined || now === this.#applied) return;
    this.#applied = now;
    this.#apply(now);
  }

  /** Does what a server's agent does within five minutes, but at once (memdocs, `microsoft-tunnel/monitor.md`). */
  #apply(configuration: GraphObject): void {
    const { applied, needsRestart } = this.#options.applyConfiguration(configuration);
    this.#options.emit('intune.configuration.applied', {
      configuration: String(configuration.displayName).slice(0, 256),
      applied: applied.join(', '),
      needsRestart: needsRestart.join(', '),
    });
  }

  /** Servers check in once a minute. */
  #liveServer(id: string): Readonly<Record<string, unknown>> {
    if (id !== this.#ids.server) return {};
    const now = this.#options.clock.now();
    return {
      tunnelServerHealthStatus: this.#options.unavailable() ? 'offline' : 'healthy',
      lastCheckinDateTime: graphDate(now - (now % 60_000)),
    };
  }
}
