"""A command called in this process; a user's mistake is raised, not printed."""

from unlearnleak.cli.commands import parser


def call(*words: object) -> int:
    arguments = parser([str(words[0])]).parse_args([*map(str, words)])
    return int(arguments.function(arguments))
