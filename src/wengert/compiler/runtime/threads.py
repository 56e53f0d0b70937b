"""Threads of native code: one pool for the process, made when it is first needed.

Native functions hand their work to ``wengert_parallel``, which wakes the workers and takes part
itself; the work is written so that each of them takes what nobody has taken, and any number of them
gives the same result (`codegen.module`). So nobody waits for a worker to wake up. If
the pool is busy, with a call from another thread, the caller works alone.

A worker that finds nothing to do spins for some microseconds, then yields its core to whoever wants
it, and after a fifth of a millisecond sleeps in a futex: Python code and NumPy between two calls
have the cores for themselves, and the next call of a loop finds the worker awake. (To wake one that
sleeps takes about 50 us, in virtual machines up to a millisecond.) A child process after a fork has
no workers, and makes its own.

The pool is LLVM text, since it must run without the interpreter lock. It needs Linux's futex;
elsewhere there is one thread.
"""

from __future__ import annotations

import ctypes
import functools
import os
import platform
import sys

from ...core.errors import WengertTypeError, WengertValueError
from .disk import code_of

__all__ = [
    "addresses",
    "checked_threads",
    "default_threads",
    "set_threads",
    "supported",
    "usable_threads",
]

_MOST = 64
_LINGER = 200_000  # nanoseconds for which a worker offers its core to others before it sleeps
_FUTEX = {"x86_64": 202, "aarch64": 98}
_PAUSE = {"x86_64": ("@llvm.x86.sse2.pause()", ""), "aarch64": ("@llvm.aarch64.hint(i32 1)", "i32")}
_chosen: int | None = None


def supported() -> bool:
    """Whether there can be more than one thread."""
    return sys.platform == "linux" and platform.machine() in _FUTEX and sys.maxsize > 2**32


def checked_threads(threads: object, who: str) -> int:
    """A number of threads that an option names, if it is one."""
    if isinstance(threads, bool) or not isinstance(threads, int):
        raise WengertTypeError(f"{who}: threads must be an integer, not {threads!r}")
    if threads < 1:
        raise WengertValueError(f"{who}: threads must be at least 1, not {threads}")
    return threads


def set_threads(threads: int | None) -> None:
    """Set how many threads compiled functions use from now on.

    Parameters
    ----------
    threads : int or None
        At least 1. None returns to the default: the environment variable WENGERT_THREADS, or the
        number of cores that the process may use. Functions that were compiled already keep the
        number that they were compiled for.

    Raises
    ------
    WengertTypeError, WengertValueError
        If it is not a positive integer.

    Examples
    --------
    >>> import wengert as wg
    >>> wg.set_threads(1)
    >>> wg.set_threads(None)
    """
    global _chosen
    _chosen = None if threads is None else checked_threads(threads, "set_threads")


def default_threads() -> int:
    """The number of threads for functions that do not name one."""
    if _chosen is not None:
        return _chosen
    text = os.environ.get("WENGERT_THREADS")
    if text is not None:
        if not text.strip().isdecimal() or int(text) < 1:
            raise WengertValueError(
                f"the environment variable WENGERT_THREADS must be a positive integer, not {text!r}"
            )
        return int(text)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usable_threads(threads: int | None) -> int:
    """The number of threads to compile for."""
    wanted = default_threads() if threads is None else threads
    return min(wanted, _MOST) if supported() else 1


@functools.cache
def addresses() -> dict[str, int]:
    """The functions that generated code calls, by name."""
    from ..codegen.target import link

    names = ["wengert_parallel", "wengert_wait", "wengert_forget"]
    code = link(code_of(_text()), names, {})
    forget = ctypes.CFUNCTYPE(None)(code.addresses["wengert_forget"])
    os.register_at_fork(after_in_child=forget)
    _kept.append((code, forget))
    return {name: code.addresses[name] for name in names[:2]}


_kept: list[object] = []
"""The code of the pool: its threads run in it as long as the process lives."""


