"""nginx's change of its own binary: USR2 starts a new master beside the old one, WINCH sends the old
one's workers away, QUIT ends it; or HUP takes it all back."""

import os
import signal
import time

from devbroker import DevBroker, until
from nginx import LOCATIONS, Nginx, close_code, check_pong, ping
from support import check_records
from test_life import Talker

WAYS = (False, True)
PID = LOCATIONS + 'location = /pid { return 200 "$pid"; }\n'


def start_new(nginx):
    """Answers the old master's pid."""
    old = nginx.master
    os.kill(old, signal.SIGUSR2)
    until(20, "the new master's pid", lambda: os.path.exists(nginx.path("nginx.pid.oldbin"))
          and os.path.exists(nginx.path("nginx.pid")) and nginx.master != old)
    nginx.await_workers()
    return old


def workers_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as file:
        return {int(word) for word in file.read().split()}


def serving(nginx, times=20):
    """The workers that answered some requests."""
    return {int(nginx.get("/pid")) for _ in range(times)}


def test_new_clients_are_served_by_the_new_master():
    with DevBroker("--records", "demo:500:100") as broker:
        with Nginx(broker.bootstrap, locations=PID, workers=2, daemon=True) as nginx:
            gone = set(nginx.workers())
            talkers = [Talker(nginx, tls) for _ in range(3) for tls in WAYS]
            socks = [nginx.session(tls) for _ in range(10) for tls in WAYS]
            old = start_new(nginx)
            new = set(nginx.workers())
            # Both serve now, and nobody was sent away.
            until(20, "both serve", lambda: serving(nginx) & new and serving(nginx) & gone)
            for sock in socks:
                sock.sendall(ping())
                check_pong(sock)
            os.kill(old, signal.SIGWINCH)
            for sock in socks:
                assert close_code(sock) == 1001
                sock.close()
            nginx.await_end(gone)
            assert os.path.exists(f"/proc/{old}"), "the old master waits for the word"
            assert serving(nginx) <= new
            for tls in WAYS:
                with nginx.client(tls) as client:
                    check_records(client.read_all("demo", 0, 500), "demo", 0)
            os.kill(old, signal.SIGQUIT)
            nginx.await_end([old])
            time.sleep(0.5)
            for talker in talkers:
                talker.end()
                assert set(talker.codes) <= {1001}, talker.codes
            assert sum(len(talker.codes) for talker in talkers) > 0
            # The new master is a whole one: its own reload says 1012.
            sock = nginx.session()
            os.kill(nginx.master, signal.SIGHUP)
            assert close_code(sock) == 1012
            sock.close()


def test_quit_without_winch():
    with Nginx(workers=2, daemon=True) as nginx:
        gone = nginx.workers()
        socks = [nginx.session(tls) for _ in range(5) for tls in WAYS]
        old = start_new(nginx)
        os.kill(old, signal.SIGQUIT)
        for sock in socks:
            assert close_code(sock) == 1001
            sock.close()
        nginx.await_end([old, *gone])
        for tls in WAYS:
            with nginx.client(tls) as client:
                client.ping()


def test_back_to_the_old_binary():
    with Nginx(workers=2, daemon=True) as nginx:
        gone = nginx.workers()
        old = start_new(nginx)
        os.kill(old, signal.SIGWINCH)
        nginx.await_end(gone)
        socks = [nginx.session(tls) for _ in range(5) for tls in WAYS]
        new = nginx.master
        os.kill(old, signal.SIGHUP)
        until(20, "the old master's new workers", lambda: len(workers_of(old) - {new}) == 2)
        os.kill(new, signal.SIGQUIT)
        for sock in socks:
            assert close_code(sock) == 1001
            sock.close()
        nginx.await_end([new])
        until(20, "the old pid file", lambda: nginx.master == old)
        for tls in WAYS:
            with nginx.client(tls) as client:
                client.ping()
