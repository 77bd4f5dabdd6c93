"""Checks a JSON reply against the output shape of botocore's service model.

botocore itself parses leniently: it skips members that it does not know and checks no pattern. This
walks the raw JSON instead, so that a reply that no real service would send is found.
"""

import math

import regex

# The model gives the inline policy at least one character, but the service returns "" where there
# is none, and clients (terraform-provider-aws among them) rely on it.
KNOWN_EMPTY = {"PermissionSetPolicyDocument"}


def problems(shape, value, path="$"):
    """All that is wrong with a value, each with its place."""
    return list(_walk(shape, value, path))


def _walk(shape, value, path):
    kind = shape.type_name
    if kind == "structure":
        if shape.metadata.get("document"):
            return
        if not isinstance(value, dict):
            yield f"{path}: {value!r} is no structure"
            return
        for name in shape.required_members:
            if name not in value:
                yield f"{path}.{name}: required and not there"
        for name, member in value.items():
            if name not in shape.members:
                yield f"{path}.{name}: {shape.name} has no such member"
            elif member is None:
                yield f"{path}.{name}: null"
            else:
                yield from _walk(shape.members[name], member, f"{path}.{name}")
        if shape.metadata.get("union") and len(value) != 1:
            yield f"{path}: a union of {len(value)} members"
    elif kind == "list":
        if not isinstance(value, list):
            yield f"{path}: {value!r} is no list"
            return
        yield from _size(shape, len(value), path)
        for index, item in enumerate(value):
            yield from _walk(shape.member, item, f"{path}[{index}]")
    elif kind == "map":
        if not isinstance(value, dict):
            yield f"{path}: {value!r} is no map"
            return
        for name, item in value.items():
            yield from _walk(shape.key, name, f"{path}.{name}")
            yield from _walk(shape.value, item, f"{path}.{name}")
    elif kind == "string":
        if not isinstance(value, str):
            yield f"{path}: {value!r} is no string"
            return
        if value == "" and shape.name in KNOWN_EMPTY:
            return
        yield from _size(shape, len(value), path)
        enum = shape.metadata.get("enum")
        if enum and value not in enum:
            yield f"{path}: {value!r} is none of {enum}"
        pattern = shape.metadata.get("pattern")
        if pattern and not regex.fullmatch(pattern, value):
            yield f"{path}: {value!r} does not match {pattern}"
    elif kind in ("integer", "long"):
        if isinstance(value, bool) or not isinstance(value, int):
            yield f"{path}: {value!r} is no integer"
        else:
            yield from _size(shape, value, path)
    elif kind == "boolean":
        if not isinstance(value, bool):
            yield f"{path}: {value!r} is no boolean"
    elif kind == "timestamp":
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            yield f"{path}: {value!r} is no number of seconds"
        elif not (math.isfinite(value) and 1.5e9 < value < 4e9):
            yield f"{path}: {value!r} is no time of this age"
    else:
        yield f"{path}: a {kind} is not checked yet"


def _size(shape, size, path):
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and size < least:
        yield f"{path}: {size} is less than {least}"
    if most is not None and size > most:
        yield f"{path}: {size} is more than {most}"


def error_problems(operation, status, body):
    """All that is wrong with an error reply."""
    code = body.get("__type")
    modelled = {shape.name: shape for shape in operation.error_shapes}
    if code not in modelled:
        yield f"{operation.name}: {code} is none of its errors {sorted(modelled)}"
        return
    expected = 500 if code in ("InternalServerException", "ServiceException") else 400
    if status != expected:
        yield f"{operation.name}: {code} with HTTP status {status}"
    members = {("Message" if name == "message" else name): value for name, value in body.items()}
    del members["__type"]
    if not members.get("Message"):
        yield f"{operation.name}: {code} without a message"
        return
    if "Message" not in modelled[code].members:
        # CloudTrail's model names no member of any error, but every error has a message.
        del members["Message"]
    yield from problems(modelled[code], members, f"$({code})")
