"""What can go wrong because of what a user gave: each message is one clear line."""


class EvenfitError(Exception):
    """Something a user can put right; its message is one line that says what was wanted and what came.

    The command line prints it after ``evenfit:`` and exits with 2.
    """


class ConfigError(EvenfitError, ValueError):
    """A setting is out of its range, unknown, or at odds with another."""


class DataError(EvenfitError, ValueError):
    """A table, a column or a row cannot be used."""


class RegularizeError(EvenfitError, ValueError):
    """A model, a parameter or a strength cannot be regularised as asked."""


class FoldError(RegularizeError):
    """A model's dropout cannot be folded into its weights exactly; the message names the layer and the reason."""


class ExportError(EvenfitError):
    """A model cannot be exported as asked, or the exported file does not give what the model gives."""


class StoreError(EvenfitError):
    """A store or a run folder is missing, damaged, locked, full, or from a newer version."""


class TrackingError(EvenfitError):
    """A run cannot be tracked: no such tracker, a package that is missing, a server or folder that refuses."""


class SweepError(EvenfitError, ValueError):
    """A sweep file cannot be read or honoured, or its program cannot be run."""


class BudgetError(EvenfitError, ValueError):
    """A budget cannot be read, or is too small for any answer."""


class WorkerError(EvenfitError):
    """A process that trains has died; what had been finished is kept."""


class Interrupted(KeyboardInterrupt):
    """A run was stopped on the user's wish after what it had was stored: it can be resumed.

    The command line prints how, and exits with 3.
    """

    def __init__(self, run: str, *, runs: str) -> None:
        super().__init__(run)
        self.run = run  # its name
        self.runs = runs  # the folder of runs that it lies in
