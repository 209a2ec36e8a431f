/**
 * Every error code of the project, in one table: what happened (`summary`) and what to do next (`hint`).
 * `docs/reference/errors.md` shows the same table; a test compares both.
 *
 * Add codes in the section of the module that raises them; a code is never renamed once published.
 */
export const ERROR_CODES = {
  // lib
  ERR_INTERNAL: {
    summary: 'Something happened that the code assumes to be impossible.',
    hint: 'Report this with the log lines before it.',
  },
  ERR_CLOSED: {
    summary: 'The object was used after it was closed.',
    hint: 'Keep it open for as long as it is in use, or make a new one.',
  },
  ERR_TIMEOUT: {
    summary: 'A wait ended before what it waited for happened.',
    hint: 'Look at the journal for what happened instead, or wait longer.',
  },
  ERR_HTTP_EXCHANGE: {
    summary: 'An HTTP request got no complete answer.',
    hint: 'Check the address, the network, and whether the certificate of the server is trusted.',
  },
  // telemetry
  ERR_JOURNAL_QUERY: {
    summary: 'A query of the journal is not valid.',
    hint: 'Name events as docs/reference/events.md does, and write conditions such as session=k3 or milliseconds>100.',
  },
  ERR_EXPLAIN_SUBJECT: {
    summary: 'Whom to explain is not understood.',
    hint: 'Name a session by its short id, a client by its address (192.0.2.1 or 192.0.2.1:50123), or write last.',
  },
  ERR_EXPLAIN_UNKNOWN: {
    summary: 'The journal has nothing of the client that was asked about.',
    hint: 'Look at `tunnelite journal`: the client may not have come this far, or its events have fallen out (journal.capacity keeps more).',
  },
  ERR_JOURNAL_EXPECTATION: {
    summary: 'The journal does not have the events that were expected.',
    hint: 'The message lists the nearest events and why each of them does not match.',
  },
  ERR_JOURNAL_PROBLEMS: {
    summary: 'Things went wrong that no fault and no ordered failure brought about.',
    hint: 'Look at each event listed; pass as "except" those that the test brings about itself.',
  },
  ERR_JOURNAL_FILE: {
    summary: 'A file is not an exported journal.',
    hint: 'Give a file written by journal.file or by "tunnelite journal --json": one JSON object per line.',
  },
  ERR_DURATION_INVALID: {
    summary: 'A duration is not valid.',
    hint: 'Write numbers with units, such as 3600s, 90m, 1h30m, 2d or 500ms; a plain number is in milliseconds.',
  },
  ERR_COUNT_INVALID: {
    summary: 'A number of things is not valid.',
    hint: 'Give a whole number, as many as are meant; leave it out for the default.',
  },
  ERR_CLOCK_RANGE: {
    summary: "The simulator's clock cannot be moved that far.",
    hint: 'The year has to stay below 10000; sim.reset() sets the clock back to the time of this machine.',
  },
  ERR_CLOCK_MODE: {
    summary: 'The clock has no such mode.',
    hint: 'Use "real" or "manual".',
  },
  ERR_CLOCK_INTERRUPTED: {
    summary: 'The simulator was reset or closed while its clock was being moved.',
    hint: 'Wait for advance() before calling reset() or close().',
  },
  // wire
  ERR_DNS_MALFORMED: {
    summary: 'A DNS message is malformed.',
    hint: 'Look at the sender; the message was not used.',
  },
  // config
  ERR_CONFIG_FILE: {
    summary: 'The configuration file, or a file that it names, cannot be read or written.',
    hint: 'Check the path; "tunnelite init" writes a commented file to start from.',
  },
  ERR_CONFIG_SYNTAX: {
    summary: 'A configuration file is neither valid YAML nor valid JSON.',
    hint: 'Look at the line and column named; in YAML, indentation counts.',
  },
  ERR_CONFIG_RELOAD: {
    summary: 'The configuration cannot be read again while the simulator runs.',
    hint: 'Stop the instance and start it again.',
  },
  ERR_CONFIG_INVALID: {
    summary: 'The configuration has unknown keys or impossible values.',
    hint: 'Correct each place named; docs/reference/configuration.md lists all keys, and "tunnelite config check" checks a file.',
  },
  // admin
  // lib/schema
  ERR_REQUEST_INVALID: {
    summary: 'A request to the administration listener has a body, a query or a path that is not valid.',
    hint: 'Correct each member named in the message; /api/openapi.json describes every request.',
  },
  // certs
  ERR_CERT_DIRECTORY: {
    summary: 'The certificate directory, or a file in it, could not be created, read or written.',
    hint: 'Check the path and its permissions, or choose another directory with certs.directory.',
  },
  ERR_CERT_CORRUPT: {
    summary: 'A certificate file does not hold what Tunnelite wrote to it.',
    hint: 'Restore the file, or delete ca.pem and ca-key.pem to have a new CA made; clients must then trust the new one.',
  },
  ERR_CERT_MISMATCH: {
    summary: 'A certificate and its private key do not belong together.',
    hint: 'Restore the missing or right file, or delete ca.pem and ca-key.pem to have a new CA made; clients must then trust the new one.',
  },
  ERR_CERT_NAME_NOT_PERMITTED: {
    summary: "A certificate was requested for a name that the CA's name constraints do not permit.",
    hint: 'Add the name to gateway.names, or its domain to certs.domains, in the configuration.',
  },
  ERR_STATE_CORRUPT: {
    summary: 'A state file in the certificate directory is not valid.',
    hint: 'Delete the file; Tunnelite makes a new one at the next start.',
  },
  // telemetry
  // dtls
  ERR_DTLS_CERTIFICATE: {
    summary: 'A certificate for DTLS, or its private key, cannot be used.',
    hint: 'Give the chain as PEM with the leaf first, and the private key of that leaf (RSA, ECDSA or Ed25519).',
  },
  ERR_DTLS_OPTION: {
    summary: 'An option of the DTLS endpoint cannot be used.',
    hint: 'See docs/reference/dtls.md for what each option takes.',
  },
  ERR_DTLS_HANDSHAKE: {
    summary: 'The DTLS handshake failed.',
    hint: 'Compare the keys and cipher suites of both sides; the message names the step at which it ended.',
  },
  ERR_DTLS_HANDSHAKE_TIMEOUT: {
    summary: 'The DTLS handshake was not complete in time.',
    hint: 'Check that UDP reaches the server and that both sides have the same key.',
  },
  // netstack
  ERR_NETSTACK_ADDRESS: {
    summary: 'An address is not an IP address, or the two ends are not of the same IP family.',
    hint: 'Give numeric addresses of one family for the local and the remote end.',
  },
  ERR_NETSTACK_FLOW_TAKEN: {
    summary: 'The flow already has an owner.',
    hint: 'Call toDuplex() once, or set a handler, not both.',
  },
  ERR_NETSTACK_LIMIT: {
    summary: 'The stack has as many flows as its limits allow.',
    hint: 'Close flows that are not needed, or raise limits.tcpFlows or limits.memory.',
  },
  ERR_NETSTACK_PORT_IN_USE: {
    summary: 'The local port, or the echo identifier, is in use towards this address and port.',
    hint: 'Leave the number out to get one that is free, or wait until old connections have left TIME-WAIT.',
  },
  ERR_NETSTACK_RESET: {
    summary: 'The peer reset the connection.',
    hint: 'Look at the peer for why it closed with data outstanding or without a listener.',
  },
  ERR_NETSTACK_REFUSED: {
    summary: 'The peer refused the connection.',
    hint: 'Check that something listens on this address and port.',
  },
  ERR_NETSTACK_TIMEOUT: {
    summary: 'The peer stopped answering.',
    hint: 'Check the path to the peer: packets are lost, or it is gone.',
  },
  ERR_NETSTACK_UNREACHABLE: {
    summary: 'The peer cannot be reached.',
    hint: 'Check routes and filters on the way; the peer may have left the tunnel.',
  },
  ERR_NETSTACK_CLOSED: {
    summary: 'The connection is closed.',
    hint: 'Open a new connection.',
  },
  // identity
  ERR_IDENTITY_DIRECTORY_INVALID: {
    summary: 'An object of the identity directory is not valid.',
    hint: 'Correct the members named in the message; docs/reference/configuration.md lists all of them.',
  },
  ERR_IDENTITY_NOT_FOUND: {
    summary: 'The identity directory has no such object.',
    hint: 'List the objects of that kind to see their names.',
  },
  ERR_IDENTITY_EXISTS: {
    summary: 'The identity directory already has an object with that name or id.',
    hint: 'Choose another name or id, or change the object that is there.',
  },
  ERR_IDENTITY_AADSTS: {
    summary: 'The built-in Entra ID refuses the request.',
    hint: 'Look up the AADSTS number in docs/reference/aadsts-codes.md: the table lists what leads to it.',
  },
  ERR_IDENTITY_NOT_LISTENING: {
    summary: 'The identity provider has no address yet.',
    hint: 'Call listen() first, or give it a publicOrigin if it is mounted on another server.',
  },
  ERR_IDENTITY_LISTEN: {
    summary: 'The listener of the built-in Entra ID could not be opened.',
    hint: 'Stop what uses the port (another Tunnelite?), choose another with identity.port, or start with --port 0, which picks free ports for all listeners.',
  },
  ERR_IDENTITY_OVERRIDE: {
    summary: 'The one-shot failure or outage is not one that the identity provider knows.',
    hint: 'Use an AADSTS number from the table in docs/reference/aadsts-codes.md, or one of the endpoint names given there.',
  },
  ERR_IDENTITY_KEYS_INVALID: {
    summary: 'The file with the signing keys of the built-in Entra ID cannot be read.',
    hint: 'Delete that file: new keys are made at the next start (tokens issued before are then refused).',
  },
  ERR_IDENTITY_DISCOVERY: {
    summary: 'The metadata or the signing keys of the authority could not be loaded.',
    hint: 'Check that the authority is right and reachable from here, and that its certificate is trusted.',
  },
  ERR_IDENTITY_FETCH: {
    summary: 'A document of the authority could not be fetched.',
    hint: 'Check the address, the network and the certificate of the authority.',
  },
  ERR_IDENTITY_AUTHORITY: {
    summary: 'The authority does not name a tenant.',
    hint: 'Give https://<login host>/<tenant id or domain>, for example https://login.microsoftonline.com/contoso.com.',
  },
  ERR_IDENTITY_WRONG_TOKEN: {
    summary: 'There is no deliberately wrong token with that name.',
    hint: 'Run "tunnelite token --help" for the names.',
  },
  ERR_IDENTITY_APP_CHECK: {
    summary: 'The application settings to compare cannot be read.',
    hint: 'Give the XML Info.plist of the Xcode project ("plutil -convert xml1 Info.plist" converts a binary one).',
  },
  // gateway
  ERR_GATEWAY_POOL_INVALID: {
    summary: 'The address pool of the gateway is not usable.',
    hint: 'Give a network in CIDR form with room for the gateway and at least one client, such as 169.254.0.0/16.',
  },
  ERR_GATEWAY_PORT_IN_USE: {
    summary: 'The port of the gateway is in use.',
    hint: 'Stop the program that uses it (another Tunnelite?), choose another with gateway.port, or start with --port 0, which picks free ports for all listeners.',
  },
  ERR_SIMULATOR_RESET: {
    summary: 'The simulator was reset, but not all of it.',
    hint: 'Look at the cause; the parts that it does not name are as they were at the start. If this happens again, start a new simulator.',
  },
  ERR_SESSION_UNKNOWN: {
    summary: 'There is no such session.',
    hint: '"tunnelite sessions", GET /api/sessions and sim.sessions.list() list the current sessions; ended ones are in the journal only.',
  },
  ERR_SESSION_NOT_CONNECTED: {
    summary: 'The session has no tunnel now.',
    hint: 'Wait for session.connect in the journal; until then only its cookie exists.',
  },
  ERR_GATEWAY_STATE: {
    summary: 'The gateway cannot do that in its current state.',
    hint: 'Look at gateway.state; start() brings back a gateway that was stopped or drained.',
  },
  ERR_GATEWAY_LISTEN: {
    summary: 'The gateway could not listen on its address.',
    hint: 'Check that the host is an address of this machine and that the port needs no privilege.',
  },
  ERR_GATEWAY_CERTIFICATE: {
    summary: 'The certificate or key of the gateway cannot be used.',
    hint: 'Give a PEM certificate chain, leaf first, and the private key that belongs to the leaf.',
  },
  // resources
  ERR_RESOURCE_RULE: {
    summary: 'A rule under resources cannot be understood.',
    hint: 'Give an address, a CIDR range such as 192.0.2.0/24, or a host name such as app.example.com or *.example.com.',
  },
  ERR_RESOURCE_UNKNOWN: {
    summary: 'There is no upstream with that id.',
    hint: 'See GET /api/resources or "tunnelite resources" for the ids; a reset takes out what was added.',
  },
  ERR_ACCESS_RULE: {
    summary: 'A rule of access cannot be understood, or there are too many.',
    hint: 'Give an action, allow or deny, and what it is about: match, ports, protocols, users, groups, apps, devices.',
  },
  ERR_ACCESS_UNKNOWN: {
    summary: 'There is no access rule with that id.',
    hint: 'See GET /api/access or "tunnelite access" for the ids; a reset takes out what was added.',
  },
  ERR_INTUNE_DOCUMENT: {
    summary: 'Objects of Microsoft Graph cannot be taken over.',
    hint: 'Give lists by the names of Graph’s collections, such as the output of “tunnelite intune export”; docs/how-to/policies.md lists them.',
  },
  ERR_STUB_INVALID: {
    summary: 'A stub cannot be understood, or there are too many.',
    hint: 'Give a path such as /orders/:id, a status, and a body or json.',
  },
  ERR_STUB_UNKNOWN: {
    summary: 'There is no stub with that id.',
    hint: 'See GET /api/stubs or "tunnelite stubs" for the ids; a reset takes out what was added.',
  },
  // world
  ERR_WORLD_BUSY: {
    summary: 'Time passes already in this world.',
    hint: 'Wait for the run, until or close that is under way; from a timer of the world, only begin things.',
  },
  ERR_WORLD_LIMIT: {
    summary: 'What was waited for in a world did not come about in time.',
    hint: 'Look into world.notes and world.journal for what kept it, or give until() a longer limit.',
  },
  // scenario
  ERR_SCENARIO_INVALID: {
    summary: 'A scenario has unknown members, impossible values, or parts that cannot go together.',
    hint: 'Correct each place named; docs/how-to/write-a-scenario.md describes the format, and "tunnelite scenario check" checks a file.',
  },
  ERR_SCENARIO_LIMIT: {
    summary: 'A scenario took longer than it may.',
    hint: 'Give it more time (--timeout), a shorter timeline, or less traffic.',
  },
  ERR_SCENARIO_SHRINK: {
    summary: 'A scenario cannot be made shorter, because it does not fail in the same way each time.',
    hint: 'Give one that fails in virtual time; `tunnelite scenario run` shows what it does.',
  },
  ERR_SCENARIO_STEP: {
    summary: 'A step of a scenario could not be made.',
    hint: 'The step is named with its place; the cause says what kept it.',
  },
  // load
  ERR_LOAD_PLAN: {
    summary: 'A plan of a load test has unknown members, impossible values, or parts that cannot go together.',
    hint: 'Correct each place named; docs/how-to/run-a-load-test.md describes the format.',
  },
  ERR_LOAD_RESULT: {
    summary: 'A file is no result of a load test, or results do not belong together.',
    hint: 'Give files that `tunnelite load --out FILE` has written; to merge, those of all workers of one run.',
  },
  ERR_LOAD_DESCRIPTORS: {
    summary: 'This process may not open as many files as the clients of a load test need.',
    hint: 'Raise the limit in the shell that starts it (`ulimit -n`), have fewer clients, or split them among several processes.',
  },
  ERR_LOAD_TOKEN: {
    summary: 'The clients of a load test got no token.',
    hint: 'Check what the plan says under token: the file, the command, or the users of the running instance.',
  },
  // network in memory
  ERR_NETWORK_LINK: {
    summary: 'The description of a link makes no sense.',
    hint: 'Name one of the known links, or give delay and jitter in milliseconds, loss as a share, and down and up in bytes per second.',
  },
  // services
  ERR_SERVICE_ADDRESS_TWICE: {
    summary: 'Two mock hosts have the same address.',
    hint: 'Give each host under services.hosts addresses of its own.',
  },
  // client
  ERR_HTTP_HEADER: {
    summary: 'An HTTP header cannot be sent as it is.',
    hint: 'Take the line break out of it; a token that was read from a file may end with one.',
  },
  ERR_CLIENT_CONNECT: {
    summary: 'The gateway could not be reached.',
    hint: 'Check that it runs (tunnelite start) and that the address and port are the ones its banner shows.',
  },
  ERR_CLIENT_UNTRUSTED: {
    summary: "The gateway's certificate is not trusted.",
    hint: 'Pass the CA that “tunnelite ca” shows, and connect by a name that is in the certificate.',
  },
  ERR_CLIENT_TOKEN_REFUSED: {
    summary: 'The gateway refused the token.',
    hint: 'Its log says why. “tunnelite token” prints one that the default configuration accepts.',
  },
  ERR_CLIENT_SESSION_REFUSED: {
    summary: 'The gateway refused to open a tunnel.',
    hint: 'Its log says why: a cookie that is no longer valid, no free address, or too many sessions.',
  },
  ERR_CLIENT_PROTOCOL: {
    summary: 'The server does not speak the protocol of a Tunnel gateway.',
    hint: 'The message describes what came instead, and details.came names it. Check that the address is that of a gateway and that nothing in between changes the traffic.',
  },
  ERR_CLIENT_DISCONNECTED: {
    summary: 'The tunnel ended.',
    hint: 'Connect again; the gateway’s log says why it ended.',
  },
  ERR_CLIENT_DNS: {
    summary: 'A name could not be resolved through the tunnel.',
    hint: 'Ask for a name of the on-premises network; the gateway’s log shows the DNS queries that it saw.',
  },
  ERR_CLIENT_FETCH: {
    summary: 'An HTTP request through the tunnel failed.',
    hint: 'For https: pass the CA that “tunnelite ca” shows; the gateway’s log has a line for the request.',
  },
  ERR_CLIENT_OPEN: {
    summary: 'A connection through the tunnel could not be opened.',
    hint: 'The gateway’s log has a line for each request, with the rule that decided on it.',
  },
  ERR_CLIENT_OUTSIDE: {
    summary: 'The destination is not one that goes through the tunnel.',
    hint: 'The gateway’s routes decide (gateway.routesInclude), and the client’s list of hosts to bypass. With “outside” set to “direct” the client opens such connections beside the tunnel, as a device does.',
  },
  ERR_CLIENT_LISTEN: {
    summary: 'A proxy for other programs could not listen.',
    hint: 'Choose another port, or 0 for any free one.',
  },
  ERR_CLIENT_SIGN_IN: {
    summary: 'There is no token, and getting one needs the user.',
    hint: 'Sign in: give “signIn”, or fill the cache of MSAL by another of its ways first.',
  },
  ERR_CLIENT_POLICY: {
    summary: 'The policies of an app could not be fetched.',
    hint: 'Check the token (it has to be one for Microsoft Mobile Application Management), its user, and the address of Entra ID.',
  },
  ERR_CLIENT_STRICT: {
    summary: 'Strict mode is on, and there is no tunnel.',
    hint: 'Connect first; or take com.microsoft.intune.mam.managedbrowser.StrictTunnelMode out of the app configuration policy.',
  },
  ERR_CLIENT_PROXY: {
    summary: 'The proxy for web requests could not be used.',
    hint: 'The message names the part that failed. With “proxy” set to “none” the client ignores the proxy that the gateway announces.',
  },
  // simulator and cli
  ERR_SIMULATOR_NOT_READY: {
    summary: 'The simulator started but does not work.',
    hint: 'The message names the part that failed; the log lines before it say more.',
  },
  ERR_SIMULATOR_TOKEN_REQUEST: {
    summary: 'The requested token cannot be issued.',
    hint: 'The message names what is wrong with the request.',
  },
  ERR_TESTING_HOOKS: {
    summary: 'useSimulator was not given the hooks of a test runner.',
    hint: 'Pass the functions of the runner, such as { before, after, beforeEach, afterEach }, or t of tap; docs/how-to/testing.md shows each runner.',
  },
  ERR_TESTING_NOT_STARTED: {
    summary: 'The simulator of the suite was asked for before it was started.',
    hint: 'Read sim and mark inside a test or a hook, not while the file loads; if the start failed, its own error says why.',
  },
  ERR_SIMULATOR_NO_PROVIDER: {
    summary: 'There is no built-in Entra ID to issue tokens: a real tenant is configured as the authority.',
    hint: 'Get a token from that tenant, or remove identity.authority from the configuration.',
  },
  ERR_FAULT_RULE: {
    summary: 'A fault rule is not valid.',
    hint: 'docs/reference/faults.md lists seams, kinds and actions, and what each action takes.',
  },
  ERR_FAULT_EXISTS: {
    summary: 'There is a fault rule of this name already.',
    hint: 'Remove it first, or choose another name.',
  },
  ERR_FAULT_UNKNOWN: {
    summary: 'There is no fault rule of this name.',
    hint: '"tunnelite fault list" shows those that there are, and so does GET /api/faults.',
  },
  ERR_FAULT_LIMIT: {
    summary: 'There are as many fault rules as there may be.',
    hint: 'Remove some; one rule can select many sessions, users or addresses.',
  },
  ERR_CLI_USAGE: {
    summary: 'The command line is not understood.',
    hint: 'Add --help for what is possible.',
  },
  ERR_CLI_NOT_RUNNING: {
    summary: 'No running instance was found.',
    hint: 'Run "tunnelite start" (in the repository: npm start), in the same folder or with the same --certs.',
  },
  ERR_CLI_ALREADY_RUNNING: {
    summary: 'Another instance is already running on this certificate directory.',
    hint: 'Stop it first, or give this one its own directory with --certs.',
  },
  ERR_CLI_REFUSED: {
    summary: 'The running instance refused the request.',
    hint: 'Its own words are in the message; its log says more.',
  },
  ERR_CLI_TOKEN: {
    summary: 'The command that is to print a token did not.',
    hint: 'Run it by itself: it has to end with 0 within a minute, and print one token and nothing else.',
  },
  ERR_CLI_FILE_EXISTS: {
    summary: 'A file to be written already exists.',
    hint: 'Add --force to overwrite it, or name another file.',
  },
  ERR_CLI_FILE: {
    summary: 'A file could not be written.',
    hint: 'Check the folder and its permissions.',
  },
  ERR_ADMIN_BUSY: {
    summary: 'The administration listener has as many readers as it allows.',
    hint: 'Close connections that no one reads, then try again.',
  },
  ERR_ADMIN_FORBIDDEN: {
    summary: 'The administration listener does not accept requests from this origin or for this host name.',
    hint: 'Use the address that the banner shows; a name of this machine has to be in gateway.names.',
  },
  ERR_ADMIN_SECRET: {
    summary: 'The secret of this instance is missing or wrong.',
    hint: 'Send "Authorization: Bearer <secret>"; "tunnelite status --secret" prints it, and so does sim.admin.secret in a program.',
  },
  ERR_ADMIN_LINK: {
    summary: 'The link to the dashboard was used already, or is older than two minutes.',
    hint: 'Get another one: "tunnelite dashboard" prints it, and so does sim.admin.dashboardLink() in a program.',
  },
  ERR_REMOTE_UNREACHABLE: {
    summary: 'No running instance answers at this address.',
    hint: 'Check that it runs and that the address is the one its banner calls "health"; "tunnelite status" finds it by the certificate directory.',
  },
  ERR_NOT_FOUND: {
    summary: 'There is nothing at this address.',
    hint: 'GET /api/openapi.json lists what there is.',
  },
  ERR_ADMIN_LISTEN: {
    summary: 'The administration listener could not be opened.',
    hint: 'Stop what uses the port (another Tunnelite?), choose another with admin.port, or start with --port 0, which picks free ports for all listeners.',
  },
  ERR_LAN_ADDRESS: {
    summary: 'This machine has no address by which a phone could reach it.',
    hint: 'Join a network, or name the address with --host, then start again.',
  },
  ERR_LAN_LISTEN: {
    summary: 'The page for phones could not be opened.',
    hint: 'Stop what uses the port, or choose another with --lan-port.',
  },
  // capture
  ERR_CAPTURE_UNKNOWN: {
    summary: 'There is no such capture.',
    hint: 'GET /api/capture lists the captures that there are.',
  },
  ERR_CAPTURE_LIMIT: {
    summary: 'There are as many captures, or as much memory in use for them, as is allowed.',
    hint: 'Remove captures that are over (DELETE /api/capture/{id}), or ask for a smaller ring.',
  },
  ERR_CAPTURE_OPTIONS: {
    summary: 'What is asked of a capture is not possible.',
    hint: 'Look at docs/how-to/decrypt-with-wireshark.md for what can be set, and its limits.',
  },
  ERR_CAPTURE_FILE: {
    summary: 'A capture cannot be written to its file.',
    hint: 'Name a file in a folder that exists and that you may write to.',
  },
  // report
  ERR_REPORT_FILE: {
    summary: 'A file cannot be read as a report.',
    hint: 'Give a file that "tunnelite report" wrote, whole and unchanged.',
  },
  ERR_REPORT_READ_ONLY: {
    summary: 'A report can be looked at only; nothing runs that could be changed.',
    hint: 'Ask a running instance.',
  },
} as const satisfies Record<string, { readonly summary: string; readonly hint: string }>;

/** One of the stable codes that a {@link TunneliteError} carries. */
export type ErrorCode = keyof typeof ERROR_CODES;
