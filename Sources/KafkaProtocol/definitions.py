"""Reads the message definitions. The language is described in Definitions/README."""

import pathlib
import re

MAX_VERSION = 32767
SIZES = {"bool": 1, "int8": 1, "int16": 2, "int32": 4, "int64": 8, "uuid": 16}
PRIMITIVES = set(SIZES) | {"string", "bytes", "records"}


class Versions:
    """An inclusive range of versions; empty if last < first."""

    def __init__(self, first, last):
        self.first, self.last = first, last

    @staticmethod
    def parse(text):
        match = re.fullmatch(r"(\d+)(?:(\+)|-(\d+))?", text)
        if not match:
            raise ValueError(f"not a range of versions: {text}")
        first = int(match[1])
        if match[2]:
            return Versions(first, MAX_VERSION)
        return Versions(first, int(match[3]) if match[3] else first)

    def __and__(self, other):
        return Versions(max(self.first, other.first), min(self.last, other.last))

    def __bool__(self):
        return self.first <= self.last

    def __contains__(self, version):
        return self.first <= version <= self.last

    def covers(self, other):
        return self.first <= other.first and other.last <= self.last

    def __iter__(self):
        return iter(range(self.first, self.last + 1))

    def __str__(self):
        return f"{self.first}...{self.last}"


ALL = Versions(0, MAX_VERSION)
NONE = Versions(0, -1)


class Field:
    def __init__(self, name, kind, is_array, default, versions, nullable, tag, text):
        self.name = name
        self.kind = kind  # a primitive, or the name of a struct
        self.is_array = is_array
        self.default = default  # as written, or None
        self.versions = versions
        self.nullable = nullable
        self.tag = tag
        self.text = text
        self.struct = None

    @property
    def is_optional(self):
        """Whether nil is among the values in Swift."""
        return bool(self.nullable) or (self.tag is not None and self.is_struct)

    @property
    def is_struct(self):
        return self.struct is not None and not self.is_array


class Struct:
    def __init__(self, name):
        self.name = name
        self.fields = []
        self.versions = NONE

    def has_records(self):
        return any(f.kind == "records" or f.struct and f.struct.has_records() for f in self.fields)

    def bytes_min(self, versions, flexible):
        """The fewest bytes that a value can take in any of the versions."""
        return min(self._bytes_min(version, version in flexible) for version in versions)

    def _bytes_min(self, version, is_flexible):
        size = 1 if is_flexible else 0
        for field in self.fields:
            if version not in field.versions or field.tag is not None:
                continue
            if field.is_array or field.kind in ("bytes", "records"):
                size += 1 if is_flexible else 4
            elif field.kind == "string":
                size += 1 if is_flexible else 2
            elif field.struct:
                size += field.struct._bytes_min(version, is_flexible)
            else:
                size += SIZES[field.kind]
        return size


class API:
    def __init__(self):
        self.key = self.name = self.broker = self.client = None
        self.flexible = NONE
        self.request = self.response = None

    @property
    def file_name(self):
        return f"{self.key:02}_{self.name}"


def parse_field(line):
    line, _, text = line.partition("#")
    words = line.split()
    name, kind = words[0], words[1]
    default, versions, nullable, tag = None, ALL, NONE, None
    at = 2
    while at < len(words):
        if words[at] == "=":
            default = words[at + 1]
            at += 2
        elif words[at] == "null":
            nullable = Versions.parse(words[at + 1])
            at += 2
        elif words[at] == "tag":
            tag = int(words[at + 1])
            at += 2
        else:
            versions = Versions.parse(words[at])
            at += 1
    if kind.endswith("?"):
        kind, nullable = kind[:-1], versions
    is_array = kind.startswith("[")
    return Field(name, kind.strip("[]"), is_array, default, versions, nullable & versions, tag,
                 text.strip())


def parse(path):
    api = API()
    stack = []  # (indentation, struct)
    structs = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        try:
            if indent > 0:
                while stack[-1][0] >= indent:
                    stack.pop()
                field = parse_field(line)
                stack[-1][1].fields.append(field)
                if field.kind not in PRIMITIVES:
                    known = field.kind in structs
                    field.struct = structs.setdefault(field.kind, Struct(field.kind))
                    if not known:
                        stack.append((indent, field.struct))
            elif words[0] == "api":
                api.key, api.name = int(words[1]), words[2]
            elif words[0] in ("broker", "client", "flexible"):
                setattr(api, words[0], Versions.parse(words[1]))
            elif words[0] in ("request", "response"):
                message = Struct(api.name + words[0].capitalize())
                setattr(api, words[0], message)
                structs = {}
                stack = [(0, message)]
            else:
                raise ValueError(f"unknown word {words[0]}")
        except (ValueError, IndexError) as error:
            raise SystemExit(f"{path.name}:{number}: {error}") from error
    for message in (api.request, api.response):
        reach(message, api.broker)
        cut(message)
    return api


def reach(struct, versions):
    """Widens `struct.versions` to every version in which some field holds the struct."""
    if struct.versions:
        struct.versions = Versions(min(struct.versions.first, versions.first),
                                   max(struct.versions.last, versions.last))
    else:
        struct.versions = versions
    for field in struct.fields:
        if field.struct and field.versions & versions:
            reach(field.struct, field.versions & versions)


def cut(struct):
    """Cuts the versions of fields to those of the struct that holds them."""
    for field in struct.fields:
        field.versions &= struct.versions
        field.nullable &= struct.versions
    struct.fields = [field for field in struct.fields if field.versions]
    for inner in nested(struct):
        if inner.versions:
            for field in inner.fields:
                field.versions &= inner.versions
                field.nullable &= inner.versions
            inner.fields = [field for field in inner.fields if field.versions]


def nested(struct, found=None):
    """All structs below, each once, in the order in which they are named."""
    found = [] if found is None else found
    for field in struct.fields:
        if field.struct and field.struct not in found:
            found.append(field.struct)
            nested(field.struct, found)
    return found


def read_all(directory=None):
    directory = directory or pathlib.Path(__file__).parent / "Definitions"
    paths = sorted(path for path in directory.iterdir() if re.match(r"\d\d+_", path.name))
    return [parse(path) for path in paths]
