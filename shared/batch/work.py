"""Who works on what: one attempt at one run of a job."""

from typing import NamedTuple


class Work(NamedTuple):
    """`attempt` says who may write for the job. `run` rises when a job is started over from nothing: what an earlier
    run left behind is then not seen any more.
    """

    job_id: str
    attempt: int
    run: int = 1

    @property
    def folder(self) -> str:
        return f"{self.job_id}/{self.run}/"

    def path(self, name: str) -> str:
        """Of a document of this run, and in the container `staging` of a part."""
        return self.folder + name

    @property
    def instance_id(self) -> str:
        """The durable instance that does it."""
        return f"{self.job_id}-{self.attempt}"
