"""The buttons on a task's page: where MLflow shows what the task made, or asks of."""

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperator, BaseOperatorLink

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey

RUN, VERSION = "MLflow run", "MLflow model version"


class RunLink(BaseOperatorLink):
    """The run that trained a model; there is no button where no model was made, or MLflow has no server."""

    name = RUN

    def get_link(self, operator: BaseOperator, *, ti_key: "TaskInstanceKey") -> str:
        """The page that the task has found."""
        return str(getattr(operator, "page", None) or "")


class VersionLink(BaseOperatorLink):
    """The version that is asked of; it is there while somebody thinks."""

    name = VERSION

    def get_link(self, operator: BaseOperator, *, ti_key: "TaskInstanceKey") -> str:
        """The page that the task has found."""
        return str(getattr(operator, "page", None) or "")
