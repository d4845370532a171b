"""What can be away: the services that the backend stands on. The message never holds data, only a class or code.

Away
  DatabaseAway    Postgres could not be reached, or did not answer in time
  CacheAway       Redis, likewise
  ObjectsAway     S3 refused, failed or could not be reached
"""


class Away(Exception):
    """A service we depend on did not do its part; the same request may succeed later."""

    def __str__(self) -> str:
        return f"{type(self).__name__}: {super().__str__()}"


class DatabaseAway(Away):
    """Postgres could not be reached, or did not answer in time."""


class CacheAway(Away):
    """Redis could not be reached, or did not answer in time."""


class ObjectsAway(Away):
    """S3 refused, failed or could not be reached."""
