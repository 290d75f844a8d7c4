"""Codes of problems, and flaws: problems inside one file, before it is known under which path it stands."""

from enum import StrEnum
from typing import NamedTuple


class Code(StrEnum):
    """What can be wrong with a revision. Stable; each is explained in docs/reference/problems.md."""

    FILE_NAME = "FileName"
    SYMLINK = "Symlink"
    SUBMODULE = "Submodule"
    LFS_POINTER = "LfsPointer"
    FILE_TOO_LARGE = "FileTooLarge"
    NOT_UTF8 = "NotUtf8"
    CONTROL_CHARACTER = "ControlCharacter"
    YAML_SYNTAX = "YamlSyntax"
    YAML_VERSION = "YamlVersion"
    YAML_TAG = "YamlTag"
    YAML_ALIAS = "YamlAlias"
    TOO_DEEP = "TooDeep"
    TOO_COMPLEX = "TooComplex"
    DUPLICATE_KEY = "DuplicateKey"
    KEY_NOT_STRING = "KeyNotString"
    NUMBER_OUT_OF_RANGE = "NumberOutOfRange"
    NOT_A_RESOURCE = "NotAResource"
    FOREIGN_RESOURCE = "ForeignResource"
    UNKNOWN_KIND = "UnknownKind"
    MISSING_FIELD = "MissingField"
    UNKNOWN_FIELD = "UnknownField"
    WRONG_TYPE = "WrongType"
    UNKNOWN_VALUE = "UnknownValue"
    INVALID_VALUE = "InvalidValue"
    TOO_MANY_PROBLEMS = "TooManyProblems"
    DUPLICATE_RESOURCE = "DuplicateResource"
    MISSING_REFERENCE = "MissingReference"
    MISSING_SECRET = "MissingSecret"  # noqa: S105 - the name of a problem
    SECRET_NOT_ENCRYPTED = "SecretNotEncrypted"  # noqa: S105 - the name of a problem
    MISSING_FOLDER = "MissingFolder"
    FOLDER_TOO_LARGE = "FolderTooLarge"
    DEPENDENCY_LOOP = "DependencyLoop"
    SEVERAL_AGENTS = "SeveralAgents"


class Flaw(NamedTuple):
    """A problem of a file whose path does not matter; line and column from 1, 0 for the whole file."""

    line: int
    column: int
    code: str
    message: str


Pointer = tuple[str | int, ...]
"""The way to a node of a document: keys and indices from its root."""


class Finding(NamedTuple):
    """A problem of a document whose line is not looked up yet; `at_key` points at the field's name."""

    pointer: Pointer
    code: Code
    message: str
    at_key: bool = False
