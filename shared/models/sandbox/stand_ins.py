"""The modules that a score.py may import from Azure ML, for environments where they are not installed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

# None: a package that holds nothing but the ones below it.
_MODULES = {
    "azureml": None,
    "azureml.contrib": None,
    "azureml.contrib.services": None,
    "azureml.contrib.services.aml_request": "aml_request",
    "azureml.contrib.services.aml_response": "aml_response",
    "azureml_inference_server_http": None,
    "azureml_inference_server_http.api": None,
    "azureml_inference_server_http.api.aml_request": "aml_request",
    "azureml_inference_server_http.api.aml_response": "aml_response",
    "azureml_user": None,
    "azureml_user.parallel_run": "parallel_run",
    "inference_schema": None,
    "inference_schema.schema_decorators": "schema",
    "inference_schema.schema_util": "schema",
    "inference_schema.parameter_types": None,
    "inference_schema.parameter_types.abstract_parameter_type": "schema_types",
    "inference_schema.parameter_types.standard_py_parameter_type": "schema_types",
    "inference_schema.parameter_types.numpy_parameter_type": "schema_numpy",
    "inference_schema.parameter_types.pandas_parameter_type": "schema_pandas",
}


def install() -> None:
    """Asked last, so that whatever is really installed wins."""
    sys.meta_path.append(_Finder())


class _Finder(MetaPathFinder, Loader):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname not in _MODULES:
            return None
        return ModuleSpec(fullname, self, is_package=_MODULES[fullname] is None)

    def exec_module(self, module: ModuleType) -> None:
        own = _MODULES[module.__name__]
        if own is not None:
            # The one module under several names: what `rawhttp` notes down is to be seen under each.
            sys.modules[module.__name__] = importlib.import_module(f"{__package__}.{own}")
