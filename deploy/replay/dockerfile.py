"""Reads deploy/Dockerfile: the instructions that it uses, and no others, so that a new one is noticed by whoever carries them out."""
import dataclasses
import json
import re
import shlex

# What docker's reference calls exec form or shell form, and plain arguments.
KNOWN = {"ARG", "FROM", "WORKDIR", "COPY", "RUN", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"}


@dataclasses.dataclass
class Instruction:
    word: str
    text: str
    line: int

    @property
    def words(self):
        """Of exec form the array, else the words as a shell would split them."""
        return json.loads(self.text) if self.text.startswith("[") else shlex.split(self.text)


@dataclasses.dataclass
class Stage:
    image: str
    name: str
    instructions: list

    def last(self, word):
        """What an instruction that overrides earlier ones says; None if it is not there."""
        found = [i for i in self.instructions if i.word == word]
        return found[-1] if found else None

    def all(self, word):
        return [i for i in self.instructions if i.word == word]

    def environment(self):
        pairs = [word.split("=", 1) for i in self.all("ENV") for word in i.words]
        return dict(pairs)

    def health(self):
        """The command of HEALTHCHECK, as an array."""
        return json.loads(self.last("HEALTHCHECK").text.split("CMD", 1)[1])


def parse(text):
    """The stages in their order."""
    arguments, stages = {}, []
    for number, line in logical_lines(text):
        word, _, rest = line.partition(" ")
        word, rest = word.upper(), rest.strip()
        if word not in KNOWN:
            raise ValueError(f"Dockerfile:{number}: {word} is not an instruction that deploy/replay knows; teach it there")
        if word == "ARG":
            name, _, value = rest.partition("=")
            arguments[name] = value
        elif word == "FROM":
            image, _, name = re.sub(r"\$\{(\w+)\}", lambda match: arguments[match[1]], rest).partition(" AS ")
            stages.append(Stage(image, name.strip(), []))
        else:
            stages[-1].instructions.append(Instruction(word, rest, number))
    return stages


def logical_lines(text):
    """(number, line) without comments, continued lines joined."""
    begun, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (not line.strip() and not begun):
            continue
        start = start if begun else number
        begun += line
        if begun.endswith("\\"):
            begun = begun[:-1]
            continue
        yield start, begun.strip()
        begun = ""
