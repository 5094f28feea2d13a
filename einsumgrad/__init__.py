"""einsumgrad: textbook index notation in, readable gradients and fast programs out."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for true; `typing` is not needed to start
if TYPE_CHECKING:
    from einsumgrad.api import Program, load, parse
    from einsumgrad.diagnostics import EinError
    from einsumgrad.train.training import fit

__version__ = "0.1.0"
__all__ = ["EinError", "Program", "__version__", "fit", "load", "parse"]


def __dir__() -> list[str]:
    """The public names, for who looks around."""
    return __all__


def __getattr__(name: str) -> object:
    """The public names, imported when they are first asked for."""
    if name == "EinError":
        from einsumgrad.diagnostics import EinError

        return EinError
    if name == "fit":
        from einsumgrad.train.training import fit

        return fit
    if name in __all__:
        from einsumgrad import api

        return getattr(api, name)
    raise AttributeError(f"module 'einsumgrad' has no attribute {name!r}")
