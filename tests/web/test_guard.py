"""Nobody else gets in: tried as an attacker would."""

import base64
import json
import re
import socket
import ssl
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPSConnection
from pathlib import Path
from threading import Thread

import pytest

from broadcaster.edges.users import Right, Users
from broadcaster.model.errors import BroadcasterError
from broadcaster.web import guard, server
from broadcaster.web.facts import Facts
from broadcaster.web.guard import TRIES, TRYING, Attempts
from broadcaster.web.server import make_server
from tests.fakes import FakeClock
from tests.stations import write
from tests.web.conftest import PASSWORD, Served, Visitor

PAGES = (
    "/",
    "/events",
    "/scripts",
    "/scripts/tin",
    "/scripts/tin/nam-po/vi.mp3",
    "/reports",
    "/reports/month.html",
)
ACTIONS = {  # and what one must be to do it
    "/stop": Right.OPERATOR,
    "/play": Right.OPERATOR,
    "/alert": Right.OPERATOR,
    "/clear": Right.OPERATOR,
    "/upload": Right.OFFICER,
    "/approve": Right.APPROVER,
}
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"


class TestWhoIsNotLoggedIn:
    @pytest.mark.parametrize("path", PAGES)
    def test_sees_nothing(self, guarded: Served, path: str) -> None:
        """Neither a person, who is sent to the login, nor a program."""
        person = guarded.visitor().get(path)
        assert (person.status, person.headers["location"]) == (303, "/login")
        assert "Đài mẫu" not in person.text
        assert guarded.visitor(headers={"Accept": "*/*"}).get(path).status == 401

    @pytest.mark.parametrize("path", ACTIONS)
    def test_does_nothing(self, guarded: Served, path: str) -> None:
        """Also not with the token of the login page."""
        visitor = guarded.visitor()
        visitor.get("/login")
        assert visitor.post(path).status == 401

    def test_learns_no_name(self, guarded: Served) -> None:
        """A wrong name and a wrong password are told apart neither by words nor by time."""
        told, took = set(), {"viewer": [], "nobody": []}
        for name in ("viewer", "nobody") * 2:
            visitor = guarded.visitor()
            visitor.get("/login")
            began = time.monotonic()
            answer = visitor.post("/login", {"name": name, "password": "wrong" * 4})
            took[name].append(time.monotonic() - began)
            told.add(re.sub(r'value="[^"]*"', "", answer.text))
            assert answer.status == 403
        assert len(told) == 1
        quickest = sorted(min(one) for one in took.values())  # what else the machine does only adds
        assert quickest[0] > quickest[1] / 5

    def test_may_not_go_on_trying(self, guarded: Served) -> None:
        """After five wrong passwords the right one is not listened to either, for some minutes."""
        visitor = guarded.visitor()
        for _ in range(TRIES):
            assert visitor.log_in("approver", "wrong password").status == 403
        refused = visitor.log_in("approver")
        assert refused.status == 429
        assert 0 < int(refused.headers["retry-after"]) <= TRYING + 1
        assert "Too many wrong passwords" in refused.text

    def test_nor_many_at_once(self, guarded: Served) -> None:
        """Of forty tries that come together five are listened to."""
        visitors = [guarded.visitor() for _ in range(40)]
        for visitor in visitors:
            visitor.get("/login")
        wrong = {"name": "approver", "password": "wrong password"}
        with ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda one: one.post("/login", wrong).status, visitors))
        assert answers.count(403) == TRIES
        assert answers.count(429) == 40 - TRIES


class TestAttempts:
    def test_are_forgotten_after_a_while(self) -> None:
        """Who mistyped five times may try again five minutes after the first."""
        clock = FakeClock()
        attempts = Attempts(clock)  # type: ignore[arg-type]
        for _ in range(TRIES):
            assert attempts.wait("a") == 0
            attempts.failed("a")
        assert attempts.wait("a") == pytest.approx(TRYING)
        assert attempts.wait("b") == 0
        clock.advance(TRYING + 1)
        assert attempts.wait("a") == 0

    def test_of_one_address_keep_nobody_else_out(self) -> None:
        """Else anybody on the network could see to it that no officer gets in."""
        attempts = Attempts(FakeClock())  # type: ignore[arg-type]
        for _ in range(TRIES * 100):
            attempts.failed("a")
        assert attempts.wait("a") > 0
        assert attempts.wait("b") == 0


