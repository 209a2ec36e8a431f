"""What a stock openconnect does in the situations that a tunnel has to live through."""


def test_comes_up_on_udp(tunnelite, openconnect):
    client = openconnect(tunnelite.token())
    session = tunnelite.wait_for("session.connect", resumed=False)["fields"]["session"]
    tunnelite.wait_for("channel.dtls.open", session=session)
    assert client.get("/whoami").json()["session"] == session
    assert tunnelite.session(session)["dataChannel"] == "dtls"
    assert tunnelite.problems() == []


def test_comes_up_on_tcp_where_udp_is_off(tunnelite, openconnect, udp_off):
    client = openconnect(tunnelite.token(), *udp_off)
    session = tunnelite.wait_for("session.connect")["fields"]["session"]
    assert client.get("/whoami").json()["session"] == session
    assert tunnelite.session(session)["dataChannel"] == "cstp"
    tunnelite.expect("channel.dtls.open", times=0)
    assert tunnelite.problems() == []


def test_falls_back_to_tcp_when_udp_is_blocked(tunnelite, openconnect):
    client = openconnect(tunnelite.token())
    session = tunnelite.wait_for("channel.dtls.open")["fields"]["session"]
    with tunnelite.fault("udp", "drop") as blocked:
        tunnelite.wait_for("channel.switch", timeout=90, since=blocked.mark, session=session, to="cstp")
        assert client.get("/whoami").json()["session"] == session
        assert blocked.hits() > 0
    tunnelite.expect("session.disconnect", times=0)


def test_comes_back_to_udp_when_it_is_free(tunnelite, openconnect):
    client = openconnect(tunnelite.token())
    session = tunnelite.wait_for("channel.dtls.open")["fields"]["session"]
    with tunnelite.fault("udp", "drop") as blocked:
        tunnelite.wait_for("channel.switch", timeout=90, since=blocked.mark, session=session, to="cstp")
        freed = tunnelite.now()
    tunnelite.wait_for("channel.switch", timeout=90, since=freed, session=session, to="dtls")
    assert client.get("/whoami").json()["session"] == session


def test_authenticates_anew_when_the_token_expired(tunnelite, openconnect):
    token = tunnelite.token(expiresIn=60)
    client = openconnect(token)
    tunnelite.wait_for("session.connect")
    tunnelite.advance(seconds=tunnelite.session_limit)
    assert tunnelite.wait_for("session.disconnect")["fields"]["reason"] == "session-timeout"
    assert client.ended() != 0 and openconnect(token).ended() != 0
    tunnelite.wait_for("auth.refused", reason="expired")
    openconnect(tunnelite.token())
    tunnelite.wait_for("session.connect", since=tunnelite.expect("auth.refused", times=1)[0]["seq"])


def test_survives_a_gateway_restart(tunnelite, openconnect):
    client = openconnect(tunnelite.token())
    session = tunnelite.wait_for("session.connect")["fields"]["session"]
    client.get("/whoami")  # it is set up: while it still probes for its MTU, openconnect is deaf to the end of its tunnel
    tunnelite.restart()
    tunnelite.wait_for("session.connect", session=session, resumed=True)
    assert client.get("/whoami").json()["session"] == session
    assert tunnelite.problems() == []


def test_its_session_is_ended_by_an_administrator(tunnelite, openconnect):
    client = openconnect(tunnelite.token(user="bob@contoso.com"))
    session = tunnelite.wait_for("session.connect", signInName="bob@contoso.com")["fields"]["session"]
    tunnelite.disconnect(session, reason="Maintenance.")
    tunnelite.wait_for("session.disconnect", session=session, reason="admin", explanation="Maintenance.")
    assert client.ended() != 0
    tunnelite.expect("session.connect", times=1)
