"""What the app says of where foreign code would run there, and of where it may come from."""

from typing import NamedTuple

from cli.client import App
from cli.sources.origin import ModelSource
from shared.models.environments import Environment
from shared.models.mlmodel import describe
from shared.models.sources import check_source


class Environments(NamedTuple):
    """`named`: by name, "" for the app's own. `code_sources`: as the app's setting."""

    named: dict[str, Environment]
    code_sources: tuple[str, ...]

    def check_source(self, deployment: str, source: ModelSource) -> None:
        """Comes before anything of the model is loaded on this machine. Raises SourceNotAllowed."""
        if self.code_sources:
            package = describe(source.folder, "model", "1", source.code)
            check_source(deployment, package.model_copy(update={"origin": source.origin}), self.code_sources)


def ask(app: App) -> Environments:
    """Raises CommandError."""
    told = app.get("environments")
    named = {each["name"]: Environment(each["name"], each["python"], each["packages"]) for each in told["value"]}
    return Environments(named, tuple(told["code_sources"]))
