"""The shape of the Swift sources: which folders of a target know each other, and which types are
the largest. Words are counted, no compiler is asked: what it finds is there, there may be more."""
import collections
import pathlib
import re

TYPE = re.compile(r"^(?:(?:public|package|internal|private|fileprivate|final|indirect|open)\s+)*"
                  r"(struct|final class|class|enum|protocol|typealias|actor)\s+(\w+)", re.M)
BODY = re.compile(r"^([ \t]*)(?:(?:public|package|internal|private|fileprivate|final|indirect|@\w+)\s+)*"
                  r"(?:struct|class|enum|protocol|actor|extension)\s+([\w.]+)[^{}\n]*(?:\n[^{}]*)?\{", re.M)
FUNCTION = re.compile(r"\b(?:func\s|init[?(<])")
STORED = re.compile(r"^\s*(?:(?:public|package|internal|private|fileprivate|final|lazy|unowned|weak"
                    r"|nonisolated)(?:\(\w+\))?\s+)*(?:let|var)\s+\w")
WORD = re.compile(r"\b[A-Z]\w+")


def without_text(source):
    """The code, comments and strings blanked; lines stay where they are."""
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])
    return re.sub(r'//[^\n]*|/\*.*?\*/|"""(?:\\.|.)*?"""|"(?:\\.|[^"\\\n])*"', blank, source, flags=re.S)


class Sources:
    def __init__(self, root, names):
        self.code = {name: without_text((root / name).read_text())
                     for name in names
                     if name.startswith("Sources/") and name.endswith(".swift")
                     and "/Generated/" not in name}

    def cycles(self):
        """{target: [sorted folders that reach each other]}; files of a target's own folder are
        the folder "."."""
        owners, files = collections.defaultdict(dict), collections.defaultdict(list)
        for name, code in self.code.items():
            target, folder = place(name)
            files[target].append((folder, code))
            for match in TYPE.finditer(code):
                owners[target].setdefault(match[2], set()).add(folder)
        found = {}
        for target, list_ in files.items():
            graph = collections.defaultdict(set)
            for folder, code in list_:
                for word in set(WORD.findall(code)):
                    homes = owners[target].get(word, set())
                    if len(homes) == 1:
                        graph[folder] |= homes - {folder}
            if groups := components(graph):
                found[target] = groups
        return found

    def largest(self, count):
        """(type, stored properties, functions, lines, files) of the largest, over all extensions."""
        sizes = collections.defaultdict(lambda: [0, 0, 0, set()])
        for name, code in self.code.items():
            for match in BODY.finditer(code):
                if match[1]:
                    continue
                body = braces(code, match.end())
                row = sizes[place(name)[0] + "." + match[2]]
                row[2] += body.count("\n") + 1
                row[3].add(name)
                for depth, line in at_depth(body):
                    if depth == 0:
                        row[1] += bool(FUNCTION.search(line))
                        row[0] += bool(STORED.match(line)) and not re.search(r"\{(?!\s*(?:did|will)Set)", line)
        order = sorted(sizes.items(), key=lambda item: -item[1][2])[:count]
        return [(name, *row[:3], len(row[3])) for name, row in order]


def place(name):
    parts = pathlib.PurePosixPath(name).parts
    return parts[1], parts[2] if len(parts) > 3 else "."


def braces(code, start):
    depth = 1
    for match in re.compile(r"[{}]").finditer(code, start):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return code[start:match.start()]
    return code[start:]


def at_depth(body):
    depth = 0
    for line in body.split("\n"):
        yield depth, line
        depth += line.count("{") - line.count("}")


def components(graph):
    """The groups of more than one node that reach each other."""
    nodes = sorted(set(graph) | {n for to in graph.values() for n in to})
    reach = {}
    for node in nodes:
        seen, todo = set(), [node]
        while todo:
            for to in graph.get(todo.pop(), ()):
                if to not in seen:
                    seen.add(to)
                    todo.append(to)
        reach[node] = seen
    groups = {tuple(n for n in nodes if n in reach[node] and node in reach[n])
              for node in nodes if node in reach[node]}
    return sorted(list(group) for group in groups if len(group) > 1)
