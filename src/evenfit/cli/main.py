"""The one place where the command line meets the process: arguments, errors, exit codes."""

import gc
import os
import shlex
import signal
import sys
import traceback
from collections.abc import Sequence
from types import FrameType

from cyclopts import App, CycloptsError, Parameter, UnusedCliTokensError

from evenfit import __version__
from evenfit.errors import EvenfitError, Interrupted

DONE, GATE_FAILED, BAD_INPUT, RESUMABLE = 0, 1, 2, 3
_BROKEN = 70  # a mistake of evenfit's own, as in sysexits.h
_STOPPED = 130  # stopped with nothing to resume, as shells have it

# What each command is for and where it lives; its module is imported when it is called.
COMMANDS = {
    "fit": ("Tune a network on a table, score it honestly, and keep it.", "evenfit.cli.fit:fit"),
    "predict": ("Predict new rows with a run's model.", "evenfit.cli.predict:predict"),
    "export": ("Write a run's model for other programs, checked.", "evenfit.cli.export:export"),
    "score": ("Measure a run's model on fresh rows.", "evenfit.cli.score:score"),
    "runs": ("List the runs.", "evenfit.cli.runs:runs"),
    "show": ("Print what a run found.", "evenfit.cli.show:show"),
    "compare-runs": ("Compare what two runs selected, fold by fold.", "evenfit.cli.compare_runs:compare_runs"),
    "tag": ("Give a run tags, or take them away.", "evenfit.cli.tag:tag"),
    "note": ("Write a note on a run, or read it.", "evenfit.cli.note:note"),
    "track": ("Write a run to W&B, MLflow or TensorBoard.", "evenfit.cli.track:track"),
    "prune-runs": ("Delete runs that are no longer needed.", "evenfit.cli.prune_runs:prune_runs"),
    "sweep": ("Run a W&B sweep file with any program, locally.", "evenfit.cli.sweep:sweep"),
    "resume": ("Go on with a run that was stopped.", "evenfit.cli.resume:resume"),
    "diagnose": ("Say what is wrong with a network on a table, and what helps.", "evenfit.cli.diagnose:diagnose"),
    "bias-variance": (
        "Take a network's error apart into bias, variance and noise.",
        "evenfit.cli.bias_variance:bias_variance",
    ),
    "learning-curve": ("Measure what more rows would give.", "evenfit.cli.learning_curve:learning_curve"),
    "validation-curve": ("Measure what one value of a config does.", "evenfit.cli.validation_curve:validation_curve"),
    "audit": ("Find mistakes in a PyTorch model of yours; importing it runs its code.", "evenfit.cli.audit:audit"),
}


def build_app() -> App:
    """The command line, from its table."""
    app = App(
        name="evenfit",
        help="Neural networks that generalise: tuned by cross-validation, honestly scored, ready to use.",
        help_epilogue="Exit codes: 0 done, 1 the quality gate failed, 2 bad input, 3 interrupted but resumable.",
        help_format="plaintext",  # markdown would take longer to import than all the rest of rich
        version=__version__,
        suppress_keyboard_interrupt=False,
        default_parameter=Parameter(show_default=False),
    )
    for position, (name, (meaning, home)) in enumerate(COMMANDS.items()):
        app.command(home, name=name, help=meaning, sort_key=position)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code: whatever goes wrong for the user is one line on standard error."""
    before = signal.signal(signal.SIGTERM, _stop)  # a scheduler's end is as good as Ctrl-C
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return _run(tokens)
    except Interrupted as stop:
        where = "" if stop.runs == "runs" else f" --runs {shlex.quote(stop.runs)}"
        _say(f"stopped, and kept; to go on: evenfit resume {shlex.quote(stop.run)}{where}")
        return RESUMABLE
    except KeyboardInterrupt:
        _say("stopped; there is nothing to resume")
        return _STOPPED
    except BrokenPipeError:  # evenfit runs | head
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    except (EvenfitError, CycloptsError) as error:
        _say(_line(error))
        return BAD_INPUT
    except OSError as error:
        _say(": ".join(str(part) for part in (error.filename, error.strerror or error) if part is not None))
        return BAD_INPUT
    except Exception:  # noqa: BLE001 - the edge of the process: a traceback helps, and 1 means something else
        traceback.print_exc()
        _say("this is a mistake in evenfit; please report it with the lines above")
        return _BROKEN
    finally:
        signal.signal(signal.SIGTERM, before)
        if arguments is None:  # the process ends here: to look for garbage in all of torch takes half a second
            gc.freeze()


def _run(tokens: list[str]) -> int:
    """Parse, call."""
    code = build_app()(tokens, exit_on_error=False, print_error=False, result_action="return_value")
    return code if isinstance(code, int) else DONE


def _line(error: Exception) -> str:
    """An error's message in one line."""
    if isinstance(error, UnusedCliTokensError):
        extra = " ".join(error.unused_tokens or ())
        return f"unexpected {extra!r}; a value with spaces needs quotes, as in --budget '40 trials'"
    return " ".join(str(error).split())


def _say(message: str) -> None:
    """One line on standard error."""
    encoding = sys.stderr.encoding or "utf-8"
    sys.stderr.write(f"evenfit: {message}\n".encode(encoding, "replace").decode(encoding))


def _stop(number: int, frame: FrameType | None) -> None:
    """A request to end becomes the same exception as Ctrl-C."""
    del number, frame
    raise KeyboardInterrupt
