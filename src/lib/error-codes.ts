/**
 * Every error code of the project, in one table: what happened (`summary`) and what to do next (`hint`).
 * `docs/reference/errors.md` shows the same table; a test compares both.
 *
 * Add codes in the section of the module that raises them; a code is never renamed once published.
 */
export const ERROR_CODES = {
  // lib
  ERR_INTERNAL: {
    summary: 'An internal assertion failed.',
    hint: 'Report this with the log lines before it.',
  },
  ERR_CLOSED: {
    summary: 'The object was used after it was closed.',
    hint: 'Keep it open while it is in use, or create a new one.',
  },
  ERR_TIMEOUT: {
    summary: 'A wait timed out.',
    hint: 'Check the journal for what happened instead, or wait longer.',
  },
  ERR_HTTP_EXCHANGE: {
    summary: 'An HTTP request got no complete response.',
    hint: "Check the address, the network, and whether the server's certificate is trusted.",
  },
  // telemetry
  ERR_JOURNAL_QUERY: {
    summary: 'A query of the journal is not valid.',
    hint: 'Use the event names of docs/reference/events.md, and conditions such as session=k3 or milliseconds>100.',
  },
  ERR_EXPLAIN_SUBJECT: {
    summary: 'The client to explain is not valid.',
    hint: 'Give the short id of a session, the address of a client (192.0.2.1 or 192.0.2.1:50123), or last.',
  },
  ERR_EXPLAIN_UNKNOWN: {
    summary: 'The journal has no events of this client.',
    hint: 'Check `tunnelite journal`: the client may not have reached the gateway, or its events were dropped (increase journal.capacity to keep more).',
  },
  ERR_JOURNAL_EXPECTATION: {
    summary: 'The journal does not have the expected events.',
    hint: 'The message lists the closest events and why each does not match.',
  },
  ERR_JOURNAL_PROBLEMS: {
    summary: 'There were problems that no fault and no ordered failure caused.',
    hint: 'Check each event listed; pass as "except" those that the test causes itself.',
  },
  ERR_JOURNAL_FILE: {
    summary: 'A file is not an exported journal.',
    hint: 'Use a file written by journal.file or by "tunnelite journal --json": one JSON object per line.',
  },
  ERR_DURATION_INVALID: {
    summary: 'A duration is not valid.',
    hint: 'Write numbers with units, such as 3600s, 90m, 1h30m, 2d or 500ms; a plain number is in milliseconds.',
  },
  ERR_COUNT_INVALID: {
    summary: 'A count is not valid.',
    hint: 'Give a whole number, or omit it for the default.',
  },
  ERR_CLOCK_RANGE: {
    summary: "The simulator's clock cannot be moved that far.",
    hint: 'The year must stay below 10000; sim.reset() resets the clock to the time of this machine.',
  },
  ERR_CLOCK_MODE: {
    summary: 'There is no such clock mode.',
    hint: 'Use "real" or "manual".',
  },
  ERR_CLOCK_INTERRUPTED: {
    summary: 'The simulator was reset or closed while its clock was being moved.',
    hint: 'Wait for advance() before calling reset() or close().',
  },
  // wire
  ERR_DNS_MALFORMED: {
    summary: 'A DNS message is malformed.',
    hint: 'Check the sender; the message was not used.',
  },
  // config
  ERR_CONFIG_FILE: {
    summary: 'The configuration file, or a file that it names, cannot be read or written.',
    hint: 'Check the path; "tunnelite init" writes a commented file to start from.',
  },
  ERR_CONFIG_SYNTAX: {
    summary: 'A configuration file is neither valid YAML nor valid JSON.',
    hint: 'Check the line and column in the message; in YAML, indentation matters.',
  },
  ERR_CONFIG_RELOAD: {
    summary: 'The configuration cannot be reloaded while the simulator runs.',
    hint: 'Stop the instance and start it again.',
  },
  ERR_CONFIG_INVALID: {
    summary: 'The configuration has unknown keys or invalid values.',
    hint: 'Correct each place in the message; docs/reference/configuration.md lists all keys, and "tunnelite config check" checks a file.',
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
    summary: 'A certificate file was changed or damaged.',
    hint: 'Restore the file, or delete ca.pem and ca-key.pem to create a new CA; clients must then trust the new one.',
  },
  ERR_CERT_MISMATCH: {
    summary: 'A certificate and its private key do not belong together.',
    hint: 'Restore the missing or correct file, or delete ca.pem and ca-key.pem to create a new CA; clients must then trust the new one.',
  },
  ERR_CERT_NAME_NOT_PERMITTED: {
    summary: "A certificate was requested for a name that the CA's name constraints do not permit.",
    hint: 'Add the name to gateway.names, or its domain to certs.domains, in the configuration.',
  },
  ERR_STATE_CORRUPT: {
    summary: 'A state file in the certificate directory is not valid.',
    hint: 'Delete the file; Tunnelite creates a new one at the next start.',
  },
  // telemetry
  // dtls
  ERR_DTLS_CERTIFICATE: {
    summary: 'A certificate for DTLS, or its private key, cannot be used.',
    hint: 'Give the chain as PEM with the leaf first, and the private key of that leaf (RSA, ECDSA or Ed25519).',
  },
  ERR_DTLS_OPTION: {
    summary: 'An option of the DTLS endpoint cannot be used.',
    hint: 'docs/reference/dtls.md describes the options.',
  },
  ERR_DTLS_HANDSHAKE: {
    summary: 'The DTLS handshake failed.',
    hint: 'Compare the keys and cipher suites of both sides; the message names the step at which it failed.',
  },
  ERR_DTLS_HANDSHAKE_TIMEOUT: {
    summary: 'The DTLS handshake was not complete in time.',
    hint: 'Check that UDP reaches the server, and that both sides have the same key.',
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
    summary: 'The stack has reached its limit of flows.',
    hint: 'Close unneeded flows, or increase limits.tcpFlows or limits.memory.',
  },
  ERR_NETSTACK_PORT_IN_USE: {
    summary: 'The local port, or the echo identifier, is in use for this address and port.',
    hint: 'Omit the number to get a free one, or wait until old connections have left TIME-WAIT.',
  },
  ERR_NETSTACK_RESET: {
    summary: 'The peer reset the connection.',
    hint: 'Check why the peer closed with data outstanding, or without a listener.',
  },
  ERR_NETSTACK_REFUSED: {
    summary: 'The peer refused the connection.',
    hint: 'Check that something listens on this address and port.',
  },
  ERR_NETSTACK_TIMEOUT: {
    summary: 'The peer stopped answering.',
    hint: 'Check the path to the peer: packets are lost, or it has disconnected.',
  },
  ERR_NETSTACK_UNREACHABLE: {
    summary: 'The peer cannot be reached.',
    hint: 'Check routes and filters on the path; the peer may have left the tunnel.',
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
    hint: 'List the objects of this type to see their names.',
  },
  ERR_IDENTITY_EXISTS: {
    summary: 'The identity directory already has an object with that name or id.',
    hint: 'Choose another name or id, or change the existing object.',
  },
  ERR_IDENTITY_AADSTS: {
    summary: 'The built-in Entra ID refused the request.',
    hint: 'Look up the AADSTS number in docs/reference/aadsts-codes.md, which lists its causes.',
  },
  ERR_IDENTITY_NOT_LISTENING: {
    summary: 'The identity provider has no address yet.',
    hint: 'Call listen() first, or give it a publicOrigin if it is mounted on another server.',
  },
  ERR_IDENTITY_LISTEN: {
    summary: 'The listener of the built-in Entra ID could not be opened.',
    hint: 'Stop the program that uses the port (another Tunnelite?), choose another port with identity.port, or start with --port 0, which picks free ports for all listeners.',
  },
  ERR_IDENTITY_OVERRIDE: {
    summary: 'The identity provider does not support this one-shot failure or outage.',
    hint: 'Use an AADSTS number from the table in docs/reference/aadsts-codes.md, or one of its endpoint names.',
  },
  ERR_IDENTITY_KEYS_INVALID: {
    summary: 'The file with the signing keys of the built-in Entra ID cannot be read.',
    hint: 'Delete the file: new keys are created at the next start (tokens issued before are then refused).',
  },
  ERR_IDENTITY_DISCOVERY: {
    summary: 'The metadata or the signing keys of the authority could not be loaded.',
    hint: 'Check that the authority is correct and reachable from this machine, and that its certificate is trusted.',
  },
  ERR_IDENTITY_FETCH: {
    summary: 'A document of the authority could not be downloaded.',
    hint: 'Check the address, the network and the certificate of the authority.',
  },
  ERR_IDENTITY_AUTHORITY: {
    summary: 'The authority does not name a tenant.',
    hint: 'Use https://<login host>/<tenant id or domain>, for example https://login.microsoftonline.com/contoso.com.',
  },
  ERR_IDENTITY_WRONG_TOKEN: {
    summary: 'There is no deliberately wrong token with that name.',
    hint: 'Run "tunnelite token --help" for the names.',
  },
  ERR_IDENTITY_APP_CHECK: {
    summary: 'The application settings to compare cannot be read.',
    hint: 'Use the XML Info.plist of the Xcode project ("plutil -convert xml1 Info.plist" converts a binary one).',
  },
  // gateway
  ERR_GATEWAY_POOL_INVALID: {
    summary: 'The address pool of the gateway is not valid.',
    hint: 'Use a network in CIDR form with addresses for the gateway and at least one client, such as 169.254.0.0/16.',
  },
  ERR_GATEWAY_PORT_IN_USE: {
    summary: 'The port of the gateway is in use.',
    hint: 'Stop the program that uses it (another Tunnelite?), choose another port with gateway.port, or start with --port 0, which picks free ports for all listeners.',
  },
  ERR_SIMULATOR_RESET: {
    summary: 'Parts of the simulator could not be reset.',
    hint: 'Check the cause; the parts that it does not name were reset. If this happens again, start a new simulator.',
  },
  ERR_SESSION_UNKNOWN: {
    summary: 'There is no such session.',
    hint: '"tunnelite sessions", GET /api/sessions and sim.sessions.list() list the current sessions; ended ones are only in the journal.',
  },
  ERR_SESSION_NOT_CONNECTED: {
    summary: 'The session has no tunnel now.',
    hint: 'Wait for session.connect in the journal; until then only its cookie exists.',
  },
  ERR_GATEWAY_STATE: {
    summary: 'The gateway cannot do that in its current state.',
    hint: 'Check gateway.state; start() restarts a gateway that was stopped or drained.',
  },
  ERR_GATEWAY_LISTEN: {
    summary: 'The gateway could not listen on its address.',
    hint: 'Check that the host is an address of this machine and that the port needs no privilege.',
  },
  ERR_GATEWAY_CERTIFICATE: {
    summary: "The gateway's certificate or key is not valid.",
    hint: 'Use a PEM certificate chain, leaf first, and the private key of the leaf.',
  },
  // resources
  ERR_RESOURCE_RULE: {
    summary: 'A rule under resources is not valid.',
    hint: 'Use an address, a CIDR range such as 192.0.2.0/24, or a host name such as app.example.com or *.example.com.',
  },
  ERR_RESOURCE_UNKNOWN: {
    summary: 'There is no upstream with that id.',
    hint: 'GET /api/resources or "tunnelite resources" lists the ids; a reset removes upstreams that were added.',
  },
  ERR_ACCESS_RULE: {
    summary: 'An access rule is not valid, or there are too many.',
    hint: 'Give an action, allow or deny, and its conditions: match, ports, protocols, users, groups, apps, devices.',
  },
  ERR_ACCESS_UNKNOWN: {
    summary: 'There is no access rule with that id.',
    hint: 'GET /api/access or "tunnelite access" lists the ids; a reset removes rules that were added.',
  },
  ERR_INTUNE_DOCUMENT: {
    summary: 'Objects of Microsoft Graph cannot be imported.',
    hint: 'Use lists with the names of Graph’s collections, such as the output of “tunnelite intune export”; docs/how-to/policies.md has them.',
  },
  ERR_STUB_INVALID: {
    summary: 'A stub is not valid, or there are too many.',
    hint: 'Give a path such as /orders/:id, a status, and a body or json.',
  },
  ERR_STUB_UNKNOWN: {
    summary: 'There is no stub with that id.',
    hint: 'GET /api/stubs or "tunnelite stubs" lists the ids; a reset removes stubs that were added.',
  },
  // world
  ERR_WORLD_BUSY: {
    summary: 'This world is already running.',
    hint: 'Wait for the pending run, until or close; a timer of the world may only start actions.',
  },
  ERR_WORLD_LIMIT: {
    summary: 'The condition in a world was not met in time.',
    hint: 'Check world.notes and world.journal for the cause, or give until() a longer limit.',
  },
  // scenario
  ERR_SCENARIO_INVALID: {
    summary: 'A scenario has unknown members, invalid values, or parts that contradict each other.',
    hint: 'Correct each place in the message; docs/how-to/write-a-scenario.md describes the format, and "tunnelite scenario check" checks a file.',
  },
  ERR_SCENARIO_LIMIT: {
    summary: 'A scenario exceeded its time limit.',
    hint: 'Increase --timeout, or use a shorter timeline or less traffic.',
  },
  ERR_SCENARIO_SHRINK: {
    summary: 'A scenario cannot be made shorter, because it does not fail in the same way each time.',
    hint: 'Use one that fails in virtual time; `tunnelite scenario run` shows its behavior.',
  },
  ERR_SCENARIO_STEP: {
    summary: 'A step of a scenario failed.',
    hint: 'The message names the step and its location; the cause has the reason.',
  },
  // load
  ERR_LOAD_PLAN: {
    summary: 'A plan of a load test has unknown members, invalid values, or parts that contradict each other.',
    hint: 'Correct each place in the message; docs/how-to/run-a-load-test.md describes the format.',
  },
  ERR_LOAD_RESULT: {
    summary: 'A file is not a result of a load test, or results do not belong together.',
    hint: 'Use files written by `tunnelite load --out FILE`; to merge, use those of all workers of one run.',
  },
  ERR_LOAD_DESCRIPTORS: {
    summary: 'The file descriptor limit of this process is too low for the clients of the load test.',
    hint: 'Increase the limit in the shell that starts it (`ulimit -n`), use fewer clients, or distribute them over several processes.',
  },
  ERR_LOAD_TOKEN: {
    summary: 'The clients of a load test got no token.',
    hint: 'Check the member token of the plan: the file, the command, or the users of the running instance.',
  },
  // network in memory
  ERR_NETWORK_LINK: {
    summary: 'The description of a link is not valid.',
    hint: 'Use one of the known links, or give delay and jitter in milliseconds, loss as a fraction, and down and up in bytes per second.',
  },
  // services
  ERR_SERVICE_ADDRESS_TWICE: {
    summary: 'Two mock hosts have the same address.',
    hint: 'Give each host under services.hosts its own addresses.',
  },
  // client
  ERR_HTTP_HEADER: {
    summary: 'An HTTP header cannot be sent unchanged.',
    hint: 'Remove the line break; a token that was read from a file may end with one.',
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
    hint: 'Its log has the reason. “tunnelite token” prints a token that the default configuration accepts.',
  },
  ERR_CLIENT_SESSION_REFUSED: {
    summary: 'The gateway refused to open a tunnel.',
    hint: 'Its log has the reason: a cookie that is no longer valid, no free address, or too many sessions.',
  },
  ERR_CLIENT_PROTOCOL: {
    summary: 'The server does not use the protocol of a Tunnel gateway.',
    hint: 'The message describes the answer, and details.came names it. Check that the address belongs to a gateway, and that no device on the path changes the traffic.',
  },
  ERR_CLIENT_DISCONNECTED: {
    summary: 'The tunnel ended.',
    hint: 'Connect again; the gateway’s log has the reason.',
  },
  ERR_CLIENT_DNS: {
    summary: 'A name could not be resolved through the tunnel.',
    hint: 'Use a name of the on-premises network; the gateway’s log shows the DNS queries it received.',
  },
  ERR_CLIENT_FETCH: {
    summary: 'An HTTP request through the tunnel failed.',
    hint: 'For https: pass the CA that “tunnelite ca” shows; the gateway’s log has a line for the request.',
  },
  ERR_CLIENT_OPEN: {
    summary: 'A connection through the tunnel could not be opened.',
    hint: 'The gateway’s log has a line for each request, with the rule that decided it.',
  },
  ERR_CLIENT_OUTSIDE: {
    summary: 'The destination is outside the tunnel.',
    hint: 'The gateway’s routes decide (gateway.routesInclude), and the client’s list of hosts to bypass. With “outside” set to “direct” the client opens such connections outside the tunnel, as a device does.',
  },
  ERR_CLIENT_LISTEN: {
    summary: 'A local proxy could not be opened.',
    hint: 'Choose another port, or 0 for any free one.',
  },
  ERR_CLIENT_SIGN_IN: {
    summary: 'There is no token, and getting one requires the user.',
    hint: 'Sign in: provide “signIn”, or sign in with MSAL first, so that its cache has a token.',
  },
  ERR_CLIENT_POLICY: {
    summary: 'The policies of an app could not be fetched.',
    hint: 'Check the token (it must be for Microsoft Mobile Application Management), its user, and the address of Entra ID.',
  },
  ERR_CLIENT_STRICT: {
    summary: 'Strict mode is on, and there is no tunnel.',
    hint: 'Connect first, or remove com.microsoft.intune.mam.managedbrowser.StrictTunnelMode from the app configuration policy.',
  },
  ERR_CLIENT_PROXY: {
    summary: 'The proxy for web requests could not be used.',
    hint: 'The message names the part that failed. With “proxy” set to “none” the client ignores the proxy that the gateway announces.',
  },
  // simulator and cli
  ERR_SIMULATOR_NOT_READY: {
    summary: 'The simulator started but is not ready.',
    hint: 'The message names the part that failed; the log lines before it have details.',
  },
  ERR_SIMULATOR_TOKEN_REQUEST: {
    summary: 'The requested token cannot be issued.',
    hint: 'The message names the error in the request.',
  },
  ERR_TESTING_HOOKS: {
    summary: 'useSimulator did not get the hooks of a test runner.',
    hint: 'Pass the functions of the runner, such as { before, after, beforeEach, afterEach }, or t of tap; docs/how-to/testing.md shows each runner.',
  },
  ERR_TESTING_NOT_STARTED: {
    summary: 'The simulator of the suite was used before it was started.',
    hint: 'Read sim and mark inside a test or a hook, not while the file loads; if the start failed, its own error has the reason.',
  },
  ERR_SIMULATOR_NO_PROVIDER: {
    summary: 'There is no built-in Entra ID, because a real tenant is configured as the authority.',
    hint: 'Get a token from that tenant, or remove identity.authority from the configuration.',
  },
  ERR_FAULT_RULE: {
    summary: 'A fault rule is not valid.',
    hint: 'docs/reference/faults.md lists seams, kinds and actions with their parameters.',
  },
  ERR_FAULT_EXISTS: {
    summary: 'There is already a fault rule with this name.',
    hint: 'Remove it first, or choose another name.',
  },
  ERR_FAULT_UNKNOWN: {
    summary: 'There is no fault rule with this name.',
    hint: '"tunnelite fault list" and GET /api/faults list the fault rules.',
  },
  ERR_FAULT_LIMIT: {
    summary: 'The limit of fault rules is reached.',
    hint: 'Remove some; one rule can select many sessions, users or addresses.',
  },
  ERR_CLI_USAGE: {
    summary: 'The command line is not valid.',
    hint: 'Add --help for a list of options.',
  },
  ERR_CLI_NOT_RUNNING: {
    summary: 'No running instance was found.',
    hint: 'Run "tunnelite start" (in the repository: npm start), in the same folder or with the same --certs.',
  },
  ERR_CLI_ALREADY_RUNNING: {
    summary: 'Another instance is already running on this certificate directory.',
    hint: 'Stop it first, or use another directory with --certs.',
  },
  ERR_CLI_REFUSED: {
    summary: 'The running instance refused the request.',
    hint: 'The message has its reason; its log has details.',
  },
  ERR_CLI_TOKEN: {
    summary: 'The command for the token printed none.',
    hint: 'Run the command alone: it must exit with 0 within a minute, and print one token and nothing else.',
  },
  ERR_CLI_FILE_EXISTS: {
    summary: 'A file to write already exists.',
    hint: 'Add --force to overwrite it, or name another file.',
  },
  ERR_CLI_FILE: {
    summary: 'A file could not be written.',
    hint: 'Check the folder and its permissions.',
  },
  ERR_ADMIN_BUSY: {
    summary: 'The administration listener has reached its limit of readers.',
    hint: 'Close unused connections, then try again.',
  },
  ERR_ADMIN_FORBIDDEN: {
    summary: 'The administration listener does not accept requests from this origin or for this host name.',
    hint: 'Use the address that the banner shows; a name of this machine must be in gateway.names.',
  },
  ERR_ADMIN_SECRET: {
    summary: 'The secret of this instance is missing or wrong.',
    hint: 'Send "Authorization: Bearer <secret>"; "tunnelite status --secret" prints it, and so does sim.admin.secret in a program.',
  },
  ERR_ADMIN_LINK: {
    summary: 'The link to the dashboard was used already, or is older than two minutes.',
    hint: 'Get a new one: "tunnelite dashboard" prints it, and so does sim.admin.dashboardLink() in a program.',
  },
  ERR_REMOTE_UNREACHABLE: {
    summary: 'No running instance answers at this address.',
    hint: 'Check that it runs and that the address is the one its banner calls "health"; "tunnelite status" finds it by the certificate directory.',
  },
  ERR_NOT_FOUND: {
    summary: 'This page does not exist.',
    hint: 'GET /api/openapi.json lists all addresses.',
  },
  ERR_ADMIN_LISTEN: {
    summary: 'The administration listener could not be opened.',
    hint: 'Stop the program that uses the port (another Tunnelite?), choose another port with admin.port, or start with --port 0, which picks free ports for all listeners.',
  },
  ERR_LAN_ADDRESS: {
    summary: 'This machine has no address that a phone can reach.',
    hint: 'Join a network, or set the address with --host, then start again.',
  },
  ERR_LAN_LISTEN: {
    summary: 'The page for phones could not be opened.',
    hint: 'Stop the program that uses the port, or choose another port with --lan-port.',
  },
  // capture
  ERR_CAPTURE_UNKNOWN: {
    summary: 'There is no such capture.',
    hint: 'GET /api/capture lists the captures.',
  },
  ERR_CAPTURE_LIMIT: {
    summary: 'The limit of captures, or of their memory, is reached.',
    hint: 'Remove captures that have ended (DELETE /api/capture/{id}), or use a smaller ring.',
  },
  ERR_CAPTURE_OPTIONS: {
    summary: 'The options of a capture are not valid.',
    hint: 'docs/how-to/decrypt-with-wireshark.md describes the options and their limits.',
  },
  ERR_CAPTURE_FILE: {
    summary: 'A capture cannot be written to its file.',
    hint: 'Use a file in an existing folder that you can write to.',
  },
  // report
  ERR_REPORT_FILE: {
    summary: 'A file cannot be read as a report.',
    hint: 'Use a complete, unchanged file written by "tunnelite report".',
  },
  ERR_REPORT_READ_ONLY: {
    summary: 'A report is read-only: there is no running instance to change.',
    hint: 'Use a running instance.',
  },
} as const satisfies Record<string, { readonly summary: string; readonly hint: string }>;

/** One of the stable codes that a {@link TunneliteError} carries. */
export type ErrorCode = keyof typeof ERROR_CODES;
