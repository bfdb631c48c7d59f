"""Worlds to begin with: a file of few rows that was dropped for an endpoint with the iris model, and what follows."""

from pathlib import Path
from typing import Any

from shared.batch import desk
from shared.batch import job as documents
from shared.batch.job import Job, JobInput, JobStatus
from shared.models.loader import Loader
from shared.ports import Container
from tests.exploration.verdict import folder_of, output
from tests.exploration.world import Blobs, Smooth, World
from tests.support import endpoint, iris
from tests.support.batch import Clock
from tests.support.durable import ACTIVITIES, run_at_once
from tests.support.endpoint import NOW
from tests.support.loading import make_loader

# Two mini-batches of two rows: a good one and a bad one, and a good one.
_GOOD, *_MORE = iris.csv(2).splitlines()[1:]
ONE = b",".join(name.encode() for name in iris.COLUMNS) + b"\n" + _GOOD + b"\n1,x,1,1\n"
TWO = ONE + b"\n".join(_MORE) + b"\n"


class Worlds:
    """Makes worlds that share one loaded model."""

    def __init__(self, folder: Path) -> None:
        self._models = Blobs(Clock())
        self._ref = endpoint.upload(self._models, folder)
        self._loader: Loader = make_loader(self._models)

    def dropped(self, *files: bytes, threshold: int = -1, output: str = "", **settings: Any) -> World:
        """Files lie in the inbox, and nobody has been told yet. `output`: where all jobs write."""
        world = World.new(self._models, self._loader)
        store = world.store
        batch = {"mini_batch_size": 2, "error_threshold": threshold, **settings}
        endpoint.publish(store, self._ref, batch=batch)
        jobs = [_job(store, number, data) for number, data in enumerate(files)]
        if output:
            jobs = [job.model_copy(update={"output_location": output}) for job in jobs]
        return world._replace(jobs=tuple(jobs))

    def delivered(self, *files: bytes, **settings: Any) -> World:
        """The jobs are there, and nobody works on them yet."""
        world = self.dropped(*files, **settings)
        host = world.host("before", Smooth(world.reader))
        for job in world.jobs:
            desk.submit(host.ports.store, job)
        return world

    def planned(self, *files: bytes, **settings: Any) -> World:
        """It is known what is to be scored."""
        world = self.delivered(*files, **settings)
        world.host("before", Smooth(world.reader))
        for job in world.jobs:
            ACTIVITIES["plan_job"](job.work._asdict())
        return world

    def scored(self, *files: bytes, **settings: Any) -> World:
        """All is scored, and nothing is to be seen yet."""
        world = self.planned(*files, **settings)
        for job in world.jobs:
            planned = ACTIVITIES["plan_job"](job.work._asdict())
            for index in range(planned["mini_batches"]):
                ACTIVITIES["score_mini_batch"]({**job.work._asdict(), "index": index})
            ACTIVITIES["close_window"]({**job.work._asdict(), "first": 0})
        return world

    def twin(self, *files: bytes, **settings: Any) -> dict[str, dict[str, object]]:
        """What is in the output of each job that nobody disturbs."""
        outputs = {}
        for number in range(len(files)):
            world = self.delivered(*files, **{**settings, "threshold": -1})
            world.host("undisturbed", Smooth(world.reader))
            job = world.jobs[number]
            run_at_once(job)
            assert desk.read(world.store, job.id).status == JobStatus.COMPLETED
            outputs[job.id] = output(world.store, folder_of(job))
        return outputs


def _job(store: Blobs, number: int, data: bytes) -> Job:
    name = f"flowers/month-{number}.csv"
    etag = store.write(Container.INBOX, name, data)
    path = f"{Container.INBOX}/{name}"
    return documents.new(
        documents.dropped_id(path, etag), "flowers", (JobInput(location=path, etag=etag),), "drop", NOW
    )