class TestCookies:
    def test_are_kept_from_scripts_and_other_sites(self, guarded: Served) -> None:
        """HttpOnly and SameSite; and without a login there is nothing in them but a token."""
        visitor = guarded.visitor()
        kept = visitor.log_in("viewer").headers["set-cookie"].casefold()
        assert "httponly" in kept
        assert "samesite=strict" in kept
        assert PASSWORD not in kept

    def test_that_are_forged_open_nothing(self, guarded: Served) -> None:
        """Nor one that was signed by somebody else, nor one whose content was changed."""
        real = guarded.logged_in("viewer").cookie
        content, *rest = real.split(".")
        told = json.loads(base64.b64decode(content))
        raised = base64.b64encode(json.dumps({**told, "user": "approver"}).encode()).decode()
        for forged in (".".join([raised, *rest]), raised, f"{content}.{rest[0]}.AAAA", "x" * 3000, "ÿ"):
            assert guarded.visitor(cookie=forged).get("/").status == 303
        assert guarded.visitor(cookie=real).get("/").status == 200

    def test_of_another_station_open_nothing(
        self, guarded: Served, serve: Callable[..., Served], tmp_path: Path
    ) -> None:
        """Each station signs with a key of its own, which nobody else on the machine can read."""
        from tests.stations import build

        other = build(tmp_path / "other")
        Users(other / "var").add("viewer", Right.VIEWER, PASSWORD)
        cookie = serve(other).logged_in("viewer").cookie
        assert guarded.visitor(cookie=cookie).get("/").status == 303
        for name in ("page.key", "users.json"):
            assert (guarded.station / "var" / name).stat().st_mode & 0o077 == 0

    def test_end_with_the_user(self, guarded: Served) -> None:
        """Who was removed, or whose password was changed, is out at once."""
        visitor, other = guarded.logged_in("viewer"), guarded.logged_in("operator")
        guarded.users.remove("viewer")
        assert visitor.get("/").status == 303
        guarded.users.add("operator", Right.OPERATOR, "another password")
        assert other.get("/").status == 303

    def test_end_with_the_logout(self, guarded: Served) -> None:
        """A copy of the cookie opens nothing either."""
        visitor = guarded.logged_in("viewer")
        copy = guarded.visitor(cookie=visitor.cookie)
        assert visitor.get("/").status == 200
        assert visitor.post("/logout").status == 303
        assert visitor.get("/").status == 303
        assert copy.get("/").status == 303


class TestRights:
    @pytest.mark.parametrize(("path", "right"), ACTIONS.items())
    def test_go_no_further(self, guarded: Served, path: str, right: Right) -> None:
        """Who is of a lower right is refused; who has it gets as far as the question itself."""
        below = guarded.logged_in(Right(right - 1).word)
        assert below.post(path).status == 403
        enough = guarded.logged_in(right.word)
        assert enough.post(path, {"sure": "yes"}).status in (303, 409)

    def test_what_one_may_not_do_is_not_offered(self, guarded: Served) -> None:
        page = guarded.logged_in("viewer").get("/").text
        assert 'action="/stop"' not in page
        assert 'action="/stop"' in guarded.logged_in("operator").get("/").text


