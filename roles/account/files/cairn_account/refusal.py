"""What cannot be recorded or read, in a sentence for people."""


class Refused(Exception):
    """The account takes this line not, or is not what it was."""
