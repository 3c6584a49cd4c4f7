"""The task that keeps tables small: what `lakeline upkeep` does."""

import logging
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator, Context

from dags.bridge import connection
from dags.bridge.errors import worded

if TYPE_CHECKING:
    from assets.tending import Tended

_log = logging.getLogger("lakeline")


class TendTables(BaseOperator):
    """Puts small files together and removes old ones of tables; what somebody needs stays readable."""

    template_fields: Sequence[str] = ()
    ui_color = "#e8efe4"

    def __init__(self, *, selection: str, older_than: timedelta, **named: Any) -> None:
        super().__init__(**named)
        self.selection, self.older_than = selection, older_than

    def execute(self, context: Context) -> Sequence[Mapping[str, object]]:
        """What was done for each table; fails with the first table's error, after all were tended."""
        from assets.tending import Tender

        with worded():
            connection.lend()
            done = Tender.from_env(_log.info).run(self.selection, grace=self.older_than)
            told = [_told(table) for table in done.tables]
            if errors := [table.error for table in done.tables if table.error is not None]:
                raise errors[0]
            return told


def _told(table: "Tended") -> Mapping[str, object]:
    """Tells the log what was done for a table."""
    _log.info("%s: %s files put together, %s old ones removed", table.key, table.compacted.files, table.removed.files)
    for text in (*table.lost, table.note):
        if text:
            _log.warning("%s: %s", table.key, text)
    return {"table": table.key, "compacted": table.compacted.files, "removed": table.removed.files}
