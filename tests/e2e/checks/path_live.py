"""`path --live` on a terminal: hops asked again and again, keys that freeze, sort, switch, count
anew and write, and an end that leaves the terminal as it was.

   the ways are those of simulated_path.py, the terminal is that of terminal.py
"""

import glob
import json
import os
import tempfile
import time

from lab import NOBODY, run, wait_until
from schemas import assert_valid
from simulated_path import V4, V6, way
from terminal import Terminal, plain



def live(lab, *words, **kwargs):
    kwargs = {"keys": True, "rows": 24, "columns": 100, **kwargs}
    return Terminal(lab, "path", "--live", "-n", "-i", "100ms", *words, **kwargs)


def rows(text):
    """hop -> its words, in the order of the table."""
    found = {}
    for line in text.splitlines():
        words = line.split()
        if words and words[0].isdigit():
            found[int(words[0])] = words[1:]
    return found


def sent(text):
    """Probes sent of each hop: behind host, node% and link%."""
    return [int(words[3]) for words in rows(text).values()]


def when(count):
    return lambda frame: rows(frame) and min(sent(frame)) >= count


def addresses(text):
    return [words[0] for words in rows(text).values()]


def quit_by(terminal, keys, code=0):
    """The final table. The terminal is as before: its mode, its screen and its cursor."""
    terminal.forget()
    if keys:
        terminal.type(keys)
    else:
        terminal.process.terminate()
    text = terminal.ended(code)
    assert terminal.restored()
    assert text.count("\x1b[?1049l") == 1 and text.count("\x1b[?25h") == 1, text
    return plain(text.split("\x1b[?1049l")[1])


def asks_every_hop_by_every_method(lab):
    """As root and as nobody; the final table has every hop though the screen has no room for it."""
    want = [f"10.77.{i}.1" for i in range(1, 9)] + [V4]
    want6 = [f"fd77:{i}::1" for i in range(1, 9)] + [V6]
    with way(lab, 8):
        run("sysctl", "-qw", "net.ipv4.ping_group_range=0 65534")
        for words, hosts, prefix in (((V4,), want, ()), (("--udp", V4), want, NOBODY),
                                     ((f"{V4}:443",), want, NOBODY), ((V6,), want6, NOBODY),
                                     ((f"[{V6}]:443",), want6, ())):
            terminal = live(lab, *words, rows=10, prefix=prefix)
            terminal.wait_for(when(3), "three rounds")
            assert terminal.frames[-1].count("\n") < 10
            final = quit_by(terminal, "q")
            assert addresses(final) == hosts, final
            assert all(words[2] == "0" for words in rows(final).values()), final


def ends_by_ctrl_c_and_by_a_signal(lab):
    with way(lab, 3):
        for keys in ("\x03", ""):
            terminal = live(lab, V4)
            terminal.wait_for(when(1), "a round")
            assert len(rows(quit_by(terminal, keys))) == 4
        # Without a keyboard it ends as other commands do.
        terminal = live(lab, V4, keys=False)
        terminal.wait_for(when(1), "a round")
        terminal.interrupt()
        assert terminal.restored()


def goes_to_the_shell_and_back(lab):
    """Ctrl-Z under a shell with job control."""
    with way(lab, 3):
        shell = ("bash", "-mc", '"$@"; echo in the shell; read; fg', "bash")
        terminal = live(lab, V4, prefix=shell)
        terminal.wait_for(when(2), "two rounds")
        terminal.type("\x1a")
        wait_until(lambda: terminal.read() or "in the shell" in terminal.text, "the shell")
        assert terminal.restored() and "\x1b[?1049l" in terminal.text, terminal.text
        assert terminal.text.rindex("\x1b[?1049l") > terminal.text.rindex("\x1b[?1049h")
        count = max(sent(terminal.frames[-1]))
        terminal.forget()
        terminal.type("\n")
        terminal.wait_for(when(count + 2), "more rounds")
        assert terminal.text.count("\x1b[?1049h") == 1
        quit_by(terminal, "q")


def echoes_sent():
    """By the kernel's own count."""
    return int(run("nft", "list", "table", "inet", "lab").split("counter packets ")[1].split()[0])


def freezes(lab):
    """Nothing is sent and nothing changes until it goes on."""
    with way(lab, 4):
        run("nft", "add table inet lab; "
            "add chain inet lab out { type filter hook output priority 0; }; "
            "add rule inet lab out icmp type echo-request counter")
        terminal = live(lab, V4)
        terminal.wait_for(when(2), "two rounds")
        terminal.type(" ")
        terminal.wait_for(lambda frame: "frozen" in frame.splitlines()[1], "a frozen table")
        terminal.forget()
        echoes = echoes_sent()
        terminal.type("s")
        terminal.wait_for(lambda frame: "sorted by loss" in frame, "a key while it is frozen")
        still = terminal.frames[-1].splitlines()
        time.sleep(1)
        terminal.read()
        assert terminal.frames[-1].splitlines()[0] == still[0], terminal.frames[-1]
        assert sent(terminal.frames[-1]) == sent("\n".join(still)), terminal.frames[-1]
        assert echoes_sent() == echoes > 0
        before = max(sent(terminal.frames[-1]))
        terminal.type("p")
        terminal.wait_for(when(before + 2), "more rounds")
        quit_by(terminal, "q")


