"""What lies inside of Arrow's lists, structs and maps. Texts there may be shared: held once, however often named"""

import pyarrow as pa
import pyarrow.compute as pc


def stored(kind: pa.DataType) -> list[pa.DataType]:
    """The types of the columns that Parquet makes of a value."""
    if isinstance(kind, pa.BaseExtensionType):
        return stored(kind.storage_type)
    if not pa.types.is_nested(kind):
        return [kind]
    return [leaf for at in range(kind.num_fields) for leaf in stored(kind.field(at).type)]


def plain(kind: pa.DataType) -> pa.DataType:
    """The type without dictionaries."""
    if pa.types.is_dictionary(kind):
        return kind.value_type
    if not any(pa.types.is_dictionary(leaf) for leaf in stored(kind)):
        return kind
    if pa.types.is_map(kind):
        return pa.map_(_plain(kind.key_field), _plain(kind.item_field))
    if pa.types.is_struct(kind):
        return pa.struct([_plain(field) for field in kind.fields])
    if pa.types.is_large_list(kind):
        return pa.large_list(_plain(kind.value_field))
    return pa.list_(_plain(kind.value_field))


def _plain(field: pa.Field) -> pa.Field:
    return field.with_type(plain(field.type))


def can_share(kind: pa.DataType) -> bool:
    """Whether Arrow can turn texts that are shared inside of such values into plain ones."""
    if isinstance(kind, pa.BaseExtensionType):
        return False
    if not pa.types.is_nested(kind):
        return True
    known = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind) or pa.types.is_struct(kind)
    inside = [kind.field(at).type for at in range(kind.num_fields)]
    return known and all(can_share(part) and not _is_view(part) for part in inside)


def _is_view(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string_view(kind) or pa.types.is_binary_view(kind))


def size(array: pa.Array) -> int:
    """Bytes, of texts as if each row had its own."""
    kind = array.type
    if pa.types.is_map(kind):
        first, end = array.offsets[0].as_py(), array.offsets[-1].as_py()
        return 4 * len(array) + sum(size(part.slice(first, end - first)) for part in (array.keys, array.items))
    if pa.types.is_struct(kind):
        return len(array) + sum(map(size, array.flatten()))
    if pa.types.is_nested(kind):
        return 4 * len(array) + size(array.flatten())
    if not pa.types.is_dictionary(kind) or not _is_bytes(kind.value_type):
        return int(array.nbytes)
    lengths = pc.binary_length(array.dictionary).cast(pa.int64())
    return 4 * len(array) + (pc.sum(lengths.take(array.indices)).as_py() or 0)


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_large_binary(kind)
    )
