"""Hosts in C: each program under Tests/Hosts/c checks one kind of session by itself."""

import os
import subprocess

from support import ROOT, WORK


def c_host(name, *arguments, timeout=100):
    """Compiles and runs one; answers its output."""
    program = os.path.join(WORK, f"c-{name}")
    subprocess.run(
        ["cc", "-std=c11", "-D_GNU_SOURCE", "-g", "-O1", "-Wall", "-Wextra", "-Wpedantic",
         "-Werror", "-o", program, os.path.join(ROOT, f"Tests/Hosts/c/{name}.c"),
         "-I" + os.path.join(ROOT, "include"), "-L" + WORK, "-lpubsubgw", "-lpthread",
         "-Wl,-rpath," + WORK], check=True)
    done = subprocess.run(
        [program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=timeout)
    assert done.returncode == 0, f"{name} ended with {done.returncode}:\n{done.stdout[-4000:]}"
    return done.stdout


def test_lent_descriptors_come_back():
    c_host("borrow")


def test_commands_of_the_hosts_own_in_c():
    c_host("commands")