def sorts_and_switches(lab):
    """20 ms from hop to hop, which no busy machine mixes up; hop 3 loses most of its answers."""
    with way(lab, 5, features={3: "rate=1"}, step_us=10000):
        terminal = live(lab, V4)
        terminal.wait_for(when(30), "thirty rounds")
        terminal.type("s")
        terminal.wait_for(lambda frame: "sorted by loss" in frame, "another order")
        by_loss = [frame for frame in terminal.frames if "sorted by loss" in frame][-1]
        assert list(rows(by_loss))[0] == 3, by_loss
        terminal.type("s")
        terminal.wait_for(lambda frame: "sorted by round trip" in frame, "another order")
        by_rtt = [frame for frame in terminal.frames if "sorted by round trip" in frame][-1]
        assert list(rows(by_rtt)) == [6, 5, 4, 3, 2, 1], by_rtt
        terminal.type("sc")
        terminal.wait_for(lambda frame: "node loss % (95 %)" in frame, "intervals")
        terminal.type("c")
        terminal.wait_for(lambda frame: " p95 " in frame, "more times")
        terminal.type("cr")
        terminal.forget()
        terminal.wait_for(lambda frame: rows(frame) and max(sent(frame)) < 20, "counts anew")
        quit_by(terminal, "q")


def tells_a_limit_from_a_loss(lab):
    with way(lab, 4, features={2: "rate=1"}):
        terminal = live(lab, V4)
        terminal.wait_for(lambda frame: "limits its answers" in frame, "a limit")
        final = rows(quit_by(terminal, "q"))
        assert final[2][1].endswith("*") and final[2][2] == "0", final
        assert [final[hop][1:3] for hop in (1, 3, 4, 5)] == [["0", "0"]] * 4, final
    with way(lab, 4, features={2: "loss=0.3"}):
        terminal = live(lab, V4)
        terminal.wait_for(when(30), "thirty rounds")
        final = rows(quit_by(terminal, "q"))
        assert final[2][1:3] == ["0", "0"] and float(final[3][2]) > 10, final


def writes_what_it_shows(lab):
    """The text has the very numbers of the frozen screen; the JSON is path's."""
    with way(lab, 4, features={3: "silent"}), tempfile.TemporaryDirectory() as folder:
        terminal = live(lab, V4, cwd=folder)
        terminal.wait_for(when(3), "three rounds")
        terminal.type(" s")
        terminal.wait_for(lambda frame: "sorted by loss" in frame, "a frozen table")
        shown = terminal.frames[-1]
        terminal.type("e")
        terminal.wait_for(lambda frame: "written: tcpdx-path-10.77.99.9-" in frame, "a message")
        names = sorted(glob.glob(f"{folder}/*"))
        assert [os.path.splitext(name)[1] for name in names] == [".json", ".txt"], names
        with open(names[0], encoding="utf-8") as file:
            document = json.load(file)
        assert_valid("path", document)
        with open(names[1], encoding="utf-8") as file:
            text = file.read()
        assert "\x1b" not in text and list(rows(text)) == [1, 2, 4, 5, 3], text
        assert {hop: words[:9] for hop, words in rows(text).items()} == {
            hop: words[:9] for hop, words in rows(shown).items()}, (text, shown)
        assert {hop["ttl"]: hop["sent"] for hop in document["hops"]} == dict(
            zip(rows(shown), sent(shown))), document
        quit_by(terminal, "q")
    with way(lab, 2):
        terminal = live(lab, V4, cwd="/proc")  # nobody can write there
        terminal.wait_for(when(1), "a round")
        terminal.type("e")
        terminal.wait_for(lambda frame: "cannot write" in frame, "why not")
        quit_by(terminal, "q")


def follows_the_size_of_the_terminal(lab):
    with way(lab, 8):
        terminal = live(lab, V4)
        terminal.wait_for(lambda frame: rows(frame) and " dev" in frame and "recent" in frame,
                          "all columns")
        terminal.resize(10, 50)
        terminal.forget()
        terminal.wait_for(lambda frame: "more lines" in frame and "recent" not in frame, "less")
        last = [frame for frame in terminal.frames if "more lines" in frame][-1]
        assert last.count("\n") < 10 and max(map(len, last.splitlines())) <= 50, last
        quit_by(terminal, "q")


def has_manners(lab):
    """One SYN a round reaches the target, but in the first, where the others may, too, on a busy
    machine; a silent one gets no more than five beyond the last that answered."""
    with way(lab, 3, step_us=200) as simulated:
        terminal = live(lab, f"{V4}:443")
        terminal.wait_for(when(10), "ten rounds")
        rounds = max(sent(quit_by(terminal, "q"))) + 1  # and one that was under way
        assert simulated.end()[1] <= 27 + rounds, rounds
    with way(lab, 3, target="silent", step_us=200) as simulated:
        terminal = live(lab, V4)
        terminal.wait_for(when(10), "ten rounds")
        rounds = max(sent(quit_by(terminal, "q", code=3))) + 5  # those not yet given up
        assert simulated.end()[0] <= 27 + 5 * rounds, rounds


def needs_a_terminal(lab):
    for words in (("--live",), ("--live", "--color=always")):
        result = lab.tcpdx("path", *words, "127.0.0.1")
        assert result.returncode == 64 and "--stats" in result.stderr, result
        assert not result.stdout, result
    for words in (("--live", "--json"), ("--live", "--stats"), ("--interval", "2s")):
        assert lab.tcpdx("path", *words, "127.0.0.1").returncode == 64, words
    terminal = Terminal(lab, "path", "--live", "-i", "10ms", "127.0.0.1", keys=True)
    wait_until(lambda: terminal.process.poll() is not None, "an end")
    assert terminal.process.returncode == 64 and terminal.restored()
