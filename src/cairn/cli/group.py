"""The click group behind `cairn`: verbs imported when called, every error one clear end."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from cairn.cli.verbs import SECTIONS, VERBS
from cairn.errors import CairnError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What a shell reports for a process that Ctrl-C ended (128 + SIGINT).
INTERRUPTED = 130
#: What a shell reports for a process whose reader went away (128 + SIGPIPE).
NOBODY_READS = 141


class Verbs(click.Group):
    """All verbs, each imported only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all verbs, importing none."""
        del ctx
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the module of a verb and return its command; None for an unknown verb."""
        del ctx
        verb = VERBS.get(cmd_name)
        if verb is None:
            return None
        command: click.Command = getattr(importlib.import_module(verb.module), verb.attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb that was typed; for an unknown one, name the verbs it may have been."""
        typed = args[0]
        if typed not in VERBS and not typed.startswith("-") and not ctx.resilient_parsing:
            from difflib import get_close_matches  # noqa: PLC0415 - hardly ever needed

            close = get_close_matches(typed, VERBS, n=2, cutoff=0.7)
            hint = f"did you mean `{'` or `'.join(close)}`?" if close else "see `cairn --help`."
            ctx.fail(f"There is no verb `{typed}`; {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs, grouped by what they are for."""
        del ctx
        width = max(map(len, VERBS))
        for title, verbs in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(verb.name.ljust(width), verb.summary) for verb in verbs])

    def shell_complete(
        self, ctx: click.Context, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Complete verbs from the register, importing none."""
        found = [
            click.shell_completion.CompletionItem(verb.name, help=verb.summary)
            for verb in VERBS.values()
            if verb.name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def main(self, args: Sequence[str] | None = None, *rest: Any, **extra: Any) -> NoReturn:  # noqa: ANN401 - click's own signature
        """Run the command line and leave the process with one of the fixed exit codes."""
        extra["standalone_mode"] = False
        status = self._run(args, *rest, **extra)
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            _discard_output()
        sys.exit(status)

    def invoke(self, ctx: click.Context) -> Any:  # noqa: ANN401 - click's own signature
        """Run a verb; a reader that goes away (`cairn show x | head`) ends it in silence."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            _discard_output()
            raise click.exceptions.Exit(NOBODY_READS) from None

    def _run(self, args: Sequence[str] | None, *rest: Any, **extra: Any) -> int:  # noqa: ANN401
        try:
            status = super().main(args, *rest, **extra)
        except click.exceptions.Abort:
            return _end("Stopped.", INTERRUPTED)
        except click.ClickException as error:
            error.show()
            return error.exit_code
        except CairnError as error:
            return _end(str(error), error.exit_code)
        except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback on screen
            from cairn.cli import crash  # noqa: PLC0415 - hardly ever needed

            return _end(crash.told(error), CairnError.exit_code)
        return status if isinstance(status, int) else 0


def _end(message: str, code: int) -> int:
    click.echo(message, err=True)
    return code


def _discard_output() -> None:
    """Point standard output at nothing, so that the interpreter's last flush is silent too."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
