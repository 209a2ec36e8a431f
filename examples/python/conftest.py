"""Tunnelite for pytest: a gateway for the whole run, as new for each test, and a stock openconnect as its client.

TUNNELITE_URL and TUNNELITE_SECRET name an instance that runs already (`tunnelite status --secret`).
Otherwise one is started, by TUNNELITE_COMMAND or `npx tunnelite`.
"""

import json
import os
import shlex
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

# Debian has openconnect where an ordinary user's PATH does not reach.
PROGRAMS = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


class Tunnelite:
    """A running instance, over its REST interface. Each call that is refused raises an AssertionError that says why."""

    def __init__(self, url, secret):
        self.url = url.rstrip("/")
        self.http = requests.Session()
        self.http.trust_env = False  # no proxy on the way to loopback
        self.http.headers["Authorization"] = f"Bearer {secret}"
        self.mark = 0
        status = self.ask("GET", "status")
        self.gateway, self.ca = status["gateway"], status["ca"]
        self.session_limit = self.ask("GET", "config")["gateway"]["sessionTimeout"]

    def ask(self, method, path, query=None, body=None, timeout=30):
        answer = self.http.request(method, f"{self.url}/api/{path}", params=query, json=body, timeout=timeout)
        if answer.ok:
            return answer.json() if answer.content else None
        error = answer.json()["error"]
        raise AssertionError(f"{error['message']}\n{error.get('hint') or ''}".strip())

    def reset(self):
        """Back to how it started; what is asked of the journal from now on is about what comes after this."""
        self.mark = self.ask("POST", "reset", body={})["mark"]

    def wait_for(self, event, timeout=30, since=None, **where):
        """The first event of that name whose fields match, since the reset or another mark; past or future."""
        query = self._query(event, since, where) | {"timeout": timeout}
        return self.ask("GET", "journal/wait", query, timeout=timeout + 10)

    def expect(self, event, times=None, since=None, **where):
        """The events that must have happened: so many, or at least one."""
        query = self._query(event, since, where)
        return self.ask("GET", "journal/expect", query | ({} if times is None else {"times": times}))["events"]

    def problems(self, ignore=None):
        """What went wrong since the reset. `ignore`: names of events that the test brings about itself."""
        return self.ask("GET", "journal/problems", {"since": self.mark, "except": ignore})["problems"]

    def now(self):
        """A mark: what comes after it is `since` it."""
        return self.ask("GET", "journal/mark")["mark"]

    def token(self, **wanted):
        """An access token: `user`, `expiresIn` (seconds), `wrong`, as in `POST /api/tokens`."""
        return self.ask("POST", "tokens", body=wanted)["accessToken"]

    def advance(self, seconds):
        """Moves the clock that tokens and sessions go by."""
        self.ask("POST", "clock/advance", body={"by": f"{seconds}s"})

    def session(self, id):
        return self.ask("GET", f"sessions/{id}")

    def disconnect(self, session, reason):
        self.ask("POST", f"sessions/{session}/disconnect", body={"reason": reason})

    def restart(self, **how):
        self.ask("POST", "gateway/restart", body=how)

    def fault(self, seam, do, when=None, action=None, **on):
        """A fault rule, in force within a `with` block: `fault("udp", "drop", kind="handshake", when={"times": 1})`."""
        rule = {"on": {"seam": seam, **on}, "when": when or {}, "then": {"do": do, **(action or {})}}
        return Fault(self, rule)

    def journal_tail(self, count=40):
        events = self.ask("GET", "journal", {"since": self.mark, "limit": count})["events"]
        return "\n".join(f"#{one['seq']} {one['name']}: {one['text']}" for one in events)

    def _query(self, event, since, where):
        conditions = [f"{field}={_text(value)}" for field, value in where.items()]
        return {"name": event, "since": self.mark if since is None else since, "where": conditions}


class Fault:
    """A fault rule. One that never struck proves nothing: assert `hits()`."""

    def __init__(self, tunnelite, rule):
        self.tunnelite, self.rule = tunnelite, rule

    def __enter__(self):
        self.mark = self.tunnelite.now()
        self.name = self.tunnelite.ask("POST", "faults", body=self.rule)["name"]
        return self

    def __exit__(self, *_):
        self.tunnelite.ask("DELETE", f"faults/{self.name}")

    def hits(self):
        return self.tunnelite.ask("GET", f"faults/{self.name}")["hits"]


def _text(value):
    """A field's value as the journal reads it: in double quotes, digits are a text too."""
    return f'"{value}"' if isinstance(value, str) else json.dumps(value)


