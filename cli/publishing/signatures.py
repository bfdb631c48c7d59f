"""What a new model takes or gives otherwise than the one that callers know."""

from collections.abc import Iterator

from shared.models.signature import Column, Signature


def breaking(before: Signature, after: Signature) -> list[str]:
    """Changes for which a request that was good may fail, or an answer lacks what callers read."""
    if bool(before.tensors) != bool(after.tensors):
        return ["it takes tensors now" if after.tensors else "it takes columns now, and no tensors"]
    return [*_columns(before, after), *_tensors(before, after), *_params(before, after), *_outputs(before, after)]


def _columns(before: Signature, after: Signature) -> Iterator[str]:
    old = {column.name: column for column in before.columns}
    new = {column.name: column for column in after.columns}
    for name, column in new.items():
        was = old.get(name)
        if was is None:
            if column.required:
                yield f"the column {name} is new, and required"
        elif _kind(was) != _kind(column):
            yield f"the column {name} is {column.type} now, it was {was.type}"
        elif column.required and not was.required:
            yield f"the column {name} is required now"
    for name in old:
        if name not in new:
            yield f"the column {name} is not there any more"


def _kind(column: Column) -> tuple[object, ...]:
    return column.type, str(column.items), str(column.properties), str(column.values)


def _tensors(before: Signature, after: Signature) -> Iterator[str]:
    old = {tensor.name: tensor for tensor in before.tensors}
    for tensor in after.tensors:
        was = old.get(tensor.name)
        if was is None:
            yield f"the tensor {tensor.name or '(without a name)'} is new"
        elif (was.dtype, was.shape) != (tensor.dtype, tensor.shape):
            told = f"{tensor.dtype} {list(tensor.shape)} now, it was {was.dtype} {list(was.shape)}"
            yield f"the tensor {tensor.name or '(without a name)'} is {told}"


def _params(before: Signature, after: Signature) -> Iterator[str]:
    new = {param.name: param for param in after.params}
    for param in before.params:
        found = new.get(param.name)
        if found is None:
            yield f"the param {param.name} is not there any more"
        elif (found.type, found.shape) != (param.type, param.shape):
            yield f"the param {param.name} is {found.type} now, it was {param.type}"


def _outputs(before: Signature, after: Signature) -> Iterator[str]:
    if not after.outputs:
        return  # says nothing of what it gives
    new = {output.name: output for output in after.outputs}
    for output in before.outputs:
        found = new.get(output.name)
        if found is None:
            yield f"the output {output.name} is not there any more"
        elif found.type != output.type:
            yield f"the output {output.name} is {found.type} now, it was {output.type}"
