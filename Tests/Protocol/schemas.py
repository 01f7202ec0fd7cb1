"""That our definitions agree with the message schemas inside kafka-python.

Names of structs are ours, and so are defaults of fields that every version writes. Everything else
must agree in the versions that both know: the fields, their order, types, versions, nullability,
tags, the defaults of tagged fields, and the first flexible version.
"""

import importlib.resources
import json
import pathlib
import re

from definitions import ALL, NONE, Versions, read_all

HERE = pathlib.Path(__file__).resolve().parent
# Where a default of ours is another one on purpose.
OTHER_DEFAULTS = {
    "MetadataRequest.allowAutoTopicCreation",  # a reader must never create a topic
}


def schema(name):
    folder = importlib.resources.files("kafka.protocol.schemas.resources")
    text = (folder / f"{name}.json").read_text()
    return json.loads(re.sub(r"//.*$", "", text, flags=re.M))


def versions(text):
    return NONE if not text or text == "none" else Versions.parse(text)


def plain(name):
    """A name without the ways in which the two spell it."""
    name = name.lower().replace("milliseconds", "ms").replace("_", "")
    return re.sub("^(topic|cluster)(authorizedoperations)$", r"\2", name)


class Comparison:
    def __init__(self, message):
        self.message = message
        self.common = {s["name"]: s for s in message.get("commonStructs", [])}
        self.good, self.failures = 0, []

    def expect(self, what, ours, theirs):
        if ours == theirs:
            self.good += 1
        else:
            self.failures.append(f"{what}: {ours} here, {theirs} in the schema")

    def fields(self, path, ours, theirs, within):
        ours = [f for f in ours if f.versions & within]
        theirs = [f for f in theirs if versions(f["versions"]) & within]
        self.expect(f"{path} fields", [plain(f.name) for f in ours],
                    [plain(f["name"]) for f in theirs])
        for a, b in zip(ours, theirs):
            if plain(a.name) == plain(b["name"]):
                self.field(f"{path}.{a.name}", a, b, within)

    def field(self, path, ours, theirs, within):
        kind = theirs["type"]
        is_array = kind.startswith("[]")
        kind = kind.removeprefix("[]")
        inner = theirs.get("fields") or self.common.get(kind, {}).get("fields")
        mine = ours.versions & within
        self.expect(f"{path} versions", str(mine), str(versions(theirs["versions"]) & within))
        self.expect(f"{path} array", ours.is_array, is_array)
        self.expect(f"{path} nullable", str(ours.nullable & within or NONE),
                    str(versions(theirs.get("nullableVersions")) & mine or NONE))
        self.expect(f"{path} tag", ours.tag, theirs.get("tag"))
        if ours.tag is not None:
            self.expect(f"{path} tagged", str(mine), str(versions(theirs["taggedVersions"]) & mine))
        if inner:
            self.expect(f"{path} struct", bool(ours.struct), True)
            self.fields(path, ours.struct.fields if ours.struct else [], inner, mine)
        else:
            self.expect(f"{path} type", ours.kind, kind)
            if "default" in theirs and path not in OTHER_DEFAULTS:
                self.expect(f"{path} default", default(ours), their_default(theirs))


def default(field):
    if field.default is not None:
        return {'""': "", "[]": ""}.get(field.default, field.default)
    if field.nullable:
        return "null"
    if field.kind == "bool":
        return "false"
    return "" if field.kind in ("string", "bytes") or field.is_array else "0"


def their_default(field):
    text = str(field["default"])
    if re.fullmatch(r"-?0x[0-9a-fA-F]+", text):
        return str(int(text, 16))
    return text.lower() if field["type"] == "bool" else text


def check_messages():
    good, failures = 0, []
    for api in read_all():
        for message, suffix in ((api.request, "Request"), (api.response, "Response")):
            theirs = schema(api.name + suffix)
            comparison = Comparison(theirs)
            known = versions(theirs["validVersions"])
            # Versions that brokers have given up since are still described by the schema's fields.
            within = api.broker & Versions(0, known.last)
            comparison.expect(f"{message.name} key", api.key, theirs["apiKey"])
            comparison.expect(f"{message.name} newest version", str(api.broker), str(within))
            comparison.expect(f"{message.name} flexible", str(api.flexible & within or NONE),
                              str(versions(theirs["flexibleVersions"]) & within or NONE))
            comparison.fields(message.name, message.fields, theirs["fields"], within)
            good += comparison.good
            failures += comparison.failures
    return good, failures


# Names that kafka-python spells in its own way.
ERROR_NAMES = {
    "UNKNOWN": "UNKNOWN_SERVER_ERROR", "NO_ERROR": "NONE",
    "NOT_LEADER_FOR_PARTITION": "NOT_LEADER_OR_FOLLOWER",
    "MESSAGE_SIZE_TOO_LARGE": "MESSAGE_TOO_LARGE", "INVALID_TOPIC": "INVALID_TOPIC_EXCEPTION",
    "INVALID_REPLICATION_ASSIGNMENT": "INVALID_REPLICA_ASSIGNMENT",
}
RETRIABLE = {"retry", "metadata", "coordinator", "session", "bootstrap"}
# As the Java client sees them: a corrupt message may have been read badly once, and fetches go on
# after an error of the server that has no name.
OTHER_REACTIONS = {"CORRUPT_MESSAGE", "UNKNOWN_SERVER_ERROR"}


def check_errors():
    import kafka.errors

    path = HERE.parent.parent / "Sources" / "KafkaProtocol" / "Definitions" / "errors"
    ours = {}
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            code, name, reaction = line.split()
            ours[int(code)] = (name, reaction)
    good, failures = 0, []
    for theirs in vars(kafka.errors).values():
        code = getattr(theirs, "errno", None)
        if not isinstance(theirs, type) or "errno" not in vars(theirs) or code is None:
            continue
        name, reaction = ours.get(code, (None, None))
        expected = ERROR_NAMES.get(theirs.message, theirs.message)
        if name != expected:
            failures.append(f"error {code}: {name} here, {expected} in kafka-python")
        elif name not in OTHER_REACTIONS and (reaction in RETRIABLE) != theirs.retriable:
            failures.append(f"error {name}: {reaction} here, retriable {theirs.retriable} there")
        else:
            good += 1
    return good, failures