class OpenConnect:
    """A stock openconnect that needs no root: ocproxy stands for its network device."""

    def __init__(self, folder, tunnelite, token, *options):
        ca, secret, self.output = folder / "ca.pem", folder / "token.jwt", folder / "openconnect.log"
        ca.write_text(tunnelite.ca)
        secret.touch(mode=0o600)
        secret.write_text(token)
        self.port = _free_port()
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [
                    *(shutil.which("openconnect", path=PROGRAMS), "--protocol=anyconnect", "--http-auth=Bearer"),
                    *("--token-mode=oidc", f"--token-secret=@{secret}", f"--cafile={ca}", "--no-system-trust"),
                    *("--script-tun", f"--script=ocproxy -L {self.port}:intranet.contoso.internal:80"),
                    *(*options, tunnelite.gateway),
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {"PATH": PROGRAMS},
            )

    def get(self, path):
        """A page of the intranet, through the tunnel. ocproxy listens a little after the tunnel is up."""
        with requests.Session() as http:
            http.trust_env = False
            http.mount("http://", HTTPAdapter(max_retries=Retry(total=8, backoff_factor=0.1)))
            headers = {"Host": "intranet.contoso.internal"}
            return http.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=20)

    def ended(self):
        """Waits until it has ended by itself: its exit status."""
        return self.process.wait(timeout=30)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class TcpOnly(socketserver.ThreadingTCPServer):
    """A way to the gateway that TCP passes and UDP does not: another address, at the same port."""

    ADDRESS = "127.0.0.2"
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, gateway):
        self.host, self.target = urlsplit(gateway).hostname, (urlsplit(gateway).hostname, urlsplit(gateway).port or 443)
        super().__init__((self.ADDRESS, self.target[1]), self._Connection)

    class _Connection(socketserver.BaseRequestHandler):
        def handle(self):
            with socket.create_connection(self.server.target) as gateway:
                back = threading.Thread(target=_copy, args=(gateway, self.request), daemon=True)
                back.start()
                _copy(self.request, gateway)
                back.join()


def _copy(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        # One side is gone: so is the other.
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


@pytest.fixture(scope="session")
def instance(tmp_path_factory):
    """The instance that serves the whole run."""
    if "TUNNELITE_URL" in os.environ:
        yield Tunnelite(os.environ["TUNNELITE_URL"], os.environ["TUNNELITE_SECRET"])
        return
    folder = tmp_path_factory.mktemp("tunnelite")
    ready, certs, log = folder / "ready.json", folder / "certs", folder / "tunnelite.log"
    command = shlex.split(os.environ.get("TUNNELITE_COMMAND", "npx tunnelite"))
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, "start", "--port", "0", "--ready-file", str(ready), "--certs", str(certs)]
            + ["--set", "gateway.dpd=3"],  # clients notice within seconds that UDP is gone
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    running = None
    try:
        until = time.monotonic() + 60
        while not ready.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        if not ready.exists() or not json.loads(ready.read_text())["ready"]:
            pytest.fail(f"Tunnelite did not start:\n{log.read_text()}", pytrace=False)
        running = Tunnelite(
            json.loads(ready.read_text())["admin"], json.loads((certs / "instance.json").read_text())["secret"]
        )
        yield running
    finally:
        try:
            if running is None:
                process.terminate()
            else:
                running.ask("POST", "stop", body={})
            process.wait(timeout=20)
        except (requests.RequestException, AssertionError, subprocess.TimeoutExpired):
            process.kill()
            process.wait()


@pytest.fixture
def tunnelite(instance):
    """The instance, as new."""
    instance.reset()
    return instance


@pytest.fixture
def openconnect(tunnelite, tmp_path):
    """Starts clients, which end with the test: `openconnect(token)`, also with options of openconnect."""
    clients = []

    def start(token, *options):
        folder = tmp_path / f"client-{len(clients) + 1}"
        folder.mkdir()
        clients.append(OpenConnect(folder, tunnelite, token, *options))
        return clients[-1]

    yield start
    for client in clients:
        client.stop()
        print(client.output.read_text())  # pytest shows it when the test fails


@pytest.fixture
def udp_off(tunnelite):
    """Options that lead openconnect to the gateway by a way without UDP."""
    with TcpOnly(tunnelite.gateway) as way:
        threading.Thread(target=way.serve_forever, daemon=True).start()
        yield [f"--resolve={way.host}:{way.ADDRESS}"]
        way.shutdown()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """With a test that fails, the end of the journal is shown."""
    report = (yield).get_result()
    tunnelite = getattr(item, "funcargs", {}).get("tunnelite")
    if report.when == "call" and report.failed and tunnelite:
        try:
            report.sections.append(("Tunnelite's journal", tunnelite.journal_tail()))
        except (requests.RequestException, AssertionError) as error:
            report.sections.append(("Tunnelite's journal", f"cannot be read: {error}"))
