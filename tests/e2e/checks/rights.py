"""With fewer rights `sockets` says less, or the same in another way, and says so: the owners of
every socket of one namespace, as ss shows them to root, under each set of rights.

   program under test, and 127.0.0.1:9000 of "stranger" (root) and 127.0.0.1:9001 of "own" (nobody)
"""

import contextlib
import json
import os
import shutil
import subprocess

from actors import serves
from lab import LIBC, run, wait_until
from ss import rows_of_ss, rows_of_tcpdx

NOBODY = 65534
PR_SET_DUMPABLE = 4  # linux/prctl.h
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
ITERATOR, WALK = "BPF iter/task_file", "/proc/PID/fd"


def as_nobody_with(*capabilities):
    wanted = ",".join(f"+{name}" for name in capabilities)
    return (*AS_NOBODY, f"--inh-caps={wanted}", f"--ambient-caps={wanted}")


def refusing(what):
    """The program under a seccomp filter, as containers have them."""
    return ("/usr/bin/python3", os.path.join(os.path.dirname(__file__), "..", f"no_{what}.py"))


def holds_as_nobody(say, hear):
    os.setgid(NOBODY)
    os.setuid(NOBODY)
    LIBC.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # else its descriptors are root's business
    serves(say, hear, 9001)


def scene(lab):
    """Rows as ss shows them to root. The program is copied to where everybody may start it."""
    shutil.copy(lab.program, "/run/tcpdx")
    os.chmod("/run/tcpdx", 0o755)
    os.chmod("/run", 0o755)
    lab.program = "/run/tcpdx"
    lab.spawn(lab.here, serves, 9000, comm="stranger").expect("ready")
    lab.spawn(lab.here, holds_as_nobody, comm="own").expect("ready")
    kept = [lab.here.connect("127.0.0.1", port) for port in (9000, 9000, 9001)]
    wait_until(lambda: all(row[-1] for row in rows_of_ss(lab.here)), "every end is accepted")
    return rows_of_ss(lab.here), kept


def look(lab, wrapper, *words):
    result = lab.tcpdx("sockets", "--json", *words, wrapper=wrapper, cwd="/")
    assert result.returncode == 0, result
    assert not result.stderr, result.stderr
    return json.loads(result.stdout)


def sees_all(lab, wrapper, source, *words):
    rows, kept = scene(lab)
    document = look(lab, wrapper, *words)
    ours = rows_of_tcpdx(document, lab.here.inode)
    assert ours == rows, (ours - rows, rows - ours)
    assert source in document["sources"], document["sources"]
    assert not any("owners" in missing["what"] for missing in document["missing"]), document
    del kept
    return document


def sees_its_own(lab, wrapper, *needs):
    """Everything but the owners of others, with a sentence that says so."""
    rows, kept = scene(lab)
    document = look(lab, wrapper)
    assert WALK in document["sources"], document["sources"]
    ours = rows_of_tcpdx(document, lab.here.inode)
    assert without_owners(ours) == without_owners(rows), (ours, rows)
    owners = {s["local"]["port"]: [o["comm"] for o in s["owners"]] for s in document["sockets"]
              if s["state"] == "LISTEN"}
    assert owners[9001] in ([], ["own"]), owners
    assert owners[9000] == [], owners
    (told,) = [m for m in document["missing"] if m["what"].startswith("owners of sockets")]
    for need in needs:
        assert need in told["needs"], told
    del kept
    return owners


def without_owners(rows):
    return sorted(row[:-1] for row in rows.elements())


def cannot(lab, wrapper, *sentence):
    """--source bpf is exit code 3 and one line with these words."""
    for command in (("sockets",), ("states",), ("doctor", "--for", "0s")):
        result = lab.tcpdx(*command, "--source", "bpf", wrapper=wrapper, cwd="/")
        assert result.returncode == 3, result
        assert not result.stdout, result
        assert result.stderr.count("\n") == 1 and result.stderr.startswith("tcpdx: "), result
        for words in sentence:
            assert words in result.stderr, result.stderr


def root(lab):
    sees_all(lab, (), ITERATOR)


def nobody_without_capabilities(lab):
    owners = sees_its_own(lab, AS_NOBODY, "CAP_SYS_PTRACE")
    assert owners[9001] == ["own"], owners
    cannot(lab, AS_NOBODY, "it needs CAP_BPF and CAP_PERFMON")


def nobody_with_bpf_and_perfmon(lab):
    """Enough for the iterator, which then sees the owners of everybody's sockets."""
    sees_all(lab, as_nobody_with("bpf", "perfmon"), ITERATOR, "--source", "bpf")


def nobody_with_bpf_alone(lab):
    wrapper = as_nobody_with("bpf")
    sees_its_own(lab, wrapper, "CAP_SYS_PTRACE")
    cannot(lab, wrapper, "it needs CAP_PERFMON")


def root_of_a_user_namespace(lab):
    """All capabilities there, and none that count here."""
    wrapper = ("unshare", "--user", "--map-root-user")
    sees_its_own(lab, wrapper, "CAP_SYS_PTRACE", "outside this user namespace")
    cannot(lab, wrapper, "CAP_BPF and CAP_PERFMON outside this user namespace")


def bpf_denied(lab):
    """As in a container: the walk does the same work."""
    sees_all(lab, refusing("bpf"), WALK)
    cannot(lab, refusing("bpf"), "Operation not permitted")


@contextlib.contextmanager
def hidden(level):
    """/proc of this sandbox shows others' processes to nobody without CAP_SYS_PTRACE."""
    run("mount", "-o", f"remount,hidepid={level}", "/proc")
    yield


def hidepid_from_root(lab):
    with hidden(2):
        sees_all(lab, (), ITERATOR)


def hidepid_from_nobody(lab):
    with hidden(2):
        owners = sees_its_own(lab, AS_NOBODY, "CAP_SYS_PTRACE")
        assert owners[9001] == ["own"], owners


def hidepid_noaccess_from_nobody(lab):
    with hidden(1):
        owners = sees_its_own(lab, AS_NOBODY, "CAP_SYS_PTRACE")
        assert owners[9001] == ["own"], owners


def hidepid_from_nobody_with_bpf(lab):
    """The kernel names the owners that /proc hides; the report says that it knows no more."""
    with hidden(2):
        document = sees_all(lab, as_nobody_with("bpf", "perfmon"), ITERATOR)
        told = [m for m in document["missing"] if "hidepid" in m["why"]]
        assert told and told[0]["needs"] == "CAP_SYS_PTRACE", document["missing"]


def another_proc(lab):
    """/proc of another pid namespace: its numbers are what counts, so the walk is taken."""
    rows, kept = scene(lab)
    document = look(lab, ("unshare", "--fork", "--pid"))
    ours = rows_of_tcpdx(document, lab.here.inode)
    assert ours == rows, (ours - rows, rows - ours)
    assert WALK in document["sources"], document["sources"]
    cannot(lab, ("unshare", "--fork", "--pid"), "another pid namespace")
    del kept


def sock_diag_denied(lab):
    rows, kept = scene(lab)
    wrapper = refusing("sock_diag")
    document = look(lab, wrapper)
    assert "/proc/net/tcp" in document["sources"], document["sources"]
    assert len(document["sockets"]) == sum(rows.values()), document
    result = lab.tcpdx("sockets", "--source", "sock_diag", wrapper=wrapper)
    assert result.returncode == 3 and "sock_diag cannot be used" in result.stderr, result
    assert subprocess.run((*wrapper, lab.program, "sockets", "--source", "proc-net"),
                          capture_output=True, check=False).returncode == 0
    del kept
