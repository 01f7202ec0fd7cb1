"""A Kerberos realm of a test's own: a KDC on a port of loopback, principals, keytabs."""

import os
import shutil
import socket
import subprocess
import tempfile
import time

REALM = "TEST.EXAMPLE"
# Where Debian has them: not on everybody's PATH.
_SBIN = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])

KRB5_CONF = """[libdefaults]
    default_realm = {realm}
    dns_lookup_kdc = false
    dns_lookup_realm = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
    permitted_enctypes = aes256-cts-hmac-sha1-96
[realms]
    {realm} = {{
        kdc = 127.0.0.1:{port}
    }}
"""
KDC_CONF = """[kdcdefaults]
    kdc_listen = 127.0.0.1:{port}
    kdc_tcp_listen = 127.0.0.1:{port}
[realms]
    {realm} = {{
        database_name = {folder}/principal
        key_stash_file = {folder}/stash
        acl_file = {folder}/acl
        supported_enctypes = aes256-cts-hmac-sha1-96:normal
    }}
[logging]
    kdc = FILE:{folder}/kdc.log
"""


def missing():
    """What cannot be run here; "": all is there."""
    for name in ("krb5kdc", "kdb5_util", "kadmin.local", "kinit"):
        if not shutil.which(name, path=_SBIN):
            return f"{name} is not installed (Debian: krb5-kdc, krb5-admin-server, krb5-user)"
    return ""


def _unused_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Realm:
    """Its KDC runs until `stop`, and again from `start` on."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="krb5-")
        self.port = _unused_port()
        self.process = None
        for name, text in (("krb5.conf", KRB5_CONF), ("kdc.conf", KDC_CONF), ("acl", "")):
            with open(self.path(name), "w") as file:
                file.write(text.format(realm=REALM, port=self.port, folder=self._folder.name))
        self.environment = {"KRB5_CONFIG": self.path("krb5.conf"),
                            "KRB5_KDC_PROFILE": self.path("kdc.conf")}
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", "master")
        self.start()

    def path(self, name):
        return os.path.join(self._folder.name, name)

    def _command(self, name):
        return shutil.which(name, path=_SBIN)

    def _run(self, name, *arguments, **environment):
        subprocess.run([self._command(name), *arguments], check=True, capture_output=True,
                       timeout=60, env={**os.environ, **self.environment, **environment})

    def start(self):
        self.process = subprocess.Popen(
            [self._command("krb5kdc"), "-n"], env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                assert time.monotonic() < end and self.process.poll() is None, "no KDC"
                time.sleep(0.05)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=30)

    def keytab(self, principal):
        """A principal, and the path of the file with its key."""
        path = self.path(principal.replace("/", "_") + ".keytab")
        self._run("kadmin.local", "-r", REALM, "addprinc", "-randkey", principal)
        self._run("kadmin.local", "-r", REALM, "ktadd", "-k", path, principal)
        return path

    def tickets(self, principal, keytab, name="tickets"):
        """A credential cache with a ticket: the value of KRB5CCNAME."""
        cache = "FILE:" + self.path(name)
        self._run("kinit", "-k", "-t", keytab, "-c", cache, principal)
        return cache

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        self._folder.cleanup()
