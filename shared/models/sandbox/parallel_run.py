"""Stands in for `azureml_user.parallel_run`: what batch scripts log with, and ask for the folder that they write to."""

from __future__ import annotations

import logging
import os
import sys

from .output_folder import VARIABLE


class EntryScript:
    """What it logs goes into the log of the worker, from INFO on."""

    def __init__(self) -> None:
        self.logger = logging.getLogger("azureml.entry_script")
        if not self.logger.handlers:
            self.logger.addHandler(logging.StreamHandler(sys.stdout))
            self.logger.setLevel(logging.INFO)
            self.logger.propagate = False

    @property
    def output_dir(self) -> str:
        return os.environ[VARIABLE]
