"""What a process gives up, for good, before it runs a learner's code: Linux's own means, by system call.

Three layers: namespaces (a view of no other process, file or network), Landlock (files by permission, where
namespaces are not to be had), and a filter of system calls. On PyPI there is no kept binding of these, so
here they are, as short as the kernel's interface allows.
"""

import ctypes
import os
import platform
import resource
import struct
from pathlib import Path

_libc = ctypes.CDLL(None, use_errno=True)

# ---- numbers of the kernel's interface: include/uapi/linux/{sched,prctl,mount,landlock,seccomp,capability}.h
NEWNS, NEWIPC, NEWUSER, NEWPID = 0x20000, 0x8000000, 0x10000000, 0x20000000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_SUBREAPER, PR_NO_NEW_PRIVS = (
    1,
    4,
    22,
    24,
    36,
    38,
)
NOSUID_NODEV, READONLY, REMOUNT_BIND = 6, 1, 0x1020
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
# system calls by machine: number on x86_64, number on aarch64
CALLS = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "kcmp": (312, 272), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424), "process_madvise": (440, 440), "socket": (41, 198),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "umount2": (166, 39),
    "pivot_root": (155, 41), "chroot": (161, 51), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "open_by_handle_at": (304, 265), "fsopen": (430, 430),
    "open_tree": (428, 428), "move_mount": (429, 429), "memfd_create": (319, 279),
    "memfd_secret": (447, 447), "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190),
}  # fmt: skip
# forbidden where files and processes of the same user are in reach: Landlock knows no owners, modes or times
UNSEEN = {
    "chmod": (90, None), "fchmod": (91, 52), "fchmodat": (268, 53), "fchmodat2": (452, 452),
    "chown": (92, None), "fchown": (93, 55), "lchown": (94, None), "fchownat": (260, 54),
    "utime": (132, None), "utimes": (235, None), "futimesat": (261, None), "utimensat": (280, 88),
    "setxattr": (188, 5), "lsetxattr": (189, 6), "fsetxattr": (190, 7), "removexattr": (197, 14),
    "lremovexattr": (198, 15), "fremovexattr": (199, 16), "setpriority": (141, 140),
    "sched_setattr": (314, 274), "ioprio_set": (251, 30), "setxattrat": (463, 463),
    "removexattrat": (466, 466), "file_setattr": (469, 469),
}  # fmt: skip
# forbidden there with these second arguments: what lets another process be signalled when a file is written
OWNERS_OF_FILES = {"fcntl": ((72, 25), (8, 10, 15)), "ioctl": ((16, 29), (0x8901, 0x8902, 0x5412))}
# forbidden unless the first argument is 0 or the process's own number: what reaches others of the same user
TO_OTHERS = {
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131), "prlimit64": (302, 261),
    "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119), "sched_setparam": (142, 118),
    "migrate_pages": (256, 238), "move_pages": (279, 239), "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
}  # fmt: skip
CLONE, CLONE3 = (56, 220), (435, 435)
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS = 1, 38


