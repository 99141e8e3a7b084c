"""The engine's library, loaded so that threads may use it: the one place that imports ``opendssdirect``.

Measured trap: the engine's runtime takes a pointer to the process's environment when it is loaded and reads
it whenever a new thread or a new context comes to it. Once a variable has been added, the C library moves the
environment at the next addition and frees the memory behind that pointer: a program that sets environment variables
(pytest does, for every test) dies of a segmentation fault in its second thread. A copy of the environment that is
never freed, put in place before the engine is loaded, is what the engine then points to for good. A program that
imports ``opendssdirect`` before gridstudio does without this help.
"""

import ctypes
import sys


def _keep_environment_in_place() -> None:
    """Put a copy of the environment's table in its place, which the C library neither moves nor frees."""
    if not sys.platform.startswith("linux") or "opendssdirect" in sys.modules:
        return
    table = ctypes.POINTER(ctypes.c_void_p).in_dll(ctypes.CDLL(None), "environ")
    if not table:
        return
    count = 0
    while table[count]:
        count += 1
    copy = (ctypes.c_void_p * (count + 1))(*(table[index] for index in range(count)), None)
    _KEPT.append(copy)
    ctypes.c_void_p.in_dll(ctypes.CDLL(None), "environ").value = ctypes.addressof(copy)


_KEPT: list[object] = []
_keep_environment_in_place()

import opendssdirect  # noqa: E402

DSSException = opendssdirect.OpenDSSDirect.DSSException
opendssdirect.dss.Basic.AllowChangeDir(False)  # else the first context of its own moves the working directory

__all__ = ["DSSException", "opendssdirect"]
