"""The scoring scripts that both sides run, unchanged."""

from typing import Final

PLAIN: Final = """
def init():
    global ready
    ready = True

def run(raw_data):
    return {"type": type(raw_data).__name__, "text": raw_data, "ready": ready}
"""
# Evaluates what it is sent.
RESULTS: Final = """
import json, math
import numpy as np

async def later(): ...

def init(): pass

def run(raw_data):
    return eval(raw_data)
"""
HEADERS: Final = """
def init(): pass

def run(raw_data, request_headers):
    return {name: value for name, value in request_headers.items() if name.lower().startswith("x-")}
"""
# Runs the lines that come in a header.
RAW: Final = """
import json
from azureml_inference_server_http.api.aml_request import AMLRequest, rawhttp
from azureml_inference_server_http.api.aml_response import AMLResponse

def init(): pass

@rawhttp
def run(request):
    names = {"request": request, "AMLResponse": AMLResponse, "json": json}
    exec(request.headers["x-lines"], names)
    return names["result"]
"""
SCHEMA: Final = """
import datetime
import numpy as np
import pandas as pd
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType

FRAME = pd.DataFrame({"a": [1], "b": ["x"]})
RECORD = np.array([(1, 2.5)], dtype=[("n", "i4"), ("f", "f8")])

def init(): pass

@input_schema("what", StandardPythonParameterType("grid"))
@input_schema("grid", NumpyParameterType(np.array([[1.0, 2.0]])), optional=True)
@input_schema("record", NumpyParameterType(RECORD), optional=True)
@input_schema("times", NumpyParameterType(np.array(["2020-01-01"], dtype="datetime64[D]")), optional=True)
@input_schema("frame", PandasParameterType(FRAME), optional=True)
@input_schema("number", StandardPythonParameterType(1.5), optional=True)
@input_schema("day", StandardPythonParameterType(datetime.datetime(2020, 1, 1)), optional=True)
@input_schema("blob", StandardPythonParameterType(b"x"), optional=True)
@input_schema("nested", StandardPythonParameterType({"x": NumpyParameterType(np.array([1.0]))}), optional=True)
@input_schema("listed", StandardPythonParameterType([NumpyParameterType(np.array([1]))]), optional=True)
@output_schema(StandardPythonParameterType({"a": "b"}))
def run(what, grid=None, record=None, times=None, frame=None, number=None, day=None, blob=None, nested=None,
        listed=None):
    value = locals()[what]
    if isinstance(value, np.ndarray):
        return [str(value.dtype), str(value.tolist())]
    if isinstance(value, pd.DataFrame):
        return [{name: str(dtype) for name, dtype in value.dtypes.items()}, value.astype(str).values.tolist()]
    return [type(value).__name__, str(value)]
"""
SCRIPTS: Final = {"plain": PLAIN, "results": RESULTS, "headers": HEADERS, "raw": RAW, "schema": SCHEMA}
