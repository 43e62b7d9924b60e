# SPDX-License-Identifier: GPL-2.0-or-later
"""System calls that fail, for a process to be: create_vm() as preexec_fn."""
import ctypes
import struct

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
SYS_IOCTL, KVM_CREATE_VM = 16, 0xae01
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # BPF_LD | BPF_W | BPF_ABS, BPF_JMP | BPF_JEQ | BPF_K, BPF_RET | BPF_K
ALLOW, ERRNO, EBUSY = 0x7fff0000, 0x00050000, 16


def create_vm():
    """ioctl(KVM_CREATE_VM) fails with EBUSY from now on (Linux, Documentation/userspace-api/seccomp_filter.rst)."""
    code = [(LOAD, 0, 0, 0), (EQUAL, 0, 3, SYS_IOCTL), (LOAD, 0, 0, 24), (EQUAL, 0, 1, KVM_CREATE_VM),
            (RETURN, 0, 0, ERRNO | EBUSY), (RETURN, 0, 0, ALLOW)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("<HBBI", *c) for c in code))
    header = struct.pack("<HxxxxxxQ", len(code), ctypes.addressof(program))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl")
