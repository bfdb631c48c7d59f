"""What looks at the outputs after every change of them, as their readers might."""

import hashlib
import json
from typing import Any, Final

from shared.adapters.memory import MemoryBlobs
from shared.ports import Container
from tests.exploration.stepping import Step

SUCCESS: Final = "_SUCCESS"
# What begins with an underscore is none of theirs, but for that one.
PREPARED: Final = "_prepared"


class Reader:
    """`whole`: of every output that was seen behind its `_SUCCESS`, what was in it."""

    def __init__(self, store: MemoryBlobs) -> None:
        self.whole: dict[str, dict[str, str]] = {}
        self._store = store

    def again(self, store: MemoryBlobs) -> "Reader":
        new = Reader(store)
        new.whole = dict(self.whole)
        return new

    @property
    def state(self) -> object:
        # What is in an output that is whole never changes, or else that is told.
        return frozenset(self.whole)

    def look(self, step: Step) -> str:
        """What is wrong with what there is to be seen; "" when nothing is."""
        if not step.place.startswith(f"{Container.PREDICTIONS}/"):
            return ""
        try:
            self._look()
        except AssertionError as error:
            return f"after {step}: {error}"
        return ""

    def _look(self) -> None:
        found = (item.name for item in self._store.list(Container.PREDICTIONS))
        names = [name for name in found if not name.endswith(f"/{PREPARED}")]
        folders = {name.removesuffix(SUCCESS) for name in names if name.endswith(f"/{SUCCESS}")}
        for folder in folders | set(self.whole):
            seen = {name: self._digest(name) for name in names if name.startswith(folder)}
            if folder not in self.whole:
                self._check_whole(folder, set(seen))
                self.whole[folder] = seen
            for name, digest in self.whole[folder].items():
                assert name in seen, f"{name} vanished after it was seen behind {SUCCESS}"
                assert seen[name] == digest, f"{name} changed after it was seen behind {SUCCESS}"
        for name in names:
            if name.endswith("/latest.json"):
                output = str(self._parsed(name)["output"]).removeprefix(f"{Container.PREDICTIONS}/")
                assert output in folders, f"{name} names {output}, which has no {SUCCESS}"

    def _check_whole(self, folder: str, names: set[str]) -> None:
        assert f"{folder}manifest.json" in names, f"{folder} has {SUCCESS} and no manifest"
        manifest = self._parsed(f"{folder}manifest.json")
        for part in [*manifest["parts"], *manifest["files"]]:
            item = self._store.find(Container.PREDICTIONS, folder + part["name"])
            assert item is not None, f"{folder} has {SUCCESS}, and {part['name']} is not there"
            assert item.size_bytes == part["size_bytes"], f"{folder} has {SUCCESS}, and half of {part['name']}"
        if manifest["counts"]["rejected"]:
            assert f"{folder}rejected.jsonl" in names, f"{folder} has {SUCCESS} and no rejected.jsonl"

    def _parsed(self, name: str) -> Any:
        return json.loads(self._bytes(name))

    def _digest(self, name: str) -> str:
        return hashlib.sha256(self._bytes(name)).hexdigest()

    def _bytes(self, name: str) -> bytes:
        blob = self._store.read(Container.PREDICTIONS, name)
        assert blob is not None
        return blob.data