def _must(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def limit(memory: int, file_size: int, n_processes: int, cpu_seconds: int) -> None:
    """Bound this process and each that it starts; sizes in bytes, `memory` beyond what is mapped already."""
    pages = (
        int(Path("/proc/self/statm").read_text().split()[0])
        if os.path.exists("/proc/self/statm")
        else 1 << 20
    )
    bounds = {
        resource.RLIMIT_AS: pages * resource.getpagesize() + memory,
        resource.RLIMIT_FSIZE: file_size,
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_NOFILE: 256,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 1 << 20,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_NPROC: n_processes,
    }
    for which, value in bounds.items():
        hard = resource.getrlimit(which)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def enter_namespaces(scratch: str, size: int) -> None:
    """Leave the view of all other processes, shared memory and writable folders; the next fork is process 1.

    `scratch` and /dev/shm become empty folders of `size` bytes in memory, /proc an empty one.
    """
    user, group = os.getuid(), os.getgid()
    _libc.prctl(PR_SET_DUMPABLE, 1, 0, 0, 0)  # or the maps below belong to root
    _must(_libc.unshare(NEWUSER | NEWNS | NEWPID | NEWIPC))
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:  # not Path.write_text, which would create
            file.write(text)
    for folder in "/tmp", "/dev":  # what one learner leaves there another would find
        _must(_libc.mount(None, folder.encode(), None, REMOUNT_BIND | flags_of(folder) | READONLY, None))
    options = f"size={size},nr_inodes=20000,mode=1777".encode()
    for folder in (scratch, "/dev/shm"):
        _must(_libc.mount(b"tmpfs", folder.encode(), b"tmpfs", NOSUID_NODEV, options))
    _must(_libc.mount(b"none", b"/proc", b"tmpfs", NOSUID_NODEV | READONLY, b"size=4k,mode=555"))


def flags_of(folder: str) -> int:
    """How a folder's file system is mounted: what a remount has to repeat."""
    return os.statvfs(folder).f_flag & (NOSUID_NODEV | 8)


def drop_capabilities() -> None:
    """No capability is left, and none can come back through a program that would bring it."""
    for capability in range(64):
        _libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    _must(_libc.capset(ctypes.byref(header), ctypes.byref((ctypes.c_uint32 * 6)())))
    _must(_libc.prctl(PR_NO_NEW_PRIVS, 1, 0, 0, 0))


def landlock_version() -> int:
    """The version of the kernel's Landlock, 0 where it has none."""
    return max(0, _libc.syscall(CREATE_RULESET, None, 0, 1))


def landlock(read: list[str], write: list[str]) -> None:
    """Allow this process, and all that it starts, to read below `read` and to write below `write` alone."""
    version = landlock_version()
    if not version:
        raise OSError("this kernel has no Landlock")
    files = (1 << {1: 13, 2: 14, 3: 15, 4: 15}.get(version, 16)) - 1
    rules = struct.pack(
        "<QQQ", files, 3 if version >= 4 else 0, 3 if version >= 6 else 0
    )  # no TCP; no signals out
    rules = rules[: 24 if version >= 6 else 16 if version >= 4 else 8]
    ruleset = _must(_libc.syscall(CREATE_RULESET, rules, len(rules), 0))
    run_and_read, devices = 1 | 4 | 8, 1 << 6 | 1 << 11
    for paths, access in (read, run_and_read), (write, files & ~devices):
        for path in filter(os.path.exists, paths):
            opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
            allowed = access & files if os.path.isdir(path) else access & files & (1 | 2 | 4 | 1 << 14)
            try:
                _must(_libc.syscall(ADD_RULE, ruleset, 1, struct.pack("<Qi", allowed, opened), 0))
            finally:
                os.close(opened)
    _must(_libc.prctl(PR_NO_NEW_PRIVS, 1, 0, 0, 0))
    _must(_libc.syscall(RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def can_filter_calls() -> bool:
    return platform.machine() in MACHINES


def filter_calls(alone: bool) -> None:
    """No sockets, no debugging, no namespaces, no memory outside the limits, no keys, no kernel programs.

    Unless the process is `alone` in namespaces of processes and files, it may not signal or slow others
    either, nor change whose files are. A filter is a program of the kernel's packet filter; instructions are
    (code, jump if true, jump if false, constant).
    """
    column, machine = MACHINES[platform.machine()]
    load, equal, above, any_bit, give = 0x20, 0x15, 0x35, 0x45, 0x06
    program = [(load, 0, 0, 4), (equal, 1, 0, machine), (give, 0, 0, KILL), (load, 0, 0, 0)]
    program += [(above, 0, 1, 0x40000000), (give, 0, 0, KILL)]  # x86's other numbering
    for numbers in [*CALLS.values(), *([] if alone else UNSEEN.values())]:
        if numbers[column] is None:
            continue
        program += [(equal, 0, 1, numbers[column]), (give, 0, 0, ERRNO | EPERM)]
    program += [
        (equal, 0, 1, CLONE3[column]),
        (give, 0, 0, ERRNO | ENOSYS),
    ]  # its flags lie in memory: use clone
    program += [
        (equal, 0, 4, CLONE[column]),
        (load, 0, 0, 16),
        (any_bit, 0, 1, NEWUSER | NEWNS | NEWPID | NEWIPC),
    ]
    program += [(give, 0, 0, ERRNO | EPERM), (give, 0, 0, ALLOW)]
    for numbers, seconds in [] if alone else OWNERS_OF_FILES.values():
        program += [(equal, 0, 2 * len(seconds) + 2, numbers[column]), (load, 0, 0, 24)]
        for second in seconds:
            program += [(equal, 0, 1, second), (give, 0, 0, ERRNO | EPERM)]
        program += [(give, 0, 0, ALLOW)]
    for numbers in [] if alone else TO_OTHERS.values():
        program += [
            (equal, 0, 5, numbers[column]),
            (load, 0, 0, 16),
            (equal, 2, 0, 0),
            (equal, 1, 0, os.getpid()),
        ]
        program += [(give, 0, 0, ERRNO | EPERM), (give, 0, 0, ALLOW)]
    program += [(give, 0, 0, ALLOW)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *line) for line in program))
    _must(_libc.prctl(PR_NO_NEW_PRIVS, 1, 0, 0, 0))
    _must(
        _libc.prctl(PR_SET_SECCOMP, 2, struct.pack("<HxxxxxxQ", len(program), ctypes.addressof(code)), 0, 0)
    )


def die_with_parent() -> None:
    _libc.prctl(PR_SET_PDEATHSIG, 9, 0, 0, 0)


def adopt_orphans() -> None:
    """Processes below this one whose parent ended become its children, instead of leaving its sight."""
    _libc.prctl(PR_SET_SUBREAPER, 1, 0, 0, 0)
