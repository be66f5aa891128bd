"""What is wrong, missing, foreign or hostile: a clear sentence and the right exit code, never a
crash, a hang or a forged line.
"""

import json
import os
import random
import socket
import struct
import subprocess
import tempfile
import threading

from actors import never_accepts, serves
from lab import NOBODY, Namespace, Report, wait_until



def crc64_xz(data):
    """CRC-64/XZ: polynomial 0x42F0E1EBA9EA3693 reflected, initial value and final xor all ones."""
    crc = (1 << 64) - 1
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xC96C5795D7870F42 if crc & 1 else 0)
    return crc ^ (1 << 64) - 1


def snapshot(lab, folder):
    path = os.path.join(folder, "snapshot")
    result = lab.tcpdx("doctor", "--for", "0.2s", "--save", path)
    assert result.returncode == 0, result
    with open(path, "rb") as file:
        return path, file.read()


def refuses(lab, folder, data, *words):
    """`doctor --read` of these bytes ends with 3, says why, and reports nothing."""
    path = os.path.join(folder, "input")
    with open(path, "wb") as file:
        file.write(data)
    result = lab.tcpdx("doctor", "--read", path, "--json", timeout=20)
    assert result.returncode == 3 and not result.stdout, (len(data), result)
    assert result.stderr.startswith("tcpdx: ") and result.stderr.count("\n") == 1, result
    assert all(word in result.stderr for word in words), (words, result.stderr)


