"""What a stack trace looks like, in each language."""

from __future__ import annotations

import pytest

from collectors.logs.stacks import HINT, KINDS, follows, kind_of

TRACES = {
    "java": """\
java.lang.IllegalStateException: no such order
\tat com.example.Orders.find(Orders.java:31)
\tat com.example.Main.main(Main.java:7)
Caused by: java.sql.SQLException: closed
\tat com.example.Db.query(Db.java:99)
\t... 2 more""",
    "java behind a prefix": """\
2026-11-24 10:00:00 ERROR [main] c.e.Main - failed java.lang.RuntimeException: x
\tat com.example.Main.main(Main.java:7)
\tSuppressed: java.io.IOException: y
\t\tat com.example.Main.close(Main.java:9)""",
    "node": """\
TypeError: Cannot read properties of undefined (reading 'x')
    at Object.<anonymous> (/app/index.js:3:9)
    at node:internal/main/run_main_module:28:49""",
    "dotnet": """\
Unhandled exception. System.InvalidOperationException: outer
 ---> System.Exception: inner
   at Program.Inner() in /app/Program.cs:line 9
   --- End of inner exception stack trace ---
   at Program.Main() in /app/Program.cs:line 5""",
    "python": """\
Traceback (most recent call last):
  File "/app/a.py", line 3, in <module>
    main()
    ~~~~^^
ValueError: bad

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/a.py", line 5, in <module>
    raise KeyError("x")
KeyError: 'x'""",
    "python group": """\
  + Exception Group Traceback (most recent call last):
  |   File "/app/a.py", line 3, in <module>
  | ExceptionGroup: two (2 sub-exceptions)
  +-+---------------- 1 ----------------
    | ValueError: 1
    +------------------------------------""",
    "go": """\
panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.f(...)
\t/app/main.go:8
main.main()
\t/app/main.go:4 +0x1d
exit status 2""",
    "rust": """\
thread 'main' panicked at src/main.rs:2:5:
index out of bounds: the len is 3 but the index is 99
stack backtrace:
   0: rust_begin_unwind
             at /rustc/abc/library/std/src/panicking.rs:645:5
   1: core::panicking::panic_fmt
note: Some details are omitted, run with `RUST_BACKTRACE=full` for a verbose backtrace.""",
    "ruby": """\
/app/a.rb:2:in `f': undefined local variable or method `x' (NameError)
\tfrom /app/a.rb:5:in `<main>'""",
    "private key": """\
-----BEGIN RSA PRIVATE KEY-----
Proc-Type: 4,ENCRYPTED

MIIEpAIBAAKCAQEA1c7+9z5Pad7OejecsQ0bu3aumx3OoMMHh0bu3aumx3OoMMHh
short==
-----END RSA PRIVATE KEY-----""",
    "php": """\
PHP Fatal error:  Uncaught Exception: boom in /app/a.php:3
Stack trace:
#0 /app/a.php(6): f()
#1 {main}
  thrown in /app/a.php on line 3""",
}
AFTER = [b"ready to serve", b'{"level":"info"}', b"2026-11-24T10:00:00Z INFO next", b"GET / 200"]


def taken(lines: list[bytes]) -> int:
    """How many lines the first one's trace takes."""
    kind = kind_of(lines[0])
    assert kind is not None
    state, count = "", 1
    for line in lines[1:]:
        found = follows(kind, state, line)
        if found is None:
            break
        state, count = found, count + 1
    return count


@pytest.mark.parametrize("language", TRACES)
@pytest.mark.parametrize("after", AFTER)
def test_a_trace_is_taken_whole_and_nothing_behind_it(language: str, after: bytes) -> None:
    lines = TRACES[language].encode().split(b"\n")
    assert taken([*lines, after]) == len(lines)
    assert HINT.search(TRACES[language].encode())


@pytest.mark.parametrize(
    "line",
    [
        b"listening on :8080",
        b'{"msg":"java.lang.Exception: x"}',
        b"0 errors, 3 warnings",
        b"at least one Errors",
        b"",
        b"\x00\xff\xfe",
    ],
)
def test_an_ordinary_line_is_no_head(line: bytes) -> None:
    assert kind_of(line) is None


def test_every_kind_has_a_trace_here() -> None:
    heads = {kind_of(text.encode().split(b"\n")[0]) for text in TRACES.values()}
    assert heads == {kind.name for kind in KINDS}
