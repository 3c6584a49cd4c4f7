"""One way to say a query to either engine, as an author who does not want to choose would write it."""

from uuid import uuid4


def query(sql: str, **frames: object) -> object:
    """The rows of a query in SQL that both engines know; `{orders}` stands for the frame that is given as `orders`."""
    first = next(iter(frames.values()))
    if hasattr(first, "sparkSession"):
        return first.sparkSession.sql(sql, **frames)
    names = {name: f"{name}_{uuid4().hex}" for name in frames}
    for name, frame in frames.items():
        frame.create_view(names[name])  # type: ignore[attr-defined]
    return first.query(f"{names[next(iter(frames))]}_", sql.format(**names))  # type: ignore[attr-defined]
