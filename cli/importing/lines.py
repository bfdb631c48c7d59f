"""Texts of foreign files, in a form that one line can hold. Pure."""


def one_line(text: str) -> str:
    """Also what a terminal, or a reader of YAML, would take for an end of the line or a command becomes a space."""
    return "".join(each if each.isprintable() else " " for each in text)