def bad_snapshots(lab):
    lab.here.listen(9000)
    with tempfile.TemporaryDirectory() as folder:
        path, good = snapshot(lab, folder)
        result = lab.tcpdx("doctor", "--read", path, "--json")
        Report(result.stdout, result.returncode).calm()
        noise = random.Random(1)
        for data in (b"", b"\n", b"tcpdx", b"tcpdx\0ob", b"\0" * 5000, b"GET / HTTP/1.0\r\n" * 50,
                     noise.randbytes(4000), b"\xd4\xc3\xb2\xa1" + noise.randbytes(200)):
            refuses(lab, folder, data)
        for length in [*range(0, 60, 7), len(good) // 2, len(good) - 8, len(good) - 1]:
            refuses(lab, folder, good[:length])
        refuses(lab, folder, good + b"more")
        for at in sorted(noise.sample(range(len(good)), 40)):
            refuses(lab, folder, good[:at] + bytes([good[at] ^ 1 << at % 8]) + good[at + 1:])
        newer = good[:8] + struct.pack("<I", 1000) + good[12:-8]
        refuses(lab, folder, newer + struct.pack("<Q", crc64_xz(newer)), "newer")
        # A size that nothing justifies must not be believed.
        huge = good[:16] + struct.pack("<Q", 1 << 62) + good[24:-8]
        refuses(lab, folder, huge + struct.pack("<Q", crc64_xz(huge)))
        for path in ("/nonexistent", "/", "/dev/null"):
            assert lab.tcpdx("doctor", "--read", path).returncode == 3, path


def wrong_filters(lab):
    """Exit code 64, and a mark under the word that is wrong."""
    for text, word in (("prot 80", "prot"), ("host ::1 and prot 80", "prot"),
                       ("port 65536", "65536"), ("port -1", "-1"), ("state nix", "nix"),
                       ("pid x", "x"), ("host 10.0.0.256", "10.0.0.256"), ("udp", "udp"),
                       ("net 10.0.0.0/33", "10.0.0.0/33"), ("port 80 or or 90", "or 90"),
                       ("(port 80", None), ("port 80)", ")"), ("port", None), ("not", None),
                       ("portrange 90-80", "90-80"), ("tcp[13] = 2", "tcp[13]")):
        result = lab.tcpdx("sockets", text)
        assert result.returncode == 64 and not result.stdout, (text, result)
        lines = result.stderr.splitlines()
        assert lines[0].startswith("tcpdx: "), lines
        shown, mark = lines[1], lines[2]
        assert text in shown and set(mark) <= {" ", "^"} and "^" in mark, (text, lines)
        start = shown.index(text) + (text.index(word) if word else len(text))
        assert word is None or mark.index("^") == start, (text, lines)


def wrong_usage(lab):
    for arguments in (("frobnicate",), ("--frobnicate",), ("doctor", "--for", "soon"),
                      ("doctor", "--for", "-1s"), ("doctor", "--fail-on", "never"),
                      ("sockets", "--columns", "nix"), ("sockets", "--sort", "nix"),
                      ("states", "--by", "nix"), ("explain", "nix"), ("--color", "pink")):
        result = lab.tcpdx(*arguments)
        assert result.returncode == 64 and not result.stdout and result.stderr, (arguments, result)


def edge_ports(lab):
    """The first and the last port of 16 bits."""
    client, server = lab.pair()
    last, first = server.listen(65535), server.listen(1)
    with client:
        edge = socket.socket()
    edge.bind(("10.1.0.1", 65535))
    edge.connect(("10.1.0.2", 1))
    kept = [edge, last, first]
    for text, count in (("port 1", 3), ("port 65535", 3), ("src port 65535", 2),
                        ("portrange 0-65535", 4), ("port 2", 0),
                        ("src port 1 and dst port 65535", 1)):
        result = lab.tcpdx("sockets", "--json", text)
        assert len(json.loads(result.stdout)["sockets"]) == count, (text, result.stdout)
    text = lab.tcpdx("sockets", "port 65535").stdout
    assert "10.1.0.1:65535" in text and "10.1.0.2:1" in text, text
    del kept


def ordinary_user(lab):
    """Without rights: what is one's own, and a list of what could not be seen and why."""
    stranger = lab.spawn(lab.here, serves, 9000, comm="stranger")
    stranger.expect("ready")
    own = subprocess.Popen((*NOBODY, "/usr/bin/python3", "-c",
                            "import socket; s = socket.create_server(('127.0.0.1', 9001));"
                            "print('ready', flush=True); input()"),
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert own.stdout.readline() == "ready\n"
    Namespace("hidden").listen(9002)
    # A copy where nobody can reach it: the build folder may be private.
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        program = os.path.join(folder, "tcpdx")
        subprocess.run(("cp", lab.program, program), check=True)
        os.chmod(program, 0o755)
        look = subprocess.run((*NOBODY, program, "sockets", "--json"), cwd="/",
                              capture_output=True, text=True, check=False)
        doctor = subprocess.run((*NOBODY, program, "doctor", "--for", "1s", "--json"), cwd="/",
                                capture_output=True, text=True, check=False)
    assert look.returncode == 0, look
    document = json.loads(look.stdout)
    owners = {s["local"]["port"]: s["owners"] for s in document["sockets"]}
    assert [o["pid"] for o in owners[9001]] == [own.pid], owners
    assert not owners[9000], "the stranger's descriptors may not be read"
    needs = " ".join(str(m.get("needs")) for m in document["missing"])
    assert "CAP_SYS_PTRACE" in needs, document["missing"]
    assert "CAP_" in json.dumps(json.loads(doctor.stdout)["not_seen"]), doctor.stdout
    assert doctor.returncode == 0, doctor
    own.kill()


def namespace_disappears(lab):
    """Namespaces with sockets come and go while the program looks; none of it is an error."""
    stop = threading.Event()

    def churn(number):
        while not stop.is_set():
            name = f"gone{number}"
            subprocess.run(("ip", "netns", "add", name), check=True)
            holder = subprocess.Popen(("nsenter", f"--net=/run/netns/{name}", "sleep", "0.05"))
            subprocess.run(("ip", "netns", "del", name), check=True)
            holder.wait()

    threads = [threading.Thread(target=churn, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(30):
            result = lab.tcpdx("sockets", "--json", timeout=20)
            assert result.returncode == 0, result
            json.loads(result.stdout)
        for seconds in (0.1, 0.5, 2):
            lab.doctor(seconds).calm()
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def owner_out_of_sight(lab):
    """The owner lives outside of the program's process namespace: an empty list, no guess."""
    lab.spawn(lab.here, serves, 9000, comm="elsewhere").expect("ready")
    result = lab.tcpdx("sockets", "--json", "port 9000",
                       wrapper=("unshare", "--fork", "--pid", "--mount-proc", "--mount"))
    assert result.returncode == 0, result
    (row,) = json.loads(result.stdout)["sockets"]
    assert row["inode"] > 0 and not row["owners"], row


def hostile_names(lab):
    """A program's name is not ours to trust: no line of the output begins with what it says."""
    client, server = lab.pair()
    kept = []
    names = [b"a b c", b"x\nCRITICAL  fa", b"\x1b[2J\x1b[31mred", b"\xff\xfe\xc3(", b"tab\there\r",
             b"\xe2\x80\xaegnp.exe", b"\"},{\"pid\":1", b"users:((\"x\",p"]
    for n, name in enumerate(names):
        owner = lab.spawn(server, never_accepts, 9000 + n, 2, comm=name)
        owner.expect("ready")
        kept.append(owner)
        kept += client.crowd("10.1.0.2", 9000 + n, 4)
    wait_until(lambda: all(r.recv_q > r.send_q for r in server.sockets("state", "listening")),
               "full queues")
    for arguments in (("sockets",), ("states", "--by", "process"), ("doctor", "--for", "4s")):
        result = lab.tcpdx(*arguments)
        for text in (result.stdout, result.stderr):
            assert not any(line.lstrip().startswith("CRITICAL  fa") for line in text.splitlines())
            assert all(c == "\n" or c.isprintable() for c in text), (arguments, text)
    listening = json.loads(lab.tcpdx("sockets", "--json", "state listen").stdout)["sockets"]
    comms = {s["local"]["port"]: s["owners"][0]["comm"] for s in listening}
    for n, name in enumerate(names):  # JSON has the name itself, as far as it is text
        assert comms[9000 + n] == name.decode(errors="replace") or b"\xff" in name, (name, comms)


def closed_output(lab):
    """A reader that stops early ends the program quietly; a full disk does not pass for success."""
    kept = [lab.here.listen(20000 + n) for n in range(3000)]
    pipe = subprocess.run(f"{lab.program} sockets | head -1", shell=True, capture_output=True,
                          text=True, check=True)
    assert pipe.stdout.count("\n") == 1 and not pipe.stderr, pipe
    with open("/dev/full", "w", encoding="ascii") as full:
        result = subprocess.run((lab.program, "sockets"), stdout=full, stderr=subprocess.PIPE,
                                check=False)
    assert result.returncode == 3 and result.stderr, result
    del kept