class TestOtherSites:
    """A page elsewhere cannot have the operator's browser do anything."""

    def test_have_no_token(self, guarded: Served) -> None:
        visitor = guarded.logged_in("approver")
        for wrong in ("", "wrong", guarded.logged_in("approver").token, "ÿ"):
            assert visitor.post("/stop", {"token": wrong}).status == 403
        assert visitor.post("/stop").status == 409  # understood; no daemon runs here

    @pytest.mark.parametrize(
        "headers",
        [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
    )
    def test_are_known_by_their_origin(self, alone: Served, headers: dict[str, str]) -> None:
        """Also where no password is asked for."""
        visitor = alone.visitor()
        visitor.get("/")
        assert visitor.post("/stop", **{k.replace("-", "_"): v for k, v in headers.items()}).status == 403

    def test_do_not_become_ours_by_a_name(self, alone: Served) -> None:
        """A name that somebody's server gives to 127.0.0.1 for a moment (DNS rebinding) is refused."""
        assert alone.visitor().get("/", Host="evil.example").status == 400
        assert alone.visitor().get("/", Host=f"localhost:{alone.port}").status == 200

    @pytest.mark.parametrize("path", ["/", "/login", "/nowhere", "/static/page.js", "/reports/month.html"])
    def test_may_neither_frame_nor_feed_a_page(self, alone: Served, path: str) -> None:
        """Every answer says so to the browser, errors too."""
        headers = alone.visitor().get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self'" in policy or "script-src" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"

    def test_nor_an_error_of_ours(self, alone: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        """What falls is told in words, with the same headers and without a traceback."""
        monkeypatch.setattr(Facts, "loaded", lambda _self: 1 // 0)
        answer = alone.visitor().get("/scripts")
        assert answer.status == 500
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "broadcasts go on" in answer.text
        assert "ZeroDivisionError" not in answer.text


class TestPaths:
    @pytest.mark.parametrize(
        "path",
        [
            "/static/../../../users.json",
            "/static/%2e%2e/%2e%2e/web/app.py",
            "/static/..%2f..%2fweb%2fapp.py",
            "/static//etc/passwd",
            "/scripts/..%2f..%2fvar/nam-po/vi.mp3",
            "/scripts/%2e%2e/x/y.mp3",
            "/scripts/tin/nam-po/..%2f..%2fusers.mp3",
            "/scripts/tin/nam-po/vi/..%2f..%2f..%2fket.mp3",
            "/reports/..%2f..%2fvar%2fusers.html",
            "/reports/month.json",
            "/var/users.json",
            "/scripts/" + "a" * 5000,
            "/%00",
        ],
    )
    def test_lead_nowhere_else(self, guarded: Served, path: str) -> None:
        """What is asked for is looked up among what is known; no part of it becomes a path."""
        answer = guarded.logged_in("approver").get(path)
        assert answer.status in (400, 404, 409, 414)
        for secret in ("argon2", "root:", "import "):
            assert secret not in answer.text

    def test_nor_does_the_name_of_a_file(self, guarded: Served) -> None:
        """A recording lies where its item wants it, whatever it was called."""
        visitor = guarded.logged_in("officer")
        before = {one for one in guarded.station.rglob("*") if "page" not in one.parts}
        values = {"script": "tin", "language": "vi", "item": "ket"}
        for name in ("../../../../tmp/evil.wav", "..\\evil", "/etc/cron.d/evil", "\0", "a" * 4000, EVIL):
            answer = visitor.send("/upload", values, name, b"RIFF but no sound")
            assert answer.status in (400, 409)
            assert "<script>alert" not in answer.text
        assert {one for one in guarded.station.rglob("*") if "page" not in one.parts} == before

    @pytest.mark.parametrize(
        "values",
        [
            {"script": "../../var", "language": "vi", "item": "ket"},
            {"script": "tin", "language": "../..", "item": "ket"},
            {"script": "tin", "language": "vi", "item": "../../x"},
            {"script": "tin", "language": "vi", "item": "ket@../../x"},
        ],
    )
    def test_nor_what_it_is_said_to_be_of(self, guarded: Served, values: dict[str, str]) -> None:
        answer = guarded.logged_in("officer").send("/upload", values, "a.wav", b"RIFF")
        assert answer.status == 409


class TestMeasure:
    def test_a_form_that_is_too_long_is_not_read_to_its_end(self, guarded: Served) -> None:
        """Also before anybody logged in."""
        visitor = guarded.visitor()
        visitor.get("/login")
        assert visitor.post("/login", {"name": "a" * (guard.SMALL + 1), "password": "x"}).status == 413

    def test_nor_a_recording(self, guarded: Served, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(guard, "LARGE", 1 << 20)
        values = {"script": "tin", "language": "vi", "item": "ket"}
        answer = guarded.logged_in("officer").send("/upload", values, "a.wav", bytes(2 << 20))
        assert answer.status == 413

    def test_who_never_finishes_asking_keeps_nobody_out(
        self, guarded: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A hundred connections that send a byte now and then are cut off; meanwhile others are answered."""
        monkeypatch.setattr(server, "HEAD_SECONDS", 1.0)
        there = ("127.0.0.1", guarded.port)
        slow = [socket.create_connection(there, source_address=("127.0.0.2", 0)) for _ in range(100)]
        try:
            for one in slow:
                with suppress(ConnectionError):  # more than one address may have are cut off at once
                    one.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ")
            assert guarded.visitor().get("/login").status == 200
            until = time.monotonic() + 10
            for one in slow:
                one.settimeout(max(0.1, until - time.monotonic()))
                with suppress(ConnectionError):
                    assert one.recv(100) == b""
        finally:
            for one in slow:
                one.close()

    def test_a_body_that_does_not_come_is_not_waited_for(
        self, guarded: Served, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(guard, "SLOW", 0.5)
        visitor = guarded.visitor()
        visitor.get("/login")
        with socket.create_connection(("127.0.0.1", guarded.port), timeout=10) as line:
            line.sendall(
                b"POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n\r\nname="
            )
            assert b" 408 " in line.recv(100)

    @pytest.mark.parametrize("charset", ["utf-7", "punycode", "undefined", "unicode_escape", "nonsense"])
    def test_a_form_of_another_alphabet_is_refused(self, guarded: Served, charset: str) -> None:
        """In words, and without an error of ours."""
        visitor = guarded.visitor()
        visitor.get("/login")
        body = b'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n+2AA- \\xff\r\n--x--\r\n'
        kind = f"multipart/form-data; boundary=x; charset={charset}"
        answer = visitor.ask("POST", "/login", body, Content_Type=kind)
        assert answer.status in (400, 403)
        assert "An error of the program" not in answer.text

    def test_a_head_without_end_is_refused(self, guarded: Served) -> None:
        with socket.create_connection(("127.0.0.1", guarded.port), timeout=10) as line:
            line.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"a" * 100_000)
            assert b" 400 " in line.recv(100)


class TestNames:
    def test_are_text_and_nothing_else(self, serve: Callable[..., Served], station: Path) -> None:
        """Markup in every name that a person can write comes out as the letters that it is."""
        quoted = json.dumps(EVIL, ensure_ascii=False)
        for path in station.rglob("*.toml"):
            text = path.read_text("utf-8")
            write(
                station,
                str(path.relative_to(station)),
                re.sub(r'(?m)^(name|title) = ".*"', rf"\1 = {quoted}", text),
            )
        visitor = serve(station).visitor()
        for path in ("/", "/scripts", "/scripts/tin", "/reports"):
            page = visitor.get(path).text
            assert "<script>alert" not in page
            assert "<img src=x" not in page
        assert "&lt;script&gt;alert(1)" in visitor.get("/").text
        answer = visitor.post("/alert", {"words": f"{EVIL} {EVIL}"})
        assert answer.status == 200
        assert "<script>alert" not in answer.text

    def test_of_a_user_too(self, alone: Served) -> None:
        alone.users.add(EVIL, Right.VIEWER, PASSWORD)
        page = alone.logged_in(EVIL).get("/").text
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page


class TestListening:
    def test_beyond_this_machine_it_wants_passwords(self, station: Path) -> None:
        """Without any, it does not listen at all."""
        for listen in ("0.0.0.0:0", "[::]:0"):
            with pytest.raises(BroadcasterError, match="without a password"):
                make_server(station, listen)
        Users(station / "var").add("lan", Right.VIEWER, PASSWORD)
        _server, listening = make_server(station, "0.0.0.0:0")
        listening.close()

    def test_a_list_of_users_that_cannot_be_read_lets_nobody_in(self, guarded: Served) -> None:
        """It does not become a station without passwords."""
        for spoilt in ("", "{}}", "[1]", '{"a": {}}', '{"a": {"right": "king", "password": ""}}'):
            guarded.users.path.write_text(spoilt, "utf-8")
            answer = guarded.visitor().get("/")
            assert answer.status == 409
            assert "list of users" in answer.text

    @pytest.mark.parametrize("listen", ["8710", ":8710", "localhost:", "localhost:99999", "a b:http"])
    def test_what_is_no_address_is_told(self, station: Path, listen: str) -> None:
        with pytest.raises(BroadcasterError, match="no address"):
            make_server(station, listen)

    def test_on_the_other_loopback_too(self, station: Path) -> None:
        """`[::1]` is this machine as well."""
        server, listening = make_server(station, "[::1]:0")
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            assert Visitor(listening.getsockname()[1], "::1").get("/").status == 200
        finally:
            server.should_exit = True
            thread.join()

    def test_half_a_certificate_is_told(self, station: Path, tmp_path: Path) -> None:
        """So is one that is not there, by its name."""
        with pytest.raises(BroadcasterError, match="together"):
            make_server(station, "127.0.0.1:0", ["cert.pem"])
        with pytest.raises(BroadcasterError, match=r"nowhere\.pem"):
            make_server(station, "127.0.0.1:0", [str(tmp_path / "nowhere.pem")] * 2)

    def test_a_port_that_is_taken_is_told(self, alone: Served, station: Path) -> None:
        with pytest.raises(BroadcasterError, match="Another program"):
            make_server(station, f"127.0.0.1:{alone.port}")

    def test_with_a_certificate_it_is_private(self, serve: Callable[..., Served], station: Path) -> None:
        """Then cookies travel by TLS alone; without one the page warns, where others can listen."""
        pem = str(Path(__file__).parents[1] / "edges" / "localhost.pem")
        served = serve(station, pem, pem)
        context = ssl.create_default_context(cafile=pem)
        line = HTTPSConnection("localhost", served.port, context=context, timeout=10)
        line.request("GET", "/login")
        reply = line.getresponse()
        assert "secure" in reply.headers["set-cookie"].casefold()
        assert "can be read by others" not in reply.read().decode()
        line.close()

    def test_without_one_it_warns(
        self, serve: Callable[..., Served], station: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(server, "is_loopback", lambda _host: False)  # as if others reached it
        Users(station / "var").add("lan", Right.VIEWER, PASSWORD)
        assert "can be read by others" in serve(station).visitor().get("/login").text


class TestUsers:
    def test_a_password_is_kept_as_a_hash(self, tmp_path: Path) -> None:
        """Argon2, in a file that only this user can read; each with a salt of its own."""
        users = Users(tmp_path / "var")
        users.add("lan", Right.OPERATOR, PASSWORD)
        users.add("mai", Right.VIEWER, PASSWORD)
        rows = json.loads(users.path.read_text("utf-8"))
        assert rows["lan"]["password"].startswith("$argon2id$")
        assert rows["lan"]["password"] != rows["mai"]["password"]
        assert users.path.stat().st_mode & 0o777 == 0o600
        assert users.check("lan", PASSWORD) == users.all()[0]
        assert users.check("lan", PASSWORD + "x") is None
        assert users.check("nobody", PASSWORD) is None

    @pytest.mark.parametrize(("name", "password"), [("lan", "short"), ("", PASSWORD), ("a\nb", PASSWORD)])
    def test_what_is_no_name_or_password_is_refused(self, tmp_path: Path, name: str, password: str) -> None:
        with pytest.raises(BroadcasterError):
            Users(tmp_path).add(name, Right.VIEWER, password)
        assert Users(tmp_path).all() == []
