"""What stops the host, told to the person who started it."""


class HostError(Exception):
    """A reason why the host cannot start, in words that fit on one line."""

    @property
    def line(self) -> str:
        """The reason with line breaks and runs of blanks folded into single blanks."""
        return " ".join(str(self).split())
