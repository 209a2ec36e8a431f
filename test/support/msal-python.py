"""An unmodified MSAL Python under test control: one JSON call a line on standard input, one JSON answer a line on standard output."""

import json
import sys

import msal

app = None


def run(call):
    global app
    name = call.pop("call")
    if name == "configure":
        kind = msal.ConfidentialClientApplication if "client_credential" in call else msal.PublicClientApplication
        app = kind(call.pop("client_id"), instance_discovery=False, **call)
        return {"version": msal.__version__, "token_endpoint": app.authority.token_endpoint}
    if name == "password":
        return app.acquire_token_by_username_password(call["username"], call["password"], call["scopes"])
    if name == "start device":
        app.flow = app.initiate_device_flow(call["scopes"])
        return app.flow
    if name == "finish device":
        return app.acquire_token_by_device_flow(app.flow)
    if name == "silent":
        [account] = app.get_accounts()
        return app.acquire_token_silent_with_error(
            call["scopes"],
            account,
            force_refresh=call.get("force", False),
            claims_challenge=call.get("claims"),
        )
    if name == "client":
        return app.acquire_token_for_client(call["scopes"])
    raise ValueError(name)


for line in sys.stdin:
    try:
        answer = run(json.loads(line))
    except Exception as error:  # told to the test, which judges it
        answer = {"exception": type(error).__name__, "message": str(error)}
    print(json.dumps(answer), flush=True)
