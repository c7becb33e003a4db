"""The last step before a server program: become another user, tie our life to the parent, exec.

It runs as `python -I -S launch.py PARENT_PID SIGNAL UID GID program argument...` (`-` = leave as
it is). A separate program instead of `preexec_fn`, because code between fork and exec in a
process with threads may deadlock. The order matters: a change of user clears the death signal.

Linux sends the signal when the *thread* that started us ends, so servers are started from the
main thread.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(parent_pid: int, signal_number: int) -> None:
    """Ask the kernel to send us a signal when the parent dies; does nothing outside Linux."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0)
    if os.getppid() != parent_pid:  # The parent died before we asked.
        sys.exit(1)


def become(uid: int, gid: int) -> None:
    """Give up root for good."""
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def main(arguments: list[str]) -> None:
    """Prepare this process and turn it into the server."""
    parent_pid, signal_number, uid, gid, *command = arguments
    if uid != "-":
        become(int(uid), int(gid))
    if signal_number != "-":
        die_with_parent(int(parent_pid), int(signal_number))
    os.execv(command[0], command)  # noqa: S606 - replacing ourselves is the purpose


if __name__ == "__main__":
    main(sys.argv[1:])