def _text() -> str:
    """The pool.

    ``@turn`` counts the jobs; a worker that has seen them all waits for it to change. Of
    ``@inside`` bit 30 tells that a job is open, and the rest counts the workers that are in it:
    they may enter only while it is open, and the caller returns when it has closed it and all have
    left.
    """
    machine = platform.machine()
    pause = f"call void {_PAUSE[machine][0]}"
    intrinsic = f"{_PAUSE[machine][0].split('(')[0]}({_PAUSE[machine][1]})"
    wait, wake = (f"i64 {_FUTEX[machine]}, ptr @turn, i32 {flag}" for flag in (128, 129))
    is_open = 1 << 30
    return f"""
@turn = internal global i32 0, align 64
@sleepers = internal global i32 0, align 64
@inside = internal global i32 0, align 64
@busy = internal global i32 0, align 64
@workers = internal global i64 0, align 64
@function = internal global ptr null
@table = internal global ptr null
@flags = internal global ptr null
@limit = internal global i64 0

declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_detach(i64)
declare i32 @pthread_sigmask(i32, ptr, ptr)
declare i64 @syscall(i64, ...)
declare i32 @sched_yield()
declare i32 @clock_gettime(i32, ptr)
declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)
declare void {intrinsic}

define void @wengert_forget() {{
  store i32 0, ptr @turn
  store i32 0, ptr @sleepers
  store i32 0, ptr @inside
  store i32 0, ptr @busy
  store i64 0, ptr @workers
  ret void
}}

define void @wengert_wait(ptr %counter, i32 %wanted) {{
entry:
  br label %look
look:
  %n = phi i32 [ 0, %entry ], [ %next, %again ]
  %seen = load atomic i32, ptr %counter acquire, align 4
  %done = icmp eq i32 %seen, %wanted
  br i1 %done, label %end, label %more
more:
  %next = add i32 %n, 1
  %long = icmp ugt i32 %n, 4000
  br i1 %long, label %give, label %short
short:
  {pause}
  br label %again
give:
  %ignored = call i32 @sched_yield()
  br label %again
again:
  br label %look
end:
  ret void
}}

define internal i64 @now() {{
  %time = alloca [2 x i64]
  %r = call i32 @clock_gettime(i32 1, ptr %time)
  %seconds = load i64, ptr %time
  %part = getelementptr i64, ptr %time, i64 1
  %rest = load i64, ptr %part
  %whole = mul i64 %seconds, 1000000000
  %all = add i64 %whole, %rest
  ret i64 %all
}}

define internal ptr @worker(ptr %argument) {{
entry:
  %until = alloca i64
  %me = ptrtoint ptr %argument to i64
  br label %idle
idle:
  %seen = phi i32 [ 0, %entry ], [ %now, %check ], [ %now, %leave ]
  br label %spin
spin:
  %n = phi i32 [ 0, %idle ], [ %n1, %pausing ], [ %n1, %yield ], [ 0, %woken ]
  %now = load atomic i32, ptr @turn acquire, align 4
  %new = icmp ne i32 %now, %seen
  br i1 %new, label %check, label %nothing
nothing:
  %n1 = add i32 %n, 1
  %long = icmp ugt i32 %n, 500
  br i1 %long, label %linger, label %pausing
pausing:
  {pause}
  br label %spin
linger:
  %idle_time = load i64, ptr %until
  %first = icmp eq i32 %n, 501
  %time = call i64 @now()
  br i1 %first, label %begin, label %lingering
begin:
  %end = add i64 %time, {_LINGER}
  store i64 %end, ptr %until
  br label %yield
lingering:
  %late = icmp ugt i64 %time, %idle_time
  br i1 %late, label %sleep, label %yield
yield:
  %ignored = call i32 @sched_yield()
  br label %spin
sleep:
  %s1 = atomicrmw add ptr @sleepers, i32 1 seq_cst
  %r = call i64 (i64, ...) @syscall({wait}, i32 %seen, ptr null, ptr null, i32 0)
  %s2 = atomicrmw sub ptr @sleepers, i32 1 seq_cst
  br label %woken
woken:
  br label %spin
check:
  %state = load atomic i32, ptr @inside acquire, align 4
  %bit = and i32 %state, {is_open}
  %shut = icmp eq i32 %bit, 0
  br i1 %shut, label %idle, label %enter
enter:
  %one = add i32 %state, 1
  %pair = cmpxchg ptr @inside, i32 %state, i32 %one acq_rel acquire
  %ok = extractvalue {{ i32, i1 }} %pair, 1
  br i1 %ok, label %in, label %check2
check2:
  br label %check
in:
  %limit = load i64, ptr @limit
  %wanted = icmp ult i64 %me, %limit
  br i1 %wanted, label %work, label %leave
work:
  %function = load ptr, ptr @function
  %table = load ptr, ptr @table
  %flags = load ptr, ptr @flags
  call void %function(ptr %table, ptr %flags, i64 %me)
  br label %leave
leave:
  %left = atomicrmw sub ptr @inside, i32 1 acq_rel
  br label %idle
}}

define internal void @hire(i64 %wanted) {{
entry:
  %all = alloca [16 x i64], align 16
  %old = alloca [16 x i64], align 16
  %thread = alloca i64
  %have = load i64, ptr @workers
  %enough = icmp uge i64 %have, %wanted
  br i1 %enough, label %end, label %begin
begin:
  call void @llvm.memset.p0.i64(ptr %all, i8 -1, i64 128, i1 false)
  %blocked = call i32 @pthread_sigmask(i32 2, ptr %all, ptr %old)
  br label %loop
loop:
  %k = phi i64 [ %have, %begin ], [ %k1, %made ]
  %k1 = add i64 %k, 1
  %me = inttoptr i64 %k1 to ptr
  %failed = call i32 @pthread_create(ptr %thread, ptr null, ptr @worker, ptr %me)
  %is_ok = icmp eq i32 %failed, 0
  br i1 %is_ok, label %made, label %restore
made:
  store i64 %k1, ptr @workers
  %id = load i64, ptr %thread
  %detached = call i32 @pthread_detach(i64 %id)
  %more = icmp ult i64 %k1, %wanted
  br i1 %more, label %loop, label %restore
restore:
  %restored = call i32 @pthread_sigmask(i32 2, ptr %old, ptr null)
  br label %end
end:
  ret void
}}

define void @wengert_parallel(ptr %function, ptr %table, ptr %flags, i64 %threads) {{
entry:
  %pair = cmpxchg ptr @busy, i32 0, i32 1 acq_rel acquire
  %mine = extractvalue {{ i32, i1 }} %pair, 1
  br i1 %mine, label %pool, label %alone
alone:
  call void %function(ptr %table, ptr %flags, i64 0)
  ret void
pool:
  %helpers = sub i64 %threads, 1
  call void @hire(i64 %helpers)
  store ptr %function, ptr @function
  store ptr %table, ptr @table
  store ptr %flags, ptr @flags
  store i64 %threads, ptr @limit
  %opened = atomicrmw add ptr @inside, i32 {is_open} seq_cst
  %turned = atomicrmw add ptr @turn, i32 1 seq_cst
  %asleep = load atomic i32, ptr @sleepers seq_cst, align 4
  %none = icmp eq i32 %asleep, 0
  br i1 %none, label %go, label %wake
wake:
  %r = call i64 (i64, ...) @syscall({wake}, i32 %asleep, ptr null, ptr null, i32 0)
  br label %go
go:
  call void %function(ptr %table, ptr %flags, i64 0)
  %closed = atomicrmw sub ptr @inside, i32 {is_open} acq_rel
  call void @wengert_wait(ptr @inside, i32 0)
  store atomic i32 0, ptr @busy release, align 4
  ret void
}}
"""
